#include <algorithm>
#include <set>

#include "backward/linear.h"
#include "backward/normalise.h"
#include "backward/relevance.h"
#include "tensor/error.h"

// Relevance through layers without weights: activations, sums, averages, gates, normalisations.
namespace ks::backward {

namespace {

using graph::Node;

bool is_constant(const Pass& pass, const std::string& tensor) {
  return !pass.wants(tensor);
}

int64_t values_per_sample(const Pass& pass, const std::string& tensor) {
  const Shape& s = pass.shape(tensor);
  return s.size() < 2 ? 1 : element_count(Shape(s.begin() + 1, s.end()));
}

/// 2: comes from a sigmoid or softmax, 1: from another function with bounds, 0: neither.
int boundedness(const Pass& pass, std::string tensor) {
  static const std::set<std::string> strong = {"Sigmoid", "HardSigmoid", "Softmax"}, weak = {"Tanh", "Erf"};
  static const std::set<std::string> scaling = {"Add", "Sub", "Mul", "Div"};
  static const std::set<std::string> moving = {"Reshape",   "Flatten", "Squeeze",  "Unsqueeze", "Expand",
                                               "Transpose", "Resize",  "Identity", "Dropout"};
  for (;;) {
    const Node* node = pass.forward().producer(tensor);
    if (!node) return 0;
    if (strong.count(node->op)) return 2;
    if (weak.count(node->op) || (node->op == "Clip" && node->has_input(1) && node->has_input(2))) return 1;
    if (moving.count(node->op)) {
      tensor = node->inputs[0];
    } else if (scaling.count(node->op) && is_constant(pass, node->inputs[0]) != is_constant(pass, node->inputs[1])) {
      tensor = node->inputs[is_constant(pass, node->inputs[0]) ? 1 : 0];
    } else {
      return 0;
    }
  }
}

/// All relevance to one operand of a broadcasting node, summed over what it was repeated along.
void give(Pass& pass, const Node& node, const std::string& operand, const std::string& r) {
  Node sum = node;
  sum.op = "Add";
  sum.inputs = {operand};
  for (const auto& [input, value] : pass.gradients_of(sum, r)) pass.send(input, value);
}

/// Shares by value: for every input a of a map that is linear in it, a * (op' (R / S(z))).
void by_value(Pass& pass, const Node& node, const std::string& r, const std::string& z, float stabilizer) {
  const std::string c = pass.add("Div", {r, stabilized(pass, z, stabilizer)});
  for (const auto& [input, gradient] : pass.gradients_of(node, c))
    pass.send(input, pass.add("Mul", {input, gradient}), Support::nonzero);
}

void activation(Pass& pass, const Node& node, const std::string& r) {
  const bool relu = node.op == "Relu" && pass.support(node.outputs[0]) != Support::anywhere;
  pass.send(node.inputs[0], r, relu ? Support::positive : Support::anywhere);
}

void sum(Pass& pass, const Node& node, const std::string& r, const Rule& rule) {
  std::vector<std::string> computed;
  for (const std::string& i : node.inputs)
    if (!is_constant(pass, i)) computed.push_back(i);
  if (rule.use_bias || computed.size() == node.inputs.size())
    return by_value(pass, node, r, node.outputs[0], rule.stabilizer);
  // An added constant is a bias.
  if (computed.size() == 1) return give(pass, node, computed[0], r);
  Node rest = node;
  rest.inputs = computed;
  by_value(pass, rest, r, pass.add(node.op, computed), rule.stabilizer);
}

void product(Pass& pass, const Node& node, const std::string& r, const Rule& rule) {
  const std::string &a = node.inputs[0], &b = node.inputs[1];
  if (is_constant(pass, a)) return give(pass, node, b, r);
  if (is_constant(pass, b)) return give(pass, node, a, r);
  const std::string half = pass.add("Mul", {r, pass.builder().scalar(0.5f)});
  if (node.op == "MatMul") return by_value(pass, node, half, node.outputs[0], rule.stabilizer);
  const int gate = gate_of(pass, node);
  if (gate >= 0) return give(pass, node, gate == 0 ? b : a, r);
  give(pass, node, a, half);
  give(pass, node, b, half);
}

void normalisation(Pass& pass, const Node& node, const std::string& r, const Rule& rule) {
  const std::string &x = node.inputs[0], &y = node.outputs[0];
  // Without a shift each value only is scaled; the local response normalisation never has one.
  if (rule.kind == RuleKind::pass || !rule.use_bias || node.op == "LRN") return pass.send(x, r);
  if (!Standardisation::covers(node)) return by_value(pass, node, r, y, rule.stabilizer);
  const Standardisation s(pass, node);
  const std::string own = s.scaled(pass.add("Mul", {x, s.parts(x).reciprocal}));
  const std::string share = pass.add("Div", {own, stabilized(pass, y, rule.stabilizer)});
  pass.send(x, pass.add("Mul", {r, share}));
}

}  // namespace

LayerKind kind_of(const Pass& pass, const Node& node) {
  static const std::map<std::string, LayerKind> kinds = [] {
    std::map<std::string, LayerKind> out;
    const auto put = [&](LayerKind kind, const std::vector<std::string>& ops) {
      for (const std::string& op : ops) out[op] = kind;
    };
    put(LayerKind::activation,
        {"Relu",       "LeakyRelu",      "PRelu",       "Elu",       "Selu", "Celu",     "Gelu",       "Erf",
         "Clip",       "Sigmoid",        "HardSigmoid", "HardSwish", "Tanh", "Softplus", "Softsign",   "Softmax",
         "LogSoftmax", "Mish",           "Exp",         "Log",       "Sqrt", "Pow",      "Reciprocal", "Abs",
         "Neg",        "ThresholdedRelu"});
    put(LayerKind::sum, {"Add", "Sub", "Sum", "Mean"});
    put(LayerKind::average_pool, {"AveragePool", "GlobalAveragePool", "ReduceMean", "ReduceSum", "Resize"});
    put(LayerKind::max_pool, {"MaxPool", "GlobalMaxPool", "ReduceMax"});
    put(LayerKind::normalisation, {"BatchNormalization", "LayerNormalization", "InstanceNormalization", "LRN"});
    put(LayerKind::product, {"Mul", "Div", "MatMul"});
    return out;
  }();
  if (is_linear_layer(pass, node))
    return node.op == "Conv" || node.op == "ConvTranspose" ? LayerKind::convolution : LayerKind::dense;
  const auto it = kinds.find(node.op);
  return it == kinds.end() ? LayerKind::other : it->second;
}

int gate_of(const Pass& pass, const Node& node) {
  if (node.op == "Div") return 1;
  const int a = boundedness(pass, node.inputs[0]), b = boundedness(pass, node.inputs[1]);
  if (a != b) return a > b ? 0 : 1;
  const int64_t values_a = values_per_sample(pass, node.inputs[0]), values_b = values_per_sample(pass, node.inputs[1]);
  if (values_a != values_b) return values_a < values_b ? 0 : 1;
  return -1;
}

void relevance_without_weights(Pass& pass, const Node& node, LayerKind kind, const std::string& r, const Rule& rule) {
  switch (kind) {
    case LayerKind::activation:
      return activation(pass, node, r);
    case LayerKind::sum:
      return sum(pass, node, r, rule);
    case LayerKind::average_pool:
      return by_value(pass, node, r, node.outputs[0], rule.stabilizer);
    case LayerKind::product:
      return product(pass, node, r, rule);
    case LayerKind::normalisation:
      return normalisation(pass, node, r, rule);
    default:
      return by_gradient(pass, node, kind, r);
  }
}

void by_gradient(Pass& pass, const Node& node, LayerKind kind, const std::string& r) {
  static const std::set<std::string> moving = {"Reshape",  "Flatten", "Squeeze", "Unsqueeze", "Transpose",
                                               "Identity", "Dropout", "Concat",  "Slice",     "Pad"};
  const bool moves = kind == LayerKind::max_pool || moving.count(node.op);
  if (!moves) return gradient_rule(pass, node, r);
  for (const auto& [input, value] : pass.gradients_of(node, r)) pass.send(input, value, pass.support(node.outputs[0]));
}

}  // namespace ks::backward

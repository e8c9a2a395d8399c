#include "backward/relevance.h"

#include <algorithm>

#include "backward/linear.h"
#include "tensor/error.h"

// All weight-sharing rules have one lowering. A layer's contributions are split into the positive ones, P = a+ w+ + a- w-,
// and the negative ones, N = a+ w- + a- w+. A rule turns (P, N, b) and the relevance R into two coefficient maps (cP, cN);
// the relevance of the input is a+ (w+' cP + w-' cN) + a- (w-' cP + w+' cN). Where a >= 0 is known, the terms with a- vanish.
namespace ks::backward {

namespace {

using graph::Node;

/// S(z) for a z whose sign is unknown.
std::string stabilized(Pass& pass, const std::string& z, float stabilizer) {
  graph::Builder& b = pass.builder();
  const std::string offset = pass.add("Where", {pass.add("Less", {z, b.scalar(0)}), b.scalar(-stabilizer), b.scalar(stabilizer)});
  return pass.add("Add", {z, offset});
}

Tensor shifted(Tensor t, float by) {
  for (float& v : t.data) v += by;
  return t;
}

/// A linear layer with its input and weights split by sign.
class Split {
 public:
  Split(Pass& pass, const Linear& layer)
      : pass_(pass), layer_(layer), positive_(positive_part(layer.weights())), negative_(negative_part(layer.weights())) {
    signed_ = !pass.never_negative(layer.input());
    if (!signed_) return;
    above_ = pass.add("Relu", {layer.input()});
    below_ = pass.add("Sub", {layer.input(), above_});
    if (joinable()) both_ = pass.add("Concat", {above_, below_}, {{"axis", int64_t{1}}});
  }

  /// P (or N, for `positive` = false) plus a bias per output.
  std::string contributions(bool positive, const Tensor& bias) const {
    const Tensor &same = positive ? positive_ : negative_, &other = positive ? negative_ : positive_;
    if (!signed_) return layer_.apply(layer_.input(), same, bias);
    if (joinable()) return layer_.apply(both_, join(same, other, 1), bias);
    return pass_.add("Add", {layer_.apply(above_, same, bias), layer_.apply(below_, other, {})});
  }

  /// P and N, each with its bias, from one convolution where the layer allows.
  std::pair<std::string, std::string> both(const Tensor& positive_bias, const Tensor& negative_bias) const {
    if (!joinable()) return {contributions(true, positive_bias), contributions(false, negative_bias)};
    const Tensor bias = concatenate({positive_bias, negative_bias});
    const Tensor weights = signed_ ? join(join(positive_, negative_, 1), join(negative_, positive_, 1), 0)
                                   : join(positive_, negative_, 0);
    const std::string z = layer_.apply(signed_ ? both_ : layer_.input(), weights, bias);
    const int64_t outputs = layer_.weights().dim(0);
    graph::Builder& b = pass_.builder();
    return {pass_.add("Slice", {z, b.ints({0}), b.ints({outputs}), b.ints({1})}),
            pass_.add("Slice", {z, b.ints({outputs}), b.ints({2 * outputs}), b.ints({1})})};
  }

  /// Relevance of the input from the coefficients of the positive and of the negative contributions; either may be empty (0).
  std::string relevance(const std::string& cp, const std::string& cn) const {
    if (!signed_) return pass_.add("Mul", {layer_.input(), back(cp, cn, positive_, negative_)});
    if (joinable()) {
      const Tensor p = join(positive_, negative_, 1), n = join(negative_, positive_, 1);
      const std::string product = pass_.add("Mul", {both_, back(cp, cn, p, n)});
      graph::Builder& b = pass_.builder();
      const int64_t channels = layer_.weights().dim(1);
      return pass_.add("Add", {pass_.add("Slice", {product, b.ints({0}), b.ints({channels}), b.ints({1})}),
                               pass_.add("Slice", {product, b.ints({channels}), b.ints({2 * channels}), b.ints({1})})});
    }
    return pass_.add("Add", {pass_.add("Mul", {above_, back(cp, cn, positive_, negative_)}),
                             pass_.add("Mul", {below_, back(cp, cn, negative_, positive_)})});
  }

 private:
  bool joinable() const { return layer_.groups() == 1; }

  /// p' cp + n' cn, as one transposed layer over the stacked coefficients where possible.
  std::string back(const std::string& cp, const std::string& cn, const Tensor& p, const Tensor& n) const {
    if (cn.empty()) return layer_.transpose(cp, p);
    if (cp.empty()) return layer_.transpose(cn, n);
    if (joinable())
      return layer_.transpose(pass_.add("Concat", {cp, cn}, {{"axis", int64_t{1}}}), join(p, n, 0));
    return pass_.add("Add", {layer_.transpose(cp, p), layer_.transpose(cn, n)});
  }

  Pass& pass_;
  const Linear& layer_;
  Tensor positive_, negative_;
  bool signed_ = false;
  std::string above_, below_, both_;
};

void epsilon(Pass& pass, const Linear& layer, const std::string& r, const Rule& rule) {
  const std::string z = rule.use_bias ? layer.output() : layer.apply(layer.input(), layer.weights(), {});
  const std::string c = pass.add("Div", {r, stabilized(pass, z, rule.stabilizer)});
  pass.send(layer.input(), pass.add("Mul", {layer.input(), layer.transpose(c, layer.weights())}));
}

// P >= 0 and N <= 0 always, so that their stabilizer has a known sign and rides on the bias.
void z_plus(Pass& pass, const Linear& layer, const Tensor& bias, const std::string& r, const Rule& rule) {
  const Split split(pass, layer);
  const std::string p = split.contributions(true, shifted(positive_part(bias), rule.stabilizer));
  pass.send(layer.input(), split.relevance(pass.add("Div", {r, p}), ""));
}

void alpha_beta(Pass& pass, const Linear& layer, const Tensor& bias, const std::string& r, const Rule& rule) {
  const Split split(pass, layer);
  const auto [p, n] = split.both(shifted(positive_part(bias), rule.stabilizer), shifted(negative_part(bias), -rule.stabilizer));
  graph::Builder& b = pass.builder();
  const std::string cp = pass.add("Div", {rule.alpha == 1 ? r : pass.add("Mul", {r, b.scalar(rule.alpha)}), p});
  if (rule.beta == 0) return pass.send(layer.input(), split.relevance(cp, ""));
  const std::string cn = pass.add("Div", {pass.add("Mul", {r, b.scalar(-rule.beta)}), n});
  pass.send(layer.input(), split.relevance(cp, cn));
}

void gamma(Pass& pass, const Linear& layer, const Tensor& bias, const std::string& r, const Rule& rule) {
  const Split split(pass, layer);
  graph::Builder& b = pass.builder();
  const std::string g = b.scalar(rule.gamma), zero = b.scalar(0), one_plus = b.scalar(1 + rule.gamma);
  const auto [p, n] = split.both(positive_part(bias), negative_part(bias));  // with their biases
  // What the network itself computes tells the sign and is exact where P + N cancels.
  const std::string& z = layer.output();
  const std::string total = rule.use_bias ? z : pass.add("Add", {p, n});
  const auto share = [&](const char* compare, const std::string& part, float stabilizer) {
    // Outputs of the other sign divide by 1 and are then left out, so that no infinity arises.
    const std::string active = pass.add(compare, {z, zero});
    const std::string whole = pass.add("Add", {pass.add("Add", {total, pass.add("Mul", {part, g})}), b.scalar(stabilizer)});
    const std::string divisor = pass.add("Where", {active, whole, b.scalar(1)});
    return pass.add("Div", {pass.add("Where", {active, r, zero}), divisor});
  };
  const std::string above = share("Greater", p, rule.stabilizer), below = share("Less", n, -rule.stabilizer);
  const std::string cp = pass.add("Add", {pass.add("Mul", {above, one_plus}), below});
  const std::string cn = pass.add("Add", {above, pass.add("Mul", {below, one_plus})});
  pass.send(layer.input(), split.relevance(cp, cn));
}

void z_box(Pass& pass, const Linear& layer, const std::string& r, const Rule& rule) {
  graph::Builder& b = pass.builder();
  // The bounds as pictures: zero padding then leaves them out beyond the border, as it does the real pixels.
  Shape one = pass.shape(layer.input());
  one[0] = 1;
  const std::string low = pass.constant(Tensor(one, rule.low)), high = pass.constant(Tensor(one, rule.high));
  const Tensor positive = positive_part(layer.weights()), negative = negative_part(layer.weights());
  const std::string plain = layer.apply(layer.input(), layer.weights(), {});
  const std::string bounds =
      pass.add("Add", {layer.apply(low, positive, {}), layer.apply(high, negative, {})});  // folded at load time
  const std::string c = pass.add("Div", {r, stabilized(pass, pass.add("Sub", {plain, bounds}), rule.stabilizer)});
  const std::string own = pass.add("Mul", {layer.input(), layer.transpose(c, layer.weights())});
  const std::string below = pass.add("Mul", {layer.transpose(c, positive), b.scalar(rule.low)});
  const std::string above = pass.add("Mul", {layer.transpose(c, negative), b.scalar(rule.high)});
  pass.send(layer.input(), pass.add("Sub", {own, pass.add("Add", {below, above})}));
}

void flat(Pass& pass, const Linear& layer, const std::string& r, const Rule& rule) {
  Tensor counts = layer.window_counts();
  for (float& v : counts.data) v = 1 / (v * static_cast<float>(layer.weights().dim(1)) + rule.stabilizer);
  const std::string c = pass.add("Mul", {r, pass.constant(counts)});
  Shape repeat = pass.shape(layer.input());
  repeat[0] = 1;
  const std::string share = layer.groups() == 1 ? layer.transpose_ones(c)
                                                : layer.transpose(c, Tensor(layer.weights().shape, 1.0f));
  pass.send(layer.input(), pass.add("Expand", {share, pass.builder().ints(repeat)}));
}

void linear_layer(Pass& pass, const Node& node, const std::string& r, const Rule& rule) {
  const Linear layer(pass, node);
  const Tensor bias = rule.use_bias ? layer.bias() : Tensor(layer.bias().shape);
  switch (rule.kind) {
    case RuleKind::epsilon: return epsilon(pass, layer, r, rule);
    case RuleKind::z_plus: return z_plus(pass, layer, bias, r, rule);
    case RuleKind::alpha_beta: return alpha_beta(pass, layer, bias, r, rule);
    case RuleKind::gamma: return gamma(pass, layer, bias, r, rule);
    case RuleKind::z_box: return z_box(pass, layer, r, rule);
    case RuleKind::flat: return flat(pass, layer, r, rule);
    default: return gradient_rule(pass, node, r);
  }
}

/// Shares by value: for every input a of a linear op without weights, a * (op' (R / S(out))).
void norm(Pass& pass, const Node& node, const std::string& r, const Rule& rule) {
  const std::string c = pass.add("Div", {r, stabilized(pass, node.outputs[0], rule.stabilizer)});
  for (const auto& [input, gradient] : pass.gradients_of(node, c)) pass.send(input, pass.add("Mul", {input, gradient}));
}

bool is_activation(const std::string& op) {
  static const std::vector<std::string> ops = {"Relu", "LeakyRelu", "Elu", "Sigmoid", "Tanh", "Clip"};
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

}  // namespace

std::string first_layer(const Pass& pass, bool or_dense) {
  for (const Node& node : pass.forward().nodes)
    if (is_linear_layer(pass, node) && (node.op == "Conv" || or_dense)) return node.outputs[0];
  return "";
}

Rule rule_of(const Composite& composite, const Pass& pass, const Node& node, const std::string& first) {
  if (is_linear_layer(pass, node)) {
    if (node.outputs[0] == first) return composite.first;
    return node.op == "Conv" ? composite.convolution : composite.dense;
  }
  if (is_activation(node.op)) return composite.activation;
  if (node.op == "Add" || node.op == "Sum") return composite.sum;
  if (node.op == "AveragePool" || node.op == "GlobalAveragePool") return composite.average_pool;
  if (node.op == "BatchNormalization") {  // one that could not be merged: shares by value, like any affine map
    Rule rule;
    rule.kind = RuleKind::norm;
    return rule;
  }
  return Rule{};
}

void relevance_rule(Pass& pass, const Node& node, const std::string& relevance, const Rule& rule) {
  if (is_linear_layer(pass, node)) return linear_layer(pass, node, relevance, rule);
  switch (rule.kind) {
    case RuleKind::pass: return pass.send(node.inputs[0], relevance);
    case RuleKind::norm: return norm(pass, node, relevance, rule);
    case RuleKind::gradient: return gradient_rule(pass, node, relevance);
    default:
      throw Error("node '" + node.name + "' (" + node.op + ") cannot take a rule for layers with weights", pass.where());
  }
}

}  // namespace ks::backward

#include "backward/fullgrad.h"

#include <algorithm>
#include <set>

#include "backward/attribution.h"
#include "backward/explainer.h"
#include "backward/linear.h"
#include "backward/upsample.h"
#include "tensor/error.h"

namespace ks::backward {

namespace {

using graph::Node;

constexpr float smallest_peak = 1e-30f;  // keeps 0 / 0 at 0

/// f(t z) = t f(z) for t > 0: no bias in them, neither given nor implicit.
const std::set<std::string> homogeneous = {
    "Relu",          "LeakyRelu", "PRelu",      "MaxPool",   "AveragePool", "GlobalAveragePool",
    "GlobalMaxPool", "Concat",    "Split",      "Slice",     "Pad",         "Transpose",
    "Reshape",       "Flatten",   "Squeeze",    "Unsqueeze", "Gather",      "Expand",
    "Neg",           "Abs",       "ReduceMean", "ReduceSum", "ReduceMax",   "Resize",
    "ReduceMin",     "Tile",      "Cast",       "Mean",      "Identity",    "Dropout"};

/// bias x gradient at the node's output, of the output's shape (or one that broadcasts to it); empty where there is
/// none.
std::string bias_term(Pass& pass, const Node& node, const std::string& g) {
  graph::Builder& b = pass.builder();
  const std::string& y = node.outputs[0];
  if (is_linear_layer(pass, node)) {
    const Linear layer(pass, node);
    const auto& bias = layer.bias().data;
    const bool none = std::all_of(bias.begin(), bias.end(), [](float v) { return v == 0; });
    return none ? "" : pass.add("Mul", {g, layer.per_output(layer.bias())});
  }
  if (homogeneous.count(node.op)) return "";
  const auto constant = [&](size_t i) { return !pass.wants(node.inputs.at(i)); };
  if (node.op == "Add" || node.op == "Sub" || node.op == "Sum") {
    std::string sum;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!constant(i)) continue;
      std::string part = pass.add("Mul", {g, node.inputs[i]});
      if (node.op == "Sub" && i == 1) part = pass.add("Neg", {part});
      sum = sum.empty() ? part : pass.add("Add", {sum, part});
    }
    return sum;
  }
  // Products of two computed tensors have degree 2: f - f'z = -f. Of a quotient the degree is 0, of a reciprocal -1.
  if (node.op == "Mul" || node.op == "MatMul")
    return constant(0) || constant(1) ? "" : pass.add("Mul", {g, pass.add("Neg", {y})});
  if (node.op == "Div") {
    if (constant(1)) return "";
    return pass.add("Mul", {g, constant(0) ? pass.add("Mul", {y, b.scalar(2)}) : y});
  }
  const std::string& x = node.inputs.at(0);
  if (pass.shape(x) != pass.shape(y))
    throw Error("node '" + node.name + "' (" + node.op + ") has no bias term in FullGrad", pass.where());
  std::string implicit = pass.add("Mul", {g, y});
  for (const auto& [input, gradient] : pass.gradients_of(node, g))
    implicit = pass.add("Sub", {implicit, pass.add("Mul", {gradient, input})});
  return implicit;
}

/// The paper's map of one layer's terms, [N,C,h,w], before upsampling: [N,1,h,w].
std::string layer_map(Pass& pass, std::string term, FullGradMap map) {
  if (map != FullGradMap::signed_) term = pass.add("Abs", {term});
  if (map == FullGradMap::rescaled) {
    term = pass.add("Sub", {term, pass.reduce("ReduceMin", term, {1, 2, 3})});
    const std::string peak =
        pass.add("Add", {pass.reduce("ReduceMax", term, {1, 2, 3}), pass.builder().scalar(smallest_peak)});
    term = pass.add("Div", {term, peak});
  }
  return pass.reduce("ReduceSum", term, {1});
}

}  // namespace

graph::Model fullgrad_model(const graph::Model& forward, const Shape& input_shape, FullGradMap map, Backend backend,
                            const std::string& where) {
  Pass pass(forward, input_shape, backend, where);
  const int64_t height = input_shape.at(2), width = input_shape.at(3);
  const std::string input = forward.inputs.at(0).name;
  add_seed(pass);
  const std::string gradient =
      pass.run(forward.outputs.at(0).name, seed_input, input, [](const Node&) -> Pass::Rule { return gradient_rule; });
  std::string sum = layer_map(pass, pass.add("Mul", {gradient, input}), map);
  const std::set<std::string> last = channels_last(forward);
  const auto& collected = pass.collected();
  for (const Node& node : forward.nodes) {
    const auto g = node.outputs.empty() ? collected.end() : collected.find(node.outputs[0]);
    if (g == collected.end() || !pass.wants(node.outputs[0])) continue;
    std::string term = bias_term(pass, node, g->second);
    if (term.empty()) continue;
    const Shape& shape = pass.shape(node.outputs[0]);
    if (shape.size() == 4) {
      const bool turned = last.count(node.outputs[0]) > 0;
      if (turned) term = pass.add("Transpose", {term}, {{"perm", std::vector<int64_t>{0, 3, 1, 2}}});
      const std::string small = layer_map(pass, term, map);
      const std::string part = upsample(pass, small, shape[turned ? 1 : 2], shape[turned ? 2 : 3], height, width,
                                        map == FullGradMap::signed_);
      sum = pass.add("Add", {sum, part});
    } else if (map == FullGradMap::signed_) {
      const std::string rows = pass.add("Flatten", {term}, {{"axis", int64_t{1}}});
      const std::string share = pass.add("Mul", {pass.reduce("ReduceSum", rows, {1}),
                                                 pass.builder().scalar(1.0f / static_cast<float>(height * width))});
      sum = pass.add("Add", {sum, pass.add("Reshape", {share, pass.builder().ints({-1, 1, 1, 1})})});
    }
  }
  return finish(pass, sum, 1);
}

}  // namespace ks::backward

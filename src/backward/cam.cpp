#include "backward/cam.h"

#include <algorithm>

#include "backward/attribution.h"
#include "backward/explainer.h"
#include "backward/upsample.h"
#include "tensor/error.h"

namespace ks::backward {

namespace {

constexpr int squarings = 10;       // of the Gram matrix: as many as 1024 steps of the power iteration
constexpr float smallest = 1e-20f;  // keeps 0 / 0 at 0, far below any activation that matters

/// sum over channels of weights * A; [N,C,1,1] or [N,C,h,w] times [N,C,h,w] gives [N,1,h,w].
std::string weighted_sum(Pass& pass, const std::string& weights, const std::string& activation) {
  return pass.reduce("ReduceSum", pass.add("Mul", {weights, activation}), {1});
}

std::string gradient_map(Pass& pass, const CamOptions& options) {
  const std::string& a = options.layer;
  const std::string g = pass.run(pass.model().outputs.at(0).name, seed_input, a,
                                 [](const graph::Node&) -> Pass::Rule { return gradient_rule; });
  if (options.kind == CamKind::grad_cam) return weighted_sum(pass, pass.reduce("ReduceMean", g, {2, 3}), a);
  const std::string positive = pass.add("Relu", {g});
  if (options.kind == CamKind::layer_cam) return weighted_sum(pass, positive, a);
  // g^2 / (2 g^2 + g^3 sum A) without the powers, which would underflow; where g <= 0 the product is 0 in any case.
  graph::Builder& b = pass.builder();
  const std::string below =
      pass.add("Add", {b.scalar(2), pass.add("Mul", {positive, pass.reduce("ReduceSum", a, {2, 3})})});
  const std::string near_zero = pass.add("Less", {pass.add("Abs", {below}), b.scalar(1e-6f)});
  const std::string shares = pass.add("Div", {positive, pass.add("Where", {near_zero, b.scalar(1), below})});
  return weighted_sum(pass, pass.reduce("ReduceSum", shares, {2, 3}), a);
}

/// x / max |x| of each sample, over axes 1 and 2.
std::string scaled_to_one(Pass& pass, const std::string& x) {
  const std::string peak = pass.reduce("ReduceMax", pass.add("Abs", {x}), {1, 2});
  return pass.add("Div", {x, pass.add("Add", {peak, pass.builder().scalar(smallest)})});
}

/// A v for the first right singular vector v of A [positions, channels], by squaring the smaller Gram matrix until only
/// its first eigenvector is left. Of the two signs of v the one whose map has a sum that is not negative.
std::string eigen_map(Pass& pass, const std::string& activation) {
  const Shape& s = pass.shape(activation);
  const int64_t channels = s[1], positions = s[2] * s[3];
  graph::Builder& b = pass.builder();
  const std::string rows = pass.add("Reshape", {activation, b.ints({-1, channels, positions})});  // A transposed
  const std::string small = scaled_to_one(pass, rows);
  const graph::Builder::Attributes swap = {{"perm", std::vector<int64_t>{0, 2, 1}}};
  const std::string turned = pass.add("Transpose", {small}, swap);
  const bool by_channel = channels <= positions;
  std::string power = by_channel ? pass.add("MatMul", {small, turned}) : pass.add("MatMul", {turned, small});
  power = scaled_to_one(pass, power);
  for (int i = 0; i < squarings; ++i) power = scaled_to_one(pass, pass.add("MatMul", {power, power}));
  // The power is now e e^T for its first eigenvector e. Times y it is e <e,y>; y is chosen so that the map's sum has
  // the sign of <e,y>^2: by channel e is v itself and y the sum over positions, by position v = A^T e and y is all
  // ones.
  std::string v;
  if (by_channel) {
    v = pass.add("MatMul", {power, pass.add("MatMul", {small, pass.constant(Tensor({1, positions, 1}, 1.0f))})});
  } else {
    v = pass.add("MatMul", {small, pass.add("MatMul", {power, pass.constant(Tensor({1, positions, 1}, 1.0f))})});
  }
  const std::string norm = pass.add("Sqrt", {pass.reduce("ReduceSum", pass.add("Mul", {v, v}), {1, 2})});
  const std::string unit = pass.add("Div", {v, pass.add("Add", {norm, b.scalar(smallest)})});
  const std::string map = pass.add("MatMul", {pass.add("Transpose", {rows}, swap), unit});
  return pass.add("Reshape", {map, b.ints({-1, 1, s[2], s[3]})});
}

std::string guided_backprop(Pass& pass) {
  return pass.run(pass.model().outputs.at(0).name, seed_input, pass.model().inputs.at(0).name,
                  [](const graph::Node& node) -> Pass::Rule {
                    if (node.op != "Relu") return gradient_rule;
                    return [](Pass& p, const graph::Node& n, const std::string& g) {
                      relu_rule(p, n, g, ReluRule::guided);
                    };
                  });
}

}  // namespace

std::string last_feature_map(const graph::Model& forward, const graph::Shapes& shapes) {
  static const std::set<std::string> skipped = {"MaxPool", "AveragePool", "Identity", "Dropout", "Pad"};
  std::set<std::string> needed = {forward.outputs.at(0).name};
  const std::set<std::string> last = channels_last(forward);
  std::set<std::string> computed = {forward.inputs.at(0).name};  // from the image
  for (const graph::Node& node : forward.nodes)
    if (std::any_of(node.inputs.begin(), node.inputs.end(), [&](const auto& i) { return computed.count(i) > 0; }))
      computed.insert(node.outputs.begin(), node.outputs.end());
  for (size_t i = forward.nodes.size(); i-- > 0;) {
    const graph::Node& node = forward.nodes[i];
    if (std::none_of(node.outputs.begin(), node.outputs.end(), [&](const auto& o) { return needed.count(o) > 0; }))
      continue;
    const auto shape = shapes.find(node.outputs[0]);
    const bool spatial = shape != shapes.end() && shape->second.size() == 4 &&
                         shape->second[2] * shape->second[3] > 1 && computed.count(node.outputs[0]) &&
                         !last.count(node.outputs[0]);
    if (spatial && !skipped.count(node.op)) return node.outputs[0];
    needed.insert(node.inputs.begin(), node.inputs.end());
  }
  return "";
}

graph::Model cam_model(const graph::Model& forward, const Shape& input_shape, const CamOptions& options,
                       Backend backend, const std::string& where) {
  Pass pass(forward, input_shape, backend, where);
  const Shape layer = pass.shape(options.layer);
  add_seed(pass);
  std::string map = options.kind == CamKind::eigen_cam ? eigen_map(pass, options.layer) : gradient_map(pass, options);
  if (options.relu) map = pass.add("Relu", {map});
  map = upsample(pass, map, layer.at(2), layer.at(3), input_shape.at(2), input_shape.at(3));
  if (!options.guided) return finish(pass, map, 1);
  return finish(pass, pass.add("Mul", {guided_backprop(pass), map}), input_shape.at(1));
}

}  // namespace ks::backward

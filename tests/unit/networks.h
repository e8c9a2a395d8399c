#pragma once
#include <string>
#include <vector>

#include "graph/builder.h"
#include "graph/shapes.h"
#include "graph/simplify.h"
#include "tensor/random.h"

namespace ks::test {

inline Tensor random_tensor(Random& random, const Shape& shape, double scale = 1) {
  Tensor t(shape);
  for (float& v : t.data) v = static_cast<float>(scale * random.normal());
  return t;
}

/// A classifier under construction: layers on top of "input" [N,C,H,W], then a dense layer to three logits.
class Network {
 public:
  Network(uint64_t seed, int64_t channels, int64_t height, int64_t width) : random(seed), builder(model) {
    model.inputs.push_back({"input", graph::Type::f32, {{-1, "N"}, {channels, ""}, {height, ""}, {width, ""}}});
    input_shape = {-1, channels, height, width};
    builder.fresh("input");
  }

  std::string constant(const Shape& shape, double scale = 1) {
    return builder.constant(graph::Array::of(random_tensor(random, shape, scale)));
  }
  void add(const std::string& op, const std::vector<std::string>& more = {},
           graph::Builder::Attributes attributes = {}) {
    std::vector<std::string> inputs = {top};
    inputs.insert(inputs.end(), more.begin(), more.end());
    top = builder.add(op, inputs, std::move(attributes));
  }
  /// Same-padded convolution with random weights.
  void convolution(int64_t outputs, int64_t kernel, int64_t stride, bool bias) {
    const int64_t inputs = shape()[1];
    std::vector<std::string> more = {
        constant({outputs, inputs, kernel, kernel}, 1.0 / std::max<int64_t>(1, inputs * kernel))};
    if (bias) more.push_back(constant({outputs}, 0.1));
    add("Conv", more,
        {{"strides", std::vector<int64_t>{stride, stride}}, {"pads", std::vector<int64_t>(4, kernel / 2)}});
  }
  Shape shape() { return top == "input" ? input_shape : graph::infer_shapes(model, input_shape, "test").at(top); }

  graph::Model finish(bool bias) {
    if (shape().size() != 2) add("Flatten");
    std::vector<std::string> more = {constant({3, shape()[1]}, 0.3)};
    if (bias) more.push_back(constant({3}, 0.1));
    builder.add_named("Gemm", {top, more[0]}, "logits", {{"transB", int64_t{1}}});
    if (bias) model.nodes.back().inputs.push_back(more[1]);
    model.outputs.push_back({"logits", graph::Type::f32, {{-1, "N"}, {3, ""}}});
    graph::check(model, "test");
    return model;
  }

  /// The layers so far alone; the last one's tensor is the output.
  graph::Model finish_as_is() {
    model.outputs.push_back({top, graph::Type::f32, {}});
    graph::check(model, "test");
    return model;
  }

  Random random;
  graph::Model model;
  graph::Builder builder;
  Shape input_shape;
  std::string top = "input";
};

/// logits = weights x: a network whose explanations are known. `weights`: [K, channels * height * width].
inline graph::Model linear_network(int64_t channels, int64_t height, int64_t width, const Tensor& weights) {
  graph::Model model;
  model.inputs.push_back({"input", graph::Type::f32, {{-1, "N"}, {channels, ""}, {height, ""}, {width, ""}}});
  graph::Builder builder(model);
  builder.fresh("input");
  const std::string flat = builder.add("Flatten", {"input"});
  builder.add_named("Gemm", {flat, builder.constant(graph::Array::of(weights))}, "logits", {{"transB", int64_t{1}}});
  model.outputs.push_back({"logits", graph::Type::f32, {{-1, "N"}, {weights.dim(0), ""}}});
  graph::check(model, "test");
  return model;
}

}  // namespace ks::test

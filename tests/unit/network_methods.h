#pragma once
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "backward/attribution.h"
#include "backward/explainer.h"
#include "networks.h"
#include "runtime/session.h"

// What the tests of explainers through the network share.
namespace ks::test {

using Tensors = std::vector<Tensor>;

/// Logits and attribution of an explainer.
struct Explained {
  Tensor logits, attribution;
};

inline Explained run_explainer(const graph::Model& model, const Tensor& x, const Tensor& seed,
                               const Tensor* baseline = nullptr) {
  Session session(graph::write(model), {}, "test");
  std::vector<Session::Input> inputs = {{"input", &x}, {backward::seed_input, &seed}};
  if (baseline) inputs.emplace_back("explain/baseline", baseline);
  auto out = session.run(inputs, {"logits", backward::attribution_output});
  return {out[0], out[1]};
}

/// One seed of 1 a sample, at class n modulo 3.
inline Tensor class_seeds(int64_t samples) {
  Tensor seed({samples, 3});
  for (int64_t n = 0; n < samples; ++n) seed.sample(n)[n % 3] = 1;
  return seed;
}

inline double sum_of(const Tensor& t, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < t.stride(); ++i) sum += t.sample(n)[i];
  return sum;
}

inline double size_of(const Tensor& t) {
  double peak = 0;
  for (float v : t.data) peak = std::max(peak, std::fabs(static_cast<double>(v)));
  return peak;
}

/// Largest difference, in units of the largest value of `b`.
inline double difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape == b.shape);
  double worst = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    REQUIRE(std::isfinite(a.data[static_cast<size_t>(i)]));
    worst = std::max(worst,
                     std::fabs(static_cast<double>(a.data[static_cast<size_t>(i)]) - b.data[static_cast<size_t>(i)]));
  }
  return worst / (size_of(b) + 1e-30);
}

/// A squeeze-and-excitation block on top: global average, two dense 1x1 layers, a sigmoid that multiplies the channels.
inline void squeeze_and_excitation(Network& net) {
  const std::string signal = net.top;
  const int64_t channels = net.shape()[1];
  net.add("GlobalAveragePool");
  net.convolution(2, 1, 1, false);
  net.add("Relu");
  net.convolution(channels, 1, 1, false);
  net.add("Sigmoid");
  net.top = net.builder.add("Mul", {signal, net.top});
}

/// A depthwise 3x3 convolution.
inline void depthwise(Network& net, bool bias) {
  const int64_t channels = net.shape()[1];
  std::vector<std::string> more = {net.constant({channels, 1, 3, 3}, 0.5)};
  if (bias) more.push_back(net.constant({channels}, 0.1));
  net.add("Conv", more, {{"group", channels}, {"pads", std::vector<int64_t>(4, 1)}});
}

/// Stem, max-pool, residual block with squeeze-and-excitation, a concatenation of two branches, one of them depthwise,
/// a strided convolution, global average, dense. `activation` is an op.
inline graph::Model mixed_network(uint64_t seed, bool bias, const std::string& activation = "Relu") {
  Network net(seed, 3, 16, 16);
  net.convolution(6, 5, 1, bias);
  net.add(activation);
  net.add("MaxPool", {},
          {{"kernel_shape", std::vector<int64_t>{3, 3}},
           {"strides", std::vector<int64_t>{2, 2}},
           {"pads", std::vector<int64_t>(4, 1)}});
  const std::string skip = net.top;
  net.convolution(6, 3, 1, bias);
  net.add(activation);
  squeeze_and_excitation(net);
  net.add("Add", {skip});
  net.add(activation);
  const std::string trunk = net.top;
  depthwise(net, bias);
  net.add(activation);
  const std::string branch = net.top;
  net.top = trunk;
  net.add("AveragePool", {}, {{"kernel_shape", std::vector<int64_t>{3, 3}}, {"pads", std::vector<int64_t>(4, 1)}});
  net.add("Concat", {branch}, {{"axis", int64_t{1}}});
  net.convolution(8, 3, 2, bias);
  net.add(activation);
  net.add("GlobalAveragePool");
  return net.finish(bias);
}

inline const Shape mixed_shape = {-1, 3, 16, 16};

using Layer = std::function<void(Network&)>;

/// Kinds of nodes that mixed_network has not, each on top of four channels of 8x8.
inline std::vector<std::pair<std::string, Layer>> special_layers() {
  return {{"square", [](Network& n) { n.add("Mul", {n.top}); }},
          {"quotient",
           [](Network& n) {
             const std::string below = n.builder.add("Sigmoid", {n.builder.add("GlobalAveragePool", {n.top})});
             n.add("Div", {below});
           }},
          {"reciprocal",
           [](Network& n) {
             n.add("Sigmoid");
             n.top = n.builder.add("Div", {n.builder.scalar(2), n.top});
           }},
          {"softmax",
           [](Network& n) {
             n.add("Softmax", {}, {{"axis", int64_t{1}}});
           }},
          {"batch norm",
           [](Network& n) {
             n.add("Sigmoid");  // so that it cannot be merged
             n.add("BatchNormalization", {n.constant({4}), n.constant({4}), n.constant({4}),
                                          n.builder.constant(graph::Array::floats({4}, {0.5f, 1.5f, 2, 1}))});
           }},
          {"instance norm",
           [](Network& n) {
             n.add("InstanceNormalization", {n.constant({4}), n.constant({4})});
           }},
          {"layer norm",
           [](Network& n) {
             n.add("LayerNormalization", {n.constant({4, 8, 8}), n.constant({4, 8, 8})}, {{"axis", int64_t{1}}});
           }},
          {"local response norm",
           [](Network& n) {
             n.add("LRN", {}, {{"size", int64_t{3}}, {"alpha", 0.9f}, {"beta", 0.75f}, {"bias", 1.0f}});
           }},
          {"clip and shift",
           [](Network& n) {
             n.add("Clip", {n.builder.scalar(-0.2f), n.builder.scalar(0.3f)});
             n.top = n.builder.add("Sub", {n.builder.scalar(1), n.top});
           }},
          {"global max", [](Network& n) { n.add("Add", {n.builder.add("GlobalMaxPool", {n.top})}); }},
          {"transposed",
           [](Network& n) {
             n.add("ConvTranspose", {n.constant({4, 4, 2, 2})}, {{"strides", std::vector<int64_t>{2, 2}}});
           }},
          {"smooth",
           [](Network& n) {
             for (const char* op : {"Elu", "Selu", "Celu", "Softplus", "Erf", "HardSigmoid", "LeakyRelu"}) n.add(op);
           }},
          {"channels last",
           [](Network& n) {
             n.add("Transpose", {}, {{"perm", std::vector<int64_t>{0, 2, 3, 1}}});
             n.add("MatMul", {n.constant({4, 6})});
             n.add("Add", {n.constant({6})});
             n.add("LayerNormalization", {n.constant({6}), n.constant({6})}, {{"axis", int64_t{-1}}});
             n.add("Transpose", {}, {{"perm", std::vector<int64_t>{0, 3, 1, 2}}});
           }},
          {"swish", [](Network& n) { n.add("Mul", {n.builder.add("Sigmoid", {n.top})}); }},
          {"moves",
           [](Network& n) {
             graph::Builder& b = n.builder;
             const auto halves = b.add_many("Split", {n.top, b.ints({3, 1})}, 2, {{"axis", int64_t{1}}});
             const std::string wide = b.add("Expand", {b.add("GlobalAveragePool", {halves[0]}), b.ints({1, 3, 8, 8})});
             const std::string picked = b.add("Gather", {halves[0], b.ints({2, 0})}, {{"axis", int64_t{1}}});
             n.top = b.add("Concat", {wide, picked, halves[1]}, {{"axis", int64_t{1}}});
             n.add("Slice", {b.ints({1}), b.ints({7}), b.ints({2})});
             n.add("Pad", {b.ints({0, 0, 1, 1, 0, 0, 1, 1}), b.scalar(0)});
             n.add("Resize", {"", b.constant(graph::Array::floats({4}, {1, 1, 2, 2}))},
                   {{"mode", std::string("linear")}, {"coordinate_transformation_mode", std::string("half_pixel")}});
           }},
          {"means", [](Network& n) {
             const std::string mean =
                 n.builder.add("ReduceMean", {n.top}, {{"axes", std::vector<int64_t>{2, 3}}, {"keepdims", int64_t{1}}});
             n.add("Sub", {mean});
           }}};
}

/// A convolution, the layer, a convolution of stride 2, a dense layer; image [N,3,8,8].
inline graph::Model network_around(const Layer& layer, bool bias) {
  Network net(41, 3, 8, 8);
  net.convolution(4, 3, 1, bias);
  layer(net);
  net.convolution(4, 3, 2, bias);
  return net.finish(bias);
}

}  // namespace ks::test

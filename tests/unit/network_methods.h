#pragma once
#include <doctest/doctest.h>

#include <cmath>

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

inline Explained run_explainer_model(const graph::Model& model, const Tensor& x, const Tensor& seed,
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
    worst = std::max(worst, std::fabs(static_cast<double>(a.data[static_cast<size_t>(i)]) - b.data[static_cast<size_t>(i)]));
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

/// Stem, max-pool, residual block with squeeze-and-excitation, a concatenation of two branches, one of them depthwise, a
/// strided convolution, global average, dense. `activation` is an op.
inline graph::Model mixed_network(uint64_t seed, bool bias, const std::string& activation = "Relu") {
  Network net(seed, 3, 16, 16);
  net.convolution(6, 5, 1, bias);
  net.add(activation);
  net.add("MaxPool", {}, {{"kernel_shape", std::vector<int64_t>{3, 3}},
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

}  // namespace ks::test

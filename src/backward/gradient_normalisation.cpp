#include <algorithm>
#include <cmath>
#include <numeric>

#include "backward/gradient.h"

// Batch, instance and layer normalisation, and local response normalisation.
namespace ks::backward {

namespace {

using graph::Node;

/// A constant per channel of a tensor of `rank` axes.
std::string per_channel(Pass& pass, const std::vector<float>& values, size_t rank) {
  Shape shape(rank, 1);
  shape[1] = static_cast<int64_t>(values.size());
  return pass.constant(Tensor(shape, values));
}

void batch_normalization(Pass& pass, const Node& node, const std::string& g) {
  const graph::Array* scale = pass.forward().constant(node.inputs.at(1));
  const graph::Array* variance = pass.forward().constant(node.inputs.at(4));
  if (!scale || !variance) refuse(pass, node, "has statistics that are computed, not constant");
  if (node.attribute("training_mode", int64_t{0})) refuse(pass, node, "is in training mode: export the model for inference");
  std::vector<float> factor = scale->to_floats();
  const std::vector<float> v = variance->to_floats();
  for (size_t c = 0; c < factor.size(); ++c)
    factor[c] = static_cast<float>(factor[c] / std::sqrt(static_cast<double>(v[c]) + node.attribute("epsilon", 1e-5f)));
  pass.send(node.inputs[0], pass.add("Mul", {g, per_channel(pass, factor, pass.shape(node.inputs[0]).size())}));
}

/// The gradient through (x - mean) / sqrt(variance + epsilon) with both statistics taken over `axes` of x.
std::string standardised(Pass& pass, const std::string& x, const std::string& g, const std::vector<int64_t>& axes, float epsilon) {
  int64_t count = 1;
  for (int64_t a : axes) count *= pass.shape(x)[static_cast<size_t>(a)];
  const auto mean = [&](const std::string& t) { return mean_over(pass, t, axes, count); };
  const std::string centred = pass.add("Sub", {x, mean(x)});
  const std::string variance = mean(pass.add("Mul", {centred, centred}));
  const std::string deviation = pass.add("Sqrt", {pass.add("Add", {variance, pass.builder().scalar(epsilon)})});
  const std::string normal = pass.add("Div", {centred, deviation});
  const std::string along = pass.add("Mul", {normal, mean(pass.add("Mul", {g, normal}))});
  const std::string rest = pass.add("Sub", {pass.add("Sub", {g, mean(g)}), along});
  return pass.add("Div", {rest, deviation});
}

void refuse_computed_scale(Pass& pass, const Node& node) {
  for (size_t i = 1; i < node.inputs.size(); ++i)
    if (node.has_input(i) && pass.wants(node.inputs[i])) refuse(pass, node, "has a scale or shift that is computed, which is not supported");
}

void instance_normalization(Pass& pass, const Node& node, const std::string& g) {
  refuse_computed_scale(pass, node);
  const graph::Array* scale = pass.forward().constant(node.inputs.at(1));
  if (!scale) refuse(pass, node, "has a scale that is computed, not constant");
  const size_t rank = pass.shape(node.inputs[0]).size();
  std::vector<int64_t> axes(rank - 2);
  std::iota(axes.begin(), axes.end(), 2);
  const std::string scaled = pass.add("Mul", {g, per_channel(pass, scale->to_floats(), rank)});
  pass.send(node.inputs[0], standardised(pass, node.inputs[0], scaled, axes, node.attribute("epsilon", 1e-5f)));
}

void layer_normalization(Pass& pass, const Node& node, const std::string& g) {
  refuse_computed_scale(pass, node);
  const size_t rank = pass.shape(node.inputs[0]).size();
  const int64_t first = graph::front_axis(node.attribute("axis", int64_t{-1}), rank);
  std::vector<int64_t> axes(rank - static_cast<size_t>(first));
  std::iota(axes.begin(), axes.end(), first);
  const std::string scaled = pass.add("Mul", {g, node.inputs.at(1)});
  pass.send(node.inputs[0], standardised(pass, node.inputs[0], scaled, axes, node.attribute("epsilon", 1e-5f)));
}

/// The band matrix of a sum over neighbouring channels as a 1x1 convolution, times `factor`; `back` for its transpose.
std::string channel_sum(Pass& pass, const std::string& x, int64_t channels, int64_t size, float factor, bool back, float bias) {
  Tensor band({channels, channels, 1, 1});
  const int64_t before = (size - 1) / 2, after = size - 1 - before;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t k = std::max<int64_t>(0, c - before); k <= std::min(channels - 1, c + after); ++k)
      band.data[static_cast<size_t>(back ? k * channels + c : c * channels + k)] = factor;
  return pass.add("Conv", {x, pass.constant(band), pass.constant(Tensor({channels}, bias))},
                  {{"kernel_shape", std::vector<int64_t>{1, 1}}});
}

/// y = x s^-beta with s = bias + alpha / size * (sum of squares over neighbouring channels).
void local_response_normalization(Pass& pass, const Node& node, const std::string& g) {
  const Shape& in = pass.shape(node.inputs[0]);
  if (in.size() != 4) refuse(pass, node, "is not two-dimensional");
  const int64_t size = node.attribute("size", int64_t{1});
  const float alpha = node.attribute("alpha", 1e-4f), beta = node.attribute("beta", 0.75f), bias = node.attribute("bias", 1.0f);
  const float share = alpha / static_cast<float>(size);
  graph::Builder& b = pass.builder();
  const std::string &x = node.inputs[0], &y = node.outputs[0];
  const std::string s = channel_sum(pass, pass.add("Mul", {x, x}), in[1], size, share, false, bias);
  const std::string own = pass.add("Mul", {g, pass.add("Pow", {s, b.scalar(-beta)})});
  const std::string through = pass.add("Div", {pass.add("Mul", {g, y}), s});
  const std::string others = channel_sum(pass, through, in[1], size, 2 * beta * share, true, 0);
  pass.send(x, pass.add("Sub", {own, pass.add("Mul", {x, others})}));
}

}  // namespace

GradientRules normalisation_gradients() {
  return {{"BatchNormalization", batch_normalization},
          {"InstanceNormalization", instance_normalization},
          {"LayerNormalization", layer_normalization},
          {"LRN", local_response_normalization}};
}

}  // namespace ks::backward

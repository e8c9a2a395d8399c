#include <cmath>

#include "backward/gradient.h"
#include "backward/normalise.h"

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
  if (node.attribute("training_mode", int64_t{0}))
    refuse(pass, node, "is in training mode: export the model for inference");
  std::vector<float> factor = scale->to_floats();
  const std::vector<float> v = variance->to_floats();
  for (size_t c = 0; c < factor.size(); ++c)
    factor[c] = static_cast<float>(factor[c] / std::sqrt(static_cast<double>(v[c]) + node.attribute("epsilon", 1e-5f)));
  pass.send(node.inputs[0], pass.add("Mul", {g, per_channel(pass, factor, pass.shape(node.inputs[0]).size())}));
}

/// The gradient through scale (x - mean) / sqrt(variance + epsilon) + shift, both statistics taken from x.
void standardisation(Pass& pass, const Node& node, const std::string& g) {
  for (size_t i = 1; i < node.inputs.size(); ++i)
    if (node.has_input(i) && pass.wants(node.inputs[i]))
      refuse(pass, node, "has a scale or shift that is computed, which is not supported");
  const Standardisation s(pass, node);
  const auto x = s.parts(node.inputs[0]);
  const auto mean = [&](const std::string& t) { return pass.reduce("ReduceMean", t, s.axes()); };
  const std::string normal = pass.add("Mul", {x.centred, x.reciprocal}), scaled = s.scaled(g);
  const std::string along = pass.add("Mul", {normal, mean(pass.add("Mul", {scaled, normal}))});
  const std::string rest = pass.add("Sub", {pass.add("Sub", {scaled, mean(scaled)}), along});
  pass.send(node.inputs[0], pass.add("Mul", {rest, x.reciprocal}));
}

/// y = x s^-beta with s = bias + alpha / size * (sum of squares over neighbouring channels).
void local_response_normalization(Pass& pass, const Node& node, const std::string& g) {
  const Shape& in = pass.shape(node.inputs[0]);
  if (in.size() != 4) refuse(pass, node, "is not two-dimensional");
  const int64_t size = node.attribute("size", int64_t{1});
  const float alpha = node.attribute("alpha", 1e-4f), beta = node.attribute("beta", 0.75f),
              bias = node.attribute("bias", 1.0f);
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
          {"InstanceNormalization", standardisation},
          {"LayerNormalization", standardisation},
          {"LRN", local_response_normalization}};
}

}  // namespace ks::backward

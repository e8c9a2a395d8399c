#include "backward/normalise.h"

#include <algorithm>

#include "backward/gradient.h"

namespace ks::backward {

bool Standardisation::covers(const graph::Node& node) {
  return node.op == "LayerNormalization" || node.op == "InstanceNormalization";
}

Standardisation::Standardisation(Pass& pass, const graph::Node& node)
    : pass_(pass), epsilon_(node.attribute("epsilon", 1e-5f)) {
  const Shape& shape = pass.shape(node.inputs.at(0));
  const graph::Array* scale = node.has_input(1) ? pass.forward().constant(node.inputs[1]) : nullptr;
  if (node.has_input(1) && !scale) refuse(pass, node, "has a scale that is computed, not constant");
  const bool layer = node.op == "LayerNormalization";
  for (size_t a = layer ? static_cast<size_t>(graph::front_axis(node.attribute("axis", int64_t{-1}), shape.size())) : 2;
       a < shape.size(); ++a) {
    axes_.push_back(static_cast<int64_t>(a));
    count_ *= shape[a];
  }
  if (!scale) return;
  if (layer) {
    scale_ = node.inputs[1];
  } else {
    Shape broadcast(shape.size(), 1);
    broadcast.at(1) = scale->count();
    scale_ = pass.constant(scale->to_tensor().reshaped(broadcast));
  }
}

Standardisation::Parts Standardisation::parts(const std::string& x) const {
  const std::string centred = pass_.add("Sub", {x, pass_.reduce("ReduceMean", x, axes_)});
  const std::string variance = pass_.reduce("ReduceMean", pass_.add("Mul", {centred, centred}), axes_);
  const std::string deviation = pass_.add("Sqrt", {pass_.add("Add", {variance, pass_.builder().scalar(epsilon_)})});
  return {centred, pass_.add("Div", {pass_.builder().scalar(1), deviation})};
}

std::string channel_sum(Pass& pass, const std::string& x, int64_t channels, int64_t size, float factor, bool back,
                        float bias) {
  Tensor band({channels, channels, 1, 1});  // a 1x1 convolution
  const int64_t before = (size - 1) / 2, after = size - 1 - before;
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t k = std::max<int64_t>(0, c - before); k <= std::min(channels - 1, c + after); ++k)
      band.data[static_cast<size_t>(back ? k * channels + c : c * channels + k)] = factor;
  return pass.add("Conv", {x, pass.constant(band), pass.constant(Tensor({channels}, bias))},
                  {{"kernel_shape", std::vector<int64_t>{1, 1}}});
}

}  // namespace ks::backward

#include "backward/interpolation.h"

#include <algorithm>
#include <cmath>

#include "backward/gradient.h"

// After the formulas of ONNX's Resize, in float32 as ONNX Runtime computes them: ties of the nearest mode depend on it.
namespace ks::backward {

namespace {

using graph::Node;

struct Axis {
  int64_t from, to;
  float scale;
};

float source_position(const Pass& pass, const Node& node, const Axis& a, int64_t i) {
  const std::string mode = node.attribute("coordinate_transformation_mode", std::string("half_pixel"));
  const float x = static_cast<float>(i);
  if (mode == "half_pixel") return (x + 0.5f) / a.scale - 0.5f;
  if (mode == "pytorch_half_pixel") return a.to > 1 ? (x + 0.5f) / a.scale - 0.5f : 0.0f;
  if (mode == "asymmetric") return x / a.scale;
  if (mode == "align_corners")
    return a.to == 1 ? 0.0f : x * static_cast<float>(a.from - 1) / static_cast<float>(a.to - 1);
  refuse(pass, node, "resizes in coordinate mode " + mode + ", which is not supported");
}

int64_t nearest(const Pass& pass, const Node& node, float x) {
  const std::string mode = node.attribute("nearest_mode", std::string("round_prefer_floor"));
  if (mode == "floor") return static_cast<int64_t>(std::floor(x));
  if (mode == "ceil") return static_cast<int64_t>(std::ceil(x));
  const bool tie = x == std::floor(x) + 0.5f;
  if (mode == "round_prefer_floor") return static_cast<int64_t>(tie ? std::floor(x) : std::round(x));
  if (mode == "round_prefer_ceil") return static_cast<int64_t>(tie ? std::ceil(x) : std::round(x));
  refuse(pass, node, "rounds in mode " + mode + ", which is not supported");
}

/// Weight of a sample at distance d of the cubic convolution kernel with parameter a.
double cubic(double d, double a) {
  d = std::fabs(d);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((d - 5) * d + 8) * d * a - 4 * a : 0;
}

}  // namespace

Tensor interpolation_weights(const Pass& pass, const Node& node, size_t axis) {
  Axis a{pass.shape(node.inputs[0])[axis], pass.shape(node.outputs[0])[axis], 1};
  const graph::Array* scales =
      node.has_input(2) && !node.has_input(3) ? pass.forward().constant(node.inputs[2]) : nullptr;
  if (node.attribute("antialias", int64_t{0})) refuse(pass, node, "smooths before it resizes, which is not supported");
  if (scales && !node.attributes.count("axes"))
    a.scale = scales->to_floats().at(axis);
  else
    a.scale = static_cast<float>(a.to) / static_cast<float>(a.from);
  if (a.from == a.to && a.scale == 1) return {};
  const std::string mode = node.attribute("mode", std::string("nearest"));
  if (mode == "cubic" && node.attribute("exclude_outside", int64_t{0}))
    refuse(pass, node, "leaves out what lies outside, which is not supported");
  Tensor weights({a.to, a.from});
  for (int64_t i = 0; i < a.to; ++i) {
    float* row = weights.data.data() + i * a.from;
    const auto add = [&](int64_t at, double weight) {
      row[std::clamp<int64_t>(at, 0, a.from - 1)] += static_cast<float>(weight);
    };
    float x = source_position(pass, node, a, i);
    if (mode == "nearest") {
      add(nearest(pass, node, x), 1);
      continue;
    }
    if (mode == "linear") x = std::clamp(x, 0.0f, static_cast<float>(a.from - 1));
    const int64_t first = static_cast<int64_t>(std::floor(x));
    const double share = x - static_cast<float>(first);
    if (mode == "linear") {
      add(first, 1 - share);
      add(first + 1, share);
    } else {
      for (int64_t k = -1; k <= 2; ++k)
        add(first + k, cubic(share - static_cast<double>(k), node.attribute("cubic_coeff_a", -0.75f)));
    }
  }
  return weights;
}

}  // namespace ks::backward

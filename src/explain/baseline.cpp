#include <algorithm>
#include <cmath>

#include "explain/method.h"

// Explanations that explain nothing: what every method must beat.
namespace ks {

namespace {

Tensor one_channel(const ExplainRequest& r) {
  Shape shape = r.inputs.shape;
  shape[1] = 1;
  return Tensor(shape);
}

Tensor random_map(const ExplainRequest& r, const Params&) {
  Tensor out(r.inputs.shape);
  for (int64_t n = 0; n < out.dim(0); ++n) {
    Random random(r.sample_seed(n));
    random.fill_normal(out.sample(n), static_cast<size_t>(out.stride()));
  }
  return out;
}

/// Luminance (ITU-R BT.709 weights) of the picture before the model's normalisation, 0 to 1; a grey one is its own.
std::vector<float> luminance(const ExplainRequest& r, int64_t sample) {
  const Preprocessing& pre = r.classifier.preprocessing();
  const int64_t channels = r.inputs.dim(1), plane = r.inputs.dim(2) * r.inputs.dim(3);
  const float weights[3] = {0.2126f, 0.7152f, 0.0722f};
  std::vector<float> out(static_cast<size_t>(plane));
  for (int64_t c = 0; c < channels; ++c) {
    const float* x = r.inputs.sample(sample) + c * plane;
    const size_t k = static_cast<size_t>(c);
    const float weight = channels == 3 ? weights[k] : 1.0f;
    for (int64_t i = 0; i < plane; ++i) out[static_cast<size_t>(i)] += weight * (x[i] * pre.deviation[k] + pre.mean[k]);
  }
  return out;
}

/// Magnitude of the luminance's gradient by Sobel's 3x3 operator, a unit being black to white in one pixel. The
/// picture's border pixels are repeated outside.
Tensor sobel(const ExplainRequest& r, const Params&) {
  Tensor out = one_channel(r);
  const int height = r.classifier.height(), width = r.classifier.width();
  for (int64_t n = 0; n < out.dim(0); ++n) {
    const std::vector<float> grey = luminance(r, n);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const auto at = [&](int dy, int dx) {
          return grey[static_cast<size_t>(std::clamp(y + dy, 0, height - 1) * width +
                                          std::clamp(x + dx, 0, width - 1))];
        };
        const float across = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1);
        const float down = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1);
        out.sample(n)[y * width + x] = std::sqrt(across * across + down * down) / 8;
      }
  }
  return out;
}

Tensor centre(const ExplainRequest& r, const Params& p) {
  Tensor out = one_channel(r);
  const int height = r.classifier.height(), width = r.classifier.width();
  const double sigma = p.number("sigma");
  for (int64_t n = 0; n < out.dim(0); ++n)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        // Distance from the middle, as a share of each side.
        const double v = (y + 0.5) / height - 0.5, u = (x + 0.5) / width - 0.5;
        out.sample(n)[y * width + x] = static_cast<float>(std::exp(-(u * u + v * v) / (2 * sigma * sigma)));
      }
  return out;
}

Method control(const char* name, const char* title, MethodFunction explain) {
  Method m;
  m.name = name;
  m.title = title;
  m.family = "baseline";
  m.explain = explain;
  m.needs_gradient = false;
  return m;
}

}  // namespace

std::vector<Method> baseline_methods() {
  Method noise = control("random", "Random", random_map);
  noise.description =
      "Gaussian noise, drawn from the seed: knows neither the image nor the network. What every method must beat.";
  noise.misleads =
      "Never an explanation. A metric on which a method is no better than this does not speak for the method, or the "
      "metric cannot tell.";
  noise.formula = "Rᵢ ~ N(0, 1)";

  Method edges = control("sobel", "Sobel edges", sobel);
  edges.citation =
      "I. Sobel, G. Feldman: A 3x3 isotropic gradient operator for image processing, Stanford AI Project, 1968";
  edges.description =
      "Edges of the image: the gradient magnitude of its luminance. Knows the image, but not the network.";
  edges.misleads =
      "Never an explanation, however much it looks like one. A method whose maps resemble it, or that a metric rates "
      "no better, may show the kernel's outline instead of what the network uses (Adebayo et al., 2018).";
  edges.formula = "R = √(Gₓ² + Gᵧ²) / 8,  Gₓ and Gᵧ: Sobel's 3×3 differences of the luminance";

  Method middle = control("centre", "Centre", centre);
  middle.description =
      "A Gaussian in the middle of the picture: knows neither the image nor the network, only that kernels are "
      "photographed in the middle.";
  middle.misleads =
      "Never an explanation. Where it scores well in localisation, the damages sit in the middle, and the metric "
      "cannot tell a good method from a lucky one on these pictures.";
  middle.formula = "R(u, v) = exp(−(u² + v²) / 2σ²),  u and v: distance from the middle as a share of each side";
  middle.parameters = {{"sigma", ParameterType::number, 0.25, "Standard deviation, as a share of the side", 0.01, 10}};
  return {noise, edges, middle};
}

}  // namespace ks

#include <algorithm>

#include "explain/gradients.h"

// Gradients of noisy copies of the image: their mean, mean square or variance.
namespace ks {

namespace {

enum class Statistic { mean, mean_square, variance };

/// Copy k of a sample has the same noise for all three statistics.
template <Statistic statistic>
Tensor noisy_gradients(const ExplainRequest& r, const Params& p) {
  const int64_t copies = p.integer("samples"), size = r.inputs.stride();
  Tensor out(r.inputs.shape);
  std::vector<double> sum(static_cast<size_t>(size)), squares(static_cast<size_t>(size));
  double deviation = 0;
  gradients_at(
      r, copies,
      [&](const GradientPoint& at, float* point) {
        const float* x = r.inputs.sample(at.sample);
        if (at.copy == 0) {
          const auto [low, high] = std::minmax_element(x, x + size);
          deviation = p.number("noise") * (static_cast<double>(*high) - *low);
        }
        Random random(r.sample_seed(at.sample), static_cast<uint64_t>(1 + at.copy));
        random.add_normal(x, static_cast<size_t>(size), deviation, point);
      },
      [&](const GradientPoint& at, const float* gradient) {
        if (at.copy == 0) {
          std::fill(sum.begin(), sum.end(), 0.0);
          std::fill(squares.begin(), squares.end(), 0.0);
        }
        for (size_t i = 0; i < sum.size(); ++i) {
          const double g = gradient[i];
          sum[i] += g;
          if constexpr (statistic != Statistic::mean) squares[i] += g * g;
        }
        if (at.copy + 1 < copies) return;
        float* map = out.sample(at.sample);
        const double n = static_cast<double>(copies);
        for (size_t i = 0; i < sum.size(); ++i) {
          const double mean = sum[i] / n, square = squares[i] / n;
          map[i] = static_cast<float>(statistic == Statistic::mean          ? mean
                                      : statistic == Statistic::mean_square ? square
                                                                            : std::max(0.0, square - mean * mean));
        }
      });
  return out;
}

Method entry(const char* name, const char* title, MethodFunction explain) {
  Method m;
  m.name = name;
  m.title = title;
  m.family = "gradient";
  m.parameters = {
      {"noise", ParameterType::number, 0.15,
       "Standard deviation of the noise, as a share of the image's range of values; 0.1 to 0.2 is usual", 0, 2},
      {"samples", ParameterType::integer, 50, "Noisy copies of the image", 1, 10000, "images"}};
  m.explain = explain;
  return m;
}

}  // namespace

std::vector<Method> smoothgrad_methods() {
  Method mean = entry("smoothgrad", "SmoothGrad", noisy_gradients<Statistic::mean>);
  mean.citation =
      "D. Smilkov, N. Thorat, B. Kim, F. Viégas, M. Wattenberg: SmoothGrad: removing noise by adding noise, arXiv "
      "1706.03825, 2017";
  mean.description =
      "The mean gradient of noisy copies of the image: what the target's logit answers to a pixel around here.";
  mean.misleads =
      "It explains the network on noisy kernels, which it may never have seen: look at what it predicts for them. "
      "More noise gives a smoother picture, not a truer one, and signs of opposite effects cancel.";
  mean.formula = "Rᵢ = 1/n Σₖ ∂f_c(x + εₖ) / ∂xᵢ,  εₖ ~ N(0, σ²),  σ = noise · (max x − min x)";

  Method square = entry("smoothgrad-squared", "SmoothGrad squared", noisy_gradients<Statistic::mean_square>);
  square.citation =
      "S. Hooker, D. Erhan, P.-J. Kindermans, B. Kim: A benchmark for interpretability methods in deep neural "
      "networks, NeurIPS 2019; noise as in D. Smilkov et al., 2017";
  square.description =
      "The mean of the squared gradients of noisy copies: how strongly the target's logit hangs on a pixel, in either "
      "direction.";
  square.misleads =
      "Never negative: what speaks against the class looks like what speaks for it. Squaring makes the few largest "
      "values outshine the rest, so small damages may vanish on a linear colour scale.";
  square.formula = "Rᵢ = 1/n Σₖ (∂f_c(x + εₖ) / ∂xᵢ)²,  εₖ as for SmoothGrad";

  Method variance = entry("vargrad", "VarGrad", noisy_gradients<Statistic::variance>);
  variance.citation =
      "J. Adebayo, J. Gilmer, I. Goodfellow, B. Kim: Local explanation methods for deep neural networks lack "
      "sensitivity to parameter values, ICLR workshop 2018; noise as in D. Smilkov et al., 2017";
  variance.description =
      "The variance of the gradient over noisy copies of the image: where the network's answer changes its mind.";
  variance.misleads =
      "A pixel on which the logit hangs steadily, even strongly, has no variance and gets nothing; edges near which "
      "units switch on and off get much. Without noise it is zero everywhere.";
  variance.formula = "Rᵢ = 1/n Σₖ gₖ² − (1/n Σₖ gₖ)²,  gₖ = ∂f_c(x + εₖ) / ∂xᵢ,  εₖ as for SmoothGrad";
  return {mean, square, variance};
}

}  // namespace ks

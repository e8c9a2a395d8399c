#include <cmath>

#include "explain/gradients.h"
#include "picture/blur.h"

// S. Xu, S. Venugopalan, M. Sundararajan: Attribution in scale and space, CVPR 2020.
namespace ks {

namespace {

/// sigma_0 = 0, ..., sigma_steps = the largest.
std::vector<double> blur_levels(const std::string& spacing, int steps, double largest) {
  std::vector<double> out;
  for (int k = 0; k <= steps; ++k) {
    const double t = static_cast<double>(k) / steps;
    out.push_back(largest * (spacing == "quadratic" ? t * t : t));
  }
  return out;
}

/// The path of blurred images is followed along its chords: on each, the gradient at the middle times the difference of
/// the ends. The differences of all chords sum to exactly x - x(sigma_steps), whatever the number of steps.
Tensor blur_integrated_gradients(const ExplainRequest& r, const Params& p) {
  const int steps = p.integer("steps");
  const std::vector<double> levels = blur_levels(p.text("spacing"), steps, p.number("sigma"));
  const int64_t size = r.inputs.stride();
  const int height = r.classifier.height(), width = r.classifier.width();
  Tensor out(r.inputs.shape);
  Tensor changes({r.classifier.batch_size(), size});  // a chord's difference, by slot
  std::vector<float> sharper, blurred;
  gradients_at(
      r, steps,
      [&](const GradientPoint& at, float* point) {
        const float* x = r.inputs.sample(at.sample);
        if (at.copy == 0) blurred.assign(x, x + size);
        sharper = blurred;
        const size_t k = static_cast<size_t>(at.copy);
        const double step = std::sqrt(levels[k + 1] * levels[k + 1] - levels[k] * levels[k]);
        for (int c = 0; c < r.classifier.channels(); ++c)
          gaussian_blur(blurred.data() + static_cast<size_t>(c) * width * height, width, height, step);
        float* change = changes.sample(at.slot);
        for (size_t i = 0; i < blurred.size(); ++i) {
          change[i] = sharper[i] - blurred[i];
          point[i] = 0.5f * (sharper[i] + blurred[i]);
        }
      },
      [&](const GradientPoint& at, const float* gradient) {
        const float* change = changes.sample(at.slot);
        float* map = out.sample(at.sample);
        for (int64_t i = 0; i < size; ++i) map[i] += change[i] * gradient[i];
      });
  return out;
}

}  // namespace

std::vector<Method> blur_integrated_methods() {
  Method m;
  m.name = "blur-integrated-gradients";
  m.title = "Blur integrated gradients";
  m.family = "gradient";
  m.citation = "S. Xu, S. Venugopalan, M. Sundararajan: Attribution in scale and space, CVPR 2020";
  m.description =
      "Integrated gradients along the path on which the image is blurred more and more: no baseline colour is chosen, "
      "and nothing is shown that the image does not have. The values sum to the difference of the target's logit "
      "between the image and its most blurred state.";
  m.misleads =
      "Absence means blurred: a damage as wide as the blur, or an even discolouration of the whole kernel, survives "
      "the blurring and gets nothing. The picture favours fine texture and edges.";
  m.formula =
      "Rᵢ = Σₖ (xᵢ(σₖ) − xᵢ(σₖ₊₁)) · ∂f_c(½ x(σₖ) + ½ x(σₖ₊₁)) / ∂xᵢ,  x(σ): x blurred by σ, σ₀ = 0\nΣᵢ Rᵢ ≈ f_c(x) − "
      "f_c(x(sigma))";
  m.parameters = {{"sigma", ParameterType::number, 50.0, "Standard deviation of the largest blur", 0.1, 1000, "px"},
                  {"steps", ParameterType::integer, 32, "Steps of blurring", 1, 1000, "steps"},
                  {"spacing",
                   ParameterType::choice,
                   "linear",
                   "Of the steps in sigma; quadratic makes them finer where the image changes most",
                   {},
                   {},
                   "",
                   {"linear", "quadratic"}}};
  m.explain = blur_integrated_gradients;
  return {m};
}

}  // namespace ks

#include <algorithm>

#include "explain/gradients.h"
#include "explain/reference.h"

// Expected gradients: G. Erion, J. Janizek, P. Sturmfels, S. Lundberg, S.-I. Lee: Improving performance of deep
// learning models with axiomatic attribution priors and expected gradients, Nature Machine Intelligence 2021; S.
// Lundberg, S.-I. Lee: A unified approach to interpreting model predictions, NeurIPS 2017. As Captum's GradientShap,
// the noise is on the image itself: it moves the end of the path and the factor in front.
namespace ks {

namespace {

/// Draw k takes the baselines in turn, not by lot: as many of each as can be, which leaves less to chance.
Tensor gradient_shap(const ExplainRequest& r, const Params& p) {
  const int64_t draws = p.integer("samples"), size = r.inputs.stride();
  const double deviation = p.number("noise_deviation");
  Tensor out(r.inputs.shape);
  Tensor changes({r.classifier.batch_size(), size});  // x + noise - b, by slot
  std::vector<double> sum(static_cast<size_t>(size));
  gradients_at(
      r, draws,
      [&](const GradientPoint& at, float* point) {
        const float* x = r.inputs.sample(at.sample);
        const Tensor baseline = reference_input(r, at.sample, p, static_cast<uint64_t>(at.copy));
        const float* b = baseline.data.data();
        float* change = changes.sample(at.slot);
        Random random(r.sample_seed(at.sample), static_cast<uint64_t>(1 + at.copy));
        const double along = random.uniform();
        if (deviation > 0)
          random.add_normal(x, static_cast<size_t>(size), deviation, point);
        else
          std::copy(x, x + size, point);
        for (int64_t i = 0; i < size; ++i) {
          const double d = static_cast<double>(point[i]) - b[i];
          change[i] = static_cast<float>(d);
          point[i] = static_cast<float>(b[i] + along * d);
        }
      },
      [&](const GradientPoint& at, const float* gradient) {
        if (at.copy == 0) std::fill(sum.begin(), sum.end(), 0.0);
        const float* change = changes.sample(at.slot);
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += static_cast<double>(change[i]) * gradient[i];
        if (at.copy + 1 < draws) return;
        float* map = out.sample(at.sample);
        for (size_t i = 0; i < sum.size(); ++i) map[i] = static_cast<float>(sum[i] / static_cast<double>(draws));
      });
  return out;
}

}  // namespace

std::vector<Method> gradient_shap_methods() {
  Method m;
  m.name = "gradient-shap";
  m.title = "Gradient SHAP (expected gradients)";
  m.family = "gradient";
  m.citation =
      "S. Lundberg, S.-I. Lee: A unified approach to interpreting model predictions, NeurIPS 2017; G. Erion et al.: "
      "Improving performance of deep learning models with axiomatic attribution priors and expected gradients, Nature "
      "Machine Intelligence 2021";
  m.description =
      "Integrated gradients over many baselines, by chance: each draw takes the next baseline, a random point on the "
      "line from it to the image, and there the gradient times the difference. Sums, in the mean, to the logit less "
      "its mean over the baselines.";
  m.misleads =
      "With few draws the map changes with the seed: try another before you believe a detail. Baselines that look "
      "like no kernel ask the network about pictures it never saw; pictures of healthy kernels make better ones.";
  m.formula =
      "Rᵢ = 1/n Σₖ dₖᵢ · ∂f_c(bₖ + αₖ dₖ) / ∂xᵢ,  dₖ = x + εₖ − bₖ,  αₖ ~ U(0, 1),  εₖ ~ N(0, noise_deviation²)";
  m.parameters = {
      {"samples", ParameterType::integer, 50, "Draws of baseline, point on the line and noise", 1, 10000, "draws"},
      {"noise_deviation", ParameterType::number, 0.0,
       "Standard deviation of the noise on the image, after the model's normalisation", 0, 10}};
  for (Parameter& parameter : reference_set_parameters(json::array({"noise"})))
    m.parameters.push_back(std::move(parameter));
  m.explain = gradient_shap;
  return {m};
}

}  // namespace ks

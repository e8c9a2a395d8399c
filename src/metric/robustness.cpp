#include "metric/robustness.h"

#include <algorithm>
#include <cmath>

#include "metric/noise.h"

// Robustness: whether an explanation stays what it is when the image changes a little. A map that does not depend on
// the image at all is the most robust.
namespace ks {

namespace {

template <class T>
double distance(const T* a, const T* b, int64_t size) {
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    const double d = static_cast<double>(a[i]) - b[i];
    sum += d * d;
  }
  return std::sqrt(sum);
}

enum class Change { of_map, of_map_and_input };
enum class Summary { largest, mean };

/// Distance between the explanations of an image and of its noisy copies, relative to something; the largest or the
/// mean.
template <Change change, Summary summary>
MetricResult sensitivity(const MetricRequest& r, const Params& p) {
  const std::string name = change == Change::of_map_and_input ? "local-lipschitz-estimate"
                           : summary == Summary::mean         ? "avg-sensitivity"
                                                              : "max-sensitivity";
  const bool relative = change == Change::of_map && p.flag("relative");
  const Noise noise = read_noise(p, name);
  const Explainer explainer(r, p, name);
  const Maps maps = prepare(r.attributions, p);
  MetricResult out =
      robustness_scores(maps, relative ? "the map is zero everywhere, so changes of it have no scale" : "");
  std::vector<double> norms;
  const std::vector<double> zeros(static_cast<size_t>(maps.stride()));
  for (int64_t n = 0; n < maps.count; ++n) norms.push_back(distance(maps.sample(n), zeros.data(), maps.stride()));
  const double draws = p.integer("nr_samples");
  explain_noisy(r, p, explainer, noise, [&](const ChangedImages& noisy) {
    for (int64_t i = 0; i < noisy.maps.count; ++i) {
      const int64_t n = noisy.image(i);
      const double moved = distance(maps.sample(n), noisy.maps.sample(i), maps.stride());
      if (!std::isfinite(moved)) lose_score(out, n);
      double scale = relative ? norms[static_cast<size_t>(n)] : 1;
      if (change == Change::of_map_and_input)
        scale = distance(r.inputs->sample(n), noisy.inputs.sample(i), r.inputs->stride()) + 1e-10;
      double& score = out.scores[static_cast<size_t>(n)];
      if (std::isnan(score)) continue;
      score = summary == Summary::mean ? score + moved / scale / draws : std::max(score, moved / scale);
    }
  });
  return out;
}

std::vector<Parameter> sensitivity_parameters(const PreparationDefaults& defaults, bool relative) {
  std::vector<Parameter> own = noise_parameters();
  if (relative)
    own.push_back(
        {"relative", ParameterType::boolean, true,
         "Divide the change by the norm of the map (Bhatt et al., Quantus); if not, it is that of Yeh et al."});
  return with_preparation(defaults, joined({own, explainer_parameters()}));
}

}  // namespace

std::vector<Metric> sensitivity_metrics() {
  PreparationDefaults raw, scaled;
  raw.normalise = "none";
  raw.absolute = scaled.absolute = false;
  const char* const kYeh =
      "C.-K. Yeh, C.-Y. Hsieh, A. Suggala, D. I. Inouye, P. K. Ravikumar: On the (in)fidelity and sensitivity of "
      "explanations, "
      "NeurIPS 2019; relative to the map's norm as in U. Bhatt, A. Weller, J. M. F. Moura, IJCAI 2020.";
  Metric largest{{"max-sensitivity", "Max-sensitivity", "robustness", kYeh,
                  "Largest change of the explanation, as a share of its norm, under small noise on the image.",
                  sensitivity_parameters(raw, true),
                  "A map that ignores the image scores best, and a network that is itself unsteady is blamed on its "
                  "explanation. Grows "
                  "with the number of draws.",
                  "max over draws δ of ‖e(x + δ) − e(x)‖ / ‖e(x)‖"},
                 Direction::lower,
                 true,
                 false,
                 sensitivity<Change::of_map, Summary::largest>};
  Metric mean{
      {"avg-sensitivity", "Average sensitivity", "robustness", kYeh,
       "Mean change of the explanation, as a share of its norm, under small noise on the image.",
       sensitivity_parameters(raw, true),
       "A map that ignores the image scores best, and a network that is itself unsteady is blamed on its explanation.",
       "mean over draws δ of ‖e(x + δ) − e(x)‖ / ‖e(x)‖"},
      Direction::lower,
      true,
      false,
      sensitivity<Change::of_map, Summary::mean>};
  Metric slope{{"local-lipschitz-estimate", "Local Lipschitz estimate", "robustness",
                "D. Alvarez-Melis, T. Jaakkola: On the robustness of interpretability methods, WHI 2018.",
                "Largest ratio of the explanation's change to the image's over noisy copies of the image. The paper's "
                "are confined to "
                "a neighbourhood, those of Quantus are Gaussian.",
                sensitivity_parameters(scaled, false),
                "Depends on the size of image and map: compare methods on one network and one image size only. A map "
                "that ignores the "
                "image scores best.",
                "max over draws δ of ‖e(x + δ) − e(x)‖ / ‖δ‖"},
               Direction::lower,
               true,
               false,
               sensitivity<Change::of_map_and_input, Summary::largest>};
  slope.quantus = {{"noise", {{"kind", "gaussian"}, {"std", 0.1}}}};
  return {largest, mean, slope};
}

std::vector<Metric> robustness_metrics() {
  std::vector<Metric> all = sensitivity_metrics();
  all.push_back(continuity_metric());
  all.push_back(consistency_metric());
  for (Metric& m : relative_stability_metrics()) all.push_back(std::move(m));
  all.push_back(augmentation_robustness_metric());
  return all;
}

}  // namespace ks

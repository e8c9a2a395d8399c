#include "picture/normalisation.h"

#include <algorithm>
#include <cmath>

#include "picture/histogram.h"

namespace ks {

namespace {

double largest_magnitude(const std::vector<const Tensor*>& maps, const Params&) {
  float largest = 0;
  for (const Tensor* map : maps)
    for (const float v : map->data)
      if (std::isfinite(v)) largest = std::max(largest, std::fabs(v));
  return largest;
}

double percentile_magnitude(const std::vector<const Tensor*>& maps, const Params& params) {
  std::vector<float> magnitudes;
  for (const Tensor* map : maps)
    for (const float v : map->data)
      if (std::isfinite(v)) magnitudes.push_back(std::fabs(v));
  if (magnitudes.empty()) return 0;
  const double limit = quantile(magnitudes, params.number("percentile") / 100);
  // So sparse that the percentile is zero: the maximum still shows something.
  return limit > 0 ? limit : largest_magnitude(maps, params);
}

const char* const kNormalisationPaper =
    "L. Tětková, E. S. Dreier, R. Malm, L. K. Hansen: Challenges in explaining deep learning models for data with "
    "biological variation, PLOS ONE 2025, Fig 6.";

Parameter percentile() {
  return {"percentile", ParameterType::number, 99, "Magnitudes above this percentile get the strongest colour", 50, 100,
          "%"};
}

}  // namespace

const Registry<Normalisation>& normalisations() {
  static const Registry<Normalisation> registry(
      "normalisation",
      {
          {{"max-abs",
            "Maximum of this map",
            "own scale",
            kNormalisationPaper,
            "Divides by the map's largest magnitude.",
            {},
            "One outlying pixel makes all others fade, and a map of pure noise looks as strong as a confident one.",
            "v = R / maxᵢ |Rᵢ|"},
           false,
           largest_magnitude},
          {{"max-abs-study",
            "Maximum of the study",
            "common scale",
            kNormalisationPaper,
            "Divides by the largest magnitude in all maps of the method, so that colours can be compared between "
            "images.",
            {},
            "Images with weak attributions look empty, and the picture changes when an image is added.",
            "v = R / max over images and pixels of |R|"},
           true,
           largest_magnitude},
          {{"percentile",
            "99th percentile of this map",
            "own scale",
            kNormalisationPaper,
            "Divides by a percentile of the map's magnitudes and clips what is above: outliers no longer hide the "
            "rest.",
            {percentile()},
            "The strongest pixels cannot be told apart any more.",
            "v = clip(R / q, −1, 1),  q = percentile of |Rᵢ|"},
           false,
           percentile_magnitude},
          {{"percentile-study",
            "99th percentile of the study",
            "common scale",
            kNormalisationPaper,
            "Divides by a percentile of the magnitudes in all maps of the method and clips what is above: comparable "
            "between images, and safe from outliers.",
            {percentile()},
            "Where few images hold most of the evidence, those are clipped throughout, and the picture changes when an "
            "image "
            "is added.",
            "v = clip(R / q, −1, 1),  q = percentile of |R| over images and pixels"},
           true,
           percentile_magnitude},
      });
  return registry;
}

float display_value(float value, double limit) {
  if (!(limit > 0) || std::isnan(value)) return 0;
  return static_cast<float>(std::clamp(value / limit, -1.0, 1.0));
}

double display_limit(const std::string& normalisation, const json& parameters, const std::vector<const Tensor*>& maps) {
  const Normalisation& entry = normalisations().at(normalisation);
  return entry.limit(maps, check_parameters(entry, parameters));
}

}  // namespace ks

#include <algorithm>
#include <cmath>
#include <limits>

#include "metric/explainer.h"
#include "metric/metric.h"
#include "metric/prepare.h"
#include "tensor/error.h"
#include "tensor/random.h"

// Robustness: whether an explanation stays what it is when the image changes a little. A map that does not depend on
// the image at all is the most robust.
namespace ks {

namespace {

/// Noise added to an image: a draw of `noise`, or uniform in [-r, r] where that is null.
struct Noise {
  bool gaussian = false;
  double low = 0, high = 0, mean = 0, deviation = 0;

  void add(const float* x, int64_t size, Random& random, float* out) const {
    for (int64_t i = 0; i < size; ++i)
      out[i] = static_cast<float>(x[i] + (gaussian ? mean + deviation * random.normal() : random.uniform(low, high)));
  }
};

Noise read_noise(const Params& p, const std::string& where) {
  const json& v = p.value("noise");
  const double r = p.number("r");
  if (v.is_null()) return {false, -r, r, 0, 0};
  const auto number = [&](const char* key) {
    return v.contains(key) && v.at(key).is_number() ? v.at(key).get<double>() : kUndefined;
  };
  const std::string kind =
      v.is_object() && v.contains("kind") && v.at("kind").is_string() ? v.at("kind").get<std::string>() : "";
  if (kind == "uniform" && number("low") <= number("high")) return {false, number("low"), number("high"), 0, 0};
  if (kind == "gaussian" && number("std") >= 0)
    return {true, 0, 0, v.contains("mean") ? number("mean") : 0, number("std")};
  throw Error("'noise' is " + v.dump(), where,
              R"(it must be {"kind":"uniform","low":-0.1,"high":0.1} or {"kind":"gaussian","std":0.1})");
}

template <class T>
double distance(const T* a, const T* b, int64_t size) {
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    const double d = static_cast<double>(a[i]) - b[i];
    sum += d * d;
  }
  return std::sqrt(sum);
}

/// Calls `use(n, x, map)` with every image under every draw of the noise and its prepared explanation. A draw's noise
/// depends on seed, image and draw only. Several draws share the batches of methods that draw nothing themselves.
template <class Use>
void explain_perturbed(const MetricRequest& r, const Params& p, const Explainer& explainer, const Noise& noise,
                       Use use) {
  const int64_t images = r.inputs->dim(0), draws = p.integer("nr_samples");
  const bool one_by_one = !explainer.method().network || p.text("normalise_scope") == "batch";
  const int64_t together = one_by_one ? 1 : std::max<int64_t>(1, r.classifier->batch_size() / images);
  for (int64_t first = 0; first < draws; first += together) {
    const int64_t count = std::min(together, draws - first);
    Shape shape = r.inputs->shape;
    shape[0] = count * images;
    Tensor perturbed(shape);
    std::vector<int> targets;
    for (int64_t k = 0; k < count; ++k)
      for (int64_t n = 0; n < images; ++n) {
        Random random(mix_seed(r.seed, static_cast<uint64_t>(n)), static_cast<uint64_t>(1 + first + k));
        noise.add(r.inputs->sample(n), r.inputs->stride(), random, perturbed.sample(k * images + n));
        targets.push_back((*r.targets)[static_cast<size_t>(n)]);
      }
    // A method that draws gets other numbers than for the image itself: its own restlessness counts, too.
    const uint64_t seed = mix_seed(r.seed, static_cast<uint64_t>(1 + first));
    const Maps maps =
        prepare(explainer(*r.classifier, perturbed, targets, seed), p);
    for (int64_t i = 0; i < count * images; ++i) use(i % images, perturbed.sample(i), maps.sample(i));
    if (r.progress) r.progress(static_cast<double>(first + count) / static_cast<double>(draws));
  }
}

enum class Change { relative_to_map, relative_to_input };
enum class Summary { largest, mean };

/// Distance between the explanations of an image and of its noisy copies, relative to something; the largest or the
/// mean.
template <Change change, Summary summary>
MetricResult sensitivity(const MetricRequest& r, const Params& p) {
  const std::string name = change == Change::relative_to_input ? "local-lipschitz-estimate"
                           : summary == Summary::mean          ? "avg-sensitivity"
                                                               : "max-sensitivity";
  const Noise noise = read_noise(p, name);
  const Explainer explainer(r, p, name);
  const Maps maps = prepare(r.attributions, p);
  const std::vector<double> zeros(static_cast<size_t>(maps.stride()));
  MetricResult out;
  std::vector<double> norms;
  for (int64_t n = 0; n < maps.count; ++n) {
    norms.push_back(distance(maps.sample(n), zeros.data(), maps.stride()));
    const bool zero = change == Change::relative_to_map && norms.back() == 0,
               defined = !zero && std::isfinite(norms.back());
    out.scores.push_back(defined ? 0 : kUndefined);
    if (!defined)
      out.warnings.push_back(image_warning(
          n, maps.count,
          zero ? "the map is zero everywhere, so changes of it have no scale" : "the map holds NaN or infinity"));
  }
  const double draws = p.integer("nr_samples");
  explain_perturbed(r, p, explainer, noise, [&](int64_t n, const float* x, const double* map) {
    const double moved = distance(maps.sample(n), map, maps.stride());
    const double scale = change == Change::relative_to_map
                             ? norms[static_cast<size_t>(n)]
                             : distance(r.inputs->sample(n), x, r.inputs->stride()) + 1e-10;
    double& score = out.scores[static_cast<size_t>(n)];
    if (summary == Summary::mean || std::isnan(moved))
      score += moved / scale / draws;  // a NaN stays
    else if (!std::isnan(score))
      score = std::max(score, moved / scale);
  });
  return out;
}

std::vector<Parameter> sensitivity_parameters(const PreparationDefaults& defaults, const json& noise) {
  using enum ParameterType;
  std::vector<Parameter> own = {
      {"nr_samples", integer, 10, "Perturbed copies of each image", 1, 10000, "draws"},
      {"r", number, 0.1, "Noise is uniform in [-r, r], after the model's normalisation, where no other is given", 0, 10},
      {"noise", value, noise, R"(null, or {"kind":"uniform","low":..,"high":..} or {"kind":"gaussian","std":..})"}};
  for (Parameter& e : explainer_parameters()) own.push_back(std::move(e));
  return with_preparation(defaults, std::move(own));
}

}  // namespace

std::vector<Metric> robustness_metrics() {
  PreparationDefaults raw, scaled;
  raw.normalise = "none";
  raw.absolute = scaled.absolute = false;
  const char* const kYeh =
      "C.-K. Yeh, C.-Y. Hsieh, A. Suggala, D. I. Inouye, P. K. Ravikumar: On the (in)fidelity and sensitivity of "
      "explanations, "
      "NeurIPS 2019; relative to the map's norm as in U. Bhatt, A. Weller, J. M. F. Moura, IJCAI 2020.";
  return {
      {{"max-sensitivity", "Max-sensitivity", "robustness", kYeh,
        "Largest change of the explanation, as a share of its norm, under small noise on the image.",
        sensitivity_parameters(raw, nullptr),
        "A map that ignores the image scores best, and a network that is itself unsteady is blamed on its explanation. Grows "
        "with the number of draws.",
        "max over draws δ of ‖e(x + δ) − e(x)‖ / ‖e(x)‖"},
       Direction::lower,
       true,
       false,
       sensitivity<Change::relative_to_map, Summary::largest>},
      {{"avg-sensitivity", "Average sensitivity", "robustness", kYeh,
        "Mean change of the explanation, as a share of its norm, under small noise on the image.",
        sensitivity_parameters(raw, nullptr),
        "A map that ignores the image scores best, and a network that is itself unsteady is blamed on its explanation.",
        "mean over draws δ of ‖e(x + δ) − e(x)‖ / ‖e(x)‖"},
       Direction::lower,
       true,
       false,
       sensitivity<Change::relative_to_map, Summary::mean>},
      {{"local-lipschitz-estimate", "Local Lipschitz estimate", "robustness",
        "D. Alvarez-Melis, T. Jaakkola: On the robustness of interpretability methods, WHI 2018.",
        "Largest ratio of the explanation's change to the image's under Gaussian noise.",
        sensitivity_parameters(scaled, {{"kind", "gaussian"}, {"std", 0.1}}),
        "Depends on the size of image and map: compare methods on one network and one image size only. A map that ignores the "
        "image scores best.",
        "max over draws δ of ‖e(x + δ) − e(x)‖ / ‖δ‖"},
       Direction::lower,
       true,
       false,
       sensitivity<Change::relative_to_input, Summary::largest>},
  };
}

}  // namespace ks

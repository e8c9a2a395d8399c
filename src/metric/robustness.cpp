#include <algorithm>
#include <cmath>
#include <limits>

#include "metric/metric.h"
#include "metric/prepare.h"
#include "tensor/error.h"
#include "tensor/random.h"

// Robustness: whether an explanation stays what it is when the image changes a little. A map that does not depend on
// the image at all is the most robust.
namespace ks {

namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

/// Noise added to an image: a draw of `noise`, or uniform in [-r, r] where that is null.
struct Noise {
  bool gaussian = false;
  double low = 0, high = 0, deviation = 0;

  void add(const float* x, int64_t size, Random& random, float* out) const {
    for (int64_t i = 0; i < size; ++i)
      out[i] = static_cast<float>(x[i] + (gaussian ? deviation * random.normal() : random.uniform(low, high)));
  }
};

Noise read_noise(const Params& p, const std::string& where) {
  const json& v = p.value("noise");
  const double r = p.number("r");
  if (v.is_null()) return {false, -r, r, 0};
  const auto number = [&](const char* key) {
    return v.contains(key) && v.at(key).is_number() ? v.at(key).get<double>() : kUndefined;
  };
  const std::string kind =
      v.is_object() && v.contains("kind") && v.at("kind").is_string() ? v.at("kind").get<std::string>() : "";
  if (kind == "uniform" && number("low") <= number("high")) return {false, number("low"), number("high"), 0};
  if (kind == "gaussian" && number("std") >= 0) return {true, 0, 0, number("std")};
  throw Error("'noise' is " + v.dump(), where,
              R"(it must be {"kind":"uniform","low":-0.1,"high":0.1} or {"kind":"gaussian","std":0.1})");
}

/// Which method explains the perturbed images.
struct Explainer {
  const Method* method;
  json parameters;
};

Explainer read_explainer(const MetricRequest& r, const Params& p, const std::string& where) {
  const std::string name = p.text("explanation");
  if (name != "method") return {&methods().at(name), json::object()};
  if (!r.method)
    throw Error("explains perturbed images again, but the method of the attributions is not known", where,
                "say which: explanation=gradient, for example");
  return {r.method, r.method_parameters ? r.method_parameters->all() : json::object()};
}

double distance(const double* a, const double* b, int64_t size) {
  double sum = 0;
  for (int64_t i = 0; i < size; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

/// Calls `use(n, draw, map)` with the prepared explanations of every image under every draw of the noise. A draw's
/// noise depends on seed, image and draw only. Several draws share the batches of methods that draw nothing themselves.
template <class Use>
void explain_perturbed(const MetricRequest& r, const Params& p, const Explainer& explainer, const Noise& noise,
                       Use use) {
  const int64_t images = r.inputs->dim(0), draws = p.integer("nr_samples");
  const int64_t together = explainer.method->network ? std::max<int64_t>(1, r.classifier->batch_size() / images) : 1;
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
        prepare(explain(explainer.method->name, explainer.parameters, {*r.classifier, perturbed, targets, seed}), p);
    for (int64_t k = 0; k < count; ++k)
      for (int64_t n = 0; n < images; ++n) use(n, first + k, maps.sample(k * images + n));
    if (r.progress) r.progress(static_cast<double>(first + count) / static_cast<double>(draws));
  }
}

MetricResult max_sensitivity(const MetricRequest& r, const Params& p) {
  const Noise noise = read_noise(p, "max-sensitivity");
  const Explainer explainer = read_explainer(r, p, "max-sensitivity");
  const Maps maps = prepare(r.attributions, p);
  const std::vector<double> zeros(static_cast<size_t>(maps.stride()));
  MetricResult out;
  std::vector<double> norms;
  for (int64_t n = 0; n < maps.count; ++n) {
    norms.push_back(distance(maps.sample(n), zeros.data(), maps.stride()));
    const bool defined = norms.back() > 0 && std::isfinite(norms.back());
    out.scores.push_back(defined ? 0 : kUndefined);
    if (!defined)
      out.warnings.push_back(image_warning(n, maps.count,
                                           norms.back() == 0
                                               ? "the map is zero everywhere, so changes of it have no scale"
                                               : "the map holds NaN or infinity"));
  }
  explain_perturbed(r, p, explainer, noise, [&](int64_t n, int64_t, const double* map) {
    double& worst = out.scores[static_cast<size_t>(n)];
    const double change = distance(maps.sample(n), map, maps.stride()) / norms[static_cast<size_t>(n)];
    if (!std::isnan(worst)) worst = std::isnan(change) ? change : std::max(worst, change);
  });
  return out;
}

}  // namespace

std::vector<Metric> robustness_metrics() {
  using enum ParameterType;
  PreparationDefaults raw;
  raw.normalise = "none";
  raw.absolute = false;
  return {
      {{"max-sensitivity", "Max-sensitivity", "robustness",
        "C.-K. Yeh, C.-Y. Hsieh, A. Suggala, D. I. Inouye, P. K. Ravikumar: On the (in)fidelity and sensitivity of "
        "explanations, "
        "NeurIPS 2019; relative to the map's norm as in U. Bhatt, A. Weller, J. M. F. Moura, IJCAI 2020.",
        "Largest change of the explanation, as a share of its norm, under small noise on the image. Grows with the "
        "number of draws; "
        "a map that ignores the image scores best, and a network that is itself unsteady is blamed on its explanation.",
        with_preparation(
            raw,
            {{"nr_samples", integer, 10, "Perturbed copies of each image", 1, 10000, "draws"},
             {"r", number, 0.1, "Noise is uniform in [-r, r], after the model's normalisation", 0, 10},
             {"noise", value, nullptr,
              R"(Instead of r: {"kind":"uniform","low":..,"high":..} or {"kind":"gaussian","std":..})"},
             {"explanation", text, "method", "Method that explains the perturbed images; method: the one measured"},
             {"explanation_output", choice, "logits", "What is explained", {}, {}, "", {"logits"}}})},
       Direction::lower,
       true,
       false,
       max_sensitivity},
  };
}

}  // namespace ks

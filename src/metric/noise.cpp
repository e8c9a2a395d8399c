#include "metric/noise.h"

#include <cmath>

#include "tensor/error.h"

namespace ks {

void Noise::add(const float* x, int64_t size, Random& random, float* out) const {
  if (!gaussian) {
    random.fill_uniform(out, static_cast<size_t>(size), low, high);
    for (int64_t i = 0; i < size; ++i) out[i] += x[i];
    return;
  }
  random.add_normal(x, static_cast<size_t>(size), deviation, out);
  for (int64_t i = 0; i < size; ++i) out[i] += static_cast<float>(mean);
}

std::vector<Parameter> noise_parameters() {
  using enum ParameterType;
  return {
      {"nr_samples", integer, 10, "Noisy copies of each image", 1, 10000, "draws"},
      {"r", number, 0.1, "Noise is uniform in [-r, r], after the model's normalisation, where no other is given", 0,
       10},
      {"noise", value, nullptr, R"(null, or {"kind":"uniform","low":..,"high":..} or {"kind":"gaussian","std":..})"}};
}

Noise read_noise(const Params& p, const std::string& where) {
  const json& v = p.value("noise");
  const double r = p.number("r");
  if (v.is_null()) return {false, -r, r, 0, 0};
  const auto number = [&](const char* key) {
    return v.contains(key) && v.at(key).is_number() ? v.at(key).get<double>() : kUndefined;  // fails every comparison
  };
  const std::string kind =
      v.is_object() && v.contains("kind") && v.at("kind").is_string() ? v.at("kind").get<std::string>() : "";
  if (kind == "uniform" && number("low") <= number("high")) return {false, number("low"), number("high"), 0, 0};
  const double mean = v.is_object() && v.contains("mean") ? number("mean") : 0;
  if (kind == "gaussian" && number("std") >= 0 && std::isfinite(mean)) return {true, 0, 0, mean, number("std")};
  throw Error("'noise' is " + v.dump(), where,
              R"(it must be {"kind":"uniform","low":-0.1,"high":0.1} or {"kind":"gaussian","std":0.1})");
}

void explain_noisy(const MetricRequest& r, const Params& p, const Explainer& explainer, const Noise& noise,
                   const std::function<void(const ChangedImages&)>& use) {
  const auto add = [&](int64_t n, int64_t draw, float* out) {
    Random random(mix_seed(r.seed, static_cast<uint64_t>(n)), static_cast<uint64_t>(1 + draw));
    noise.add(r.inputs->sample(n), r.inputs->stride(), random, out);
  };
  explain_changed(r, p, explainer, p.integer("nr_samples"), add, use);
}

}  // namespace ks

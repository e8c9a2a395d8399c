#include "metric/perturb.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tensor/error.h"
#include "tensor/random.h"

namespace ks {

std::vector<Parameter> baseline_parameters(const char* usual) {
  using enum ParameterType;
  std::vector<std::string> kinds = {"black", "white", "mean", "uniform"};
  if (std::find(kinds.begin(), kinds.end(), usual) == kinds.end()) kinds.push_back(usual);
  return {
      {"baseline",
       value,
       usual,
       "What replaces a removed feature: black, white, mean or uniform noise (all of the image's own values), or a "
       "number "
       "after the model's normalisation",
       {},
       {},
       "",
       std::move(kinds)},
      {"baseline_source",
       choice,
       "input",
       "Whether mean is taken of the image as perturbed so far (as Quantus) or of the original",
       {},
       {},
       "",
       {"current", "input"}},
  };
}

Baseline read_baseline(const Params& p, const std::string& where) {
  const json& v = p.value("baseline");
  Baseline out;
  out.current = p.has("baseline_source") && p.text("baseline_source") == "current";
  if (v.is_number() && std::isfinite(v.get<double>())) {
    out.kind = Baseline::Kind::number;
    out.number = v.get<double>();
  } else if (v == "black") {
    out.kind = Baseline::Kind::black;
  } else if (v == "white") {
    out.kind = Baseline::Kind::white;
  } else if (v == "mean") {
    out.kind = Baseline::Kind::mean;
  } else if (v == "uniform") {
    out.kind = Baseline::Kind::uniform;
  } else {
    throw Error("'baseline' is " + v.dump(), where, "it must be black, white, mean, uniform or a number");
  }
  return out;
}

double baseline_value(const Baseline& baseline, const float* sample, int64_t size) {
  switch (baseline.kind) {
    case Baseline::Kind::number:
      return baseline.number;
    case Baseline::Kind::black:
      return *std::min_element(sample, sample + size);
    case Baseline::Kind::white:
      return *std::max_element(sample, sample + size);
    case Baseline::Kind::mean:
      return std::accumulate(sample, sample + size, 0.0) / static_cast<double>(size);
    case Baseline::Kind::uniform: {
      const auto [low, high] = std::minmax_element(sample, sample + size);
      return (static_cast<double>(*low) + *high) / 2;
    }
  }
  return 0;
}

// Black and white do not change by removal: what is removed becomes the smallest or largest value itself.
Removal::Removal(const float* sample, int64_t size, const Baseline& baseline, uint64_t noise_seed)
    : values_(sample, sample + size),
      baseline_(baseline),
      fixed_(baseline_value(baseline, sample, size)),
      sum_(std::accumulate(sample, sample + size, 0.0)) {
  if (baseline.kind != Baseline::Kind::uniform) return;
  const auto [low, high] = std::minmax_element(sample, sample + size);
  Random random(noise_seed);
  noise_.resize(values_.size());
  random.fill_uniform(noise_.data(), noise_.size(), *low, *high);
}

void Removal::remove(const int64_t* begin, const int64_t* end) {
  const bool drifts = baseline_.kind == Baseline::Kind::mean && baseline_.current;
  const float value = static_cast<float>(drifts ? sum_ / static_cast<double>(values_.size()) : fixed_);
  for (const int64_t* i = begin; i != end; ++i) {
    float& v = values_[static_cast<size_t>(*i)];
    const float by = noise_.empty() ? value : noise_[static_cast<size_t>(*i)];
    sum_ += static_cast<double>(by) - v;
    v = by;
  }
}

double trapezoid(const std::vector<double>& curve) {
  double area = 0;
  for (size_t i = 1; i < curve.size(); ++i) area += (curve[i - 1] + curve[i]) / 2;
  return area;
}

}  // namespace ks

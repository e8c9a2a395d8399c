#include "metric/trial.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "tensor/hash.h"
#include "tensor/random.h"

namespace ks {

namespace {

constexpr int64_t kUsualSteps = 50, kFewestSteps = 32, kMostSteps = 64;  // of a curve, where the step is left to us
constexpr int64_t kProgressStride = 16;                                  // questions between two reports

int64_t usual_pixels(int64_t pixels) {
  int64_t best = 0;
  for (int64_t count = kFewestSteps; count <= kMostSteps; ++count)
    if (pixels % count == 0 && (best == 0 || std::abs(count - kUsualSteps) < std::abs(best - kUsualSteps)))
      best = count;
  return best > 0 ? pixels / best : (pixels + kUsualSteps - 1) / kUsualSteps;
}

}  // namespace

Steps steps_of(int64_t given, int64_t channels, int64_t pixels, int64_t map_channels) {
  Steps out;
  out.size = given > 0 ? std::min(given, channels * pixels) : channels * usual_pixels(pixels);
  out.count = (channels * pixels + out.size - 1) / out.size;
  out.whole_pixels = given == 0 && map_channels == 1;
  return out;
}

Trial::Trial(const MetricRequest& r, const Params& p, const std::string& metric)
    : request(r),
      params(p),
      prepared_maps(prepared(r, p)),
      maps(prepared_maps->maps()),
      images(maps.count),
      channels(r.inputs->dim(1)),
      height(r.inputs->dim(2)),
      width(r.inputs->dim(3)),
      pixels(height * width),
      size(channels * pixels),
      evaluator_(*r.classifier, output_of(p), r.forwards) {
  if (p.has("baseline") && p.value("baseline") != "blur") baseline_ = read_baseline(p, metric);
  result.scores.assign(static_cast<size_t>(images), kUndefined);
}

MapDefect Trial::examine(int64_t n, const std::string& if_constant) {
  const MapDefect defect = prepared_maps->defect(n);
  if (defect == MapDefect::undefined)
    warn(n, undefined_map);
  else if (defect != MapDefect::none)
    warn(n, if_constant);
  return defect;
}

void Trial::score(int64_t n, double value, const std::string& why) {
  if (!std::isfinite(value)) warn(n, why);
  result.scores[static_cast<size_t>(n)] = std::isfinite(value) ? value : kUndefined;
}

std::vector<double>& Trial::new_curve(int64_t n, int64_t points) {
  result.curves.resize(static_cast<size_t>(images));
  std::vector<double>& curve = result.curves[static_cast<size_t>(n)];
  curve.assign(static_cast<size_t>(points), kUndefined);
  return curve;
}

Steps Trial::steps() const {
  return steps_of(params.integer("features_in_step"), channels, pixels, maps.channels);
}

std::vector<int64_t> Trial::order(int64_t n, const Steps& steps) const {
  if (maps.stride() == size) return prepared_maps->order(n);
  // The order of the map's values repeated for every channel: where pixels tie, channel by channel, unless they go
  // whole.
  const std::vector<int64_t>& ranked = prepared_maps->order(n);
  const double* values = maps.sample(n);
  std::vector<int64_t> features;
  features.reserve(static_cast<size_t>(size));
  for (size_t begin = 0, end = 0; begin < ranked.size(); begin = end) {
    end = begin + 1;
    while (!steps.whole_pixels && end < ranked.size() && values[ranked[end]] == values[ranked[begin]]) ++end;
    for (int64_t c = 0; c < channels; ++c)
      for (size_t k = begin; k < end; ++k) features.push_back(c * pixels + ranked[k]);
  }
  return features;
}

uint64_t Trial::seed(int64_t n, uint64_t draw) const {
  return mix_seed(mix_seed(request.seed, static_cast<uint64_t>(n)), draw);
}

std::vector<float> Trial::absent(int64_t n, uint64_t draw) const {
  std::vector<int64_t> all(static_cast<size_t>(size));
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
  Removal removed = removal(n, draw);
  removed.remove(all.data(), all.data() + size);
  return removed.values();
}

Absent Trial::named_absent(int64_t n) const {
  std::vector<float> values = absent(n);
  const Fingerprint image = fingerprint(input(n), size), without = fingerprint(values.data(), size);
  return {std::move(values), image, without};
}

void Trial::count_question() {
  if (request.progress && ++asked_ % kProgressStride == 0 && asked_ < expected_)
    request.progress(static_cast<double>(asked_) / static_cast<double>(expected_));
}

float* Trial::next(int64_t n, double* answer) {
  count_question();
  return evaluator_.next((*request.targets)[static_cast<size_t>(n)], answer);
}

void Trial::ask(int64_t n, const float* values, double* answer) {
  std::copy(values, values + size, next(n, answer));
}

void Trial::ask_without(int64_t n, const Subset& removed, const Absent& absent, double* answer) {
  count_question();
  const uint64_t made[] = {absent.image.low,
                           absent.image.high,
                           absent.without.low,
                           absent.without.high,
                           removed.seed,
                           static_cast<uint64_t>(removed.number),
                           static_cast<uint64_t>(removed.size()),
                           static_cast<uint64_t>(removed.of)};
  float* out = evaluator_.next_named(fingerprint({reinterpret_cast<const char*>(made), sizeof(made)}),
                                     (*request.targets)[static_cast<size_t>(n)], answer);
  if (!out) return;
  const float *most = removed.listed ? input(n) : absent.values.data(),
              *others = removed.listed ? absent.values.data() : input(n);
  std::copy(most, most + size, out);
  for (int64_t begin = 0; begin < size; begin += removed.of)
    for (const int32_t unit : removed.units) out[begin + unit] = others[begin + unit];
}

void Trial::finish() {
  evaluator_.finish();
  if (request.progress) request.progress(1);
}

Parameter asked_output_parameter(const char* usual) {
  return {"output", ParameterType::choice,
          usual,    "What is followed: the target's probability (softmax) or its logit",
          {},       {},
          "",       {"softmax", "logits"}};
}

Parameter step_parameter() {
  return {
      "features_in_step",
      ParameterType::integer,
      0,
      "Features changed at once (a feature is one channel of one pixel); 0: whole pixels in about fifty equal steps",
      0,
      2e9,
      "features"};
}

}  // namespace ks

#pragma once
#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "explain/evaluate.h"
#include "linear_classifier.h"
#include "metric/metric.h"

namespace ks::test {

/// A linear network whose logit for the target is the sum of its features' contributions, with maps that are right.
struct ContributionScene : LinearClassifier {
  static constexpr int pixels = side * side, size = 3 * pixels;
  std::vector<int> targets{0, 1, 0};
  Tensor contributions, gradient;

  explicit ContributionScene(uint64_t seed) : LinearClassifier(seed), contributions(inputs), gradient(inputs) {
    for (int n = 0; n < 3; ++n)
      for (int i = 0; i < size; ++i) {
        gradient.sample(n)[i] = weights.sample(targets[static_cast<size_t>(n)])[i];
        contributions.sample(n)[i] = inputs.sample(n)[i] * gradient.sample(n)[i];
      }
  }
  /// Images whose every feature speaks for the target.
  void make_all_positive() {
    for (int n = 0; n < 3; ++n)
      for (int i = 0; i < size; ++i) {
        inputs.sample(n)[i] = std::copysign(inputs.sample(n)[i], gradient.sample(n)[i]);
        contributions.sample(n)[i] = inputs.sample(n)[i] * gradient.sample(n)[i];
      }
  }
  double logit(int64_t n) const {
    return std::accumulate(contributions.sample(n), contributions.sample(n) + size, 0.0);
  }
  MetricResult measure(const std::string& metric, const Tensor& map, const json& params = json::object(),
                       ForwardMemo* memo = nullptr, uint64_t seed = 0) {
    MetricRequest request{&classifier, &inputs, &targets, map};
    request.seed = seed;
    request.forwards = memo;
    return ks::measure(metric, params, request);
  }
  /// Parameters under which a feature's contribution is exactly what its removal takes from the output.
  static json exact(const json& more = json::object()) {
    json out = {{"pooling", "none"}, {"baseline", 0}, {"output", "logits"}};
    out.update(more);
    return out;
  }
  static Tensor noise_map(uint64_t seed) {
    Random random(seed);
    return random_tensor(random, {3, 3, side, side});
  }
};

inline Tensor scaled(Tensor map, float factor) {
  for (float& v : map.data) v *= factor;
  return map;
}

inline bool warns(const MetricResult& result, const std::string& word) {
  return std::any_of(result.warnings.begin(), result.warnings.end(),
                     [&](const std::string& w) { return w.find(word) != std::string::npos; });
}

}  // namespace ks::test

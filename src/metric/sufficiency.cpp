#include <algorithm>
#include <cmath>

#include "metric/faithfulness.h"
#include "metric/trial.h"

// S. Dasgupta, N. Frost, M. Moshkovitz: Framework for evaluating faithfulness of local explanations, ICML 2022: images
// with the same explanation should have the same prediction. Here over the images at hand.
namespace ks {

namespace {

/// sum of weights (a - b)^2
double weighted_squares(const double* a, const double* b, const double* weights, size_t size) {
  constexpr size_t kLanes = 8;  // independent sums: the loop is then vectors
  double lanes[kLanes] = {}, sum = 0;
  size_t i = 0;
  for (; i + kLanes <= size; i += kLanes)
    for (size_t k = 0; k < kLanes; ++k) {
      const double d = a[i + k] - b[i + k];
      lanes[k] += d * d * weights[i + k];
    }
  for (; i < size; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]) * weights[i];
  for (const double lane : lanes) sum += lane;
  return sum;
}

/// Distances between all maps, the largest set to 1. With `standardised` each feature's squared difference is divided
/// by its variance over the maps, counted twice as SciPy does for a set against itself; features that never change do
/// not count.
std::vector<double> map_distances(const Maps& maps, const std::vector<bool>& usable, bool standardised) {
  const size_t count = static_cast<size_t>(maps.count), size = static_cast<size_t>(maps.stride());
  std::vector<double> weights(size, 1), mean(size);
  double used = 0;
  for (size_t n = 0; n < count; ++n) used += usable[n];
  if (standardised) {
    std::vector<double> squares(size);
    for (size_t n = 0; n < count; ++n)
      for (size_t i = 0; usable[n] && i < size; ++i) mean[i] += maps.values[n * size + i] / used;
    for (size_t n = 0; n < count; ++n)
      for (size_t i = 0; usable[n] && i < size; ++i) {
        const double d = maps.values[n * size + i] - mean[i];
        squares[i] += d * d;
      }
    for (size_t i = 0; i < size; ++i) weights[i] = squares[i] > 0 ? (2 * used - 1) / (2 * squares[i]) : 0;
  }
  std::vector<double> out(count * count);
  double largest = 0;
  for (size_t n = 0; n < count; ++n)
    for (size_t m = 0; m < n; ++m) {
      const double distance =
          std::sqrt(weighted_squares(&maps.values[n * size], &maps.values[m * size], weights.data(), size));
      out[n * count + m] = out[m * count + n] = distance;
      if (usable[n] && usable[m]) largest = std::max(largest, distance);
    }
  if (largest > 0)
    for (double& d : out) d /= largest;
  return out;
}

MetricResult sufficiency(const MetricRequest& r, const Params& p) {
  Trial t(r, p, "sufficiency");
  const size_t count = static_cast<size_t>(t.images);
  if (count == 1) {
    t.warn(0, "one image alone: this metric compares the explanations of several");
    return std::move(t.result);
  }
  Evaluator evaluator(*r.classifier, Output::logits, r.forwards);
  std::vector<std::vector<float>> logits(count);
  for (size_t n = 0; n < count; ++n) {
    const float* x = t.input(static_cast<int64_t>(n));
    std::copy(x, x + t.size, evaluator.next(&logits[n]));
  }
  evaluator.finish();
  std::vector<std::ptrdiff_t> predicted;
  std::vector<bool> usable;
  for (size_t n = 0; n < count; ++n) {
    predicted.push_back(std::max_element(logits[n].begin(), logits[n].end()) - logits[n].begin());
    usable.push_back(t.examine(static_cast<int64_t>(n), "the map is constant: it is like any other constant one") !=
                     MapDefect::undefined);
  }
  const std::vector<double> distances = map_distances(t.maps, usable, p.text("distance") == "seuclidean");
  for (size_t n = 0; n < count; ++n) {
    if (!usable[n]) continue;
    double similar = 0, agree = 0;
    for (size_t m = 0; m < count; ++m) {
      if (m == n || !usable[m] || !(distances[n * count + m] <= p.number("threshold"))) continue;
      ++similar;
      agree += predicted[m] == predicted[n];
    }
    if (similar == 0) t.warn(static_cast<int64_t>(n), "no other image has a similar map: the score is 0 for that");
    t.result.scores[n] = similar > 0 ? agree / similar : 0;
  }
  if (r.progress) r.progress(1);
  return std::move(t.result);
}

}  // namespace

Metric sufficiency_metric() {
  using enum ParameterType;
  return {
      {"sufficiency", "Sufficiency", "faithfulness",
       "S. Dasgupta, N. Frost, M. Moshkovitz: Framework for evaluating faithfulness of local explanations, ICML 2022.",
       "Of the other images whose map is similar to this one's, the share that the network gives the same class: if a "
       "map "
       "says why, equal maps mean equal classes.",
       with_preparation({},
                        {{"threshold", number, 0.6,
                          "Maps no farther apart are similar, as a share of the largest distance between two", 0, 1},
                         {"distance",
                          choice,
                          "seuclidean",
                          "Euclidean, or with each pixel's differences divided by its variance over the maps",
                          {},
                          {},
                          "",
                          {"seuclidean", "euclidean"}},
                         asked_output_parameter("softmax")}),
       "A statement about the images at hand, not about one map: with few images, or all of one class, it is 1 or 0 by "
       "chance. Maps are compared pixel by pixel, so kernels that lie differently are never similar.",
       "scoreᵢ = |{j ≠ i: Dᵢⱼ ≤ threshold, class j = class i}| / |{j ≠ i: Dᵢⱼ ≤ threshold}|,  D relative to the "
       "largest"},
      Direction::higher,
      true,
      false,
      sufficiency,
      [](const Params&) { return true; },
      nullptr,
      {{"normalise_scope", "batch"}}};
}

}  // namespace ks

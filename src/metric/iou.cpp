#include <algorithm>

#include "metric/localisation.h"

// Intersection over union of the annotation and the part of the map that is above a threshold.
namespace ks {

namespace {

/// Calls `at(k, hits)` for every way to cut the order in two between different values: the k strongest features, of
/// which `hits` lie inside. The last cut takes all.
template <class At>
void each_cut(const Annotated& a, const At& at) {
  const std::vector<int64_t>& order = a.maps.order(a.n);
  const std::vector<double>& values = a.maps.descending(a.n);
  int64_t hits = 0;
  for (size_t k = 0; k < order.size(); ++k) {
    hits += a.inside[static_cast<size_t>(order[k])];
    if (k + 1 == order.size() || values[k + 1] != values[k]) at(static_cast<int64_t>(k + 1), hits);
  }
}

double overlap(const Annotated& a, int64_t k, int64_t hits) {
  return static_cast<double>(hits) / static_cast<double>(k + a.area - hits);
}

/// Otsu's threshold over all values rather than a histogram: the cut whose parts' means are furthest apart, weighted by
/// their sizes, which leaves the least variance within the parts.
double overlap_by_otsu(const Annotated& a) {
  const std::vector<double>& values = a.maps.descending(a.n);
  double total = 0;
  for (const double v : values) total += v;
  double widest = -1, best = 0, above = 0;
  int64_t summed = 0;
  each_cut(a, [&](int64_t k, int64_t hits) {
    for (; summed < k; ++summed) above += values[static_cast<size_t>(summed)];
    if (k == a.size && widest >= 0) return;  // a cut that takes all separates nothing
    const double strong = static_cast<double>(k), weak = static_cast<double>(a.size - k);
    const double apart = k == a.size ? 0 : above / strong - (total - above) / weak;
    const double between = strong * weak * apart * apart;
    if (between <= widest) return;
    widest = between;
    best = overlap(a, k, hits);
  });
  return best;
}

double overlap_score(const Annotated& a, const Params& p) {
  if (p.text("threshold") == "otsu") return overlap_by_otsu(a);
  double best = 0;
  int64_t before = 0;
  each_cut(a, [&](int64_t k, int64_t hits) {
    if (hits > before) best = std::max(best, overlap(a, k, hits));  // more features without a hit only lower it
    before = hits;
  });
  return best;
}

}  // namespace

Metric iou_metric() {
  return {
      {"iou", "Intersection over union", "localisation",
       "J. Choe, S. J. Oh, S. Lee, S. Chun, Z. Akata, H. Shim: Evaluating weakly supervised object localization "
       "methods "
       "right, CVPR 2020 (the best threshold). N. Otsu: A threshold selection method from gray-level histograms, IEEE "
       "Transactions on Systems, Man, and Cybernetics 1979.",
       "Area that the annotation and the map above a threshold share, divided by the area of both together.",
       with_preparation(
           {}, {{"threshold",
                 ParameterType::choice,
                 "best",
                 "best: the one that suits the annotation most, of all; otsu: the one that parts the map's own "
                 "values best, without looking at the annotation",
                 {},
                 {},
                 "",
                 {"best", "otsu"}}}),
       "With the best threshold it is what someone who knows the answer could draw from the map, not what the map "
       "shows by "
       "itself, and it never falls below the annotation's share of the image: a map of noise scores that much.",
       "max over t of |{i : aᵢ ≥ t} ∩ M| / |{i : aᵢ ≥ t} ∪ M|"},
      Direction::higher,
      false,
      true,
      annotated<overlap_score>};
}

}  // namespace ks

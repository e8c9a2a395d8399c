#include <cmath>

#include "metric/metric.h"
#include "metric/prepare.h"

// Complexity: how few pixels an explanation speaks of. Most of these metrics look at the map alone, neither at the
// network nor at the image: an explanation of one arbitrary pixel is the least complex of all.
namespace ks {

namespace {

/// A function of the magnitudes of a prepared map.
using ComplexityScore = double (*)(const PreparedMaps& magnitudes, int64_t n);

PreparedMaps magnitudes_of(Maps maps) {
  take_magnitudes(maps);
  return PreparedMaps(std::move(maps));
}

/// Applies it to every map; maps for which it has no meaning get NaN and a warning.
template <ComplexityScore score>
MetricResult each_map(const MetricRequest& r, const Params& p) {
  std::shared_ptr<const PreparedMaps> maps = prepared(r, p);
  if (!p.flag("abs")) maps = std::make_shared<PreparedMaps>(magnitudes_of(maps->maps()));
  const int64_t count = maps->maps().count;
  MetricResult out;
  for (int64_t n = 0; n < count; ++n) {
    const MapDefect defect = maps->defect(n);
    if (defect == MapDefect::undefined || defect == MapDefect::zero) {
      out.scores.push_back(kUndefined);
      out.warnings.push_back(image_warning(
          n, count, defect == MapDefect::zero ? "the map is zero everywhere, so it has no complexity" : undefined_map));
      continue;
    }
    if (defect == MapDefect::constant)
      out.warnings.push_back(image_warning(n, count, "the map is constant: it explains nothing, whatever its score"));
    out.scores.push_back(score(*maps, n));
  }
  return out;
}

/// Gini index sum_k (2k - d - 1) v_k / (d sum v) of the ascending values v_1 ... v_d.
double gini(const PreparedMaps& maps, int64_t n) {
  const double d = static_cast<double>(maps->stride());
  double weight = d - 1, weighted = 0, sum = 0;
  for (const double v : maps.descending(n)) {
    weighted += weight * v;
    sum += v;
    weight -= 2;
  }
  return weighted / (d * sum);
}

/// -sum p ln p with p = v / sum v, which is ln(sum v) - sum(v ln v) / sum v.
double entropy(const PreparedMaps& maps, int64_t n) {
  const double *begin = maps->sample(n), *end = begin + maps->stride();
  double sum = 0, weighted = 0;
  for (const double* v = begin; v != end; ++v) {
    sum += *v;
    if (*v > 0) weighted += *v * std::log(*v);
  }
  return std::log(sum) - weighted / sum;
}

}  // namespace

std::vector<Metric> complexity_metrics() {
  return {
      {{"sparseness", "Sparseness", "complexity",
        "P. Chalasani, J. Chen, A. R. Chowdhury, S. Jha, X. Wu: Concise explanations of neural networks using "
        "adversarial "
        "training, ICML 2020.",
        "Gini index of the magnitudes, 0 (all pixels equal) to 1 (one pixel has all).", with_preparation({}),
        "Rewards few bright pixels wherever they lie, and is low for maps that are smooth or made of segments, however "
        "right.",
        "Σᵢ (2i − n − 1) · aᵢ / (n · Σᵢ aᵢ), magnitudes a₁ ≤ … ≤ aₙ"},
       Direction::higher,
       false,
       false,
       each_map<gini>},
      {{"complexity", "Complexity", "complexity",
        "U. Bhatt, A. Weller, J. M. F. Moura: Evaluating and aggregating feature-based model explanations, IJCAI 2020.",
        "Entropy of the magnitudes' shares, in nats: 0 (one pixel has all) to ln of the number of features.",
        with_preparation({}),
        "Grows with the size of the image, so it compares methods on images of one size only. The simplest map is that "
        "of one "
        "arbitrary pixel.",
        "−Σᵢ pᵢ ln pᵢ,  pᵢ = |aᵢ| / Σₖ |aₖ|"},
       Direction::lower,
       false,
       false,
       each_map<entropy>},
      effective_complexity_metric(),
  };
}

}  // namespace ks

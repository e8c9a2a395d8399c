#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "metric/metric.h"
#include "metric/prepare.h"

// Complexity: how few pixels an explanation speaks of. These metrics look at the map alone, neither at the network nor
// at the image: an explanation of one arbitrary pixel is the least complex of all.
namespace ks {

namespace {

/// Applies a function of one map's magnitudes to every map; maps for which it has no meaning get NaN and a warning.
MetricResult each_map(const MetricRequest& r, const Params& p, double (*score)(std::vector<double>)) {
  const Maps maps = prepare(r.attributions, p);
  MetricResult out;
  for (int64_t n = 0; n < maps.count; ++n) {
    const double* a = maps.sample(n);
    const MapDefect defect = map_defect(a, maps.stride());
    if (defect == MapDefect::undefined || defect == MapDefect::zero) {
      out.scores.push_back(kUndefined);
      out.warnings.push_back(image_warning(n, maps.count,
                                           defect == MapDefect::zero
                                               ? "the map is zero everywhere, so it has no complexity"
                                               : "the map holds NaN or infinity"));
      continue;
    }
    if (defect == MapDefect::constant)
      out.warnings.push_back(
          image_warning(n, maps.count, "the map is constant: it explains nothing, whatever its score"));
    std::vector<double> magnitudes(a, a + maps.stride());
    for (double& v : magnitudes) v = std::fabs(v);
    out.scores.push_back(score(std::move(magnitudes)));
  }
  return out;
}

/// Gini index sum_k (2k - d - 1) v_k / (d sum v) of the ascending values v_1 ... v_d.
double gini(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  const double d = static_cast<double>(v.size());
  double weighted = 0, sum = 0;
  for (size_t k = 0; k < v.size(); ++k) {
    weighted += (2.0 * static_cast<double>(k + 1) - d - 1) * v[k];
    sum += v[k];
  }
  return weighted / (d * sum);
}

/// -sum p ln p with p = v / sum v.
double entropy(std::vector<double> v) {
  const double sum = std::accumulate(v.begin(), v.end(), 0.0);
  double out = 0;
  for (const double value : v) {
    const double share = value / sum;
    if (share > 0) out -= share * std::log(share);
  }
  return out;
}

MetricResult sparseness(const MetricRequest& r, const Params& p) {
  return each_map(r, p, gini);
}

MetricResult complexity(const MetricRequest& r, const Params& p) {
  return each_map(r, p, entropy);
}

}  // namespace

std::vector<Metric> complexity_metrics() {
  return {
      {{"sparseness", "Sparseness", "complexity",
        "P. Chalasani, J. Chen, A. R. Chowdhury, S. Jha, X. Wu: Concise explanations of neural networks using "
        "adversarial "
        "training, ICML 2020.",
        "Gini index of the magnitudes, 0 (all pixels equal) to 1 (one pixel has all).", with_preparation({}),
        "Rewards few bright pixels wherever they lie, and is low for maps that are smooth or made of segments, however right.",
        "Σᵢ (2i − n − 1) · aᵢ / (n · Σᵢ aᵢ), magnitudes a₁ ≤ … ≤ aₙ"},
       Direction::higher,
       false,
       false,
       sparseness},
      {{"complexity", "Complexity", "complexity",
        "U. Bhatt, A. Weller, J. M. F. Moura: Evaluating and aggregating feature-based model explanations, IJCAI 2020.",
        "Entropy of the magnitudes' shares, in nats: 0 (one pixel has all) to ln of the number of features.",
        with_preparation({}),
        "Grows with the size of the image, so it compares methods on images of one size only. The simplest map is that of one "
        "arbitrary pixel.",
        "−Σᵢ pᵢ ln pᵢ,  pᵢ = |aᵢ| / Σₖ |aₖ|"},
       Direction::lower,
       false,
       false,
       complexity},
  };
}

}  // namespace ks

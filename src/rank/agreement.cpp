#include "rank/agreement.h"

#include <algorithm>
#include <cmath>

#include "metric/similarity.h"
#include "rank/distributions.h"

namespace ks {

namespace {

/// Tau over the methods that both metrics say something of, and how many these are.
std::pair<double, size_t> tau_of(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> x, y;
  for (size_t m = 0; m < a.size(); ++m)
    if (!std::isnan(a[m]) && !std::isnan(b[m])) {
      x.push_back(a[m]);
      y.push_back(b[m]);
    }
  return {x.size() < 2 ? kUndefined : kendall_tau(x.data(), y.data(), static_cast<int64_t>(x.size())), x.size()};
}

/// Two-sided, of a tau over n methods that have nothing in common.
double chance(double tau, size_t n) {
  const double count = static_cast<double>(n);
  return normal_tails(tau / std::sqrt(2 * (2 * count + 5) / (9 * count * (count - 1))));
}

/// Leaves of the average-linkage tree. Each join turns its two parts so that what meets is as near as can be.
std::vector<size_t> clustered(const std::vector<std::vector<double>>& tau) {
  std::vector<std::vector<size_t>> clusters;
  for (size_t k = 0; k < tau.size(); ++k) clusters.push_back({k});
  const auto distance = [&](size_t a, size_t b) { return std::isnan(tau[a][b]) ? 1.0 : 1 - tau[a][b]; };
  const auto linkage = [&](const std::vector<size_t>& a, const std::vector<size_t>& b) {
    double sum = 0;
    for (const size_t i : a)
      for (const size_t j : b) sum += distance(i, j);
    return sum / static_cast<double>(a.size() * b.size());
  };
  while (clusters.size() > 1) {
    size_t best_a = 0, best_b = 1;
    double best = linkage(clusters[0], clusters[1]);
    for (size_t a = 0; a < clusters.size(); ++a)
      for (size_t b = a + 1; b < clusters.size(); ++b)
        if (const double d = linkage(clusters[a], clusters[b]); d < best - 1e-12) {
          best = d;
          best_a = a;
          best_b = b;
        }
    std::vector<size_t>&left = clusters[best_a], &right = clusters[best_b];
    const double ends[4] = {distance(left.back(), right.front()), distance(left.back(), right.back()),
                            distance(left.front(), right.front()), distance(left.front(), right.back())};
    const auto turn = std::min_element(ends, ends + 4) - ends;
    if (turn >= 2) std::reverse(left.begin(), left.end());
    if (turn % 2 == 1) std::reverse(right.begin(), right.end());
    left.insert(left.end(), right.begin(), right.end());
    clusters.erase(clusters.begin() + static_cast<std::ptrdiff_t>(best_b));
  }
  return clusters.empty() ? std::vector<size_t>() : clusters[0];
}

}  // namespace

Agreement metric_agreement(const ScoreTable& table) {
  const size_t metrics = table.metrics.size();
  std::vector<std::vector<double>> worth(metrics);
  for (size_t k = 0; k < metrics; ++k)
    for (const auto& row : table.scores[k])
      worth[k].push_back(table.directions[k] == Direction::none ? kUndefined
                                                                : -cost_of(mean_of_defined(row), table.directions[k]));
  Agreement out;
  out.tau.assign(metrics, std::vector<double>(metrics, kUndefined));
  for (size_t a = 0; a < metrics; ++a)
    for (size_t b = a; b < metrics; ++b) {
      const auto [tau, n] = tau_of(worth[a], worth[b]);
      out.tau[a][b] = out.tau[b][a] = tau;
      if (a == b || !(tau < 0)) continue;
      if (const double p = chance(tau, n); p < 0.05) out.contradictions.push_back({a, b, tau, p});
    }
  std::stable_sort(out.contradictions.begin(), out.contradictions.end(),
                   [](const Contradiction& a, const Contradiction& b) { return a.tau < b.tau; });
  out.order = clustered(out.tau);
  return out;
}

}  // namespace ks

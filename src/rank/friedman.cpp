#include "rank/friedman.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "rank/distributions.h"

namespace ks {

FriedmanTest friedman_test(const std::vector<std::vector<double>>& ranks, double level) {
  FriedmanTest out{.blocks = ranks.size(), .level = level};
  const size_t methods = ranks.empty() ? 0 : ranks[0].size();
  if (methods == 0) return out;
  const double n = static_cast<double>(ranks.size()), k = static_cast<double>(methods);
  out.mean_ranks.assign(methods, 0.0);
  double squares = 0;
  for (const auto& block : ranks)
    for (size_t m = 0; m < methods; ++m) {
      out.mean_ranks[m] += block[m] / n;
      squares += block[m] * block[m];
    }
  out.order.resize(methods);
  std::iota(out.order.begin(), out.order.end(), size_t{0});
  std::stable_sort(out.order.begin(), out.order.end(),
                   [&](size_t a, size_t b) { return out.mean_ranks[a] < out.mean_ranks[b]; });
  if (methods < 2) return out;

  double between = 0;
  for (const double mean : out.mean_ranks) between += (mean - (k + 1) / 2) * (mean - (k + 1) / 2);
  const double within = squares - n * k * (k + 1) * (k + 1) / 4;  // 0 where every block is one tie
  out.chi_squared = within > 1e-9 ? (k - 1) * n * n * between / within : 0;
  out.p = chi_squared_tail(out.chi_squared, k - 1);
  if (ranks.size() > 1) {
    const double rest = n * (k - 1) - out.chi_squared;  // 0 where all blocks agree
    out.f = rest > 1e-9 * n * k ? (n - 1) * out.chi_squared / rest : std::numeric_limits<double>::infinity();
    out.f_p = f_tail(out.f, k - 1, (k - 1) * (n - 1));
  }
  out.critical_difference =
      studentised_range_quantile(level, static_cast<int>(methods)) / std::sqrt(2.0) * std::sqrt(k * (k + 1) / (6 * n));
  size_t last_end = 0;
  for (size_t begin = 0; begin < methods; ++begin) {
    size_t end = begin + 1;
    while (end < methods && out.mean_ranks[out.order[end]] - out.mean_ranks[out.order[begin]] < out.critical_difference)
      ++end;
    if (end - begin > 1 && end > last_end)
      out.groups.emplace_back(out.order.begin() + static_cast<std::ptrdiff_t>(begin),
                              out.order.begin() + static_cast<std::ptrdiff_t>(end));
    last_end = std::max(last_end, end);
  }
  return out;
}

std::vector<std::vector<double>> blocks_of_metric(const ScoreTable& table, size_t metric) {
  std::vector<std::vector<double>> out;
  const size_t images = table.methods.empty() ? 0 : table.scores[metric][0].size();
  for (size_t i = 0; i < images; ++i) {
    std::vector<double> ranks = image_ranks(table, metric, i);
    if (!std::isnan(ranks[0])) out.push_back(std::move(ranks));
  }
  return out;
}

std::vector<std::vector<double>> blocks_of_study(const ScoreTable& table, const RankOptions& options) {
  const OverallRanking& combination = overall_rankings().at(options.overall);
  const std::vector<double> weights = metric_weights(table, options);
  const size_t methods = table.methods.size(),
               images = methods && !table.scores.empty() ? table.scores[0][0].size() : 0;
  std::vector<std::vector<double>> out;
  for (size_t i = 0; i < images; ++i) {
    std::vector<std::vector<Vote>> votes(methods);
    for (size_t k = 0; k < table.metrics.size(); ++k) {
      if (weights[k] == 0) continue;
      const std::vector<double> ranks = image_ranks(table, k, i);
      for (size_t m = 0; m < methods && !std::isnan(ranks[m]); ++m) votes[m].push_back({ranks[m], weights[k]});
    }
    std::vector<double> combined;
    for (auto& list : votes) combined.push_back(combination.combine(list));
    std::vector<double> ranks = rank_values(combined, Direction::lower);
    if (methods > 0 && !std::isnan(ranks[0])) out.push_back(std::move(ranks));
  }
  return out;
}

}  // namespace ks

#include "rank/rank.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace ks {

namespace {

double mean_of_defined(const std::vector<double>& values) {
  double sum = 0;
  int count = 0;
  for (const double v : values)
    if (!std::isnan(v)) {
      sum += v;
      ++count;
    }
  return count ? sum / count : kUndefined;
}

double mean_rank(std::vector<double> ranks) {
  return mean_of_defined(ranks);
}

double median_rank(std::vector<double> ranks) {
  std::sort(ranks.begin(), ranks.end());
  const size_t half = ranks.size() / 2;
  return ranks.size() % 2 ? ranks[half] : (ranks[half - 1] + ranks[half]) / 2;
}

/// Mean over the images of the ranks on each; images on which the metric says nothing are left out.
std::vector<double> mean_image_ranks(const std::vector<std::vector<double>>& scores, Direction direction) {
  const size_t methods = scores.size(), images = methods ? scores[0].size() : 0;
  std::vector<std::vector<double>> ranks(methods);
  for (size_t i = 0; i < images; ++i) {
    std::vector<double> column;
    for (const auto& row : scores) column.push_back(row[i]);
    const std::vector<double> ranked = rank_values(column, direction);
    for (size_t m = 0; m < methods; ++m) ranks[m].push_back(ranked[m]);
  }
  std::vector<double> out;
  for (const auto& row : ranks) out.push_back(mean_of_defined(row));
  return out;
}

}  // namespace

const Registry<OverallRanking>& overall_rankings() {
  static const Registry<OverallRanking> registry("overall ranking",
                                                 {
                                                     {{"mean-rank",
                                                       "Mean rank",
                                                       "overall",
                                                       "L. Tětková, E. S. Dreier, R. Malm, L. K. Hansen: Challenges in "
                                                       "explaining deep learning models for data with "
                                                       "biological variation, PLOS ONE 2025, Table 3.",
                                                       "Mean of a method's ranks over the metrics.",
                                                       {},
                                                       "Each metric has one vote, so several metrics of one kind outvote "
                                                       "the rest; the order of two methods may change when a third is "
                                                       "added.",
                                                       "r̄ = Σₖ rₖ / K over the K metrics"},
                                                      mean_rank},
                                                     {{"median-rank",
                                                       "Median rank",
                                                       "overall",
                                                       "",
                                                       "Median of a method's ranks over the metrics.",
                                                       {},
                                                       "One metric on which a method fails does not sink it, nor is that "
                                                       "seen.",
                                                       "median(r₁ … r_K) over the K metrics"},
                                                      median_rank},
                                                 });
  return registry;
}

std::vector<double> rank_values(const std::vector<double>& values, Direction direction) {
  std::vector<double> cost;  // lower is better, NaN is worst
  for (const double v : values)
    cost.push_back(direction == Direction::higher ? -v : direction == Direction::zero ? std::fabs(v) : v);
  const bool nothing =
      direction == Direction::none || std::all_of(cost.begin(), cost.end(), [](double v) { return std::isnan(v); });
  std::vector<double> ranks(values.size(), kUndefined);
  if (nothing) return ranks;
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto before = [&](size_t a, size_t b) {
    return cost[a] < cost[b] || (std::isnan(cost[b]) && !std::isnan(cost[a]));
  };
  std::stable_sort(order.begin(), order.end(), before);
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && !before(order[begin], order[end])) ++end;
    // Places begin+1 ... end are shared.
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + 1 + end) / 2;
    begin = end;
  }
  return ranks;
}

RankTable rank_methods(const ScoreTable& table, const std::string& overall, RankOf of) {
  const OverallRanking& combination = overall_rankings().at(overall);
  RankTable out;
  out.overall_title = combination.title;
  for (size_t k = 0; k < table.metrics.size(); ++k) {
    std::vector<double> means;
    for (const auto& row : table.scores[k]) means.push_back(mean_of_defined(row));
    out.ranks.push_back(of == RankOf::means ? rank_values(means, table.directions[k])
                                            : mean_image_ranks(table.scores[k], table.directions[k]));
    out.means.push_back(std::move(means));
  }
  for (size_t m = 0; m < table.methods.size(); ++m) {
    std::vector<double> ranks;
    for (const auto& row : out.ranks)
      if (!std::isnan(row[m])) ranks.push_back(row[m]);
    out.overall.push_back(ranks.empty() ? kUndefined : combination.combine(std::move(ranks)));
    out.order.push_back(m);
  }
  std::stable_sort(out.order.begin(), out.order.end(), [&](size_t a, size_t b) {
    return out.overall[a] < out.overall[b] || (std::isnan(out.overall[b]) && !std::isnan(out.overall[a]));
  });
  return out;
}

}  // namespace ks

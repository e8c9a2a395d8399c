#include "rank/rank.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tensor/error.h"

namespace ks {

namespace {

double mean_rank(std::vector<Vote>& votes) {
  double sum = 0, weight = 0;
  for (const Vote& vote : votes) {
    sum += vote.weight * vote.rank;
    weight += vote.weight;
  }
  return weight > 0 ? sum / weight : kUndefined;
}

/// The rank below and above which lies half of the weight; between two, their mean.
double median_rank(std::vector<Vote>& votes) {
  std::sort(votes.begin(), votes.end(), [](const Vote& a, const Vote& b) { return a.rank < b.rank; });
  double all = 0, below = 0;
  for (const Vote& vote : votes) all += vote.weight;
  if (!(all > 0)) return kUndefined;
  const double slack = 1e-12 * all;  // sums of weights are rounded
  for (size_t i = 0; i < votes.size(); ++i) {
    below += votes[i].weight;
    if (below < all / 2 - slack) continue;
    if (below > all / 2 + slack) return votes[i].rank;
    size_t next = i + 1;
    while (next + 1 < votes.size() && votes[next].weight == 0) ++next;
    return next < votes.size() ? (votes[i].rank + votes[next].rank) / 2 : votes[i].rank;
  }
  return votes.back().rank;
}

/// Mean over the images of the ranks on each; images on which the metric says nothing are left out.
std::vector<double> mean_image_ranks(const ScoreTable& table, size_t metric) {
  const size_t methods = table.methods.size(), images = methods ? table.scores[metric][0].size() : 0;
  std::vector<std::vector<double>> ranks(methods);
  for (size_t i = 0; i < images; ++i) {
    const std::vector<double> ranked = image_ranks(table, metric, i);
    for (size_t m = 0; m < methods; ++m) ranks[m].push_back(ranked[m]);
  }
  std::vector<double> out;
  for (const auto& row : ranks) out.push_back(mean_of_defined(row));
  return out;
}

}  // namespace

const Registry<OverallRanking>& overall_rankings() {
  static const Registry<OverallRanking> registry(
      "overall ranking", {
                             {{"mean-rank",
                               "Mean rank",
                               "overall",
                               "L. Tětková, E. S. Dreier, R. Malm, L. K. Hansen: Challenges in "
                               "explaining deep learning models for data with "
                               "biological variation, PLOS ONE 2025, Table 3.",
                               "Mean of a method's ranks over the metrics, by weight.",
                               {},
                               "Each metric has one vote, so several metrics of one kind outvote "
                               "the rest; the order of two methods may change when a third is "
                               "added.",
                               "r̄ = Σₖ wₖ rₖ / Σₖ wₖ over the metrics"},
                              mean_rank},
                             {{"median-rank",
                               "Median rank",
                               "overall",
                               "",
                               "Median of a method's ranks over the metrics, by weight.",
                               {},
                               "One metric on which a method fails does not sink it, nor is that "
                               "seen.",
                               "the r with half of the weight Σₖ wₖ of the metrics on each side"},
                              median_rank},
                         });
  return registry;
}

std::vector<Category> categories_of(const ScoreTable& table) {
  std::vector<Category> out;
  for (size_t k = 0; k < table.metrics.size(); ++k) {
    const std::string name = k < table.families.size() ? table.families[k] : "";
    auto found = std::find_if(out.begin(), out.end(), [&](const Category& c) { return c.name == name; });
    if (found == out.end()) found = out.insert(out.end(), {name, {}});
    found->metrics.push_back(k);
  }
  return out;
}

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

double cost_of(double value, Direction direction) {
  return direction == Direction::higher ? -value : direction == Direction::zero ? std::fabs(value) : value;
}

void rank_costs(const std::vector<double>& costs, std::vector<size_t>& order, std::vector<double>& ranks) {
  const auto before = [&](size_t a, size_t b) {
    return costs[a] < costs[b] || (std::isnan(costs[b]) && !std::isnan(costs[a]));
  };
  // Insertion: there are few methods, and redraws hardly change their order.
  for (size_t i = 1; i < order.size(); ++i) {
    const size_t moved = order[i];
    size_t to = i;
    for (; to > 0 && before(moved, order[to - 1]); --to) order[to] = order[to - 1];
    order[to] = moved;
  }
  ranks.resize(costs.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && !before(order[begin], order[end])) ++end;
    // Places begin+1 ... end are shared.
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + 1 + end) / 2;
    begin = end;
  }
}

std::vector<double> rank_values(const std::vector<double>& values, Direction direction) {
  std::vector<double> ranks(values.size(), kUndefined);
  if (direction == Direction::none || std::all_of(values.begin(), values.end(), [](double v) { return std::isnan(v); }))
    return ranks;
  std::vector<double> costs;
  for (const double v : values) costs.push_back(cost_of(v, direction));
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  rank_costs(costs, order, ranks);
  return ranks;
}

std::vector<double> image_ranks(const ScoreTable& table, size_t metric, size_t image) {
  std::vector<double> column;
  for (const auto& row : table.scores[metric]) column.push_back(row[image]);
  return rank_values(column, table.directions[metric]);
}

std::vector<double> metric_weights(const ScoreTable& table, const RankOptions& options) {
  std::vector<double> weights(table.metrics.size(), 0.0);
  for (const Category& category : categories_of(table)) {
    std::vector<size_t> counting;
    for (const size_t k : category.metrics) {
      bool defined = false;
      for (const auto& row : table.scores[k])
        for (const double v : row) defined = defined || !std::isnan(v);
      if (defined && table.directions[k] != Direction::none) counting.push_back(k);
    }
    const auto given = options.weights.find(category.name);
    const double weight = given == options.weights.end() ? 1.0 : given->second;
    for (const size_t k : counting)
      weights[k] = options.weights.empty() ? 1.0 : weight / static_cast<double>(counting.size());
  }
  return weights;
}

void check_rank_options(const RankOptions& options) {
  overall_rankings().at(options.overall);
  std::vector<std::string> known;
  for (const Metric& metric : metrics())
    if (std::find(known.begin(), known.end(), metric.family) == known.end()) known.push_back(metric.family);
  known.push_back("other");  // of metrics that a table brings along
  bool any = options.weights.size() + 1 < known.size();
  for (const auto& [name, weight] : options.weights) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw_unknown_name("category of metrics", name, known);
    if (!(weight >= 0 && weight <= 1e6))
      throw Error("the weight of " + name + " is " + json(weight).dump(), "", "it must be from 0 to 1000000");
    any = any || weight > 0;
  }
  if (!any) throw Error("all weights are 0", "", "let at least one category count");
}

RankTable rank_methods(const ScoreTable& table, const RankOptions& options) {
  const OverallRanking& combination = overall_rankings().at(options.overall);
  RankTable out;
  out.overall_title = combination.title;
  out.categories = categories_of(table);
  for (size_t k = 0; k < table.metrics.size(); ++k) {
    std::vector<double> means;
    for (const auto& row : table.scores[k]) means.push_back(mean_of_defined(row));
    out.ranks.push_back(options.of == RankOf::means ? rank_values(means, table.directions[k])
                                                    : mean_image_ranks(table, k));
    out.means.push_back(std::move(means));
  }
  const std::vector<double> weights = metric_weights(table, options);
  for (size_t m = 0; m < table.methods.size(); ++m) {
    std::vector<Vote> votes;
    for (size_t k = 0; k < out.ranks.size(); ++k)
      if (!std::isnan(out.ranks[k][m])) votes.push_back({out.ranks[k][m], weights[k]});
    out.overall.push_back(combination.combine(votes));
    out.order.push_back(m);
  }
  for (const Category& category : out.categories) {
    auto& row = out.category_ranks.emplace_back();
    for (size_t m = 0; m < table.methods.size(); ++m) {
      std::vector<double> ranks;
      for (const size_t k : category.metrics) ranks.push_back(out.ranks[k][m]);
      row.push_back(mean_of_defined(ranks));
    }
  }
  std::stable_sort(out.order.begin(), out.order.end(), [&](size_t a, size_t b) {
    return out.overall[a] < out.overall[b] || (std::isnan(out.overall[b]) && !std::isnan(out.overall[a]));
  });
  return out;
}

}  // namespace ks

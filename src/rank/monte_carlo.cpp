#include "rank/monte_carlo.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "rank/bootstrap.h"
#include "tensor/error.h"

namespace ks {

const std::vector<std::string> metric_draw_names = {"one-per-category", "random-weights", "all"};

const char* to_string(MetricDraw draw) {
  return metric_draw_names[static_cast<size_t>(draw)].c_str();
}

MetricDraw parse_metric_draw(const std::string& text) {
  for (size_t i = 0; i < metric_draw_names.size(); ++i)
    if (text == metric_draw_names[i]) return static_cast<MetricDraw>(i);
  throw_unknown_name("way to draw metrics", text, metric_draw_names);
}

namespace {

/// Draws which metrics count how much.
class MetricSampler {
 public:
  MetricSampler(const ScoreTable& table, const RankOptions& rank, MetricDraw how)
      : how_(how), usual_(metric_weights(table, rank)) {
    for (const Category& category : categories_of(table)) {
      Group group;
      for (const size_t k : category.metrics)
        if (usual_[k] > 0) group.metrics.push_back(k);
      const auto given = rank.weights.find(category.name);
      group.weight = given == rank.weights.end() ? 1.0 : given->second;
      if (!group.metrics.empty()) groups_.push_back(std::move(group));
    }
  }

  bool nothing() const { return groups_.empty(); }

  /// (metric, weight) pairs.
  const std::vector<std::pair<size_t, double>>& draw(Random& random) {
    chosen_.clear();
    if (how_ == MetricDraw::one_per_category) {
      for (const Group& group : groups_)
        chosen_.emplace_back(group.metrics[random.below(static_cast<uint32_t>(group.metrics.size()))], group.weight);
      return chosen_;
    }
    for (const Group& group : groups_)
      for (const size_t k : group.metrics)
        chosen_.emplace_back(k, how_ == MetricDraw::all ? usual_[k] : -std::log(1 - random.uniform()) * usual_[k]);
    return chosen_;
  }

 private:
  struct Group {
    std::vector<size_t> metrics;
    double weight = 1;
  };
  MetricDraw how_;
  std::vector<double> usual_;
  std::vector<Group> groups_;
  std::vector<std::pair<size_t, double>> chosen_;
};

/// How often each method had each place. Places are multiples of one half.
class PlaceCounts {
 public:
  explicit PlaceCounts(size_t methods)
      : counts_(methods, std::vector<int>(2 * methods + 1)),
        first_(methods),
        three_(methods),
        better_(methods, std::vector<double>(methods)) {}

  void add(const std::vector<double>& ranks, const std::vector<size_t>& order) {
    const size_t n = ranks.size();
    for (size_t m = 0; m < n; ++m) ++counts_[m][static_cast<size_t>(2 * ranks[m])];
    for (size_t begin = 0; begin < n;) {
      size_t end = begin + 1;
      while (end < n && ranks[order[end]] == ranks[order[begin]]) ++end;
      const double size = static_cast<double>(end - begin);
      for (size_t i = begin; i < end; ++i) {
        if (begin == 0) first_[order[i]] += 1 / size;
        if (begin < 3) three_[order[i]] += static_cast<double>(std::min<size_t>(end, 3) - begin) / size;
        for (size_t j = begin; j < end; ++j) better_[order[i]][order[j]] += 0.5;
        for (size_t j = end; j < n; ++j) better_[order[i]][order[j]] += 1;
      }
      begin = end;
    }
  }

  MonteCarloOrder finish(int draws) const {
    MonteCarloOrder out{.draws = draws};
    for (size_t m = 0; m < counts_.size(); ++m) {
      double sum = 0;
      for (size_t p = 0; p < counts_[m].size(); ++p)
        sum += static_cast<double>(counts_[m][p]) * static_cast<double>(p) / 2;
      out.mean_rank.push_back(sum / draws);
      out.low.push_back(quantile(m, 0.025 * draws));
      out.high.push_back(quantile(m, 0.975 * draws));
      out.first.push_back(first_[m] / draws);
      out.best_three.push_back(three_[m] / draws);
      auto& row = out.better.emplace_back(better_[m]);
      for (double& p : row) p /= draws;
    }
    out.order.resize(counts_.size());
    std::iota(out.order.begin(), out.order.end(), size_t{0});
    std::stable_sort(out.order.begin(), out.order.end(),
                     [&](size_t a, size_t b) { return out.mean_rank[a] < out.mean_rank[b]; });
    return out;
  }

 private:
  double quantile(size_t method, double wanted) const {
    double seen = 0;
    size_t p = 0;
    for (; p + 1 < counts_[method].size(); ++p) {
      seen += counts_[method][p];
      if (seen >= wanted && seen > 0) break;
    }
    return static_cast<double>(p) / 2;
  }

  std::vector<std::vector<int>> counts_;
  std::vector<double> first_, three_;
  std::vector<std::vector<double>> better_;
};

}  // namespace

MonteCarloOrder monte_carlo_order(const ScoreTable& table, const RankOptions& rank, const MonteCarloOptions& options,
                                  uint64_t seed) {
  const OverallRanking& combination = overall_rankings().at(rank.overall);
  const size_t methods = table.methods.size();
  MetricSampler sampler(table, rank, options.metrics);
  if (methods == 0 || options.draws == 0 || sampler.nothing()) return {};
  Bootstrap bootstrap(table, rank.of);
  std::vector<size_t> start(methods);
  std::iota(start.begin(), start.end(), size_t{0});
  // The orders of the draw before: the next is near.
  std::vector<std::vector<size_t>> orders(table.metrics.size(), start);
  std::vector<size_t> overall_order = start;
  PlaceCounts places(methods);
  std::vector<std::vector<Vote>> votes(methods);
  std::vector<double> means, costs, ranks, overall(methods), overall_ranks;
  int counted = 0;
  for (int draw = 0; draw < options.draws; ++draw) {
    Random random(seed, static_cast<uint64_t>(draw));
    bootstrap.draw(random);
    for (auto& list : votes) list.clear();
    for (const auto& [k, weight] : sampler.draw(random)) {
      bootstrap.means(k, means);
      if (std::all_of(means.begin(), means.end(), [](double v) { return std::isnan(v); })) continue;
      if (rank.of == RankOf::means) {
        costs.clear();
        for (const double mean : means) costs.push_back(cost_of(mean, table.directions[k]));
        rank_costs(costs, orders[k], ranks);
      } else {
        ranks = means;
      }
      for (size_t m = 0; m < methods; ++m) votes[m].push_back({ranks[m], weight});
    }
    // None of the drawn images may have what the drawn metrics need: such a draw says nothing.
    if (votes[0].empty()) continue;
    for (size_t m = 0; m < methods; ++m) overall[m] = combination.combine(votes[m]);
    rank_costs(overall, overall_order, overall_ranks);
    places.add(overall_ranks, overall_order);
    ++counted;
  }
  return counted > 0 ? places.finish(counted) : MonteCarloOrder{};
}

}  // namespace ks

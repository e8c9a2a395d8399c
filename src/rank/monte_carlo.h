#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "rank/rank.h"

namespace ks {

/// Which metrics a redraw takes.
enum class MetricDraw {
  one_per_category,  // one of each category, each counting the category's weight
  random_weights,  // all, each with a weight of its own, exponentially distributed about the usual one (flat Dirichlet)
  all              // all with their usual weights: only the images are redrawn
};
const char* to_string(MetricDraw draw);                 // "one-per-category", ...
MetricDraw parse_metric_draw(const std::string& text);  // throws Error
extern const std::vector<std::string> metric_draw_names;

struct MonteCarloOptions {
  int draws = 10000;  // 0: none
  MetricDraw metrics = MetricDraw::one_per_category;

  bool operator==(const MonteCarloOptions&) const = default;
};
constexpr int most_draws = 1000000;

/// Where each method stands when images and metrics are drawn again and again.
struct MonteCarloOrder {
  int draws = 0;                            // 0: there was nothing to rank
  std::vector<double> mean_rank;            // [method], of its places 1 ... n in the redrawn orders; ties share
  std::vector<double> low, high;            // [method], 2.5 % and 97.5 % of its places
  std::vector<double> first, best_three;    // [method], probability; a shared place counts by its share
  std::vector<std::vector<double>> better;  // [a][b], probability that a stands before b; a tie is half
  std::vector<size_t> order;                // methods by mean rank
};

/// Redraws images (with replacement) and metrics and ranks anew. The same seed gives the same numbers everywhere.
MonteCarloOrder monte_carlo_order(const ScoreTable& table, const RankOptions& rank, const MonteCarloOptions& options,
                                  uint64_t seed);

}  // namespace ks

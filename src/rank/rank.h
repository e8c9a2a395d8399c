#pragma once
#include <map>
#include <string>
#include <vector>

#include "metric/metric.h"
#include "registry/registry.h"

namespace ks {

/// The scores of a study. NaN: undefined for this image, or not computed.
struct ScoreTable {
  std::vector<std::string> methods, metrics;             // ids, in the study's order
  std::vector<Direction> directions;                     // [metric]
  std::vector<std::vector<std::vector<double>>> scores;  // [metric][method][image]
  std::vector<std::string> families = {};                // [metric] its category; empty: all are of one
};

/// The metrics of one family, in the table's order.
struct Category {
  std::string name;
  std::vector<size_t> metrics;
};
/// The table's categories in the order of their first metrics.
std::vector<Category> categories_of(const ScoreTable& table);

/// The methods in the order of their worth (the paper's Table 3).
struct RankTable {
  std::vector<std::vector<double>> means;  // [metric][method], of the defined scores; NaN without any
  std::vector<std::vector<double>> ranks;  // [metric][method], 1 is best; NaN where a metric ranks nothing
  std::vector<Category> categories;
  std::vector<std::vector<double>> category_ranks;  // [category][method], mean of the ranks of the category's metrics
  std::vector<double> overall;                      // [method], lower is better; NaN without any rank
  std::vector<size_t> order;                        // methods, best first; ties in the study's order
  std::string overall_title;                        // "Mean rank"
};

/// A method's rank under one metric, and what that metric counts.
struct Vote {
  double rank = 0, weight = 1;
};

/// How a method's ranks under several metrics become one number.
struct OverallRanking : Entry {
  /// NaN where nothing counts. May reorder the votes.
  double (*combine)(std::vector<Vote>& votes) = nullptr;
};

/// mean-rank, median-rank.
const Registry<OverallRanking>& overall_rankings();

/// What is ranked under one metric: the methods' mean scores, or the methods on each image, whose ranks are then
/// averaged (no image counts more because its scores are large; ranks are then no whole numbers).
enum class RankOf { means, images };

struct RankOptions {
  std::string overall = "mean-rank";
  RankOf of = RankOf::means;
  /// What a category counts as a whole, >= 0, shared by its metrics; 1 where it is not named. Without any weight every
  /// metric counts the same, so a category counts by the number of its metrics.
  std::map<std::string, double> weights = {};

  bool operator==(const RankOptions&) const = default;
};

/// Mean of the values that are not NaN; NaN without any.
double mean_of_defined(const std::vector<double>& values);

/// A value as a cost, lower is better: its negative, itself or its magnitude. Not for Direction::none.
double cost_of(double value, Direction direction);

/// Ranks 1 ... n of costs, the lowest first. Equal costs share the mean of their ranks; NaN comes last and shares, too.
/// `order` is a permutation of 0 ... n-1 to begin with (the quicker the nearer it is) and sorted afterwards.
void rank_costs(const std::vector<double>& costs, std::vector<size_t>& order, std::vector<double>& ranks);

/// Ranks 1 ... n of values, best first by `direction` (zero: smallest magnitude first), as rank_costs. All NaN where
/// every value is NaN or the direction is none.
std::vector<double> rank_values(const std::vector<double>& values, Direction direction);

/// The ranks of the methods on one image under one metric.
std::vector<double> image_ranks(const ScoreTable& table, size_t metric, size_t image);

/// What each metric counts in the overall rank, by the options' weights; 0 for one that ranks nothing.
std::vector<double> metric_weights(const ScoreTable& table, const RankOptions& options);

/// Throws Error for an unknown way of combining, an unknown category, or weights that leave nothing.
void check_rank_options(const RankOptions& options);

/// Throws Error for an unknown way of combining.
RankTable rank_methods(const ScoreTable& table, const RankOptions& options = {});

}  // namespace ks

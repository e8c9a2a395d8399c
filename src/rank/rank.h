#pragma once
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
};

/// The methods in the order of their worth (the paper's Table 3).
struct RankTable {
  std::vector<std::vector<double>> means;  // [metric][method], of the defined scores; NaN without any
  std::vector<std::vector<double>> ranks;  // [metric][method], 1 is best; NaN where a metric ranks nothing
  std::vector<double> overall;             // [method], lower is better; NaN without any rank
  std::vector<size_t> order;               // methods, best first; ties in the study's order
  std::string overall_title;               // "Mean rank"
};

/// How a method's ranks under several metrics become one number.
struct OverallRanking : Entry {
  double (*combine)(std::vector<double> ranks) = nullptr;  // at least one rank, none NaN
};

/// mean-rank, median-rank.
const Registry<OverallRanking>& overall_rankings();

/// What is ranked under one metric: the methods' mean scores, or the methods on each image, whose ranks are then
/// averaged (no image counts more because its scores are large; ranks are then no whole numbers).
enum class RankOf { means, images };

/// Ranks 1 ... n of values, best first by `direction` (zero: smallest magnitude first). Equal values share the mean of
/// their ranks; NaN comes last and shares, too. All NaN where every value is NaN or the direction is none.
std::vector<double> rank_values(const std::vector<double>& values, Direction direction);

/// Throws Error for an unknown way of combining.
RankTable rank_methods(const ScoreTable& table, const std::string& overall = "mean-rank", RankOf of = RankOf::means);

}  // namespace ks

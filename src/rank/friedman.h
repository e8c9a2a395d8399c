#pragma once
#include <vector>

#include "rank/rank.h"

namespace ks {

/// Friedman's test of "all methods are equally good", over blocks (here: images) that each rank all methods, and
/// Nemenyi's critical difference of mean ranks. J. Demšar: Statistical comparisons of classifiers over multiple data
/// sets, JMLR 2006.
struct FriedmanTest {
  size_t blocks = 0;
  std::vector<double> mean_ranks;                   // [method]; NaN without blocks
  double chi_squared = kUndefined, p = kUndefined;  // corrected for ties
  double f = kUndefined, f_p = kUndefined;          // Iman and Davenport's, less conservative; NaN for one block
  double level = 0.05;
  double critical_difference = kUndefined;  // mean ranks nearer than this do not differ at `level`
  std::vector<size_t> order;                // methods by mean rank
  /// Largest runs of `order` that do not differ among themselves, of two methods or more.
  std::vector<std::vector<size_t>> groups;

  /// True where the test says that the methods differ.
  bool differs() const { return (f_p == f_p ? f_p : p) < level; }
};

/// `ranks`: [block][method], 1 is best, ties share. NaN results where there is nothing to test.
FriedmanTest friedman_test(const std::vector<std::vector<double>>& ranks, double level = 0.05);

/// The blocks of one metric: its ranks on each image that it says something of.
std::vector<std::vector<double>> blocks_of_metric(const ScoreTable& table, size_t metric);

/// The blocks of the whole study: on each image the methods' ranks under all metrics are combined and ranked.
std::vector<std::vector<double>> blocks_of_study(const ScoreTable& table, const RankOptions& options);

}  // namespace ks

#pragma once
#include <vector>

#include "rank/rank.h"

namespace ks {

/// Two metrics that order the methods the opposite way.
struct Contradiction {
  size_t a = 0, b = 0;  // metrics
  double tau = 0, p = 1;
};

/// How far metrics agree on which methods are better: Kendall's tau-b over the methods' mean scores, each metric turned
/// so that more is better. 1: the same order; 0: nothing in common; -1: the opposite.
struct Agreement {
  std::vector<std::vector<double>> tau;       // [metric][metric]; NaN where one of the two ranks nothing or all alike
  std::vector<size_t> order;                  // metrics that agree stand together (average linkage of 1 - tau)
  std::vector<Contradiction> contradictions;  // strongest first
};

/// A pair contradicts where tau is negative and would be so far from 0 by chance in less than 5 % of cases (normal
/// approximation of M. G. Kendall: A new measure of rank correlation, Biometrika 1938).
Agreement metric_agreement(const ScoreTable& table);

}  // namespace ks

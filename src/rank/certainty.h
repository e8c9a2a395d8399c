#pragma once
#include <vector>

#include "rank/agreement.h"
#include "rank/controls.h"
#include "rank/friedman.h"
#include "rank/monte_carlo.h"

namespace ks {

/// How far the order of the methods can be trusted.
struct OrderCertainty {
  MonteCarloOrder monte_carlo;
  FriedmanTest over_images;              // all metrics together
  std::vector<FriedmanTest> per_metric;  // [metric]
  Agreement agreement;
  std::vector<ControlVerdict> controls;  // [metric]
};

OrderCertainty order_certainty(const ScoreTable& table, const RankOptions& rank, const MonteCarloOptions& monte_carlo,
                               uint64_t seed);

/// All of it with the table's ids as keys.
json certainty_json(const ScoreTable& table, const OrderCertainty& certainty);

}  // namespace ks

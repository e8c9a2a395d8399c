#pragma once
#include <string>
#include <vector>

#include "app/model.h"
#include "rank/monte_carlo.h"
#include "tensor/hash.h"

namespace ks::app {

/// The scores of the study as the table shows them: means over images and, for metrics whose scores are all there, the
/// ranks of the methods (rank/rank.h).
struct ScoreSummary {
  struct Entry {
    int done = 0, images = 0;            // scores that are there, of how many
    int undefined = 0;                   // of those, without a value
    double mean = 0, low = 0, high = 0;  // over the images; NaN where there is none
    double rank = 0;                     // 1 is best, ties share their mean rank; NaN while incomplete
    bool best = false;
    std::string remark;
  };
  std::vector<std::vector<Entry>> entries;  // [metric][method]
  std::vector<std::string> directions;      // [metric] "higher", "lower", "zero", "none", with its parameters
  ScoreTable table;                         // of the metrics whose scores are all there; the others' are undefined
  bool complete = false;                    // every metric's are there
  std::vector<double> overall;              // [method]: mean of the ranks; NaN while there is none
  std::vector<int> place;                   // [method]: 1 is best; 0 while there is none
  std::vector<bool> control_is_not_last;    // [metric]: random maps do better than some method's
};

ScoreSummary score_summary(const Model& model);

/// How far the order holds: where the methods stand when images and metrics are drawn anew, by the study's options and
/// seed, so that it is what the report of the native program says. Kept until the scores change.
class RedrawnOrder {
 public:
  /// Nothing (draws is 0) while scores are missing, or where there is nothing to rank.
  const MonteCarloOrder& of(const ScoreSummary& summary, const Study& study);

 private:
  Fingerprint of_;
  MonteCarloOrder order_;
};

}  // namespace ks::app

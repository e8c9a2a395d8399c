#pragma once
#include <string>
#include <vector>

#include "app/model.h"

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
  std::vector<double> overall;              // [method]: mean of the ranks; NaN while there is none
  std::vector<int> place;                   // [method]: 1 is best; 0 while there is none
  std::vector<bool> control_is_not_last;    // [metric]: random maps do better than some method's
};

ScoreSummary score_summary(const Model& model);

}  // namespace ks::app

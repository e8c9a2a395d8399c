#pragma once
#include <string>

#include "study/runner.h"

namespace ks {

/// results.json: everything there is to know of a run but the maps. `program` is "kernelscope 0.1.0".
json results_json(const StudyResults& results, const std::string& program);

/// The methods best first: [{"method": id, "label": ..., "overall": ..., "categories": {category: rank}, "ranks":
/// {metric: rank}}].
json ranking_json(const StudyResults& results);

/// scores.csv, tidy: image,method,metric,score,direction; one line per defined score (RFC 4180).
std::string scores_csv(const StudyResults& results);

/// Mean of the defined scores of one metric and method over the images; NaN when there is none.
struct MeanScore {
  double mean = 0, deviation = 0;  // sample standard deviation; 0 for one image
  int count = 0;
};
MeanScore mean_score(const StudyResults& results, size_t metric, size_t method);

}  // namespace ks

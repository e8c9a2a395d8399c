#pragma once
#include <string>

#include "rank/rank.h"

namespace ks {

/// A table of scores with the columns image, method, metric, score and optionally direction (else that of the
/// registry's metric of this name), in any order (RFC 4180). An empty score, "nan" or a missing line is undefined.
/// Throws Error.
ScoreTable read_scores_csv(const std::string& text, const std::string& where);

/// The scores of a results.json that `kernelscope run` wrote. Throws Error.
ScoreTable read_results_scores(const std::string& text, const std::string& where);

}  // namespace ks

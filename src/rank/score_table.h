#pragma once
#include <string>

#include "rank/rank.h"

namespace ks {

/// A table of scores with the columns image, method, metric, score and optionally direction (else that of the
/// registry's metric of this name), in any order (RFC 4180). An empty score, "nan" or a missing line is undefined.
/// Throws Error.
ScoreTable read_scores_csv(const std::string& text, const std::string& where);

/// The registry's name behind an id of a table, whose second "lime" is "lime-2". The id itself where there is none.
std::string method_name(const std::string& id);
std::string metric_name(const std::string& id);

/// Fills in the table's categories from the registry; a metric that it does not know is of the category "other".
void fill_families(ScoreTable& table);

/// The scores of a results.json that `kernelscope run` wrote. Throws Error.
ScoreTable read_results_scores(const std::string& text, const std::string& where);

}  // namespace ks

#pragma once
#include <string>

#include "study/runner.h"

namespace ks {

/// Table 3: ranks of all methods by metric, grouped by category, and overall. HTML; empty without methods or metrics.
std::string ranking_section(const StudyResults& results);

/// What the report calls the metrics: their titles, numbered where one is there several times.
std::vector<std::string> metric_labels(const Study& study);

/// "↑", "↓", "→ 0", ""
const char* direction_arrow(Direction direction);

}  // namespace ks

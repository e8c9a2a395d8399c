#pragma once
#include <string>

namespace ks {

/// Which values a metric's score can take with its default parameters, in words: "0 to 1; 0.5 for a map of noise".
/// Throws std::logic_error for a metric that is not in the table.
std::string metric_range(const std::string& metric);

}  // namespace ks

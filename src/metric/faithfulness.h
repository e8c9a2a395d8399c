#pragma once
#include <vector>

#include "metric/metric.h"

namespace ks {

// The entries of faithfulness, one file a kind, gathered by faithfulness_metrics().
std::vector<Metric> curve_metrics();        // faithfulness_curves.cpp: features removed or restored by rank
std::vector<Metric> region_metrics();       // faithfulness_regions.cpp: patches and segments removed by rank
std::vector<Metric> correlation_metrics();  // faithfulness_correlations.cpp: attributions against changes of the output
Metric infidelity_metric();                 // infidelity.cpp
Metric road_metric();                       // road.cpp
Metric sufficiency_metric();                // sufficiency.cpp

}  // namespace ks

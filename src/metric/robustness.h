#pragma once
#include <vector>

#include "metric/metric.h"

// What robustness_metrics() gathers: whether an explanation stays what it is when the image changes a little.
namespace ks {

std::vector<Metric> sensitivity_metrics();         // robustness.cpp: max-, avg-sensitivity, local-lipschitz-estimate
Metric continuity_metric();                        // robustness_continuity.cpp
Metric consistency_metric();                       // robustness_consistency.cpp
std::vector<Metric> relative_stability_metrics();  // robustness_relative.cpp
Metric augmentation_robustness_metric();           // robustness_augmentation.cpp

}  // namespace ks

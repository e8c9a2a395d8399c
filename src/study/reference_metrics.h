#pragma once
#include <string>
#include <vector>

#include "study/reference.h"

namespace ks {

/// One metric's page: what it says of itself, and its scores of maps of the subject's kernel.
struct MetricPage {
  std::string name, title, body;
};

/// Pages of all metrics in the order of the registry. Each measures the controls (random, sobel, centre) and the
/// gradient; parameters that cost many forward passes are lowered, and the page says so.
std::vector<MetricPage> metric_pages(const ReferenceSubject& subject, const Progress& progress = nullptr);

/// The list of all metrics, by category, with links to their pages.
std::string metrics_index();

}  // namespace ks

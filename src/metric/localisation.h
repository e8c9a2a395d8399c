#pragma once
#include <cstdint>
#include <vector>

#include "metric/metric.h"
#include "metric/prepare.h"

namespace ks {

/// One image of a localisation metric: the prepared map and which of its features lie in the annotation. Features are
/// the map's values; the annotation is repeated over its channels where it has several.
struct Annotated {
  const PreparedMaps& maps;
  int64_t n;                           // which of the maps
  const double* map;                   // its features
  int64_t size;                        // their number
  const std::vector<uint8_t>& inside;  // one a feature
  int64_t area;                        // number of features inside, at least 1

  double share() const { return static_cast<double>(area) / static_cast<double>(size); }
};

using LocalisationScore = double (*)(const Annotated&, const Params&);

/// Applies a score to every image. Where annotation or map leave it without meaning: NaN and a warning.
MetricResult each_annotated(const MetricRequest& request, const Params& params, LocalisationScore score);

template <LocalisationScore score>
MetricResult annotated(const MetricRequest& r, const Params& p) {
  return each_annotated(r, p, score);
}

/// How many of the k strongest features lie inside. 1 <= k <= size.
int64_t hits_of_strongest(const Annotated& a, int64_t k);

Metric iou_metric();                // iou.cpp
Metric boundary_distance_metric();  // boundary_distance.cpp
Metric focus_metric();              // focus.cpp

}  // namespace ks

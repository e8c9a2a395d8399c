#pragma once
#include <vector>

#include "rank/monte_carlo.h"
#include "study/annotation_variant.h"

namespace ks {

class Field;

/// How a study orders its methods: "ranking" in the document.
struct StudyRanking {
  RankOptions rank = {};  // overall, rank_of, weights
  MonteCarloOptions monte_carlo = {};
  /// Metrics that need an annotation are also measured with each of these; empty: not.
  std::vector<AnnotationVariant> annotation_variants = usual_annotation_variants();

  bool operator==(const StudyRanking&) const = default;
};

/// {"overall": "mean-rank", "rank_of": "means" | "images", "weights": {category: weight},
///  "monte_carlo": {"draws": 10000, "metrics": "one-per-category" | "random-weights" | "all"},
///  "annotation_variants": [{"erode": px} | {"dilate": px} | {"shift": [dx, dy]} | {"box": true}, ...]}, all optional.
/// Throws Error with the place.
StudyRanking read_ranking(const Field& field);
/// Without what has its default value.
json write_ranking(const StudyRanking& ranking);
json ranking_schema();

}  // namespace ks

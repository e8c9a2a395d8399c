#pragma once
#include <vector>

#include "rank/rank.h"
#include "study/ranking_options.h"

namespace ks {

/// How far the order of methods moves when the annotations are drawn otherwise.
struct AnnotationEffect {
  struct Order {
    AnnotationVariant variant;
    std::vector<double> places;  // [method], 1 is best, ties share
    double tau = kUndefined;     // Kendall's tau-b of this order and the study's own; NaN where one has ties only
  };
  std::vector<Order> orders;      // one for each variant; empty: no metric needs an annotation, or none was varied
  std::vector<double> places;     // [method], with the annotations as they are
  std::vector<double> low, high;  // [method], over the variants and the study's own
};

/// `varied`: [variant][metric][method][image], the scores of metrics that need an annotation; a metric without is
/// empty.
AnnotationEffect annotation_effect(const ScoreTable& table, const StudyRanking& ranking,
                                   const std::vector<std::vector<std::vector<std::vector<double>>>>& varied);

json annotation_effect_json(const AnnotationEffect& effect, const std::vector<std::string>& methods);

}  // namespace ks

#pragma once
#include <functional>
#include <string>
#include <vector>

#include "rank/certainty.h"
#include "study/annotation_effect.h"
#include "study/engine.h"

namespace ks {

/// One explanation as the results tell of it; the map itself goes to the callback.
struct CellResult {
  bool done = false;
  std::string error;  // a sentence when the method cannot explain this image
  double milliseconds = 0;
};

struct ScoreResult {
  bool done = false;
  std::string error;
  Score score;
};

struct ImageResult {
  std::string id;
  std::string error;
  Prediction prediction;
  bool has_mask = false;
  double annotated_share = 0;  // of the picture's area
};

/// Everything a study came to. Filled while it runs, so after an interruption it holds what was finished.
struct StudyResults {
  Study study;
  RuntimeInfo runtime;
  std::string model_hash;
  int input_width = 0, input_height = 0;
  std::vector<std::string> classes;
  std::vector<ImageResult> images;
  std::vector<std::vector<CellResult>> cells;                 // [method][image]
  std::vector<std::vector<std::vector<ScoreResult>>> scores;  // [metric][method][image]
  /// [variant][metric][method][image]: scores with the annotations drawn otherwise; empty for metrics that need none.
  std::vector<std::vector<std::vector<std::vector<double>>>> varied;
  RankTable ranking;
  OrderCertainty certainty;
  AnnotationEffect annotations;
  bool complete = false;
  double seconds = 0;          // wall-clock
  double runtime_seconds = 0;  // of these, in ONNX Runtime (runtime/clock.h), in each of several processes on average

  /// Sentences for people: images, methods and metrics that failed, metrics that were undefined. Repeated ones are told
  /// once.
  std::vector<std::string> warnings() const;
  /// How many images, explanations or scores failed with an Error.
  int failures() const;
};

/// Called with every map as soon as it is there: raw, [1,C,H,W] or [1,1,H,W].
using MapCallback = std::function<void(size_t image, size_t method, const Tensor& map)>;

/// Runs a study: image by image, every method and every metric of it. An explanation or score that cannot be had is
/// told in its result and the rest goes on; Cancelled ends it, with `results` holding what was finished. Throws Error
/// when the study cannot be opened at all.
void run_study(const Study& study, Engine& engine, const MapCallback& on_map, const Progress& progress,
               StudyResults& results);

/// The scores as a table with the ids below.
ScoreTable score_table(const StudyResults& results);

/// What the results call the methods and metrics of a study: their names, numbered where one is there several times
/// ("lime-2").
std::vector<std::string> method_ids(const Study& study);
std::vector<std::string> metric_ids(const Study& study);

/// The name of a method for people: the study's label, else the registry's title; with the parameters that tell it from
/// others of the same name.
std::string method_label(const Study& study, size_t method);

}  // namespace ks

#pragma once
#include <limits>
#include <string>
#include <vector>

#include "explain/method.h"
#include "registry/registry.h"

namespace ks {

enum class Direction { higher, lower, zero, none };  // which scores are better; zero: nearest to 0
const char* to_string(Direction direction);

/// What a metric works on. Everything a metric does not need may be null.
struct MetricRequest {
  Classifier* classifier = nullptr;
  const Tensor* inputs = nullptr;             // [N,C,H,W]
  const std::vector<int>* targets = nullptr;  // N
  const Tensor& attributions;                 // [N,C,H,W] or [N,1,H,W], raw
  const Tensor* masks = nullptr;              // [N,1,H,W], 0 or 1: the annotation
  /// The method that made the attributions, for metrics that explain again (robustness, randomisation); null: such
  /// metrics take the explanation their parameters name.
  const Method* method = nullptr;
  const Params* method_parameters = nullptr;
  uint64_t seed = 0;
  Progress progress = nullptr;
  PictureSource pictures = nullptr;  // of that method's references; may be null
};

/// A score that has no meaning; a warning says why.
constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

struct MetricResult {
  std::vector<double> scores;               // one per sample; kUndefined where it has no meaning
  std::vector<std::vector<double>> curves;  // [N][points] where the metric is a curve
  bool curve_is_score = false;              // the curve is what was asked for: JSON's "scores" is [N][points]
  std::vector<std::string> warnings;        // assumptions that failed: a constant map, an empty mask, ...
};

using MetricFunction = MetricResult (*)(const MetricRequest&, const Params&);

struct Metric : Entry {  // family: faithfulness, robustness, complexity, localisation, randomisation, axiomatic
  Direction direction = Direction::higher;
  bool needs_classifier = false, needs_mask = false;
  MetricFunction measure = nullptr;
};

const Registry<Metric>& metrics();

std::vector<Metric> faithfulness_metrics();
std::vector<Metric> robustness_metrics();
std::vector<Metric> complexity_metrics();
std::vector<Metric> localisation_metrics();

/// Checks parameters and that what the metric needs is there, then runs it. Throws Error.
MetricResult measure(const std::string& metric, const json& parameters, const MetricRequest& request);

}  // namespace ks

#pragma once
#include <limits>
#include <string>
#include <vector>

#include "explain/method.h"
#include "registry/registry.h"

namespace ks {

class ForwardMemo;      // explain/evaluate.h
class ExplanationMemo;  // metric/explainer.h
class PreparationMemo;  // metric/prepare.h
class SubsetMemo;       // metric/subsets.h

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
  /// What the metrics of a study share: outputs of perturbed inputs and explanations of changed ones. May be null.
  ForwardMemo* forwards = nullptr;
  ExplanationMemo* explanations = nullptr;
  PreparationMemo* preparations = nullptr;  // of these attributions; may be null
  /// Where random numbers come from that have nothing to do with the image (the weights of random networks), so that a
  /// study's images share what is made of them; null: `seed`.
  const uint64_t* common_seed = nullptr;
  SegmentsMemo* segments = nullptr;  // of images cut before; may be null
  SubsetMemo* subsets = nullptr;     // drawn before; may be null
};

/// A score that has no meaning; a warning says why.
constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

struct MetricResult {
  std::vector<double> scores;               // one per sample; kUndefined where it has no meaning
  std::vector<std::vector<double>> curves;  // [N][points] where the metric is a curve
  bool curve_is_score = false;              // the curve is what was asked for: JSON's "scores" is [N][points]
  bool points_first = false;                // and then [points][N]
  std::vector<std::string> warnings;        // assumptions that failed: a constant map, an empty mask, ...
};

using MetricFunction = MetricResult (*)(const MetricRequest&, const Params&);

struct Metric : Entry {  // family: faithfulness, robustness, complexity, localisation, randomisation, axiomatic
  Direction direction = Direction::higher;
  bool needs_classifier = false, needs_mask = false;
  MetricFunction measure = nullptr;
  /// True where a score is a statement about one image among the others of the request, with these parameters; null:
  /// never.
  bool (*compares_images)(const Params&) = nullptr;
  /// Which scores are better with these parameters, where that depends on them; null: `direction`.
  Direction (*direction_with)(const Params&) = nullptr;
  /// Where Quantus computes something else than the paper: the parameters that make this metric compute what Quantus
  /// does. `compat=quantus` fills in these for what is not given.
  json quantus = nullptr;
  /// Whether the classifier is needed with these parameters, where that depends on them; null: `needs_classifier`.
  bool (*needs_classifier_with)(const Params&) = nullptr;
  /// True where, with these parameters, the request's attributions do not count and may be empty, because the metric
  /// explains pictures that it makes of the images; null: never.
  bool (*makes_pictures)(const Params&) = nullptr;
};

/// Checks a metric's parameters and fills in the defaults: the paper's, or those of `compat`. Throws Error.
Params check_parameters(const Metric& metric, const json& given);

/// JSON's "scores": a number per sample, or the curves where they are the score.
json scores_as_json(const MetricResult& result);

/// Which scores are better, with parameters as a study gives them (checked ones, or not yet). Throws Error.
Direction direction_of(const Metric& metric, const json& parameters);

/// Whether a metric with these checked parameters needs the classifier, the inputs and the targets.
bool needs_classifier(const Metric& metric, const Params& parameters);
/// Metric::compares_images and Metric::makes_pictures with these checked parameters.
bool compares_images(const Metric& metric, const Params& parameters);
bool makes_pictures(const Metric& metric, const Params& parameters);

const Registry<Metric>& metrics();

std::vector<Metric> faithfulness_metrics();
std::vector<Metric> robustness_metrics();
std::vector<Metric> complexity_metrics();
Metric
effective_complexity_metric();  // effective_complexity.cpp, the one of complexity_metrics() that asks the network
std::vector<Metric> localisation_metrics();
std::vector<Metric> randomisation_metrics();
std::vector<Metric> axiomatic_metrics();

/// Checks parameters and that what the metric needs is there, then runs it. Throws Error.
MetricResult measure(const std::string& metric, const json& parameters, const MetricRequest& request);

}  // namespace ks

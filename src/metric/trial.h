#pragma once
#include <memory>
#include <string>
#include <vector>

#include "explain/evaluate.h"
#include "metric/metric.h"
#include "metric/perturb.h"
#include "metric/prepare.h"
#include "metric/subsets.h"

namespace ks {

/// How many of the d = C H W features of an input change at once, and in how many steps all have.
struct Steps {
  int64_t size = 0, count = 0;
  bool whole_pixels = false;  // ranked by pixel, all channels of one at once
};

/// `given` features; or for 0 the usual step: whole pixels, a divisor of their number that takes between 32 and 64
/// steps (the nearest to 50; 224x224 pixels: 49 steps of 1024) or, without such a divisor, about 50 steps.
/// `map_channels`: of the map that ranks them.
Steps steps_of(int64_t given, int64_t channels, int64_t pixels, int64_t map_channels);

/// What takes the place of an image's features, and what tells the image and it from others.
struct Absent {
  std::vector<float> values;
  Fingerprint image, without;
};

/// What metrics of faithfulness share: the prepared maps, and questions to the network about perturbed images, which go
/// through one Evaluator and one memo, so that equal images of different metrics cost one forward pass.
class Trial {
 public:
  /// `metric`: its name, for messages. Reads `output` and, where there is one, `baseline`. Throws Error.
  Trial(const MetricRequest& request, const Params& params, const std::string& metric);

  const MetricRequest& request;
  const Params& params;
  const std::shared_ptr<const PreparedMaps> prepared_maps;
  const Maps& maps;                                             // those
  const int64_t images, channels, height, width, pixels, size;  // size: features of an input
  MetricResult result;                                          // scores: kUndefined until set

  /// What is wrong with image n's map, with a warning: `if_constant` for one without differences.
  MapDefect examine(int64_t n, const std::string& if_constant);
  void warn(int64_t n, const std::string& what) { result.warnings.push_back(image_warning(n, images, what)); }
  /// Sets a score; one that is no finite number becomes undefined with the warning `why`.
  void score(int64_t n, double value, const std::string& why);
  /// Image n's curve of so many points, undefined until they are answered.
  std::vector<double>& new_curve(int64_t n, int64_t points);

  const float* input(int64_t n) const { return request.inputs->sample(n); }
  /// What the map says of a feature; a map of one channel says it of all channels of a pixel.
  double attribution(int64_t n, int64_t feature) const {
    return maps.sample(n)[maps.stride() == size ? feature : feature % pixels];
  }
  /// The parameter `features_in_step`.
  Steps steps() const;
  /// Features of the input from the most important down, ties by lowest index.
  std::vector<int64_t> order(int64_t n, const Steps& steps) const;

  uint64_t seed(int64_t n, uint64_t draw = 0) const;
  Removal removal(int64_t n, uint64_t draw = 0) const { return {input(n), size, baseline_, seed(n, draw)}; }
  /// Image n without any feature: the baseline everywhere.
  std::vector<float> absent(int64_t n, uint64_t draw = 0) const;
  Absent named_absent(int64_t n) const;
  const Baseline& baseline() const { return baseline_; }

  /// How many questions an image comes to, for the progress.
  void expect(int64_t questions) { expected_ = images * questions; }
  /// Room for one input, as Evaluator::next.
  float* next(int64_t n, double* answer);
  void ask(int64_t n, const float* values, double* answer);
  /// Image n with what is in `absent` in place of the pixels or features of `removed`.
  void ask_without(int64_t n, const Subset& removed, const Absent& absent, double* answer);
  /// All answers are there afterwards.
  void finish();

 private:
  void count_question();

  Baseline baseline_;
  Evaluator evaluator_;
  int64_t expected_ = 0, asked_ = 0;
};

/// The parameter `output` of these metrics.
Parameter asked_output_parameter(const char* usual);
/// The parameter `features_in_step`.
Parameter step_parameter();

inline constexpr char ranked_by_position[] = "the map is constant: its features are ranked by position alone";
inline constexpr char nothing_to_correlate[] = "the map is constant: there is nothing to correlate";
inline constexpr char output_stays[] =
    "the network's output or what the map gives to the removed features never changes";

}  // namespace ks

#pragma once
#include <string>
#include <vector>

#include "registry/registry.h"

namespace ks {

/// What a removed feature is replaced by: a number, a statistic of the sample (over all channels and pixels), or noise.
struct Baseline {
  /// black: the smallest value, white: the largest; uniform: each feature its own draw between these two.
  enum class Kind { number, black, white, mean, uniform };
  Kind kind = Kind::black;
  double number = 0;
  bool current = false;  // mean: of the sample as perturbed so far, not of the original
};

/// The parameters `baseline` and `baseline_source`. A `usual` that is no kind of Baseline is one more choice: the
/// metric's own.
std::vector<Parameter> baseline_parameters(const char* usual = "black");
/// Reads them; without `baseline_source` a mean is that of the original. `where` is the metric's name. Throws Error for
/// a baseline that is none.
Baseline read_baseline(const Params& params, const std::string& where);

/// What it puts in place of the features of an unperturbed sample; of uniform noise, its expectation.
double baseline_value(const Baseline& baseline, const float* sample, int64_t size);

/// A sample whose features are removed bit by bit; keeps what the baseline needs up to date.
class Removal {
 public:
  /// `noise_seed`: of the draws of a uniform baseline; the same seed gives each feature the same draw.
  Removal(const float* sample, int64_t size, const Baseline& baseline, uint64_t noise_seed = 0);

  /// Sets the features to the baseline's value as it stands before this call.
  void remove(const int64_t* begin, const int64_t* end);
  const std::vector<float>& values() const { return values_; }

 private:
  std::vector<float> values_, noise_;
  Baseline baseline_;
  double fixed_ = 0, sum_ = 0;
};

/// Area under a curve by the trapezoid rule with spacing 1.
double trapezoid(const std::vector<double>& curve);

}  // namespace ks

#pragma once
#include "metric/changed.h"
#include "tensor/random.h"

namespace ks {

/// Noise on every value of an image: uniform from `low` to `high`, or Gaussian.
struct Noise {
  bool gaussian = false;
  double low = 0, high = 0, mean = 0, deviation = 0;

  void add(const float* x, int64_t size, Random& random, float* out) const;
};

/// The parameters `nr_samples`, `r` and `noise`: 10 draws, uniform in [-0.1, 0.1]. All metrics that add noise begin
/// with these, so that they explain the same noisy images and share the explanations.
std::vector<Parameter> noise_parameters();
/// Reads them. `where` is the metric's name. Throws Error for a noise that is none.
Noise read_noise(const Params& params, const std::string& where);

/// Explains every image under `nr_samples` draws of the noise, see explain_changed. A draw depends on the request's
/// seed, the image's index and the draw's number only.
void explain_noisy(const MetricRequest& request, const Params& params, const Explainer& explainer, const Noise& noise,
                   const std::function<void(const ChangedImages&)>& use);

}  // namespace ks

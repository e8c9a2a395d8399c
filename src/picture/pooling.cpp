#include "picture/pooling.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace ks {

namespace {

/// Folds each pixel's channel values, in channel order, with `step(result so far, value)`; the first value starts it.
template <class First, class Step>
void fold(const float* values, int64_t channels, int64_t pixels, float* out, First first, Step step) {
  if (channels == 3) {  // nearly always, and in one pass
    const float *second = values + pixels, *third = second + pixels;
    for (int64_t i = 0; i < pixels; ++i) out[i] = step(step(first(values[i]), second[i]), third[i]);
    return;
  }
  for (int64_t i = 0; i < pixels; ++i) out[i] = first(values[i]);
  for (int64_t c = 1; c < channels; ++c) {
    const float* plane = values + c * pixels;
    for (int64_t i = 0; i < pixels; ++i) out[i] = step(out[i], plane[i]);
  }
}

// Objects rather than functions, so that they are inlined.
constexpr auto same = [](float v) { return v; };
constexpr auto magnitude = [](float v) { return std::fabs(v); };

void pool_sum(const float* values, int64_t channels, int64_t pixels, float* out) {
  fold(values, channels, pixels, out, same, [](float r, float v) { return r + v; });
}

void pool_abs_sum(const float* values, int64_t channels, int64_t pixels, float* out) {
  fold(values, channels, pixels, out, magnitude, [](float r, float v) { return r + std::fabs(v); });
}

void pool_mean(const float* values, int64_t channels, int64_t pixels, float* out) {
  pool_sum(values, channels, pixels, out);
  for (int64_t i = 0; i < pixels; ++i) out[i] /= static_cast<float>(channels);
}

void pool_abs_mean(const float* values, int64_t channels, int64_t pixels, float* out) {
  pool_abs_sum(values, channels, pixels, out);
  for (int64_t i = 0; i < pixels; ++i) out[i] /= static_cast<float>(channels);
}

void pool_max(const float* values, int64_t channels, int64_t pixels, float* out) {
  fold(values, channels, pixels, out, same, [](float r, float v) { return std::max(r, v); });
}

void pool_abs_max(const float* values, int64_t channels, int64_t pixels, float* out) {
  fold(values, channels, pixels, out, magnitude, [](float r, float v) { return std::max(r, std::fabs(v)); });
}

void pool_strongest(const float* values, int64_t channels, int64_t pixels, float* out) {
  fold(values, channels, pixels, out, same, [](float r, float v) { return std::fabs(v) > std::fabs(r) ? v : r; });
}

const char* const kPoolingPaper =
    "L. Tětková, E. S. Dreier, R. Malm, L. K. Hansen: Challenges in explaining deep learning models for data with "
    "biological variation, PLOS ONE 2025, Fig 5.";
const char* const kSimonyan =
    "K. Simonyan, A. Vedaldi, A. Zisserman: Deep inside convolutional networks, ICLR workshop 2014, section 3.1.";

}  // namespace

const Registry<Pooling>& poolings() {
  static const Registry<Pooling> registry(
      "channel pooling",
      {
          {{"sum",
            "Sum",
            "signed",
            "",
            "Adds the channels, so that the map still sums to what the method distributed.",
            {},
            "Channels of opposite sign cancel: a pixel with strong evidence both ways looks unimportant.",
            "Σ_c R_c"},
           true,
           pool_sum},
          {{"mean",
            "Mean",
            "signed",
            kPoolingPaper,
            "Average of the channels: the sum divided by their number, the same picture after normalisation by the "
            "map's "
            "own values.",
            {},
            "Channels of opposite sign cancel: a pixel with strong evidence both ways looks unimportant.",
            "Σ_c R_c / C"},
           true,
           pool_mean},
          {{"max",
            "Maximum",
            "signed",
            kPoolingPaper,
            "Largest channel value.",
            {},
            "A pixel is negative only where every channel is, so noise of zero mean looks like support.",
            "max_c R_c"},
           true,
           pool_max},
          {{"strongest",
            "Strongest, with its sign",
            "signed",
            "",
            "The channel value of largest magnitude, sign kept (the first channel on ties). Nothing cancels.",
            {},
            "The sign flips between neighbours where channels are nearly equal and opposite.",
            "R_c* with c* = argmax_c |R_c|"},
           true,
           pool_strongest},
          {{"abs-sum",
            "Sum of magnitudes",
            "absolute",
            "",
            "Adds the magnitudes of the channels.",
            {},
            "Shows where the network is sensitive, not which class a pixel speaks for.",
            "Σ_c |R_c|"},
           false,
           pool_abs_sum},
          {{"abs-mean",
            "Mean of magnitudes",
            "absolute",
            "",
            "Average magnitude of the channels.",
            {},
            "Shows where the network is sensitive, not which class a pixel speaks for.",
            "Σ_c |R_c| / C"},
           false,
           pool_abs_mean},
          {{"abs-max",
            "Largest magnitude",
            "absolute",
            kSimonyan,
            "Largest magnitude among the channels, the usual picture of a gradient.",
            {},
            "One noisy channel suffices to light a pixel up, and the sign is lost.",
            "max_c |R_c|"},
           false,
           pool_abs_max},
      });
  return registry;
}

Tensor pool_channels(const Tensor& attributions, const Pooling& pooling) {
  if (attributions.shape.size() != 4) throw std::logic_error("pool_channels: not NCHW");
  const int64_t n = attributions.dim(0), channels = attributions.dim(1);
  Tensor out({n, 1, attributions.dim(2), attributions.dim(3)});
  for (int64_t i = 0; i < n; ++i) pooling.pool(attributions.sample(i), channels, out.stride(), out.sample(i));
  return out;
}

}  // namespace ks

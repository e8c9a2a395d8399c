#include "metric/augmentation.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "picture/blur.h"
#include "picture/recolour.h"
#include "tensor/random.h"

namespace ks {

const std::vector<std::string>& augmentation_names() {
  static const std::vector<std::string> names = {"rotation", "translation", "scale", "flip", "brightness",
                                                 "hue",      "saturation",  "blur",  "noise"};
  return names;
}

PictureChange::PictureChange(AugmentationFamily family, double strength, int variant, const AugmentationLimits& limits,
                             uint64_t seed, int width, int height)
    : family_(family), seed_(mix_seed(seed, static_cast<uint64_t>(family))), width_(width), height_(height) {
  Random random(seed_, 1);
  const double sign = random.chance(0.5) ? -1 : 1, direction = random.uniform(0, 2 * std::numbers::pi);
  constexpr double radians = std::numbers::pi / 180;
  Placement place;
  switch (family) {
    case AugmentationFamily::rotation:
      place.angle = sign * strength * limits.rotation * radians;
      break;
    case AugmentationFamily::translation:
      // Whole pixels: nothing is lost to interpolation.
      place.shift_x = std::round(strength * limits.translation * width * std::cos(direction));
      place.shift_y = std::round(strength * limits.translation * height * std::sin(direction));
      break;
    case AugmentationFamily::scale:
      place.scale = std::pow(limits.scale, sign * strength);
      break;
    case AugmentationFamily::flip:
      (variant == 0 ? place.flip_x : place.flip_y) = true;
      break;
    case AugmentationFamily::brightness:
      amount_ = sign * strength * limits.brightness;
      break;
    case AugmentationFamily::hue:
      amount_ = sign * strength * limits.hue * radians;
      break;
    case AugmentationFamily::saturation:
      amount_ = sign * strength * limits.saturation;
      break;
    case AugmentationFamily::blur:
      amount_ = strength * limits.blur;
      break;
    case AugmentationFamily::noise:
      amount_ = strength * limits.noise;
      break;
  }
  warp_ = warp_of(place, width, height, width, height);
}

void PictureChange::apply(const float* input, int channels, const Preprocessing& pre, float* out) const {
  const int64_t pixels = static_cast<int64_t>(width_) * height_;
  if (moves()) return resample(input, 1, pixels, channels, width_, height_, warp_, width_, height_, out);

  float low = 0, high = 1;
  for (int c = 0; c < channels; ++c)
    for (int64_t i = 0; i < pixels; ++i) {
      const size_t k = static_cast<size_t>(c);
      const float v = input[c * pixels + i] * pre.deviation[k] + pre.mean[k];
      out[c * pixels + i] = v;
      low = std::min(low, v), high = std::max(high, v);
    }
  Random random(seed_, 2);
  switch (family_) {
    case AugmentationFamily::brightness:
      for (int64_t i = 0; i < channels * pixels; ++i) out[i] *= static_cast<float>(1 + amount_);
      break;
    case AugmentationFamily::hue:
      recolour(hue_matrix(amount_), 0, pixels, out);
      break;
    case AugmentationFamily::saturation:
      recolour(saturation_matrix(1 + amount_), 0, pixels, out);
      break;
    case AugmentationFamily::blur:
      for (int c = 0; c < channels; ++c) gaussian_blur(out + c * pixels, width_, height_, amount_);
      break;
    case AugmentationFamily::noise:
      random.add_normal(out, static_cast<size_t>(channels * pixels), amount_, out);
      break;
    default:
      break;
  }
  for (int c = 0; c < channels; ++c)
    for (int64_t i = 0; i < pixels; ++i) {
      const size_t k = static_cast<size_t>(c);
      out[c * pixels + i] = (std::clamp(out[c * pixels + i], low, high) - pre.mean[k]) / pre.deviation[k];
    }
}

}  // namespace ks

#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "picture/image.h"
#include "picture/warp.h"
#include "registry/registry.h"

namespace ks {

/// Families of changes that leave a picture's meaning alone. The first four move it, the others recolour or disturb it.
enum class AugmentationFamily { rotation, translation, scale, flip, brightness, hue, saturation, blur, noise };

/// Their names, in this order.
const std::vector<std::string>& augmentation_names();

/// How far each family goes at full strength.
struct AugmentationLimits {
  double rotation = 0;     // degrees
  double translation = 0;  // of the sides
  double scale = 1;        // factor, at least 1
  double brightness = 0;   // of the factor 1
  double hue = 0;          // degrees
  double saturation = 0;   // of the factor 1
  double blur = 0;         // standard deviation, pixels
  double noise = 0;        // standard deviation; black to white is 1
};

/// One change of one image. Which way it goes (left or right, darker or lighter, the noise) is drawn from the seed and
/// the family alone, so that a family's changes of growing strength are one path.
class PictureChange {
 public:
  /// `strength`: 0 nothing, 1 the limit. `variant` of a flip: 0 left and right, 1 top and bottom.
  PictureChange(AugmentationFamily family, double strength, int variant, const AugmentationLimits& limits,
                uint64_t seed, int width, int height);

  /// Moves pixels, so that an explanation must move along.
  bool moves() const { return family_ <= AugmentationFamily::flip; }
  /// Where a pixel of the changed picture comes from.
  const Warp& warp() const { return warp_; }
  /// Applies it to a network's input [C,H,W], in the colours that its picture has before the model's normalisation.
  /// Values stay within black and white, or within the input's own range where that is wider. What comes into view
  /// repeats the edge.
  void apply(const float* input, int channels, const Preprocessing& preprocessing, float* out) const;

 private:
  AugmentationFamily family_;
  double amount_ = 0;  // signed; of noise and blur the standard deviation
  uint64_t seed_;
  int width_, height_;
  Warp warp_;
};

}  // namespace ks

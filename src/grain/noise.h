#pragma once
#include <vector>

#include "tensor/random.h"

namespace ks {

/// Smooth random texture: value noise on a 64x64 torus of random numbers, interpolated with K. Perlin's quintic
/// (Improving noise, SIGGRAPH 2002). One tile serves many layers: give each its own offset.
class NoiseTile {
 public:
  explicit NoiseTile(Random random);

  /// In [-1,1], one feature a unit.
  float at(float x, float y) const;
  /// `octaves` layers, each turned, twice as fine and half as strong; about [-1,1].
  float octaves(float x, float y, int octaves) const;
  /// Thin bright lines where the noise crosses zero: 1 on the line, falling to 0. For hyphae, cracks and wrinkles.
  float ridges(float x, float y, float sharpness) const;

 private:
  static constexpr int kSize = 64;
  std::vector<float> values_;
};

/// 0 below `low`, 1 above `high`, cubic between.
inline float smooth_step(float low, float high, float x) {
  const float t = x <= low ? 0.0f : x >= high ? 1.0f : (x - low) / (high - low);
  return t * t * (3 - 2 * t);
}

}  // namespace ks

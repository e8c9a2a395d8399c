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
  /// std::floor is a call of the C library without SSE4.1.
  static int floor_int(float x) {
    const int truncated = static_cast<int>(x);
    return truncated - (x < static_cast<float>(truncated));
  }

  static constexpr int kSize = 64;
  std::vector<float> values_;
};

inline float NoiseTile::at(float x, float y) const {
  const int ix = floor_int(x), iy = floor_int(y);
  const float u = x - static_cast<float>(ix), v = y - static_cast<float>(iy);
  const int x0 = ix & (kSize - 1), y0 = iy & (kSize - 1);
  const int x1 = (x0 + 1) & (kSize - 1), y1 = (y0 + 1) & (kSize - 1);
  const float s = u * u * u * (u * (u * 6 - 15) + 10), t = v * v * v * (v * (v * 6 - 15) + 10);
  const float a = values_[y0 * kSize + x0], b = values_[y0 * kSize + x1];
  const float c = values_[y1 * kSize + x0], d = values_[y1 * kSize + x1];
  const float top = a + s * (b - a), bottom = c + s * (d - c);
  return top + t * (bottom - top);
}

/// 0 below `low`, 1 above `high`, cubic between.
inline float smooth_step(float low, float high, float x) {
  const float t = x <= low ? 0.0f : x >= high ? 1.0f : (x - low) / (high - low);
  return t * t * (3 - 2 * t);
}

}  // namespace ks

#include "grain/noise.h"

#include <cmath>

namespace ks {

NoiseTile::NoiseTile(Random random) : values_(kSize * kSize) {
  for (float& v : values_) v = static_cast<float>(random.uniform(-1, 1));
}

float NoiseTile::octaves(float x, float y, int octaves) const {
  float sum = 0, amplitude = 0.6f;
  for (int i = 0; i < octaves; ++i) {
    sum += amplitude * at(x, y);
    // Turned by atan(3/4) and doubled, so that the lattices of the octaves do not line up.
    const float next = 1.6f * x - 1.2f * y + 19.7f;
    y = 1.2f * x + 1.6f * y + 7.3f;
    x = next;
    amplitude *= 0.5f;
  }
  return sum;
}

float NoiseTile::ridges(float x, float y, float sharpness) const {
  const float line = 1 - sharpness * std::fabs(at(x, y));
  return line > 0 ? line * line : 0.0f;
}

}  // namespace ks

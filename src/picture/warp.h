#pragma once
#include <algorithm>
#include <cstdint>

namespace ks {

/// An affine map from a pixel of a result to a place in its original, both in pixels.
struct Warp {
  double xx = 1, xy = 0, x0 = 0, yx = 0, yy = 1, y0 = 0;

  double x(double column, double row) const { return xx * column + xy * row + x0; }
  double y(double column, double row) const { return yx * column + yy * row + y0; }
  /// From the original to the result. The map must not be singular.
  Warp inverse() const;
};

/// How a picture is turned, enlarged, mirrored and moved about its centre.
struct Placement {
  double angle = 0;                 // radians
  double scale = 1;                 // above 1: what it shows grows
  double shift_x = 0, shift_y = 0;  // pixels of the result, to the right and down
  bool flip_x = false, flip_y = false;
};

/// The warp from a result of one size to an original of another, which is squeezed to fill it.
Warp warp_of(const Placement& placement, int from_width, int from_height, int to_width, int to_height);

/// Bilinear resampling of `channels` planes to `out` [channels][to_height][to_width]; outside the original its edge is
/// repeated. The original's channel c of column x and row y is source[(y * width + x) * pixel_step + c * channel_step].
template <class T, class Real>
void resample(const T* source, int64_t pixel_step, int64_t channel_step, int channels, int width, int height,
              const Warp& w, int to_width, int to_height, Real* out) {
  const Real last_x = static_cast<Real>(width - 1), last_y = static_cast<Real>(height - 1);
  const int64_t plane = static_cast<int64_t>(to_width) * to_height;
  const int64_t right = width > 1 ? pixel_step : 0, below = height > 1 ? width * pixel_step : 0;
  for (int y = 0; y < to_height; ++y)
    for (int x = 0; x < to_width; ++x) {
      const Real sx = std::clamp(static_cast<Real>(w.x(x, y)), Real(0), last_x);
      const Real sy = std::clamp(static_cast<Real>(w.y(x, y)), Real(0), last_y);
      const int ix = std::min(static_cast<int>(sx), std::max(0, width - 2));
      const int iy = std::min(static_cast<int>(sy), std::max(0, height - 2));
      const Real fx = sx - static_cast<Real>(ix), fy = sy - static_cast<Real>(iy);
      const T* p = source + (static_cast<int64_t>(iy) * width + ix) * pixel_step;
      for (int c = 0; c < channels; ++c, p += channel_step) {
        const Real top = static_cast<Real>(p[0]) * (1 - fx) + static_cast<Real>(p[right]) * fx;
        const Real bottom = static_cast<Real>(p[below]) * (1 - fx) + static_cast<Real>(p[below + right]) * fx;
        out[c * plane + static_cast<int64_t>(y) * to_width + x] = top * (1 - fy) + bottom * fy;
      }
    }
}

}  // namespace ks

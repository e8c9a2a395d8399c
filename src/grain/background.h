#pragma once
#include <array>

#include "picture/image.h"

namespace ks {

/// A photograph's background: each channel a plane over the picture, in 8-bit values.
struct BackgroundPlane {
  std::array<std::array<double, 3>, 3> channel;  // value = c[0] + c[1] x + c[2] y, x and y in [-1,1] across the picture
  double noise = 0;                              // typical deviation of a background pixel from it

  std::array<double, 3> at(double x, double y) const;
};

/// Fitted to the picture's border, leaving out what differs from most of it (a kernel that touches the border).
BackgroundPlane fit_background(const Image& photo);

}  // namespace ks

#include "picture/warp.h"

#include <cmath>

namespace ks {

Warp Warp::inverse() const {
  const double determinant = xx * yy - xy * yx;
  Warp out{yy / determinant, -xy / determinant, 0, -yx / determinant, xx / determinant, 0};
  out.x0 = -(out.xx * x0 + out.xy * y0);
  out.y0 = -(out.yx * x0 + out.yy * y0);
  return out;
}

Warp warp_of(const Placement& p, int from_width, int from_height, int to_width, int to_height) {
  const double flip_x = p.flip_x ? -1 : 1, flip_y = p.flip_y ? -1 : 1;
  // In units of the sides: a picture that was squeezed keeps its centre and fills the result.
  const double to_x = static_cast<double>(from_width) / to_width, to_y = static_cast<double>(from_height) / to_height;
  const double c = std::cos(p.angle) / p.scale, s = std::sin(p.angle) / p.scale;
  Warp w{flip_x * c * to_x, -flip_x * s * to_x, 0, flip_y * s * to_y, flip_y * c * to_y, 0};
  const double centre_x = (to_width - 1) / 2.0 + p.shift_x, centre_y = (to_height - 1) / 2.0 + p.shift_y;
  w.x0 = (from_width - 1) / 2.0 - w.xx * centre_x - w.xy * centre_y;
  w.y0 = (from_height - 1) / 2.0 - w.yx * centre_x - w.yy * centre_y;
  return w;
}

}  // namespace ks

#include "picture/recolour.h"

#include <cmath>

namespace ks {

ColourMatrix product(const ColourMatrix& a, const ColourMatrix& b) {
  ColourMatrix m{};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 3; ++k) m[i][j] += a[i][k] * b[k][j];
  return m;
}

ColourMatrix hue_matrix(double angle) {
  const double c = std::cos(angle), s = std::sin(angle), a = (1 - c) / 3, b = s / std::sqrt(3.0);
  return {{{c + a, a - b, a + b}, {a + b, c + a, a - b}, {a - b, a + b, c + a}}};
}

ColourMatrix saturation_matrix(double factor) {
  constexpr std::array<double, 3> grey = {0.299, 0.587, 0.114};  // ITU-R BT.601
  ColourMatrix m{};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) m[i][j] = (1 - factor) * grey[j] + (i == j ? factor : 0);
  return m;
}

void recolour(const ColourMatrix& m, double offset, int64_t pixels, float* planes) {
  float f[3][3];
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) f[i][j] = static_cast<float>(m[i][j]);
  const float shift = static_cast<float>(offset);
  for (int64_t k = 0; k < pixels; ++k) {
    const float r = planes[k], g = planes[k + pixels], b = planes[k + 2 * pixels];
    for (int i = 0; i < 3; ++i) planes[k + i * pixels] = f[i][0] * r + f[i][1] * g + f[i][2] * b + shift;
  }
}

}  // namespace ks

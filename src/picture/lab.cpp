#include "picture/lab.h"

#include <algorithm>
#include <cmath>

// sRGB by IEC 61966-2-1, CIELAB by CIE 15:2004.
namespace ks {

namespace {

constexpr std::array<double, 3> kWhite{0.95047, 1.0, 1.08883};  // D65, 2 degrees

double linear_of(double v) {
  return v > 0.04045 ? std::pow((v + 0.055) / 1.055, 2.4) : v / 12.92;
}

std::array<double, 3> linear_to_lab(const std::array<double, 3>& linear) {
  const double xyz[3] = {0.412453 * linear[0] + 0.357580 * linear[1] + 0.180423 * linear[2],
                         0.212671 * linear[0] + 0.715160 * linear[1] + 0.072169 * linear[2],
                         0.019334 * linear[0] + 0.119193 * linear[1] + 0.950227 * linear[2]};
  double f[3];
  for (size_t c = 0; c < 3; ++c) {
    const double v = xyz[c] / kWhite[c];
    f[c] = v > 0.008856 ? std::cbrt(v) : 7.787 * v + 16.0 / 116;
  }
  return {116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])};
}

}  // namespace

std::array<double, 3> srgb_to_lab(const std::array<double, 3>& rgb) {
  return linear_to_lab({linear_of(rgb[0]), linear_of(rgb[1]), linear_of(rgb[2])});
}

std::vector<double> lab_pixels(const Image& picture) {
  std::array<double, 256> linear;
  for (size_t v = 0; v < linear.size(); ++v) linear[v] = linear_of(static_cast<double>(v) / 255);
  std::vector<double> out(picture.rgb.size());
  for (size_t i = 0; i < out.size(); i += 3) {
    const auto lab = linear_to_lab({linear[picture.rgb[i]], linear[picture.rgb[i + 1]], linear[picture.rgb[i + 2]]});
    std::copy(lab.begin(), lab.end(), out.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return out;
}

std::array<double, 3> lab_to_srgb(const std::array<double, 3>& lab) {
  const double fy = (lab[0] + 16) / 116;
  const double f[3] = {fy + lab[1] / 500, fy, fy - lab[2] / 200};
  double xyz[3];
  for (size_t c = 0; c < 3; ++c) {
    const double cube = f[c] * f[c] * f[c];
    xyz[c] = kWhite[c] * (cube > 0.008856 ? cube : (f[c] - 16.0 / 116) / 7.787);
  }
  const double linear[3] = {3.240479 * xyz[0] - 1.537150 * xyz[1] - 0.498535 * xyz[2],
                            -0.969256 * xyz[0] + 1.875992 * xyz[1] + 0.041556 * xyz[2],
                            0.055648 * xyz[0] - 0.204043 * xyz[1] + 1.057311 * xyz[2]};
  std::array<double, 3> rgb{};
  for (size_t c = 0; c < 3; ++c)
    rgb[c] = linear[c] > 0.0031308 ? 1.055 * std::pow(linear[c], 1 / 2.4) - 0.055 : 12.92 * linear[c];
  return rgb;
}

}  // namespace ks

#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace ks {

/// Linear-light RGB, 1 is the white of the picture.
struct Rgb {
  float r = 0, g = 0, b = 0;
};

inline Rgb operator+(Rgb a, Rgb b) {
  return {a.r + b.r, a.g + b.g, a.b + b.b};
}
inline Rgb operator-(Rgb a, Rgb b) {
  return {a.r - b.r, a.g - b.g, a.b - b.b};
}
inline Rgb operator*(Rgb a, Rgb b) {
  return {a.r * b.r, a.g * b.g, a.b * b.b};
}
inline Rgb operator*(Rgb a, float k) {
  return {a.r * k, a.g * k, a.b * k};
}
inline Rgb mix(Rgb a, Rgb b, float weight) {
  return a + (b - a) * weight;
}
/// Rec. 709 luminance.
inline float luminance(Rgb c) {
  return 0.2126f * c.r + 0.7152f * c.g + 0.0722f * c.b;
}

/// IEC 61966-2-1, value in [0,1].
inline float srgb_to_linear(float v) {
  return v <= 0.04045f ? v / 12.92f : std::pow((v + 0.055f) / 1.055f, 2.4f);
}
inline float linear_to_srgb(float v) {
  return v <= 0.0031308f ? 12.92f * std::max(v, 0.0f) : 1.055f * std::pow(std::min(v, 1.0f), 1 / 2.4f) - 0.055f;
}

/// A colour as image editors name it, 0 to 255 a channel.
inline Rgb srgb(float r, float g, float b) {
  return {srgb_to_linear(r / 255), srgb_to_linear(g / 255), srgb_to_linear(b / 255)};
}

/// Tables for whole pictures: a power a pixel would cost more than the rest of the rendering.
class SrgbTables {
 public:
  SrgbTables() {
    for (int i = 0; i < 256; ++i) linear_[i] = srgb_to_linear(i / 255.0f);
    for (int i = 0; i <= kSteps; ++i) {
      const float root = static_cast<float>(i) / kSteps;  // square-root spacing keeps the dark end exact
      encoded_[i] = 255 * linear_to_srgb(root * root);
    }
  }
  float linear(uint8_t v) const { return linear_[v]; }
  /// In [0,255], not rounded.
  float encode(float v) const {
    const float at = std::sqrt(std::clamp(v, 0.0f, 1.0f)) * kSteps;
    const int i = std::min(static_cast<int>(at), kSteps - 1);
    return encoded_[i] + (at - i) * (encoded_[i + 1] - encoded_[i]);
  }

 private:
  static constexpr int kSteps = 1024;
  std::array<float, 256> linear_;
  std::array<float, kSteps + 1> encoded_;
};

}  // namespace ks

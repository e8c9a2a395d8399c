#include "train/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace ks::train {

namespace {

/// From a pixel of the result to a place in the original.
struct Warp {
  double xx, xy, x0, yx, yy, y0;
};

Warp draw_warp(const Image& image, const Augmentation& a, const Preprocessing& p, Random& random) {
  const double angle = random.uniform(-1, 1) * a.rotation * std::numbers::pi / 180;
  // Uniform in the logarithm: as often smaller as larger.
  const double scale = std::exp(random.uniform(std::log(a.smallest_scale), std::log(a.largest_scale)));
  const double shift_x = random.uniform(-1, 1) * a.shift, shift_y = random.uniform(-1, 1) * a.shift;
  const double flip_x = random.chance(0.5) && a.flip ? -1 : 1, flip_y = random.chance(0.5) && a.flip ? -1 : 1;
  // In units of the sides: a picture that was squeezed to the network's input keeps its centre and fills it.
  const double to_x = static_cast<double>(image.width) / p.width, to_y = static_cast<double>(image.height) / p.height;
  const double c = std::cos(angle) / scale, s = std::sin(angle) / scale;
  Warp w{flip_x * c * to_x, -flip_x * s * to_x, 0, flip_y * s * to_y, flip_y * c * to_y, 0};
  const double centre_x = (p.width - 1) / 2.0 + shift_x * p.width, centre_y = (p.height - 1) / 2.0 + shift_y * p.height;
  w.x0 = (image.width - 1) / 2.0 - w.xx * centre_x - w.xy * centre_y;
  w.y0 = (image.height - 1) / 2.0 - w.yx * centre_x - w.yy * centre_y;
  return w;
}

/// Bilinear resampling to three planes of 0..255.
void resample(const Image& image, const Warp& w, int width, int height, float* out) {
  const float last_x = static_cast<float>(image.width - 1), last_y = static_cast<float>(image.height - 1);
  const int64_t plane = static_cast<int64_t>(width) * height;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const float sx = std::clamp(static_cast<float>(w.xx * x + w.xy * y + w.x0), 0.0f, last_x);
      const float sy = std::clamp(static_cast<float>(w.yx * x + w.yy * y + w.y0), 0.0f, last_y);
      const int ix = std::min(static_cast<int>(sx), std::max(0, image.width - 2));
      const int iy = std::min(static_cast<int>(sy), std::max(0, image.height - 2));
      const float fx = sx - static_cast<float>(ix), fy = sy - static_cast<float>(iy);
      const int right = image.width > 1 ? 3 : 0, below = image.height > 1 ? image.width * 3 : 0;
      const uint8_t* p = image.at(ix, iy);
      for (int c = 0; c < 3; ++c) {
        const float top = static_cast<float>(p[c]) * (1 - fx) + static_cast<float>(p[c + right]) * fx;
        const float bottom =
            static_cast<float>(p[c + below]) * (1 - fx) + static_cast<float>(p[c + below + right]) * fx;
        out[c * plane + y * width + x] = top * (1 - fy) + bottom * fy;
      }
    }
}

using Matrix = std::array<std::array<double, 3>, 3>;

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix m{};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 3; ++k) m[i][j] += a[i][k] * b[k][j];
  return m;
}

/// Rotation of colours about the grey axis.
Matrix hue_rotation(double angle) {
  const double c = std::cos(angle), s = std::sin(angle), a = (1 - c) / 3, b = s / std::sqrt(3.0);
  return {{{c + a, a - b, a + b}, {a + b, c + a, a - b}, {a - b, a + b, c + a}}};
}

Matrix saturation(double factor) {
  constexpr std::array<double, 3> grey = {0.299, 0.587, 0.114};  // ITU-R BT.601
  Matrix m{};
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) m[i][j] = (1 - factor) * grey[j] + (i == j ? factor : 0);
  return m;
}

/// Hue, saturation, contrast and brightness as one affine map of the colours.
void recolour(const Augmentation& a, Random& random, int64_t plane, float* out) {
  const auto factor = [&](float amount) { return 1 + random.uniform(-1, 1) * amount; };
  const Matrix m = product(saturation(factor(a.saturation)), hue_rotation(random.uniform(-1, 1) * a.hue * std::numbers::pi / 180));
  const double contrast = factor(a.contrast), brightness = factor(a.brightness);
  constexpr double middle = 127.5;
  float f[3][3];
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) f[i][j] = static_cast<float>(brightness * contrast * m[i][j]);
  const float offset = static_cast<float>(brightness * (1 - contrast) * middle);
  for (int64_t k = 0; k < plane; ++k) {
    const float r = out[k], g = out[k + plane], b = out[k + 2 * plane];
    for (int i = 0; i < 3; ++i) out[k + i * plane] = f[i][0] * r + f[i][1] * g + f[i][2] * b + offset;
  }
}

/// Separable Gaussian of five values a side; good for standard deviations up to about 1.2.
void blur(float deviation, int width, int height, float* out) {
  std::array<float, 3> k{};
  for (int i = 0; i < 3; ++i) k[i] = std::exp(-static_cast<float>(i * i) / (2 * deviation * deviation));
  const float sum = k[0] + 2 * (k[1] + k[2]);
  for (float& v : k) v /= sum;
  const auto pass = [&](float* values, int64_t step, int count, std::vector<float>& line) {
    line.resize(count + 4);
    for (int i = 0; i < count + 4; ++i) line[i] = values[std::clamp(i - 2, 0, count - 1) * step];
    for (int i = 0; i < count; ++i)
      values[i * step] = k[0] * line[i + 2] + k[1] * (line[i + 1] + line[i + 3]) + k[2] * (line[i] + line[i + 4]);
  };
  std::vector<float> line;
  for (int c = 0; c < 3; ++c) {
    float* plane = out + static_cast<int64_t>(c) * width * height;
    for (int y = 0; y < height; ++y) pass(plane + static_cast<int64_t>(y) * width, 1, width, line);
    for (int x = 0; x < width; ++x) pass(plane + x, width, height, line);
  }
}

/// Nearly normal noise: the sum of four uniform bytes.
void add_noise(float deviation, Random& random, int64_t count, float* out) {
  constexpr float mean = 4 * 127.5f;
  const float scale = deviation / std::sqrt(4 * (256.0f * 256.0f - 1) / 12);
  for (int64_t k = 0; k < count; ++k) {
    const uint32_t bits = random.next();
    const uint32_t sum = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24);
    out[k] += (static_cast<float>(sum) - mean) * scale;
  }
}

}  // namespace

Augmentation Augmentation::none() {
  return {.flip = false,
          .rotation = 0,
          .smallest_scale = 1,
          .largest_scale = 1,
          .shift = 0,
          .brightness = 0,
          .contrast = 0,
          .saturation = 0,
          .hue = 0,
          .blur = 0,
          .noise = 0};
}

void augment(const Image& image, const Augmentation& a, const Preprocessing& p, Random& random, float* out) {
  const int64_t plane = static_cast<int64_t>(p.width) * p.height;
  resample(image, draw_warp(image, a, p, random), p.width, p.height, out);
  recolour(a, random, plane, out);
  // Drawn in any case, so that one amount's setting does not change what is drawn for another.
  const bool blurred = random.chance(1.0 / 3), noisy = random.chance(0.5);
  const float blur_deviation = static_cast<float>(random.uniform(0.3, 1)) * a.blur;
  const float noise_deviation = static_cast<float>(random.uniform()) * a.noise;
  if (blurred && blur_deviation > 0.1f) blur(blur_deviation, p.width, p.height, out);
  if (noisy && noise_deviation > 0) add_noise(noise_deviation, random, 3 * plane, out);
  for (int c = 0; c < 3; ++c) {
    const float scale = 1 / (255 * p.deviation[c]), shift = -p.mean[c] / p.deviation[c];
    float* values = out + c * plane;
    for (int64_t k = 0; k < plane; ++k) values[k] = std::clamp(values[k], 0.0f, 255.0f) * scale + shift;
  }
}

}  // namespace ks::train

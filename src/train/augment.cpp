#include "train/augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "picture/recolour.h"
#include "picture/warp.h"

namespace ks::train {

namespace {

Warp draw_warp(const Image& image, const Augmentation& a, const Preprocessing& p, Random& random) {
  Placement place;
  place.angle = random.uniform(-1, 1) * a.rotation * std::numbers::pi / 180;
  // Uniform in the logarithm: as often smaller as larger.
  place.scale = std::exp(random.uniform(std::log(a.smallest_scale), std::log(a.largest_scale)));
  place.shift_x = random.uniform(-1, 1) * a.shift * p.width;
  place.shift_y = random.uniform(-1, 1) * a.shift * p.height;
  place.flip_x = random.chance(0.5) && a.flip;
  place.flip_y = random.chance(0.5) && a.flip;
  return warp_of(place, image.width, image.height, p.width, p.height);
}

/// Hue, saturation, contrast and brightness as one affine map of the colours.
void draw_colours(const Augmentation& a, Random& random, int64_t plane, float* out) {
  const auto factor = [&](float amount) { return 1 + random.uniform(-1, 1) * amount; };
  const ColourMatrix hue = hue_matrix(random.uniform(-1, 1) * a.hue * std::numbers::pi / 180);
  ColourMatrix m = product(saturation_matrix(factor(a.saturation)), hue);
  const double contrast = factor(a.contrast), brightness = factor(a.brightness);
  constexpr double middle = 127.5;
  for (auto& row : m)
    for (double& v : row) v *= brightness * contrast;
  recolour(m, brightness * (1 - contrast) * middle, plane, out);
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
  resample(image.rgb.data(), 3, 1, 3, image.width, image.height, draw_warp(image, a, p, random), p.width, p.height,
           out);
  draw_colours(a, random, plane, out);
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

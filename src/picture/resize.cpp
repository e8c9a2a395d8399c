// Separable resampling with the Catmull-Rom cubic (E. Catmull, R. Rom: A class of local interpolating splines, 1974;
// Mitchell and Netravali's B = 0, C = 1/2), widened by the reduction factor.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "picture/image.h"

namespace ks {

namespace {

float catmull_rom(float x) {
  x = std::fabs(x);
  if (x < 1) return (1.5f * x - 2.5f) * x * x + 1;
  if (x < 2) return ((-0.5f * x + 2.5f) * x - 4) * x + 2;
  return 0;
}

/// The source positions [first, first + weights.size()) one output position is a weighted mean of; weights sum to 1.
struct Taps {
  int first = 0;
  std::vector<float> weights;
};

std::vector<Taps> resampling_taps(int from, int to) {
  const float scale = static_cast<float>(from) / to, widening = std::max(scale, 1.0f);
  std::vector<Taps> taps(to);
  for (int i = 0; i < to; ++i) {
    const float centre = (i + 0.5f) * scale;
    const int first = std::max(0, static_cast<int>(std::floor(centre - 2 * widening)));
    const int last = std::min(from - 1, static_cast<int>(std::ceil(centre + 2 * widening)));
    taps[i].first = first;
    float sum = 0;
    for (int s = first; s <= last; ++s) {
      taps[i].weights.push_back(catmull_rom((s + 0.5f - centre) / widening));
      sum += taps[i].weights.back();
    }
    for (float& w : taps[i].weights) w /= sum;
  }
  return taps;
}

/// Planes interleaved by `channels`: first along x, then along y.
std::vector<float> resample(const uint8_t* pixels, int width, int height, int channels, int new_width, int new_height) {
  const std::vector<Taps> across = resampling_taps(width, new_width), down = resampling_taps(height, new_height);
  std::vector<float> rows(static_cast<size_t>(new_width) * height * channels);
  for (int y = 0; y < height; ++y) {
    const uint8_t* in = pixels + static_cast<size_t>(y) * width * channels;
    float* out = rows.data() + static_cast<size_t>(y) * new_width * channels;
    for (const Taps& t : across) {
      for (int c = 0; c < channels; ++c) {
        float sum = 0;
        for (size_t k = 0; k < t.weights.size(); ++k) sum += t.weights[k] * in[(t.first + k) * channels + c];
        *out++ = sum;
      }
    }
  }
  const size_t row = static_cast<size_t>(new_width) * channels;
  std::vector<float> result(row * new_height);
  for (int y = 0; y < new_height; ++y) {
    float* out = result.data() + y * row;
    for (size_t k = 0; k < down[y].weights.size(); ++k) {
      const float weight = down[y].weights[k];
      const float* in = rows.data() + (down[y].first + k) * row;
      for (size_t i = 0; i < row; ++i) out[i] += weight * in[i];
    }
  }
  return result;
}

void check_sizes(int width, int height, int new_width, int new_height) {
  if (width < 1 || height < 1 || new_width < 1 || new_height < 1)
    throw std::logic_error("resizing from or to an empty picture");
}

}  // namespace

Image resize_image(const Image& image, int width, int height) {
  if (image.width == width && image.height == height) return image;
  check_sizes(image.width, image.height, width, height);
  const std::vector<float> values = resample(image.rgb.data(), image.width, image.height, 3, width, height);
  Image out(width, height);
  for (size_t i = 0; i < values.size(); ++i)
    out.rgb[i] = static_cast<uint8_t>(std::lround(std::clamp(values[i], 0.0f, 255.0f)));
  return out;
}

Mask resize_mask(const Mask& mask, int width, int height) {
  if (mask.width == width && mask.height == height) return mask;
  check_sizes(mask.width, mask.height, width, height);
  std::vector<uint8_t> binary(mask.inside.size());
  std::transform(mask.inside.begin(), mask.inside.end(), binary.begin(), [](uint8_t v) { return v ? 1 : 0; });
  const std::vector<float> values = resample(binary.data(), mask.width, mask.height, 1, width, height);
  Mask out(width, height);
  for (size_t i = 0; i < values.size(); ++i) out.inside[i] = values[i] > 0.5f;
  return out;
}

}  // namespace ks

#include <algorithm>
#include <cmath>

#include "grain/scene.h"

namespace ks {

namespace {

std::vector<float> gaussian(float sigma) {
  const int radius = std::max(1, static_cast<int>(std::ceil(3 * sigma)));
  std::vector<float> kernel(2 * radius + 1);
  float sum = 0;
  for (int i = -radius; i <= radius; ++i) sum += kernel[i + radius] = std::exp(-0.5f * i * i / (sigma * sigma));
  for (float& k : kernel) k /= sum;
  return kernel;
}

/// Both passes over `channels` interleaved floats.
void convolve(float* data, int width, int height, int channels, const std::vector<float>& kernel) {
  const int radius = static_cast<int>(kernel.size() / 2);
  const size_t row = static_cast<size_t>(width) * channels;
  std::vector<float> padded((width + 2 * radius) * static_cast<size_t>(channels));
  for (int y = 0; y < height; ++y) {
    float* line = data + y * row;
    for (int x = -radius; x < width + radius; ++x)
      for (int c = 0; c < channels; ++c)
        padded[(x + radius) * static_cast<size_t>(channels) + c] = line[std::clamp(x, 0, width - 1) * channels + c];
    std::fill(line, line + row, 0.0f);
    for (size_t k = 0; k < kernel.size(); ++k) {
      const float weight = kernel[k];
      const float* in = padded.data() + k * channels;
      for (size_t i = 0; i < row; ++i) line[i] += weight * in[i];
    }
  }
  const std::vector<float> source(data, data + row * height);
  for (int y = 0; y < height; ++y) {
    float* line = data + y * row;
    std::fill(line, line + row, 0.0f);
    for (size_t k = 0; k < kernel.size(); ++k) {
      const float weight = kernel[k];
      const float* in = source.data() + std::clamp(y + static_cast<int>(k) - radius, 0, height - 1) * row;
      for (size_t i = 0; i < row; ++i) line[i] += weight * in[i];
    }
  }
}

/// Running mean of 2 * radius + 1 values, ends repeated.
void box_mean(float* line, int count, size_t stride, int radius, std::vector<float>& scratch) {
  scratch.resize(count);
  for (int i = 0; i < count; ++i) scratch[i] = line[i * stride];
  const auto at = [&](int i) { return scratch[std::clamp(i, 0, count - 1)]; };
  double sum = 0;
  for (int i = -radius; i <= radius; ++i) sum += at(i);
  for (int i = 0; i < count; ++i) {
    line[i * stride] = static_cast<float>(sum / (2 * radius + 1));
    sum += at(i + radius + 1) - at(i - radius);
  }
}

}  // namespace

void blur(std::vector<float>& plane, int width, int height, float sigma) {
  convolve(plane.data(), width, height, 1, gaussian(sigma));
}

void blur(LinearImage& image, float sigma) {
  static_assert(sizeof(Rgb) == 3 * sizeof(float));
  convolve(&image.pixels[0].r, image.width, image.height, 3, gaussian(sigma));
}

void blur_wide(std::vector<float>& plane, int width, int height, float sigma) {
  const int radius = std::max(1, static_cast<int>(std::lround(std::sqrt(sigma * sigma + 1.0f / 12 * 3) - 0.5f)));
  std::vector<float> scratch;
  for (int pass = 0; pass < 3; ++pass) {
    for (int y = 0; y < height; ++y) box_mean(plane.data() + static_cast<size_t>(y) * width, width, 1, radius, scratch);
    for (int x = 0; x < width; ++x) box_mean(plane.data() + x, height, static_cast<size_t>(width), radius, scratch);
  }
}

}  // namespace ks

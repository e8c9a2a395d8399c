#include "picture/overlay.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "picture/normalisation.h"

namespace ks {

namespace {

void check_map(const Tensor& map, int64_t n) {
  if (map.shape.size() != 4 || map.dim(1) != 1 || n < 0 || n >= map.dim(0))
    throw std::logic_error("a heatmap needs a pooled map [N,1,H,W], not " + to_string(map.shape));
}

/// How much of the heatmap shows at a display value.
double coverage(float display, bool diverging, const OverlayStyle& style) {
  if (!style.fade) return style.opacity;
  return style.opacity * (diverging ? std::fabs(display) : std::max(display, 0.0f));
}

}  // namespace

Image heatmap(const Tensor& map, int64_t n, double limit, const Colormap& colormap) {
  check_map(map, n);
  Image out(static_cast<int>(map.dim(3)), static_cast<int>(map.dim(2)));
  const float* values = map.sample(n);
  for (int64_t i = 0; i < map.stride(); ++i)
    std::memcpy(out.rgb.data() + 3 * i, colour_of(display_value(values[i], limit), colormap).data(), 3);
  return out;
}

Image overlay(const Image& picture, const Tensor& map, int64_t n, double limit, const Colormap& colormap,
              const OverlayStyle& style) {
  check_map(map, n);
  const int64_t height = map.dim(2), width = map.dim(3);
  const float* values = map.sample(n);
  Image out = picture;
  for (int y = 0; y < picture.height; ++y) {
    const float* row = values + y * height / picture.height * width;
    for (int x = 0; x < picture.width; ++x) {
      const float display = display_value(row[x * width / picture.width], limit);
      const auto& colour = colour_of(display, colormap);
      const double a = coverage(display, colormap.diverging, style);
      uint8_t* p = out.at(x, y);
      for (int c = 0; c < 3; ++c)
        p[c] = static_cast<uint8_t>(std::lround((1 - a) * p[c] + a * colour[static_cast<size_t>(c)]));
    }
  }
  return out;
}

void draw_outline(Image& picture, const Mask& mask, int thickness, const std::array<uint8_t, 3>& colour) {
  if (mask.width != picture.width || mask.height != picture.height)
    throw std::logic_error("draw_outline: the mask has not the picture's size");
  const int reach = std::max(thickness, 1);
  const auto outside = [&](int x, int y) {
    return x < 0 || y < 0 || x >= mask.width || y >= mask.height || !mask.at(x, y);
  };
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x) {
      if (!mask.at(x, y)) continue;
      bool border = false;
      for (int dy = -reach; dy <= reach && !border; ++dy)
        for (int dx = -reach; dx <= reach && !border; ++dx)
          border = dx * dx + dy * dy <= reach * reach && outside(x + dx, y + dy);
      if (border) std::memcpy(picture.at(x, y), colour.data(), 3);
    }
}

Image colour_bar(const Colormap& colormap, int width, int height) {
  Image out(width, height);
  const bool upright = height > width;
  const int length = upright ? height : width;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int at = upright ? height - 1 - y : x;
      const int index = length > 1 ? (510 * at + length - 1) / (2 * (length - 1)) : 0;  // rounded 255 at / (length - 1)
      std::memcpy(out.at(x, y), colormap.table[static_cast<size_t>(index)].data(), 3);
    }
  return out;
}

}  // namespace ks

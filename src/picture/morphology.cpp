#include "picture/morphology.h"

#include <algorithm>
#include <cmath>

namespace ks {

Mask dilate(const Mask& mask, int radius) {
  Mask out = mask;
  std::vector<int> reach;  // half width of the disc in each of its rows
  for (int dy = -radius; dy <= radius; ++dy)
    reach.push_back(static_cast<int>(std::sqrt(static_cast<double>(radius * radius - dy * dy))));
  const auto outside = [&](int x, int y) {
    return x >= 0 && y >= 0 && x < mask.width && y < mask.height && !mask.at(x, y);
  };
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x) {
      // Only from the border of a region does its disc reach what is not inside yet.
      if (!mask.at(x, y)) continue;
      if (!(outside(x - 1, y) || outside(x + 1, y) || outside(x, y - 1) || outside(x, y + 1))) continue;
      for (int dy = -radius; dy <= radius; ++dy) {
        if (y + dy < 0 || y + dy >= mask.height) continue;
        const int half = reach[static_cast<size_t>(dy + radius)];
        const int from = std::max(0, x - half), to = std::min(mask.width - 1, x + half);
        std::fill(&out.at(from, y + dy), &out.at(to, y + dy) + 1, uint8_t{1});
      }
    }
  return out;
}

Mask erode(const Mask& mask, int radius) {
  Mask outside = mask;
  for (uint8_t& v : outside.inside) v = !v;
  outside = dilate(outside, radius);
  for (uint8_t& v : outside.inside) v = !v;
  return outside;
}

Mask shift(const Mask& mask, int dx, int dy) {
  Mask out(mask.width, mask.height);
  for (int y = std::max(0, dy); y < std::min(mask.height, mask.height + dy); ++y)
    for (int x = std::max(0, dx); x < std::min(mask.width, mask.width + dx); ++x)
      out.at(x, y) = mask.at(x - dx, y - dy);
  return out;
}

Mask bounding_box(const Mask& mask) {
  int left = mask.width, right = -1, top = mask.height, bottom = -1;
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x) {
      if (!mask.at(x, y)) continue;
      left = std::min(left, x);
      right = std::max(right, x);
      top = std::min(top, y);
      bottom = std::max(bottom, y);
    }
  Mask out(mask.width, mask.height);
  for (int y = top; y <= bottom; ++y)
    for (int x = left; x <= right; ++x) out.at(x, y) = 1;
  return out;
}

}  // namespace ks

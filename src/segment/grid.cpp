#include <algorithm>
#include <cmath>

#include "segment/segments.h"

namespace ks {

Segments grid_segments(int width, int height, int rows, int columns) {
  rows = std::min(rows, height);
  columns = std::min(columns, width);
  Segments out{width, height, rows * columns, {}};
  out.labels.reserve(static_cast<size_t>(width) * height);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      out.labels.push_back(static_cast<int32_t>(y * rows / height * columns + x * columns / width));
  return out;
}

Segments square_segments(int width, int height, int side) {
  const int columns = (width + side - 1) / side, rows = (height + side - 1) / side;
  Segments out{width, height, rows * columns, {}};
  out.labels.reserve(static_cast<size_t>(width) * height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) out.labels.push_back(y / side * columns + x / side);
  return out;
}

std::array<int, 2> even_grid(int width, int height, int cells) {
  const int rows = std::max(1, static_cast<int>(std::lround(std::sqrt(cells * (static_cast<double>(height) / width)))));
  const int columns = std::max(1, static_cast<int>(std::lround(static_cast<double>(cells) / rows)));
  return {std::min(rows, height), std::min(columns, width)};
}

}  // namespace ks

#include <algorithm>

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

}  // namespace ks

#include "picture/distance_transform.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace ks {

namespace {

constexpr double never = std::numeric_limits<double>::infinity();

/// Distances within columns: what the first of the two passes comes to for a set.
std::vector<int> column_distances(const std::vector<uint8_t>& points, int width, int height) {
  const int far = width + height;  // further than any pixel, and small enough for a step to be added
  std::vector<int> out(points.size(), far);
  const auto row = [&](int y) { return out.data() + static_cast<size_t>(y) * static_cast<size_t>(width); };
  for (size_t i = 0; i < points.size(); ++i)
    if (points[i]) out[i] = 0;
  for (int y = 1; y < height; ++y)
    for (int x = 0; x < width; ++x) row(y)[x] = std::min(row(y)[x], row(y - 1)[x] + 1);
  for (int y = height - 2; y >= 0; --y)
    for (int x = 0; x < width; ++x) row(y)[x] = std::min(row(y)[x], row(y + 1)[x] + 1);
  return out;
}

/// The lower envelope of the parabolas (x - c)² + g(c)² of one row.
class Envelope {
 public:
  explicit Envelope(int width) : centres_(static_cast<size_t>(width)), from_(static_cast<size_t>(width)) {}

  void fill(const int* column, int width, int far, double* out) {
    int count = 0;
    const auto height = [&](int c) { return static_cast<double>(column[c]) * column[c] + static_cast<double>(c) * c; };
    for (int c = 0; c < width; ++c) {
      if (column[c] >= far) continue;
      double crossing = -never;
      while (count > 0) {
        const int last = centres_[static_cast<size_t>(count - 1)];
        crossing = (height(c) - height(last)) / (2.0 * (c - last));
        if (crossing > from_[static_cast<size_t>(count - 1)]) break;
        --count;
        crossing = -never;
      }
      centres_[static_cast<size_t>(count)] = c;
      from_[static_cast<size_t>(count++)] = crossing;
    }
    for (int x = 0, k = 0; x < width && count > 0; ++x) {
      while (k + 1 < count && from_[static_cast<size_t>(k + 1)] < x) ++k;
      const int c = centres_[static_cast<size_t>(k)];
      out[x] = static_cast<double>((x - c) * (x - c) + column[c] * column[c]);
    }
  }

 private:
  std::vector<int> centres_;   // of the parabolas that are lowest somewhere
  std::vector<double> from_;   // where each begins to be
};

}  // namespace

std::vector<double> squared_distances(const std::vector<uint8_t>& points, int width, int height,
                                      const std::vector<uint8_t>* asked) {
  std::vector<double> out(points.size(), never);
  const std::vector<int> columns = column_distances(points, width, height);
  Envelope envelope(width);
  for (int y = 0; y < height; ++y) {
    const size_t row = static_cast<size_t>(y) * static_cast<size_t>(width);
    if (asked && !std::memchr(asked->data() + row, 1, static_cast<size_t>(width))) continue;
    envelope.fill(columns.data() + row, width, width + height, out.data() + row);
  }
  return out;
}

}  // namespace ks

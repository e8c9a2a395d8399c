#include "picture/distance_transform.h"

#include <algorithm>
#include <cstring>

namespace ks {

namespace {

/// Distances within columns, `far` where a column has none of the set: what the first of the two passes comes to for a set.
std::vector<int> column_distances(const std::vector<uint8_t>& points, int width, int height, int far) {
  const size_t row = static_cast<size_t>(width);
  std::vector<int> out(points.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = points[i] ? 0 : i < row ? far : std::min(far, out[i - row] + 1);
  for (size_t i = row * static_cast<size_t>(height - 1); i-- > 0;) out[i] = std::min(out[i], out[i + row] + 1);
  return out;
}

/// The lower envelope of the parabolas (x - c)² + g(c)² of one row.
class Envelope {
 public:
  explicit Envelope(int width) : parabolas_(static_cast<size_t>(width)) {}

  /// Replaces the distances within columns by squared distances.
  void transform(int* row, int width, int far) {
    size_t count = 0;
    for (int c = 0; c < width; ++c) {
      if (row[c] >= far) continue;
      Parabola next{c, row[c] * row[c], 0};
      while (count > 0) {
        const Parabola& last = parabolas_[count - 1];
        next.from = (static_cast<double>(next.height - last.height) + static_cast<double>(c) * c -
                     static_cast<double>(last.centre) * last.centre) /
                    (2.0 * (c - last.centre));
        if (next.from > last.from) break;
        --count;
      }
      if (count == 0) next.from = -1;
      parabolas_[count++] = next;
    }
    size_t k = 0;
    for (int x = 0; x < width; ++x) {
      while (k + 1 < count && parabolas_[k + 1].from < x) ++k;
      row[x] = count == 0 ? no_distance : (x - parabolas_[k].centre) * (x - parabolas_[k].centre) + parabolas_[k].height;
    }
  }

 private:
  struct Parabola {
    int centre, height;
    double from;  // where it begins to be the lowest
  };
  std::vector<Parabola> parabolas_;
};

}  // namespace

std::vector<int> squared_distances(const std::vector<uint8_t>& points, int width, int height,
                                   const std::vector<uint8_t>* asked) {
  const int far = width + height;
  std::vector<int> out = column_distances(points, width, height, far);
  Envelope envelope(width);
  for (int y = 0; y < height; ++y) {
    const size_t row = static_cast<size_t>(y) * static_cast<size_t>(width);
    if (!asked || std::memchr(asked->data() + row, 1, static_cast<size_t>(width)))
      envelope.transform(out.data() + row, width, far);
  }
  return out;
}

}  // namespace ks

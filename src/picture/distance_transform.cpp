#include "picture/distance_transform.h"

#include <algorithm>
#include <cstring>

namespace ks {

namespace {

/// Distances within columns, at least width + height where a column has none of the set: what the first of the two
/// passes comes to for a set.
std::vector<int> column_distances(const std::vector<uint8_t>& points, int width, int height) {
  std::vector<int> out(points.size());
  for (int x = 0; x < width; ++x) out[static_cast<size_t>(x)] = points[static_cast<size_t>(x)] ? 0 : width + height;
  for (int y = 1; y < height; ++y) {
    int* row = out.data() + static_cast<size_t>(y) * static_cast<size_t>(width);
    const uint8_t* in = points.data() + static_cast<size_t>(y) * static_cast<size_t>(width);
    for (int x = 0; x < width; ++x) row[x] = (row[x - width] + 1) * !in[x];
  }
  for (int y = height - 2; y >= 0; --y) {
    int* row = out.data() + static_cast<size_t>(y) * static_cast<size_t>(width);
    for (int x = 0; x < width; ++x) row[x] = std::min(row[x], row[x + width] + 1);
  }
  return out;
}

/// The lower envelope of the parabolas (x - c)² + g(c)² of one row.
class Envelope {
 public:
  explicit Envelope(int width) : parabolas_(static_cast<size_t>(width)), halves_(static_cast<size_t>(width)) {
    for (int d = 1; d < width; ++d) halves_[static_cast<size_t>(d)] = 0.5 / d;
  }

  /// Replaces the distances within columns by squared distances, where `asked` (null: everywhere) has a 1.
  void transform(int* row, int width, int far, const uint8_t* asked) {
    size_t count = 0;
    for (int c = 0; c < width; ++c) {
      if (row[c] >= far) continue;
      Parabola next{c, row[c] * row[c], 0};
      while (count > 0) {
        const Parabola& last = parabolas_[count - 1];
        const int apart = c - last.centre;
        next.from = 0.5 * (c + last.centre) + (next.height - last.height) * halves_[static_cast<size_t>(apart)];
        if (next.from > last.from) break;
        --count;
      }
      if (count == 0) next.from = -1;
      parabolas_[count++] = next;
    }
    size_t k = 0;
    for (int x = 0; x < width; ++x) {
      if (asked) {
        const void* next = std::memchr(asked + x, 1, static_cast<size_t>(width - x));
        if (!next) return;
        x = static_cast<int>(static_cast<const uint8_t*>(next) - asked);
      }
      while (k + 1 < count && parabolas_[k + 1].from < x) ++k;
      row[x] =
          count == 0 ? no_distance : (x - parabolas_[k].centre) * (x - parabolas_[k].centre) + parabolas_[k].height;
    }
  }

 private:
  struct Parabola {
    int centre, height;
    double from;  // where it begins to be the lowest
  };
  std::vector<Parabola> parabolas_;
  std::vector<double> halves_;  // 1 / (2 d)
};

}  // namespace

std::vector<int> squared_distances(const std::vector<uint8_t>& points, int width, int height,
                                   const std::vector<uint8_t>* asked) {
  const int far = width + height;
  std::vector<int> out = column_distances(points, width, height);
  Envelope envelope(width);
  for (int y = 0; y < height; ++y) {
    const size_t row = static_cast<size_t>(y) * static_cast<size_t>(width);
    const uint8_t* wanted = asked ? asked->data() + row : nullptr;
    if (!wanted || std::memchr(wanted, 1, static_cast<size_t>(width)))
      envelope.transform(out.data() + row, width, far, wanted);
  }
  return out;
}

}  // namespace ks

#include <algorithm>
#include <cmath>

#include "segment/pieces.h"
#include "segment/segments.h"

// Hexagonal cells: each pixel belongs to the nearest point of a triangular lattice, the densest packing of equal discs
// (L. Fejes Toth: Über die dichteste Kugellagerung, Mathematische Zeitschrift 48, 1943). Of all equal tiles that fill
// the plane, hexagons are the roundest, so a cell spreads what it finds over the fewest pixels that are far away.
namespace ks {

namespace {

constexpr double kRowDistance = 0.8660254037844386;  // sqrt(3) / 2 of the distance between neighbours in a row

}  // namespace

Segments hexagon_segments(int width, int height, int segments) {
  // A cell has sqrt(3) / 2 distance^2 pixels. The lattice is stretched a little so that whole rows and columns fit, and
  // odd rows are shifted by half a cell: the cells at the ends of a row are a quarter larger or smaller, none is a
  // sliver.
  const double pixels = static_cast<double>(width) * height;
  const double distance = std::sqrt(pixels / (kRowDistance * std::min<double>(segments, pixels)));
  const int rows = std::clamp(static_cast<int>(std::lround(height / (kRowDistance * distance))), 1, height);
  const int columns = std::clamp(static_cast<int>(std::lround(width / distance)), 1, width);
  Segments out{width, height, 0, {}};
  out.labels.reserve(static_cast<size_t>(width) * height);
  for (int y = 0; y < height; ++y) {
    const double v = (y + 0.5) * rows / height - 0.5;  // in rows; row r has its centres at v = r
    const int above = static_cast<int>(std::floor(v));
    for (int x = 0; x < width; ++x) {
      const double u = (x + 0.5) * columns / width;  // in columns
      double nearest = HUGE_VAL;
      int32_t label = 0;
      for (int r = std::max(0, above); r <= std::min(rows - 1, above + 1); ++r) {
        const double shift = rows == 1 ? 0.5 : r % 2 ? 0.75 : 0.25;
        const int c = std::clamp(static_cast<int>(std::floor(u - shift + 0.5)), 0, columns - 1);
        const double across = u - (c + shift), down = kRowDistance * (v - r);
        const double d = across * across + down * down;
        if (d < nearest) {
          nearest = d;
          label = r * columns + c;
        }
      }
      out.labels.push_back(label);
    }
  }
  split_into_pieces(out);  // cells of two or three pixels may fall apart
  return out;
}

}  // namespace ks

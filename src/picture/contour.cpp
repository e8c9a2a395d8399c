#include "picture/contour.h"

#include <cmath>
#include <unordered_map>
#include <utility>

namespace ks {

namespace {

// Points of the border lie half way between an inside and an outside pixel. They are named by the doubled coordinates
// of that place, so that segments of neighbouring squares join exactly.
using PointKey = int64_t;
PointKey key_of(int x2, int y2) {
  return (static_cast<int64_t>(y2 + 4) << 32) | static_cast<uint32_t>(x2 + 4);
}
ContourPoint point_of(PointKey key) {
  const int x2 = static_cast<int>(static_cast<uint32_t>(key)) - 4, y2 = static_cast<int>(key >> 32) - 4;
  return {x2 * 0.5f + 0.5f, y2 * 0.5f + 0.5f};  // pixel centres stand at + 0.5
}

float distance_to_line(ContourPoint p, ContourPoint a, ContourPoint b) {
  const float dx = b.x - a.x, dy = b.y - a.y, length = std::sqrt(dx * dx + dy * dy);
  if (length < 1e-6f) return std::hypot(p.x - a.x, p.y - a.y);
  return std::fabs((p.x - a.x) * dy - (p.y - a.y) * dx) / length;
}

void thin(const Contour& line, size_t first, size_t last, float tolerance, std::vector<bool>& keep) {
  std::vector<std::pair<size_t, size_t>> spans{{first, last}};
  while (!spans.empty()) {
    const auto [a, b] = spans.back();
    spans.pop_back();
    float worst = tolerance;
    size_t at = 0;
    for (size_t i = a + 1; i < b; ++i) {
      const float d = distance_to_line(line[i], line[a], line[b]);
      if (d > worst) {
        worst = d;
        at = i;
      }
    }
    if (at == 0) continue;
    keep[at] = true;
    spans.push_back({a, at});
    spans.push_back({at, b});
  }
}

Contour thinned(Contour line, float tolerance) {
  if (line.size() < 8) return line;
  const size_t half = line.size() / 2;  // a closed line has no ends: begin with two opposite points
  line.push_back(line.front());
  std::vector<bool> keep(line.size(), false);
  keep[0] = keep[half] = true;
  thin(line, 0, half, tolerance, keep);
  thin(line, half, line.size() - 1, tolerance, keep);
  Contour out;
  for (size_t i = 0; i + 1 < line.size(); ++i)
    if (keep[i]) out.push_back(line[i]);
  return out;
}

}  // namespace

std::vector<Contour> trace_contours(const Mask& mask, float tolerance) {
  const auto inside = [&](int x, int y) {
    return x >= 0 && y >= 0 && x < mask.width && y < mask.height && mask.at(x, y) != 0;
  };
  // One directed segment, or two, in each square of four pixel centres, with the inside at the left; saddles keep
  // diagonal neighbours apart.
  std::unordered_multimap<PointKey, PointKey> next;
  for (int y = -1; y < mask.height; ++y) {
    for (int x = -1; x < mask.width; ++x) {
      const int squares = inside(x, y) | inside(x + 1, y) << 1 | inside(x + 1, y + 1) << 2 | inside(x, y + 1) << 3;
      if (squares == 0 || squares == 15) continue;
      const PointKey top = key_of(2 * x + 1, 2 * y), bottom = key_of(2 * x + 1, 2 * y + 2);
      const PointKey left = key_of(2 * x, 2 * y + 1), right = key_of(2 * x + 2, 2 * y + 1);
      const auto segment = [&](PointKey a, PointKey b) { next.emplace(a, b); };
      switch (squares) {
        case 1:
          segment(top, left);
          break;
        case 2:
          segment(right, top);
          break;
        case 3:
          segment(right, left);
          break;
        case 4:
          segment(bottom, right);
          break;
        case 5:
          segment(top, left), segment(bottom, right);
          break;
        case 6:
          segment(bottom, top);
          break;
        case 7:
          segment(bottom, left);
          break;
        case 8:
          segment(left, bottom);
          break;
        case 9:
          segment(top, bottom);
          break;
        case 10:
          segment(right, top), segment(left, bottom);
          break;
        case 11:
          segment(right, bottom);
          break;
        case 12:
          segment(left, right);
          break;
        case 13:
          segment(top, right);
          break;
        case 14:
          segment(left, top);
          break;
        default:
          break;
      }
    }
  }
  std::vector<Contour> contours;
  while (!next.empty()) {
    Contour line;
    const PointKey start = next.begin()->first;
    PointKey at = start;
    do {
      const auto found = next.find(at);
      if (found == next.end()) break;
      line.push_back(point_of(at));
      at = found->second;
      next.erase(found);
    } while (at != start);
    if (line.size() >= 3) contours.push_back(thinned(std::move(line), tolerance));
  }
  return contours;
}

}  // namespace ks

#include <algorithm>
#include <array>
#include <cmath>
#include <queue>
#include <tuple>

#include "segment/segments.h"

// The gradient's magnitude as a landscape, flooded from markers (F. Meyer: Color image segmentation, IEE Image
// Processing and its Applications 1992); where the waters meet is a border. With compactness, a pixel's height also
// grows with its distance from the marker (P. Neubert, P. Protzel: Compact watershed and preemptive SLIC, ICPR 2014).
namespace ks {

namespace {

/// Luminance of sRGB values as they are, in 1/2550000 of white: whole numbers, the same on every machine.
std::vector<int64_t> luminance(const Image& picture) {
  std::vector<int64_t> out;
  out.reserve(picture.rgb.size() / 3);
  for (size_t i = 0; i < picture.rgb.size(); i += 3)
    out.push_back(2125 * picture.rgb[i] + 7154 * picture.rgb[i + 1] + 721 * picture.rgb[i + 2]);
  return out;
}

/// Sobel's gradient of the luminance, scaled as scikit-image's `sobel`: 0 ... 1; borders are repeated.
std::vector<double> gradient_magnitude(const Image& picture) {
  constexpr double white = 2550000, weights = 4;  // of one side of a Sobel kernel
  const std::vector<int64_t> grey = luminance(picture);
  const int width = picture.width, height = picture.height;
  std::vector<double> out;
  out.reserve(grey.size());
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      int64_t v[3][3];
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx)
          v[dy + 1][dx + 1] = grey[static_cast<size_t>(std::clamp(y + dy, 0, height - 1)) * width +
                                   static_cast<size_t>(std::clamp(x + dx, 0, width - 1))];
      const int64_t across = v[0][2] + 2 * v[1][2] + v[2][2] - v[0][0] - 2 * v[1][0] - v[2][0],
                    down = v[2][0] + 2 * v[2][1] + v[2][2] - v[0][0] - 2 * v[0][1] - v[0][2];
      out.push_back(std::sqrt(static_cast<double>(across * across + down * down)) / (white * weights * std::sqrt(2.0)));
    }
  return out;
}

/// Of each cell of an even grid the place with the lowest gradient in its middle half, the nearest to the centre of
/// equals.
std::vector<std::array<int, 2>> place_markers(const std::vector<double>& height_of, int width, int height,
                                              int markers) {
  const auto [rows, columns] = even_grid(width, height, markers);
  std::vector<std::array<int, 2>> out;
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c) {
      const double cell_w = static_cast<double>(width) / columns, cell_h = static_cast<double>(height) / rows;
      const int cx = static_cast<int>((c + 0.5) * cell_w), cy = static_cast<int>((r + 0.5) * cell_h);
      const int reach_x = static_cast<int>(cell_w / 4), reach_y = static_cast<int>(cell_h / 4);
      std::tuple<double, int, int, int> best{HUGE_VAL, 0, cy, cx};
      for (int y = std::max(0, cy - reach_y); y <= std::min(height - 1, cy + reach_y); ++y)
        for (int x = std::max(0, cx - reach_x); x <= std::min(width - 1, cx + reach_x); ++x)
          best = std::min(
              best, {height_of[static_cast<size_t>(y) * width + x], (x - cx) * (x - cx) + (y - cy) * (y - cy), y, x});
      out.push_back({std::get<3>(best), std::get<2>(best)});
    }
  return out;
}

/// A pixel that water may reach next.
struct Shore {
  double level;
  int64_t age;  // earlier ones first where levels are equal
  int32_t x, y, label;

  bool operator>(const Shore& other) const { return std::tie(level, age) > std::tie(other.level, other.age); }
};

}  // namespace

Segments watershed_segments(const Image& picture, int markers, double compactness) {
  const std::vector<double> landscape = gradient_magnitude(picture);
  Segments out{picture.width, picture.height, 0, std::vector<int32_t>(landscape.size(), -1)};
  const auto seeds = place_markers(landscape, out.width, out.height, markers);
  std::priority_queue<Shore, std::vector<Shore>, std::greater<>> shores;
  int64_t age = 0;
  for (const auto& [x, y] : seeds) {
    shores.push({landscape[static_cast<size_t>(y) * out.width + x], age, x, y, static_cast<int32_t>(age)});
    ++age;
  }
  while (!shores.empty()) {
    const Shore s = shores.top();
    shores.pop();
    int32_t& label = out.labels[static_cast<size_t>(s.y) * out.width + s.x];
    if (label >= 0) continue;
    label = s.label;
    for (const auto& [dx, dy] : {std::pair{0, -1}, {-1, 0}, {1, 0}, {0, 1}}) {
      const int x = s.x + dx, y = s.y + dy;
      if (x < 0 || y < 0 || x >= out.width || y >= out.height) continue;
      const size_t i = static_cast<size_t>(y) * out.width + x;
      if (out.labels[i] >= 0) continue;
      const double ax = x - seeds[static_cast<size_t>(s.label)][0], ay = y - seeds[static_cast<size_t>(s.label)][1];
      const double distance = compactness > 0 ? compactness * std::sqrt(ax * ax + ay * ay) : 0;
      shores.push({landscape[i] + distance, age++, x, y, s.label});
    }
  }
  renumber(out);
  return out;
}

}  // namespace ks

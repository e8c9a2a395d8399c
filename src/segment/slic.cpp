#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "picture/lab.h"
#include "segment/segments.h"

// R. Achanta, A. Shaji, K. Smith, A. Lucchi, P. Fua, S. Süsstrunk: SLIC superpixels compared to state-of-the-art
// superpixel methods, IEEE TPAMI 2012. k-means in colour and position, each centre looking only at its surroundings;
// then pieces that are not connected to their segment go to a neighbour.
namespace ks {

namespace {

constexpr double kSmallestShare =
    0.5;  // of the mean segment: smaller pieces are merged (scikit-image's min_size_factor)

struct Centre {
  double x = 0, y = 0, lab[3] = {};
};

std::vector<double> lab_pixels(const Image& picture) {
  std::vector<double> out(picture.rgb.size());
  for (size_t i = 0; i < out.size(); i += 3) {
    const auto lab = srgb_to_lab({picture.rgb[i] / 255.0, picture.rgb[i + 1] / 255.0, picture.rgb[i + 2] / 255.0});
    std::copy(lab.begin(), lab.end(), out.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return out;
}

std::vector<Centre> seed_centres(const std::vector<double>& lab, int width, int height, double step) {
  const int rows = std::max(1, static_cast<int>(std::lround(height / step)));
  const int columns = std::max(1, static_cast<int>(std::lround(width / step)));
  std::vector<Centre> centres;
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < columns; ++c) {
      Centre centre{(c + 0.5) * width / columns - 0.5, (r + 0.5) * height / rows - 0.5, {}};
      const size_t at = static_cast<size_t>(std::lround(centre.y)) * width + static_cast<size_t>(std::lround(centre.x));
      for (size_t k = 0; k < 3; ++k) centre.lab[k] = lab[3 * at + k];
      centres.push_back(centre);
    }
  return centres;
}

/// Each pixel to the nearest centre (equation 2, with m = compactness and S = step) among those within 2 S; ties to the
/// first.
void assign(const std::vector<double>& lab, const std::vector<Centre>& centres, double step, double compactness,
            Segments& out) {
  std::vector<double> nearest(out.labels.size(), HUGE_VAL);
  const double position_weight = compactness * compactness / (step * step);
  for (size_t k = 0; k < centres.size(); ++k) {
    const Centre& c = centres[k];
    const int top = std::max(0, static_cast<int>(std::ceil(c.y - 2 * step))),
              bottom = std::min(out.height - 1, static_cast<int>(std::floor(c.y + 2 * step))),
              left = std::max(0, static_cast<int>(std::ceil(c.x - 2 * step))),
              right = std::min(out.width - 1, static_cast<int>(std::floor(c.x + 2 * step)));
    for (int y = top; y <= bottom; ++y)
      for (int x = left; x <= right; ++x) {
        const size_t i = static_cast<size_t>(y) * out.width + x;
        double distance = position_weight * ((x - c.x) * (x - c.x) + (y - c.y) * (y - c.y));
        for (size_t j = 0; j < 3; ++j) distance += (lab[3 * i + j] - c.lab[j]) * (lab[3 * i + j] - c.lab[j]);
        if (distance < nearest[i]) {
          nearest[i] = distance;
          out.labels[i] = static_cast<int32_t>(k);
        }
      }
  }
}

/// Centres to the mean of their pixels; one without pixels stays where it was.
void move_centres(const std::vector<double>& lab, const Segments& segments, std::vector<Centre>& centres) {
  std::vector<Centre> sums(centres.size());
  std::vector<int64_t> sizes(centres.size());
  for (int y = 0; y < segments.height; ++y)
    for (int x = 0; x < segments.width; ++x) {
      const size_t i = static_cast<size_t>(y) * segments.width + x, k = static_cast<size_t>(segments.labels[i]);
      ++sizes[k];
      sums[k].x += x;
      sums[k].y += y;
      for (size_t j = 0; j < 3; ++j) sums[k].lab[j] += lab[3 * i + j];
    }
  for (size_t k = 0; k < centres.size(); ++k) {
    if (sizes[k] == 0) continue;
    const double n = static_cast<double>(sizes[k]);
    centres[k] = {sums[k].x / n, sums[k].y / n, {sums[k].lab[0] / n, sums[k].lab[1] / n, sums[k].lab[2] / n}};
  }
}

/// Replaces labels by those of 4-connected pieces, in raster order. Returns the pieces' sizes.
std::vector<int64_t> split_into_pieces(Segments& segments) {
  std::vector<int32_t> piece(segments.labels.size(), -1);
  std::vector<int64_t> sizes;
  std::vector<size_t> stack;
  const size_t width = static_cast<size_t>(segments.width);
  for (size_t start = 0; start < piece.size(); ++start) {
    if (piece[start] >= 0) continue;
    const int32_t id = static_cast<int32_t>(sizes.size()), label = segments.labels[start];
    sizes.push_back(0);
    piece[start] = id;
    stack.push_back(start);
    const auto visit = [&](size_t i) {
      if (piece[i] >= 0 || segments.labels[i] != label) return;
      piece[i] = id;
      stack.push_back(i);
    };
    while (!stack.empty()) {
      const size_t i = stack.back(), x = i % width;
      stack.pop_back();
      ++sizes.back();
      if (x > 0) visit(i - 1);
      if (x + 1 < width) visit(i + 1);
      if (i >= width) visit(i - width);
      if (i + width < piece.size()) visit(i + width);
    }
  }
  segments.labels = std::move(piece);
  return sizes;
}

/// Lengths of the borders between touching labels, both ways round.
std::vector<std::map<int32_t, int>> border_lengths(const Segments& segments, size_t count) {
  std::vector<std::map<int32_t, int>> out(count);
  const auto touch = [&](int32_t a, int32_t b) {
    if (a == b) return;
    ++out[static_cast<size_t>(a)][b];
    ++out[static_cast<size_t>(b)][a];
  };
  for (int y = 0; y < segments.height; ++y)
    for (int x = 0; x < segments.width; ++x) {
      if (x + 1 < segments.width) touch(segments.at(x, y), segments.at(x + 1, y));
      if (y + 1 < segments.height) touch(segments.at(x, y), segments.at(x, y + 1));
    }
  return out;
}

/// Merges pieces of fewer than `smallest` pixels, the smallest first, each into the neighbour with which it shares the
/// longest border (ties to the lower label), until none is left.
void merge_small_pieces(Segments& segments, double smallest) {
  std::vector<int64_t> sizes = split_into_pieces(segments);
  for (;;) {
    std::vector<int32_t> small;
    for (size_t k = 0; k < sizes.size(); ++k)
      if (sizes[k] > 0 && static_cast<double>(sizes[k]) < smallest) small.push_back(static_cast<int32_t>(k));
    std::stable_sort(small.begin(), small.end(), [&](int32_t a, int32_t b) {
      return sizes[static_cast<size_t>(a)] < sizes[static_cast<size_t>(b)];
    });
    const auto borders = border_lengths(segments, sizes.size());
    std::vector<int32_t> into(sizes.size());
    std::iota(into.begin(), into.end(), 0);
    std::vector<bool> touched(sizes.size(), false);
    bool merged = false;
    for (const int32_t piece : small) {
      const auto& neighbours = borders[static_cast<size_t>(piece)];
      if (neighbours.empty() || touched[static_cast<size_t>(piece)]) continue;
      const int32_t best = std::max_element(neighbours.begin(), neighbours.end(), [](const auto& a, const auto& b) {
                             return a.second < b.second;
                           })->first;
      if (into[static_cast<size_t>(best)] != best) continue;  // is itself on the move: in the next round
      into[static_cast<size_t>(piece)] = best;
      touched[static_cast<size_t>(best)] = true;
      sizes[static_cast<size_t>(best)] += sizes[static_cast<size_t>(piece)];
      sizes[static_cast<size_t>(piece)] = 0;
      merged = true;
    }
    if (!merged) break;
    for (int32_t& label : segments.labels) label = into[static_cast<size_t>(label)];
  }
}

}  // namespace

Segments slic_segments(const Image& picture, int segments, double compactness, int iterations) {
  const double pixels = static_cast<double>(picture.width) * picture.height;
  const double step = std::sqrt(pixels / std::min<double>(segments, pixels));
  const std::vector<double> lab = lab_pixels(picture);
  std::vector<Centre> centres = seed_centres(lab, picture.width, picture.height, step);
  Segments out{picture.width, picture.height, 0, std::vector<int32_t>(lab.size() / 3, 0)};
  for (int i = 0; i < iterations; ++i) {
    assign(lab, centres, step, compactness, out);
    move_centres(lab, out, centres);
  }
  merge_small_pieces(out, kSmallestShare * pixels / static_cast<double>(centres.size()));
  renumber(out);
  return out;
}

}  // namespace ks

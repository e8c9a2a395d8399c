#include <algorithm>
#include <cmath>

#include "picture/lab.h"
#include "segment/pieces.h"
#include "segment/segments.h"

// R. Achanta, A. Shaji, K. Smith, A. Lucchi, P. Fua, S. Süsstrunk: SLIC superpixels compared to state-of-the-art
// superpixel methods, IEEE TPAMI 2012. k-means in colour and position, each centre looking only at its surroundings;
// then pieces that are not connected to their segment go to a neighbour.
namespace ks {

namespace {

// Of the mean segment: smaller pieces are merged (scikit-image's min_size_factor).
constexpr double kSmallestShare = 0.5;

struct Centre {
  double x = 0, y = 0, lab[3] = {};
};

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

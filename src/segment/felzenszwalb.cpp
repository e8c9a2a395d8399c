#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "picture/blur.h"
#include "segment/segments.h"

// P. Felzenszwalb, D. Huttenlocher: Efficient graph-based image segmentation, International Journal of Computer Vision
// 59, 2004. Pixels are the nodes of a graph with edges to their eight neighbours; going through the edges from the
// weakest to the strongest, two components become one where the edge is no stronger than what holds each of them
// together.
namespace ks {

namespace {

// Smoothed colours are rounded to 1/64 of a grey level: squared distances are whole numbers below 2^30, so the order of
// the edges is the same on every machine.
constexpr int kGreySteps = 64;
constexpr int kIndexBits = 33;  // of an edge's key: below the squared distance, pixel and direction

/// Interleaved colours in 1/kGreySteps grey levels, smoothed by a Gaussian of sigma px.
std::vector<int32_t> smoothed(const Image& picture, double sigma) {
  std::vector<int32_t> out(picture.rgb.size());
  std::vector<float> plane(picture.rgb.size() / 3);
  for (size_t c = 0; c < 3; ++c) {
    for (size_t i = 0; i < plane.size(); ++i) plane[i] = picture.rgb[3 * i + c];
    gaussian_blur(plane.data(), picture.width, picture.height, sigma);
    for (size_t i = 0; i < plane.size(); ++i) out[3 * i + c] = static_cast<int32_t>(kGreySteps * plane[i] + 0.5f);
  }
  return out;
}

struct Forest {
  std::vector<int32_t> parent, size;
  std::vector<double> bound;  // of a root: Int(C) + k / |C|, the strongest edge it lets in (equations 3 to 5)

  Forest(size_t count, double scale) : parent(count), size(count, 1), bound(count, scale) {
    std::iota(parent.begin(), parent.end(), 0);
  }
  int32_t root(int32_t i) {
    while (parent[static_cast<size_t>(i)] != i) {
      const int32_t up = parent[static_cast<size_t>(i)];
      parent[static_cast<size_t>(i)] = parent[static_cast<size_t>(up)];
      i = parent[static_cast<size_t>(i)];
    }
    return i;
  }
  /// Of two different roots; the larger tree stays on top.
  int32_t join(int32_t a, int32_t b) {
    if (size[static_cast<size_t>(a)] < size[static_cast<size_t>(b)]) std::swap(a, b);
    parent[static_cast<size_t>(b)] = a;
    size[static_cast<size_t>(a)] += size[static_cast<size_t>(b)];
    return a;
  }
};

}  // namespace

Segments felzenszwalb_segments(const Image& picture, double scale, double sigma, int min_size) {
  const int width = picture.width, height = picture.height;
  const std::vector<int32_t> colours = smoothed(picture, sigma);
  const int64_t steps[4] = {1, width, width + 1, width - 1};  // to the right, below, below right, below left
  std::vector<uint64_t> edges;                                // squared distance, pixel, direction
  edges.reserve(4 * colours.size() / 3);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const int64_t i = static_cast<int64_t>(y) * width + x;
      for (unsigned k = 0; k < 4; ++k) {
        if ((k > 0 && y + 1 == height) || (k % 2 == 0 && x + 1 == width) || (k == 3 && x == 0)) continue;
        const int32_t *a = colours.data() + 3 * i, *b = a + 3 * steps[k];
        uint64_t squares = 0;
        for (int c = 0; c < 3; ++c) squares += static_cast<uint64_t>(static_cast<int64_t>(a[c] - b[c]) * (a[c] - b[c]));
        edges.push_back(squares << kIndexBits | static_cast<uint64_t>(i) << 2 | k);
      }
    }
  std::sort(edges.begin(), edges.end());

  Forest forest(colours.size() / 3, scale);
  const auto ends = [&](uint64_t edge) {
    const int64_t i = static_cast<int64_t>((edge & ((uint64_t{1} << kIndexBits) - 1)) >> 2);
    return std::pair{forest.root(static_cast<int32_t>(i)), forest.root(static_cast<int32_t>(i + steps[edge & 3]))};
  };
  for (const uint64_t edge : edges) {
    const auto [a, b] = ends(edge);
    if (a == b) continue;
    const double cost = std::sqrt(static_cast<double>(edge >> kIndexBits)) / kGreySteps;
    if (cost > forest.bound[static_cast<size_t>(a)] || cost > forest.bound[static_cast<size_t>(b)]) continue;
    const size_t top = static_cast<size_t>(forest.join(a, b));
    forest.bound[top] = cost + scale / forest.size[top];  // edges come in order: this one is the strongest inside
  }
  for (const uint64_t edge : edges) {
    const auto [a, b] = ends(edge);
    if (a != b && std::min(forest.size[static_cast<size_t>(a)], forest.size[static_cast<size_t>(b)]) < min_size)
      forest.join(a, b);
  }
  Segments out{width, height, 0, {}};
  for (size_t i = 0; i < forest.parent.size(); ++i) out.labels.push_back(forest.root(static_cast<int32_t>(i)));
  renumber(out);
  return out;
}

}  // namespace ks

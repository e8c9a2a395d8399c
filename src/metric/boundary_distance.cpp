#include <cmath>

#include "metric/localisation.h"
#include "picture/distance_transform.h"
#include "tensor/error.h"

// How far the border of what a map shows lies from the annotation's border.
namespace ks {

namespace {

/// Pixels of a region with one of their four neighbours outside of it; beyond the image all is outside.
std::vector<uint8_t> border_of(const std::vector<uint8_t>& region, int width, int height) {
  const size_t row = static_cast<size_t>(width), size = region.size();
  std::vector<uint8_t> out(size);
  size_t i = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x, ++i) {
      if (!region[i]) continue;
      const bool inner = x > 0 && y > 0 && x + 1 < width && y + 1 < height;
      out[i] = !(inner && region[i - 1] && region[i + 1] && region[i - row] && region[i + row]);
    }
  return out;
}

struct DistanceSum {
  double sum = 0;
  int64_t count = 0;
};

/// Over the pixels of one border, of the distance to the nearest pixel of another.
DistanceSum distances_between(const std::vector<uint8_t>& from, const std::vector<uint8_t>& to, int width, int height) {
  const std::vector<int> squared = squared_distances(to, width, height, &from);
  DistanceSum out;
  for (size_t i = 0; i < from.size(); ++i)
    if (from[i]) {
      out.sum += std::sqrt(static_cast<double>(squared[i]));
      ++out.count;
    }
  return out;
}

double border_distance(const Annotated& a, const Params&) {
  const Maps& maps = a.maps.maps();
  if (maps.channels != 1)
    throw Error("needs one value a pixel", "boundary-distance", "choose another pooling than none");
  const int width = static_cast<int>(maps.width), height = static_cast<int>(maps.height);
  std::vector<uint8_t> region(static_cast<size_t>(a.size));
  for (const int64_t i : a.maps.top(a.n, a.area)) region[static_cast<size_t>(i)] = 1;
  const std::vector<uint8_t> shown = border_of(region, width, height), drawn = border_of(a.inside, width, height);
  const DistanceSum there = distances_between(shown, drawn, width, height),
                    back = distances_between(drawn, shown, width, height);
  return (there.sum + back.sum) / static_cast<double>(there.count + back.count) / std::hypot(width, height);
}

}  // namespace

Metric boundary_distance_metric() {
  return {{"boundary-distance", "Boundary distance", "localisation",
           "After the average symmetric surface distance: T. Heimann et al.: Comparison and evaluation of methods for liver "
           "segmentation from CT datasets, IEEE TMI 2009; distances by P. F. Felzenszwalb, D. P. Huttenlocher: Distance "
           "transforms of sampled functions, Theory of Computing 2012.",
           "Mean distance between the annotation's border and the border of the strongest pixels, as many as the annotation has, "
           "both ways, as a share of the image's diagonal.",
           with_preparation({}),
           "It takes as many pixels as the annotation has, so it cannot say that a map lights up too much or too little. Scattered "
           "pixels each have a border of their own: a noisy map around the right place scores worse than a smooth one beside it.",
           "(Σ_{p∈∂A} d(p, ∂M) + Σ_{q∈∂M} d(q, ∂A)) / ((|∂A| + |∂M|) · √(H² + W²))\n"
           "A: the |M| strongest pixels; ∂: pixels with one of their 4 neighbours outside, also beyond the image"},
          Direction::lower,
          false,
          true,
          annotated<border_distance>};
}

}  // namespace ks

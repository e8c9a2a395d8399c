#include <algorithm>
#include <cmath>

#include "metric/localisation.h"
#include "picture/distance_transform.h"
#include "tensor/error.h"

// How far the border of what a map shows lies from the annotation's border.
namespace ks {

namespace {

struct Border {
  std::vector<uint8_t> set;    // 1 for each of its pixels
  std::vector<size_t> pixels;  // which these are
};

/// Pixels of a region with one of their four neighbours outside of it; beyond the image all is outside. `region` has a
/// 1 for each of its `pixels`.
Border border_of(const std::vector<uint8_t>& region, const std::vector<int64_t>& pixels, size_t width) {
  Border out{std::vector<uint8_t>(region.size()), {}};
  for (const int64_t pixel : pixels) {
    const size_t i = static_cast<size_t>(pixel), x = i % width;
    const bool inner = x > 0 && x + 1 < width && i >= width && i + width < region.size();
    if (inner && region[i - 1] && region[i + 1] && region[i - width] && region[i + width]) continue;
    out.set[i] = 1;
    out.pixels.push_back(i);
  }
  return out;
}

/// Sum over the pixels of one border of the distance to the nearest pixel of another.
double distances_between(const Border& from, const Border& to, int width, int height) {
  const std::vector<int> squared = squared_distances(to.set, width, height, &from.set);
  double sum = 0;
  for (const size_t i : from.pixels) sum += std::sqrt(static_cast<double>(squared[i]));
  return sum;
}

double border_distance(const Annotated& a, const Params&) {
  const Maps& maps = a.maps.maps();
  if (maps.channels != 1)
    throw Error("needs one value a pixel", "boundary-distance", "choose another pooling than none");
  const std::vector<int64_t> strongest = a.maps.top(a.n, a.area);
  std::vector<uint8_t> region(static_cast<size_t>(a.size));
  for (const int64_t i : strongest) region[static_cast<size_t>(i)] = 1;
  std::vector<int64_t> annotated_pixels;
  annotated_pixels.reserve(static_cast<size_t>(a.area));
  for (auto at = a.inside.begin(); (at = std::find(at, a.inside.end(), uint8_t{1})) != a.inside.end(); ++at)
    annotated_pixels.push_back(at - a.inside.begin());
  const int width = static_cast<int>(maps.width), height = static_cast<int>(maps.height);
  const Border shown = border_of(region, strongest, static_cast<size_t>(width)),
               drawn = border_of(a.inside, annotated_pixels, static_cast<size_t>(width));
  const double sum = distances_between(shown, drawn, width, height) + distances_between(drawn, shown, width, height);
  return sum / static_cast<double>(shown.pixels.size() + drawn.pixels.size()) / std::hypot(width, height);
}

}  // namespace

Metric boundary_distance_metric() {
  return {
      {"boundary-distance", "Boundary distance", "localisation",
       "After the average symmetric surface distance: T. Heimann et al.: Comparison and evaluation of methods for "
       "liver "
       "segmentation from CT datasets, IEEE TMI 2009; distances by P. F. Felzenszwalb, D. P. Huttenlocher: Distance "
       "transforms of sampled functions, Theory of Computing 2012.",
       "Mean distance between the annotation's border and the border of the strongest pixels, as many as the "
       "annotation has, "
       "both ways, as a share of the image's diagonal.",
       with_preparation({}),
       "It takes as many pixels as the annotation has, so it cannot say that a map lights up too much or too little. "
       "Scattered "
       "pixels each have a border of their own: a noisy map around the right place scores worse than a smooth one "
       "beside it.",
       "(Σ d(p, ∂M) over p ∈ ∂A + Σ d(q, ∂A) over q ∈ ∂M) / ((|∂A| + |∂M|) · √(H² + W²))\n"
       "A: the |M| strongest pixels; ∂: pixels with one of their 4 neighbours outside, also beyond the image"},
      Direction::lower,
      false,
      true,
      annotated<border_distance>};
}

}  // namespace ks

#pragma once
#include <vector>

#include "picture/image.h"

namespace ks {

struct ContourPoint {
  float x = 0, y = 0;
  bool operator==(const ContourPoint&) const = default;
};

/// A closed line in pixels: pixel x covers x to x + 1.
using Contour = std::vector<ContourPoint>;

/// The borders of a mask's regions, holes included, through the places half way between the centres of an inside and an
/// outside pixel (marching squares; diagonal neighbours are kept apart). Thinned so that no point is further than
/// `tolerance` pixels from the line that stands for it (D. Douglas, T. Peucker: Algorithms for the reduction of the
/// number of points required to represent a digitized line, The Canadian Cartographer 10, 1973); 0 keeps corners only.
std::vector<Contour> trace_contours(const Mask& mask, float tolerance = 0.75f);

}  // namespace ks

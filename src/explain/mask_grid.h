#pragma once
#include <vector>

namespace ks {

/// Where a pixel row or column lies in a mask that is upsampled bilinearly from a grid of cells: between `cell` and the
/// next.
struct Between {
  int cell;
  double share;  // of cell + 1; 0 where there is none
};

/// For each of `side` pixels. The cells span `length` pixels, of which the first is `shift`; half-pixel centres.
std::vector<Between> cells_along(int side, int cells, double length, int shift = 0);

}  // namespace ks

#include "explain/mask_grid.h"

#include <algorithm>

namespace ks {

std::vector<Between> cells_along(int side, int cells, double length, int shift) {
  std::vector<Between> out;
  for (int i = 0; i < side; ++i) {
    const double at = std::clamp((i + shift + 0.5) * cells / length - 0.5, 0.0, cells - 1.0);
    const int cell = std::min(static_cast<int>(at), std::max(0, cells - 2));
    out.push_back({cell, at - cell});
  }
  return out;
}

}  // namespace ks

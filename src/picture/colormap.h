#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "registry/registry.h"

namespace ks {

/// 256 sRGB colours, first to last.
using ColourTable = std::array<std::array<uint8_t, 3>, 256>;

struct Colormap : Entry {
  /// True: display values -1 ... 1 run over the table, 0 in its middle. False: 0 ... 1 do, and negative values get the
  /// colour of 0 (pool the channels with an absolute variant to see their magnitude).
  bool diverging = true;
  ColourTable table;
};

/// Diverging: seismic, blue-white-red, coolwarm, purple-orange, blue-black-red; sequential: viridis, inferno, magma,
/// turbo, grey.
const Registry<Colormap>& colormaps();

/// Position in the table, 0 ... 255, of a display value in [-1,1]: round(255 (v+1)/2), or round(255 max(v,0)).
int colour_index(float display_value, bool diverging);

inline const std::array<uint8_t, 3>& colour_of(float display_value, const Colormap& colormap) {
  return colormap.table[static_cast<size_t>(colour_index(display_value, colormap.diverging))];
}

}  // namespace ks

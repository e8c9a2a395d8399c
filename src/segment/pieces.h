#pragma once
#include <cstdint>
#include <vector>

#include "segment/segments.h"

namespace ks {

/// Replaces labels by those of 4-connected pieces, in raster order, and sets the count. Returns the pieces' sizes in
/// pixels.
std::vector<int64_t> split_into_pieces(Segments& segments);

/// Splits into pieces and merges those of fewer than `smallest` pixels, the smallest first, each into the neighbour
/// with which it shares the longest border (ties to the lower label), until none is left. Labels have gaps afterwards:
/// renumber.
void merge_small_pieces(Segments& segments, double smallest);

}  // namespace ks

#pragma once
#include <cstdint>
#include <vector>

namespace ks {

/// Exact squared Euclidean distance, in pixels, from each pixel to the nearest one of the set `points` (1 for each pixel
/// of the set, else 0; in rows). P. F. Felzenszwalb, D. P. Huttenlocher: Distance transforms of sampled functions,
/// Theory of Computing 2012. Infinite everywhere where the set is empty. Of rows without a pixel of `asked` (null: all are)
/// the result is infinite, too: they are not computed.
std::vector<double> squared_distances(const std::vector<uint8_t>& points, int width, int height,
                                      const std::vector<uint8_t>* asked = nullptr);

}  // namespace ks

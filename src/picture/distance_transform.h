#pragma once
#include <cstdint>
#include <limits>
#include <vector>

namespace ks {

/// The distance to an empty set.
constexpr int no_distance = std::numeric_limits<int>::max();

/// Exact squared Euclidean distance, in pixels, from each pixel to the nearest one of the set `points` (1 for each
/// pixel of the set, else 0; in rows). P. F. Felzenszwalb, D. P. Huttenlocher: Distance transforms of sampled
/// functions, Theory of Computing 2012. no_distance everywhere where the set is empty. `asked` (null: all): the pixels
/// whose distances are wanted; what stands at the others has no meaning then.
std::vector<int> squared_distances(const std::vector<uint8_t>& points, int width, int height,
                                   const std::vector<uint8_t>* asked = nullptr);

}  // namespace ks

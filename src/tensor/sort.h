#pragma once
#include <cstdint>
#include <vector>

namespace ks {

/// Sorts words by their upper halves as unsigned numbers, stable, so that equal ones stay in order: a radix sort,
/// several times faster than comparing. The lower halves are anything, the index of what is sorted for example.
void sort_by_upper_half(std::vector<int64_t>& words);

}  // namespace ks

#include "tensor/sort.h"

#include <cstddef>
#include <utility>

namespace ks {

namespace {

constexpr int digit_bits = 11, digit_values = 1 << digit_bits;  // three of them make an upper half

template <int index>
size_t digit(int64_t word) {
  return static_cast<uint64_t>(word) >> (32 + index * digit_bits) & (digit_values - 1);
}

/// One pass of the radix sort. A digit that all words share costs nothing.
template <int index>
void sort_by_digit(std::vector<int64_t>& words, std::vector<int64_t>& other, uint32_t* count) {
  if (count[digit<index>(words[0])] == words.size()) return;
  uint32_t before = 0;
  for (int i = 0; i < digit_values; ++i) before += std::exchange(count[i], before);
  int64_t* out = other.data();
  for (const int64_t word : words) out[count[digit<index>(word)]++] = word;
  words.swap(other);
}

}  // namespace

void sort_by_upper_half(std::vector<int64_t>& words) {
  if (words.empty()) return;
  std::vector<uint32_t> counts(3 * digit_values);
  uint32_t *low = counts.data(), *middle = low + digit_values, *high = middle + digit_values;
  for (const int64_t word : words) {
    ++low[digit<0>(word)];
    ++middle[digit<1>(word)];
    ++high[digit<2>(word)];
  }
  std::vector<int64_t> other(words.size());
  sort_by_digit<0>(words, other, low);
  sort_by_digit<1>(words, other, middle);
  sort_by_digit<2>(words, other, high);
}

}  // namespace ks

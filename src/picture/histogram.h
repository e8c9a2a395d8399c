#pragma once
#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace ks {

/// Counts of values in equal bins over [low, high] (the paper's Fig 7: what the values of a map look like before any
/// normalisation hides it).
struct Histogram {
  double low = 0, high = 0;
  std::vector<int64_t> counts;   // the last bin includes `high`
  int64_t below = 0, above = 0;  // values outside [low, high]
  int64_t undefined = 0;         // NaN
};

/// Histogram of all values of a tensor. Where low == high, every value equal to them falls into the middle bin.
Histogram histogram(const Tensor& values, int bins, double low, double high);
/// Over [-m, m] with m the largest finite magnitude; with an odd number of bins zero has a bin of its own.
Histogram symmetric_histogram(const Tensor& values, int bins);

/// The q-th quantile (0 <= q <= 1) of the values, linear between neighbours as NumPy's default. NaN values are left
/// out; NaN when nothing is left. Reorders its argument.
double quantile(std::vector<float>& values, double q);

}  // namespace ks

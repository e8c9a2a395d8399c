#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tensor/tensor.h"

namespace ks::test {

/// Largest difference of two maps that are not all zero, as a share of the largest expected magnitude.
inline double share_of_peak(const Tensor& expected, const Tensor& got) {
  REQUIRE(expected.shape == got.shape);
  double peak = 0, worst = 0;
  for (size_t i = 0; i < expected.data.size(); ++i) {
    peak = std::max(peak, std::fabs(static_cast<double>(expected.data[i])));
    worst = std::max(worst, std::fabs(static_cast<double>(expected.data[i]) - got.data[i]));
  }
  REQUIRE(peak > 0);
  return worst / peak;
}

}  // namespace ks::test

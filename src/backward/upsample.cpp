#include "backward/upsample.h"

#include <algorithm>
#include <cmath>

namespace ks::backward {

namespace {

/// Scales the columns of [to, from] to sum to 1.
Tensor columns_to_one(Tensor m) {
  for (int64_t i = 0; i < m.dim(1); ++i) {
    double sum = 0;
    for (int64_t o = 0; o < m.dim(0); ++o) sum += m.data[o * m.dim(1) + i];
    for (int64_t o = 0; o < m.dim(0); ++o)
      m.data[o * m.dim(1) + i] = sum > 0 ? static_cast<float>(m.data[o * m.dim(1) + i] / sum) : 0.0f;
  }
  return m;
}

}  // namespace

Tensor bilinear_matrix(int64_t from, int64_t to) {
  Tensor m({to, from});
  for (int64_t o = 0; o < to; ++o) {
    const double at = (static_cast<double>(o) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
    const double inside = std::clamp(at, 0.0, static_cast<double>(from - 1));
    const int64_t below = static_cast<int64_t>(inside), above = std::min(below + 1, from - 1);
    const double share = inside - static_cast<double>(below);
    m.data[o * from + below] += static_cast<float>(1 - share);
    m.data[o * from + above] += static_cast<float>(share);
  }
  return m;
}

std::string upsample(Pass& pass, const std::string& map, int64_t h, int64_t w, int64_t height, int64_t width,
                     bool keep_sum) {
  if (h == height && w == width) return map;
  Tensor rows = bilinear_matrix(h, height), columns = bilinear_matrix(w, width);
  if (keep_sum) {
    // A layer finer than the image has values that no pixel samples: then every pixel takes its block instead.
    rows = h > height ? transposed(bilinear_matrix(height, h)) : rows;
    columns = w > width ? transposed(bilinear_matrix(width, w)) : columns;
    rows = columns_to_one(std::move(rows));
    columns = columns_to_one(std::move(columns));
  }
  const std::string tall = pass.add("MatMul", {pass.constant(rows), map});
  return pass.add("MatMul", {tall, pass.constant(transposed(columns))});
}

}  // namespace ks::backward

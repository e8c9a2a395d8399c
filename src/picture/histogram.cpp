#include "picture/histogram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace ks {

Histogram histogram(const Tensor& values, int bins, double low, double high) {
  if (bins < 1 || !(low <= high)) throw std::logic_error("histogram: no bins or an empty range");
  Histogram out{low, high, std::vector<int64_t>(static_cast<size_t>(bins)), 0, 0, 0};
  const double per_unit = high > low ? bins / (high - low) : 0;
  for (const float v : values.data) {
    if (std::isnan(v)) {
      ++out.undefined;
    } else if (v < low) {
      ++out.below;
    } else if (v > high) {
      ++out.above;
    } else {
      const int bin = high > low ? static_cast<int>((v - low) * per_unit) : bins / 2;
      ++out.counts[static_cast<size_t>(std::min(bin, bins - 1))];
    }
  }
  return out;
}

Histogram symmetric_histogram(const Tensor& values, int bins) {
  double largest = 0;
  for (const float v : values.data)
    if (std::isfinite(v)) largest = std::max(largest, std::fabs(static_cast<double>(v)));
  return histogram(values, bins, -largest, largest);
}

double quantile(std::vector<float>& values, double q) {
  values.erase(std::remove_if(values.begin(), values.end(), [](float v) { return std::isnan(v); }), values.end());
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double position = std::clamp(q, 0.0, 1.0) * static_cast<double>(values.size() - 1);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(position);
  std::nth_element(values.begin(), at, values.end());
  const double fraction = position - std::floor(position);
  if (fraction == 0) return *at;
  const double next = *std::min_element(at + 1, values.end());
  return *at + fraction * (next - *at);
}

}  // namespace ks

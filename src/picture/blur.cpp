#include "picture/blur.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/wide.h"

namespace ks {

namespace {

constexpr double negligible = 1e-7;  // share of the kernel's weight that is cut off: what float32 cannot hold

/// exp(-t) I_n(t), n = 0, 1, ..., until the rest is negligible: the modified Bessel functions by J. Miller's downward
/// recurrence, scaled so that the whole kernel sums to 1.
std::vector<double> half_kernel(double t) {
  const int start = static_cast<int>(std::ceil(7 * std::sqrt(t))) + 12;
  std::vector<double> k(static_cast<size_t>(start) + 2);
  k[static_cast<size_t>(start)] = 1e-250;
  for (int n = start; n > 0; --n) {
    const size_t i = static_cast<size_t>(n);
    k[i - 1] = 2 * n / t * k[i] + k[i + 1];
    if (k[i - 1] > 1e200)
      for (double& v : k) v *= 1e-200;
  }
  double sum = k[0];
  for (size_t i = 1; i < k.size(); ++i) sum += 2 * k[i];
  double rest = sum;
  size_t size = 0;
  while (size < k.size() && rest > negligible * sum) rest -= (size == 0 ? 1 : 2) * k[size], ++size;
  k.resize(size);
  for (double& v : k) v /= sum - rest;
  return k;
}

/// The kernel over a mirrored line of `side` values, which repeats after 2 side: offsets 0 to at most side.
std::vector<float> folded(const std::vector<double>& kernel, int side) {
  std::vector<double> out(std::min(kernel.size(), static_cast<size_t>(side) + 1));
  for (size_t n = 0; n < kernel.size(); ++n) {
    const size_t period = 2 * static_cast<size_t>(side), m = std::min(n % period, period - n % period);
    out[m] += n > 0 && m == 0 ? 2 * kernel[n] : kernel[n];
  }
  return {out.begin(), out.end()};
}

int mirrored(int i, int side) {
  return i < 0 ? -1 - i : i >= side ? 2 * side - 1 - i : i;
}

/// out += weight (a + b).
KS_WIDE void add_pair(float* out, const float* a, const float* b, float weight, int count) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) lanes(out + i) += weight * (lanes(a + i) + lanes(b + i));
  for (; i < count; ++i) out[i] += weight * (a[i] + b[i]);
}

}  // namespace

void gaussian_blur(float* plane, int width, int height, double sigma) {
  if (!(sigma > 0)) return;
  const std::vector<double> kernel = half_kernel(sigma * sigma);

  const std::vector<float> across = folded(kernel, width);
  const int radius = static_cast<int>(across.size()) - 1;
  std::vector<float> line(static_cast<size_t>(width + 2 * radius));
  for (int y = 0; y < height; ++y) {
    float* row = plane + static_cast<size_t>(y) * width;
    for (int x = -radius; x < width + radius; ++x) line[static_cast<size_t>(x + radius)] = row[mirrored(x, width)];
    const float* middle = line.data() + radius;
    for (int x = 0; x < width; ++x) row[x] = across[0] * middle[x];
    for (int k = 1; k <= radius; ++k) add_pair(row, middle - k, middle + k, across[static_cast<size_t>(k)], width);
  }

  const std::vector<float> down = folded(kernel, height);
  const std::vector<float> source(plane, plane + static_cast<size_t>(width) * height);
  for (int y = 0; y < height; ++y) {
    float* row = plane + static_cast<size_t>(y) * width;
    const auto source_row = [&](int i) { return source.data() + static_cast<size_t>(mirrored(i, height)) * width; };
    for (int x = 0; x < width; ++x) row[x] *= down[0];
    for (int k = 1; k < static_cast<int>(down.size()); ++k)
      add_pair(row, source_row(y - k), source_row(y + k), down[static_cast<size_t>(k)], width);
  }
}

}  // namespace ks

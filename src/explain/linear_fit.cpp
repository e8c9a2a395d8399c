#include "explain/linear_fit.h"

#include <cmath>
#include <cstddef>

namespace ks {

std::vector<double> solve_cholesky(std::vector<double>& a, std::vector<double> b) {
  const size_t n = b.size();
  double largest = 0;
  for (size_t i = 0; i < n; ++i) largest = std::fmax(largest, a[i * n + i]);
  const double singular = 1e-12 * largest;
  // a becomes L with A = L L'; a row of zeros where A says nothing.
  for (size_t j = 0; j < n; ++j) {
    double pivot = a[j * n + j];
    for (size_t k = 0; k < j; ++k) pivot -= a[j * n + k] * a[j * n + k];
    const double root = pivot > singular ? std::sqrt(pivot) : 0;
    a[j * n + j] = root;
    for (size_t i = j + 1; i < n; ++i) {
      double sum = a[i * n + j];
      for (size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = root > 0 ? sum / root : 0;
    }
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] = a[i * n + i] > 0 ? b[i] / a[i * n + i] : 0;
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] = a[i * n + i] > 0 ? b[i] / a[i * n + i] : 0;
  }
  return b;
}

std::vector<double> fit_ridge(const std::vector<uint8_t>& z, const std::vector<double>& y, const std::vector<double>& w,
                              int features, double ridge) {
  const size_t n = static_cast<size_t>(features), samples = y.size();
  double total = 0, mean_y = 0;
  std::vector<double> mean(n);
  for (size_t s = 0; s < samples; ++s) {
    total += w[s];
    mean_y += w[s] * y[s];
    for (size_t k = 0; k < n; ++k)
      if (z[s * n + k]) mean[k] += w[s];
  }
  if (!(total > 0)) return std::vector<double>(n, 0);
  mean_y /= total;
  for (double& m : mean) m /= total;

  // Normal equations of the centred problem: the intercept drops out.
  std::vector<double> a(n * n), b(n), row(n);
  for (size_t s = 0; s < samples; ++s) {
    for (size_t k = 0; k < n; ++k) row[k] = z[s * n + k] - mean[k];
    for (size_t i = 0; i < n; ++i) {
      const double wi = w[s] * row[i];
      b[i] += wi * (y[s] - mean_y);
      for (size_t k = 0; k <= i; ++k) a[i * n + k] += wi * row[k];
    }
  }
  for (size_t i = 0; i < n; ++i) {
    a[i * n + i] += ridge;
    for (size_t k = 0; k < i; ++k) a[k * n + i] = a[i * n + k];
  }
  return solve_cholesky(a, std::move(b));
}

}  // namespace ks

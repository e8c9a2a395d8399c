#include "rank/distributions.h"

#include <cmath>
#include <limits>

namespace ks {

namespace {

constexpr double no_value = std::numeric_limits<double>::quiet_NaN();
constexpr double smallest = 1e-300;  // Lentz's method: stands for 0 in a denominator
constexpr double enough = 1e-15;
constexpr int most_terms = 100000;

/// Modified Lentz: one step of the continued fraction b0 + a1/(b1 + a2/(b2 + ...)).
struct Lentz {
  double value, c, d = 0;
  explicit Lentz(double b0) : value(b0 == 0 ? smallest : b0), c(value) {}
  /// False once the fraction stands.
  bool step(double a, double b) {
    d = b + a * d;
    if (d == 0) d = smallest;
    c = b + a / c;
    if (c == 0) c = smallest;
    d = 1 / d;
    const double factor = c * d;
    value *= factor;
    return std::fabs(factor - 1) > enough;
  }
};

/// The upper regularised incomplete gamma function Q(a, x).
double gamma_tail(double a, double x) {
  const double front = std::exp(a * std::log(x) - x - std::lgamma(a));
  if (x < a + 1) {  // the series of P
    double term = 1 / a, sum = term;
    for (int n = 1; n < most_terms && term > enough * sum; ++n) {
      term *= x / (a + n);
      sum += term;
    }
    return 1 - front * sum;
  }
  Lentz fraction(x + 1 - a);
  for (int n = 1; n < most_terms && fraction.step(-n * (n - a), x + 2 * n + 1 - a); ++n) {
  }
  return front / fraction.value;
}

/// The regularised incomplete beta function I_x(a, b).
double beta_share(double x, double a, double b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - beta_share(1 - x, b, a);
  const double front =
      std::exp(a * std::log(x) + b * std::log1p(-x) + std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b)) / a;
  Lentz fraction(1);
  for (int n = 0; n < most_terms; ++n) {
    fraction.step(-(a + n) * (a + b + n) * x / ((a + 2 * n) * (a + 2 * n + 1)), 1);
    const int k = n + 1;
    if (!fraction.step(k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k)), 1)) break;
  }
  return front / fraction.value;
}

double normal_below(double x) {
  return 0.5 * std::erfc(-x / std::sqrt(2.0));
}

}  // namespace

double chi_squared_tail(double x, double freedom) {
  if (std::isnan(x) || !(freedom > 0)) return no_value;
  if (x <= 0) return 1;
  return std::isinf(x) ? 0 : gamma_tail(freedom / 2, x / 2);
}

double f_tail(double x, double numerator, double denominator) {
  if (std::isnan(x) || !(numerator > 0) || !(denominator > 0)) return no_value;
  if (x <= 0) return 1;
  return std::isinf(x) ? 0 : beta_share(denominator / (denominator + numerator * x), denominator / 2, numerator / 2);
}

double normal_tails(double x) {
  return std::erfc(std::fabs(x) / std::sqrt(2.0));
}

double studentised_range(double q, int count) {
  if (std::isnan(q) || count < 2) return no_value;
  if (q <= 0) return 0;
  // count * integral of phi(z) (Phi(z) - Phi(z - q))^(count - 1): z is the largest. The integrand is smooth and dies
  // out at both ends, where the trapezoidal rule converges faster than any power of the step.
  constexpr double step = 0.04, end = 9;
  double sum = 0;
  for (double z = -end; z <= end; z += step)
    sum += std::exp(-z * z / 2) * std::pow(normal_below(z) - normal_below(z - q), count - 1);
  return std::fmin(1.0, count * sum * step / std::sqrt(2 * 3.14159265358979323846));
}

double studentised_range_quantile(double level, int count) {
  if (!(level > 0 && level < 1) || count < 2) return no_value;
  double low = 0, high = 40;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (studentised_range(middle, count) < 1 - level ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace ks

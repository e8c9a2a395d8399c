#pragma once

namespace ks {

/// Tails of distributions that tests need: absolute accuracy 1e-8. NaN for arguments out of range.

/// P(X >= x) of chi-squared with `freedom` degrees of freedom (> 0).
double chi_squared_tail(double x, double freedom);

/// P(X >= x) of Fisher's F with `numerator` and `denominator` degrees of freedom (> 0).
double f_tail(double x, double numerator, double denominator);

/// P(|X| >= |x|) of the standard normal.
double normal_tails(double x);

/// P(range of `count` standard normals <= q), `count` >= 2: Tukey's studentised range with infinite degrees of freedom.
double studentised_range(double q, int count);

/// The q with P(range <= q) = 1 - level, 0 < level < 1.
double studentised_range_quantile(double level, int count);

}  // namespace ks

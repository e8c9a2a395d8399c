#pragma once
#include <cstdint>
#include <vector>

namespace ks {

/// Solves A x = b for a symmetric positive definite A (n x n, row-major; overwritten) by Cholesky. Directions in which
/// A is numerically singular get 0.
std::vector<double> solve_cholesky(std::vector<double>& a, std::vector<double> b);

/// Weighted ridge regression with an intercept that is not penalised: the coefficients c that minimise
/// sum_s w_s (y_s - c_0 - sum_k c_k z_sk)^2 + ridge * sum_k c_k^2. `z`: [samples][features] of 0 and 1.
std::vector<double> fit_ridge(const std::vector<uint8_t>& z, const std::vector<double>& y, const std::vector<double>& w,
                              int features, double ridge);

}  // namespace ks

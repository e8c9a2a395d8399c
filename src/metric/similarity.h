#pragma once
#include <string>
#include <vector>

#include "metric/prepare.h"
#include "registry/registry.h"

namespace ks {

/// How alike two maps are: 1 for maps that say the same. Undefined (kUndefined) where a map is constant or zero and the
/// measure divides by its spread or norm.

/// Ranks 1 ... n of values in ascending order; equal values share the mean of their ranks.
std::vector<double> average_ranks(const double* values, int64_t size);

double pearson(const double* a, const double* b, int64_t size);
double spearman(const double* a, const double* b, int64_t size);     // Pearson's coefficient of the average ranks
double kendall_tau(const double* a, const double* b, int64_t size);  // tau-b, in O(n log n) (W. R. Knight, JASA 1966)
double cosine(const double* a, const double* b, int64_t size);

/// Structural similarity of two maps, mean over all places where the window lies inside: uniform windows of `window`
/// values a side, K1 = 0.01, K2 = 0.03, sample covariance, data range over both maps together. Z. Wang, A. C. Bovik,
/// H. R. Sheikh, E. P. Simoncelli: Image quality assessment, IEEE TIP 2004, with the settings of scikit-image.
/// height = 1 compares them as lists, with windows of one row. Throws Error for a window that does not fit.
double ssim(const double* a, const double* b, int64_t height, int64_t width, int window);

/// A chosen measure with its settings.
struct Similarity {
  std::string name;  // spearman, pearson, kendall-tau, cosine, ssim
  bool flat = false;
  int window = 7;

  /// Of sample n of one set of maps and sample m of another of the same shape. SSIM of several channels is their mean.
  double operator()(const Maps& a, int64_t n, const Maps& b, int64_t m) const;
};

/// The parameters `similarity`, `ssim_layout`, `win_size`, `data_range`.
std::vector<Parameter> similarity_parameters(const char* usual);
Similarity read_similarity(const Params& params);

}  // namespace ks

#pragma once
#include <cstdint>
#include <vector>

namespace ks {

/// Which features are present, and how much each such set counts in Kernel SHAP's regression.
struct Coalitions {
  int features = 0;
  std::vector<uint8_t> on;      // [coalitions][features], 0 or 1
  std::vector<double> weights;  // one per coalition; all sizes' kernel weights together are 1
};

/// S. Lundberg, S.-I. Lee: A unified approach to interpreting model predictions, NeurIPS 2017, theorem 2: coalitions of
/// 1 to features - 1 members for a regression whose weights follow the Shapley kernel, always a set together with its
/// complement. Sizes whose sets the budget covers are taken in full, from the outermost inwards; of the others as many
/// sets are drawn as are left of the budget. At least one pair; duplicates count by weight.
Coalitions draw_coalitions(int features, int budget, uint64_t seed);

/// The weighted least-squares fit of outputs by a sum of features' values that meets `whole` - `empty` exactly: one
/// value per feature. `outputs`: one per coalition.
std::vector<double> fit_shapley(const Coalitions& coalitions, const std::vector<double>& outputs, double empty,
                                double whole);

/// Shapley values from the outputs of all 2^features coalitions, by the subset formula; bit k of the index says whether
/// feature k is present. At most 24 features.
std::vector<double> exact_shapley(const std::vector<double>& outputs, int features);

}  // namespace ks

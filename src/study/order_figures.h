#pragma once
#include <string>
#include <vector>

#include "rank/friedman.h"
#include "rank/monte_carlo.h"

namespace ks {

/// A method as figures name it; controls are drawn grey.
struct MethodMark {
  std::string label;
  bool control = false;
};

/// Mean rank with its 95 % interval, probability of the first place and of the best three, best method on top. SVG.
std::string monte_carlo_svg(const MonteCarloOrder& order, const std::vector<MethodMark>& methods);

/// Demšar's diagram: mean ranks on an axis, best on the left; bars join methods that cannot be told apart. SVG.
std::string critical_difference_svg(const FriedmanTest& test, const std::vector<MethodMark>& methods);

}  // namespace ks

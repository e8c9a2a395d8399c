#pragma once
#include <set>
#include <string>

#include "graph/model.h"

namespace ks::backward {

/// Names of the tensors whose values are never negative, known from the graph alone: what ReLUs and the like make, and
/// what pooling, sums, products and layout changes of such keep.
std::set<std::string> nonnegative_tensors(const graph::Model& model);

}  // namespace ks::backward

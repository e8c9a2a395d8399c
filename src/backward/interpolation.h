#pragma once
#include "backward/pass.h"

namespace ks::backward {

/// Resize along one axis as a matrix [to, from]: nearest, linear or cubic, in the coordinate modes that exporters
/// write. Empty where the axis stays as it is. Throws Error for what Resize has beyond that.
Tensor interpolation_weights(const Pass& pass, const graph::Node& node, size_t axis);

}  // namespace ks::backward

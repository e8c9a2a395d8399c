#pragma once
#include "graph/model.h"

namespace ks::graph {

/// Computes what does not depend on the input's values: constants made from constants, and the shapes that exporters
/// compute with Shape, Gather, Concat and arithmetic. Targets of Reshape, Expand and Resize become constants that leave
/// the batch free. The first input's dimensions must be known but for the batch.
void fold_constants(Model& model);

}  // namespace ks::graph

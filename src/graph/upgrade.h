#pragma once
#include "graph/model.h"

namespace ks::graph {

/// The opset in which models are written wherever their ops allow: the newest in which every op here has one form, and
/// which checkers and runtimes of several years read.
inline constexpr int64_t written_opset = 17;

/// Moves what opsets before 17 keep in attributes to where 17 has it, and renames what it calls otherwise.
void upgrade_old_forms(Model& model);

/// Rewrites what opsets after 17 changed (axes of reductions and Pad, Split's number of outputs, Resize's attributes)
/// or added (Gelu, Mish, GroupNormalization) to what 17 has, and makes the model one of opset 17. A model with an op
/// that shape inference does not know keeps its opset. Constants must have been folded.
void lower_new_forms(Model& model);

}  // namespace ks::graph

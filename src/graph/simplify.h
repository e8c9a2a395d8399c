#pragma once
#include "graph/model.h"

namespace ks::graph {

/// Throws Error when the model is not well formed: a node that reads a tensor nothing computes before it, a tensor computed
/// twice, an output nothing computes. `where` names the model.
void check(const Model& model, const std::string& where);

/// Rewrites a model into an equal one with fewer kinds of nodes, in opset 17 or later: Constant nodes become initializers,
/// Identity and inference Dropout vanish, batch norms that directly follow a convolution nobody else reads are merged into it
/// (W' = s W, b' = (b - mean) s + beta, s = gamma / sqrt(var + eps)), MatMul + Add of constants becomes Gemm, nodes and
/// initializers nothing needs go.
Model simplify(const Model& model);

/// Drops nodes and initializers that no output needs.
void remove_unused(Model& model);

/// Makes every reader of `from` (and the graph's outputs, where `outputs` is set) read `to` instead.
void replace_reads(Model& model, const std::string& from, const std::string& to);

}  // namespace ks::graph

#pragma once
#include "graph/model.h"

namespace ks::graph {

/// Throws Error when the model is not well formed: a node that reads a tensor nothing computes before it, a tensor
/// computed twice, an output nothing computes. `where` names the model.
void check(const Model& model, const std::string& where);

/// Rewrites a model into an equal one with fewer kinds of nodes, in opset 17 where its ops allow (upgrade.h): Constant
/// nodes become initializers, shapes that the export computes become constants that leave the batch free (fold.h),
/// Identity, inference Dropout and other nodes without effect vanish, batch norms and biases are merged into their
/// layers where that is exact (merge.h), nodes and initializers nothing needs go. The first input's dimensions must be
/// known but for the batch.
Model simplify(const Model& model);

/// What simplify() begins with: old forms are renewed and all that is constant becomes an initializer, but layers stay
/// as they are, with the names of their weights.
Model with_constants_folded(const Model& model);

/// Drops nodes and initializers that no output needs.
void remove_unused(Model& model);

/// Puts nodes after those that make what they read, otherwise in the order they have.
void sort_nodes(Model& model);

/// Whether the graph gives a tensor as an output.
bool is_output(const Model& model, const std::string& tensor);

/// How many inputs of nodes and outputs of the graph read a tensor.
int64_t readers(const Model& model, const std::string& tensor);

/// Makes every reader of `from` read `to` instead.
void replace_reads(Model& model, const std::string& from, const std::string& to);

}  // namespace ks::graph

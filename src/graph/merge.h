#pragma once
#include "graph/model.h"

namespace ks::graph {

/// Merges layers that together are one, where that is exact and nothing else reads what lies between: MatMul and Add of
/// a constant row become Gemm; constants added to a convolution become its bias; a batch norm after a Conv,
/// ConvTranspose or Gemm is merged into it (W' = s W, b' = (b - mean) s + beta, s = gamma / sqrt(var + eps)); one
/// before a Conv or Gemm, too, if no padding hides its shift (W' = W s, b' = b + W (beta - mean s)).
void merge_layers(Model& model);

}  // namespace ks::graph

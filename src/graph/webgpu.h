#pragma once
#include "graph/model.h"

namespace ks::graph {

/// Rewrites convolutions that ONNX Runtime's WebGPU provider computes wrong (seen in 1.30 with channels first) into
/// equal ones that it computes right, by channels with weight 0. Returns how many there were. They are, with constant
/// weights:
///   Conv without groups, kernel above 1x1, output channels a multiple of 4, input channels a multiple of 3 but neither
///   3
///     nor a multiple of 4: it takes three channels at a time, and the wrong ones;
///   ConvTranspose with groups of one output channel and an even number of input channels.
int avoid_webgpu_faults(Model& model);

}  // namespace ks::graph

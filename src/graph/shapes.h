#pragma once
#include <map>
#include <string>

#include "graph/model.h"

namespace ks::graph {

/// Shapes of tensors by name; -1 for the free batch size in axis 0.
using Shapes = std::map<std::string, Shape>;

/// Infers the shape of every tensor from the input's [N,C,H,W] (N may be -1). Throws Error naming the node and its op where
/// an op is not known or its inputs do not fit. `where` names the model.
Shapes infer_shapes(const Model& model, const Shape& input_shape, const std::string& where);

/// The sliding window of a Conv or pooling node in both spatial axes (y, x), auto_pad resolved.
struct Window {
  int64_t kernel[2], stride[2], dilation[2], pad_begin[2], pad_end[2];

  int64_t extent(int axis) const { return dilation[axis] * (kernel[axis] - 1) + 1; }
  int64_t output_size(int axis, int64_t input_size, bool ceil_mode) const;
};

/// `input` is [N,C,H,W]; `kernel` from the weights of a Conv, empty for pooling (attribute kernel_shape).
Window window_of(const Node& node, const Shape& input, const std::vector<int64_t>& kernel, const std::string& where);

}  // namespace ks::graph

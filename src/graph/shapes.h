#pragma once
#include <map>
#include <string>
#include <vector>

#include "graph/model.h"

namespace ks::graph {

/// Shapes of tensors by name; -1 for the free batch size in axis 0.
using Shapes = std::map<std::string, Shape>;

/// Infers the shape of every tensor from the input's [N,C,H,W] (N may be -1). Throws Error naming the node and its op
/// where an op is not known, its inputs do not fit or the batch does not stay in the first axis. `where` names the
/// model.
Shapes infer_shapes(const Model& model, const Shape& input_shape, const std::string& where);

/// One element of a small tensor that shapes are computed from: a number, times the free batch size where `batch`.
struct Size {
  double factor = 0;
  bool batch = false;
};

/// The elements of a scalar or list that are known before the network runs.
struct KnownValues {
  Type type = Type::i64;
  std::vector<Size> values;

  bool constant() const;  // no element depends on the batch size
};

/// What is known of a model's tensors before it runs.
struct Facts {
  Shapes shapes;
  std::map<std::string, KnownValues> values;
};

/// As infer_shapes, but says nothing of what cannot be inferred instead of throwing.
Facts infer_facts(const Model& model, const Shape& input_shape);

/// Whether the rules of shape inference know the op.
bool has_shape_rule(const Node& node);

/// The sliding window of a Conv, ConvTranspose or pooling node in both spatial axes (y, x), auto_pad resolved.
struct Window {
  int64_t kernel[2], stride[2], dilation[2], pad_begin[2], pad_end[2];
  int64_t output_padding[2] = {0, 0};  // of a ConvTranspose

  int64_t extent(int axis) const { return dilation[axis] * (kernel[axis] - 1) + 1; }
  int64_t output_size(int axis, int64_t input_size, bool ceil_mode) const;
  int64_t transposed_size(int axis, int64_t input_size) const;
};

/// `input` is [N,C,H,W]; `kernel` from the weights of a convolution, empty for pooling (attribute kernel_shape).
Window window_of(const Node& node, const Shape& input, const std::vector<int64_t>& kernel, const std::string& where);

/// An axis counted from the front, for a tensor of `rank` axes.
int64_t front_axis(int64_t axis, size_t rank);

/// The axes of a Reduce, Squeeze or Unsqueeze node, counted from the front of a tensor of `rank` axes: from its second
/// input, or from the attribute that older forms have. Empty where the node gives none. Throws Error where they are
/// computed.
std::vector<int64_t> axes_of(const Model& model, const Node& node, size_t rank, const std::string& where);

/// Start, step and number of elements that a Slice node takes of each axis of its input.
struct SliceRange {
  int64_t start = 0, step = 1, count = 0;
};
std::vector<SliceRange> slice_of(const Model& model, const Node& node, const Shape& input, const std::string& where);

/// A Pad node's number of elements before (first half) and after each axis of its input.
std::vector<int64_t> pads_of(const Model& model, const Node& node, size_t rank, const std::string& where);

}  // namespace ks::graph

#include <algorithm>

#include "graph/shapes.h"
#include "tensor/error.h"

namespace ks::graph {

namespace {

/// Splits padding between both ends; what is odd goes to the end for SAME_UPPER, else to the beginning.
void distribute(Window& w, int axis, int64_t total, bool upper) {
  w.pad_begin[axis] = upper ? total / 2 : total - total / 2;
  w.pad_end[axis] = total - w.pad_begin[axis];
}

}  // namespace

int64_t Window::output_size(int axis, int64_t input_size, bool ceil_mode) const {
  const int64_t span = input_size + pad_begin[axis] + pad_end[axis] - extent(axis);
  if (span < 0) return 0;
  int64_t size = (ceil_mode ? span + stride[axis] - 1 : span) / stride[axis] + 1;
  // A window may not start beyond the input and its leading padding.
  if (ceil_mode && (size - 1) * stride[axis] >= input_size + pad_begin[axis]) --size;
  return size;
}

int64_t Window::transposed_size(int axis, int64_t input_size) const {
  return stride[axis] * (input_size - 1) + output_padding[axis] + extent(axis) - pad_begin[axis] - pad_end[axis];
}

Window window_of(const Node& node, const Shape& input, const std::vector<int64_t>& kernel, const std::string& where) {
  const auto fail = [&](const std::string& why) {
    throw Error("node '" + node.name + "' (" + node.op + ") " + why, where);
  };
  using Ints = std::vector<int64_t>;
  const bool transposed = node.op == "ConvTranspose";
  const auto k = kernel.empty() ? node.attribute("kernel_shape", Ints{}) : kernel;
  const auto strides = node.attribute("strides", Ints{1, 1});
  const auto dilations = node.attribute("dilations", Ints{1, 1});
  const auto pads = node.attribute("pads", Ints{0, 0, 0, 0});
  const auto output_padding = node.attribute("output_padding", Ints{0, 0});
  const auto output_shape = node.attribute("output_shape", Ints{});
  const std::string automatic = node.attribute("auto_pad", std::string("NOTSET"));
  const bool same = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
  if (input.size() != 4 || k.size() != 2 || strides.size() != 2 || dilations.size() != 2 || pads.size() != 4 ||
      output_padding.size() != 2 || (!output_shape.empty() && output_shape.size() != 2))
    fail("is not two-dimensional");
  Window w;
  for (int a = 0; a < 2; ++a) {
    const int64_t size = input[2 + a];
    w.kernel[a] = k[a];
    w.stride[a] = strides[a];
    w.dilation[a] = dilations[a];
    if (k[a] < 1 || strides[a] < 1 || dilations[a] < 1 || pads[a] < 0 || pads[a + 2] < 0 || output_padding[a] < 0 ||
        output_padding[a] >= strides[a])
      fail("has a window that makes no sense");
    w.pad_begin[a] = pads[a];
    w.pad_end[a] = pads[a + 2];
    if (automatic == "VALID") w.pad_begin[a] = w.pad_end[a] = 0;
    if (transposed) {
      w.output_padding[a] = output_padding[a];
      if (same || !output_shape.empty()) {
        const int64_t wanted = output_shape.empty() ? size * strides[a] : output_shape[a];
        w.pad_begin[a] = w.pad_end[a] = 0;
        distribute(w, a, std::max<int64_t>(0, w.transposed_size(a, size) - wanted), automatic == "SAME_UPPER");
      }
      if (w.transposed_size(a, size) < 1) fail("has more padding than output");
      continue;
    }
    if (same) {
      const int64_t out = (size + strides[a] - 1) / strides[a];
      distribute(w, a, std::max<int64_t>(0, (out - 1) * strides[a] + w.extent(a) - size), automatic == "SAME_UPPER");
    }
    if (w.output_size(a, size, false) < 1) fail("has a window larger than its input " + to_string(input));
  }
  return w;
}

}  // namespace ks::graph

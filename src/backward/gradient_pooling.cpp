#include <algorithm>
#include <limits>

#include "backward/gradient.h"

// Pooling: windows and whole maps. Max-pools send to the first maximum in row-major order, as PyTorch does.
namespace ks::backward {

namespace {

using graph::Node;

/// Spreads per-window, per-position values back to the input: values [N,C*K,H',W'] with K = kernel positions (position
/// fastest), or [N,C,H',W'] with K = 1 and all positions of the kernel alike.
std::string spread(Pass& pass, const std::string& values, const Node& node, const graph::Window& w, bool one_hot) {
  const Shape &in = pass.shape(node.inputs[0]), &out = pass.shape(node.outputs[0]);
  const int64_t C = in[1], area = w.kernel[0] * w.kernel[1], K = one_hot ? area : 1;
  Tensor kernels({C * K, 1, w.kernel[0], w.kernel[1]}, one_hot ? 0.0f : 1.0f);
  if (one_hot)
    for (int64_t i = 0; i < C * K; ++i) kernels.data[i * area + i % K] = 1;
  std::vector<int64_t> pads(4), padding(2);
  for (int a = 0; a < 2; ++a) {
    // With ceil_mode the last window may hang over the end: then more is cut there.
    const int64_t full = w.stride[a] * (out[2 + a] - 1) + w.extent(a) - w.pad_begin[a];
    pads[a] = w.pad_begin[a];
    pads[a + 2] = std::max<int64_t>(0, full - in[2 + a]);
    padding[a] = std::max<int64_t>(0, in[2 + a] - full);
  }
  return pass.add("ConvTranspose", {values, pass.constant(kernels)},
                  {{"group", C},
                   {"kernel_shape", std::vector<int64_t>{w.kernel[0], w.kernel[1]}},
                   {"strides", std::vector<int64_t>{w.stride[0], w.stride[1]}},
                   {"dilations", std::vector<int64_t>{w.dilation[0], w.dilation[1]}},
                   {"pads", pads},
                   {"output_padding", padding}});
}

void max_pool_by_indices(Pass& pass, const Node& node, const std::string& g) {
  Node& pool = pass.forward_node(node.outputs[0]);
  pool.attributes.erase("storage_order");  // of the Indices: row-major
  if (pool.outputs.size() < 2) pool.outputs.push_back(pass.builder().fresh(node.outputs[0] + "/indices"));
  const std::string indices = pool.outputs[1];  // into the flattened [N,C,H,W] input
  const std::string flat = pass.builder().ints({-1});
  const std::string shape = pass.add("Shape", {node.inputs[0]});
  const std::string zeros = pass.add("ConstantOfShape", {pass.add("ReduceProd", {shape}, {{"keepdims", int64_t{1}}})});
  const std::string scattered =
      pass.add("ScatterElements", {zeros, pass.add("Reshape", {indices, flat}), pass.add("Reshape", {g, flat})},
               {{"axis", int64_t{0}}, {"reduction", std::string("add")}});
  pass.send(node.inputs[0], pass.add("Reshape", {scattered, shape}));
}

void max_pool(Pass& pass, const Node& node, const std::string& g) {
  if (pass.backend() == Backend::cpu) return max_pool_by_indices(pass, node, g);
  pass.send(node.inputs[0], unpool(pass, node, node.inputs[0], node.outputs[0], g));
}

void average_pool(Pass& pass, const Node& node, const std::string& g) {
  const Shape &in = pass.shape(node.inputs[0]), &out = pass.shape(node.outputs[0]);
  const graph::Window w = graph::window_of(node, in, {}, pass.where());
  const bool with_padding = node.attribute("count_include_pad", int64_t{0}) != 0;
  std::vector<float> counts[2];
  for (int a = 0; a < 2; ++a)
    for (int64_t o = 0; o < out[2 + a]; ++o) {
      float n = 0;
      for (int64_t k = 0; k < w.kernel[a]; ++k) {
        const int64_t i = o * w.stride[a] - w.pad_begin[a] + k * w.dilation[a];
        n += with_padding ? i < in[2 + a] + w.pad_end[a] : i >= 0 && i < in[2 + a];
      }
      counts[a].push_back(n);
    }
  Tensor share({1, 1, out[2], out[3]});
  for (int64_t y = 0; y < out[2]; ++y)
    for (int64_t x = 0; x < out[3]; ++x) share.data[y * out[3] + x] = 1 / (counts[0][y] * counts[1][x]);
  pass.send(node.inputs[0], spread(pass, pass.add("Mul", {g, pass.constant(share)}), node, w, false));
}

/// [1,1,dims...] with the spatial axes of a tensor.
Shape spatial(const Shape& shape) {
  Shape out = shape;
  out[0] = out[1] = 1;
  return out;
}

void global_average_pool(Pass& pass, const Node& node, const std::string& g) {
  const Shape area = spatial(pass.shape(node.inputs[0]));
  const std::string share = pass.add("Mul", {g, pass.builder().scalar(1.0f / static_cast<float>(element_count(area)))});
  pass.send(node.inputs[0], pass.add("Expand", {share, pass.builder().ints(area)}));
}

/// To the first maximum: positions that reach it get marks that fall in row-major order, and the largest mark wins.
void global_max_pool(Pass& pass, const Node& node, const std::string& g) {
  Tensor marks(spatial(pass.shape(node.inputs[0])));
  for (int64_t i = 0; i < marks.size(); ++i) marks.data[static_cast<size_t>(i)] = static_cast<float>(marks.size() - i);
  const std::string match =
      pass.add("Cast", {pass.add("Equal", {node.inputs[0], node.outputs[0]})}, {{"to", int64_t{1}}});
  const std::string marked = pass.add("Mul", {match, pass.constant(marks)});
  const std::string first = pass.add("Equal", {marked, pass.add("GlobalMaxPool", {marked})});
  pass.send(node.inputs[0], pass.add("Where", {first, g, pass.builder().scalar(0)}));
}

}  // namespace

// From ops that every provider has: for every offset of the window a strided slice of the padded input, equal to the
// pooled output and to no earlier offset's, times the gradient; one transposed convolution with one-hot kernels puts
// them back.
std::string unpool(Pass& pass, const Node& pool, const std::string& x, const std::string& y,
                   const std::string& values) {
  const Shape &in = pass.shape(pool.inputs[0]), &out = pass.shape(pool.outputs[0]);
  const graph::Window w = graph::window_of(pool, in, {}, pass.where());
  std::vector<int64_t> pads(8, 0);
  for (int a = 0; a < 2; ++a) {
    pads[2 + a] = w.pad_begin[a];
    pads[6 + a] = std::max<int64_t>(0, w.stride[a] * (out[2 + a] - 1) + w.extent(a) - w.pad_begin[a] - in[2 + a]);
  }
  std::string padded = x;
  if (std::any_of(pads.begin(), pads.end(), [](int64_t p) { return p > 0; }))
    padded = pass.add("Pad",
                      {padded, pass.builder().ints(pads), pass.builder().scalar(std::numeric_limits<float>::lowest())});
  const std::string axes = pass.builder().ints({2, 3}), steps = pass.builder().ints({w.stride[0], w.stride[1]});
  std::string open;  // 1 where no earlier offset matched
  std::vector<std::string> shares;
  for (int64_t ky = 0; ky < w.kernel[0]; ++ky)
    for (int64_t kx = 0; kx < w.kernel[1]; ++kx) {
      const int64_t top = ky * w.dilation[0], left = kx * w.dilation[1];
      const std::string slice = pass.add(
          "Slice", {padded, pass.builder().ints({top, left}),
                    pass.builder().ints({top + w.stride[0] * (out[2] - 1) + 1, left + w.stride[1] * (out[3] - 1) + 1}),
                    axes, steps});
      std::string match = pass.add("Cast", {pass.add("Equal", {slice, y})}, {{"to", int64_t{1}}});
      if (open.empty()) {
        open = pass.add("Sub", {pass.builder().scalar(1), match});
      } else {
        match = pass.add("Mul", {match, open});
        open = pass.add("Sub", {open, match});
      }
      shares.push_back(pass.add("Unsqueeze", {pass.add("Mul", {match, values}), pass.builder().ints({2})}));
    }
  const std::string stacked =
      pass.add("Reshape", {pass.add("Concat", shares, {{"axis", int64_t{2}}}),
                           pass.builder().ints({-1, in[1] * w.kernel[0] * w.kernel[1], out[2], out[3]})});
  return spread(pass, stacked, pool, w, true);
}

GradientRules pooling_gradients() {
  return {{"MaxPool", max_pool},
          {"AveragePool", average_pool},
          {"GlobalAveragePool", global_average_pool},
          {"GlobalMaxPool", global_max_pool}};
}

}  // namespace ks::backward

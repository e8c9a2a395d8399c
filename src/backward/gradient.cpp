#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "backward/linear.h"
#include "backward/pass.h"
#include "tensor/error.h"

// Gradients of ONNX ops, each as nodes appended to the graph. Max-pools send to the first maximum of a window in row-major
// order, and the ReLU's gradient at 0 is 0, as PyTorch has it.
namespace ks::backward {

namespace {

using graph::Node;

void linear(Pass& pass, const Node& node, const std::string& g) {
  if (!is_linear_layer(pass, node))
    throw Error("node '" + node.name + "' (" + node.op + ") multiplies two computed tensors, which is not supported",
                pass.where());
  if (!pass.wants(node.inputs[0])) return;
  const Linear layer(pass, node);
  pass.send(node.inputs[0], layer.transpose(g, layer.weights()));
}

void relu(Pass& pass, const Node& node, const std::string& g) {
  // The output tells as well as the input which units are active, and leaves Conv + ReLU fusible.
  const std::string active = pass.add("Greater", {node.outputs[0], pass.builder().scalar(0)});
  pass.send(node.inputs[0], pass.add("Where", {active, g, pass.builder().scalar(0)}));
}

void identity(Pass& pass, const Node& node, const std::string& g) { pass.send(node.inputs[0], g); }

void reshape(Pass& pass, const Node& node, const std::string& g) {
  pass.send(node.inputs[0], pass.add("Reshape", {g, pass.reshape_target(node.inputs[0])}));
}

/// The gradient of a broadcast operand: summed over the axes it was repeated along.
std::string unbroadcast(Pass& pass, const std::string& g, const std::string& operand, const std::string& output) {
  const Shape &from = pass.shape(output), &to = pass.shape(operand);
  if (from == to) return g;
  std::vector<int64_t> axes;
  for (size_t a = 0; a < from.size(); ++a) {
    const int64_t size = a + to.size() >= from.size() ? to[a + to.size() - from.size()] : 1;
    if (size == 1 && from[a] != 1) axes.push_back(static_cast<int64_t>(a));
  }
  std::string sum = axes.empty() ? g : pass.add("ReduceSum", {g, pass.builder().ints(axes)}, {{"keepdims", int64_t{1}}});
  if (from.size() != to.size()) sum = pass.add("Reshape", {sum, pass.reshape_target(operand)});
  return sum;
}

void add(Pass& pass, const Node& node, const std::string& g) {
  for (const std::string& input : node.inputs)
    if (pass.wants(input)) pass.send(input, unbroadcast(pass, g, input, node.outputs[0]));
}

void subtract(Pass& pass, const Node& node, const std::string& g) {
  if (pass.wants(node.inputs[0])) pass.send(node.inputs[0], unbroadcast(pass, g, node.inputs[0], node.outputs[0]));
  if (pass.wants(node.inputs[1]))
    pass.send(node.inputs[1], unbroadcast(pass, pass.add("Neg", {g}), node.inputs[1], node.outputs[0]));
}

void multiply(Pass& pass, const Node& node, const std::string& g) {
  for (int i = 0; i < 2; ++i)
    if (pass.wants(node.inputs[i]))
      pass.send(node.inputs[i],
                unbroadcast(pass, pass.add("Mul", {g, node.inputs[1 - i]}), node.inputs[i], node.outputs[0]));
}

void divide(Pass& pass, const Node& node, const std::string& g) {
  const std::string over = pass.add("Div", {g, node.inputs[1]});
  if (pass.wants(node.inputs[0])) pass.send(node.inputs[0], unbroadcast(pass, over, node.inputs[0], node.outputs[0]));
  if (pass.wants(node.inputs[1])) {
    const std::string down = pass.add("Neg", {pass.add("Mul", {over, node.outputs[0]})});
    pass.send(node.inputs[1], unbroadcast(pass, down, node.inputs[1], node.outputs[0]));
  }
}

void batch_normalization(Pass& pass, const Node& node, const std::string& g) {
  const graph::Array* scale = pass.forward().constant(node.inputs.at(1));
  const graph::Array* variance = pass.forward().constant(node.inputs.at(4));
  if (!scale || !variance)
    throw Error("node '" + node.name + "' (BatchNormalization) has statistics that are computed, not constant", pass.where());
  const auto s = scale->to_floats(), v = variance->to_floats();
  Tensor factor({1, static_cast<int64_t>(s.size())});
  for (size_t rank = 2; rank < pass.shape(node.inputs[0]).size(); ++rank) factor.shape.push_back(1);
  for (size_t c = 0; c < s.size(); ++c)
    factor.data[c] = static_cast<float>(s[c] / std::sqrt(static_cast<double>(v[c]) + node.attribute("epsilon", 1e-5f)));
  pass.send(node.inputs[0], pass.add("Mul", {g, pass.constant(factor)}));
}

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

void global_average_pool(Pass& pass, const Node& node, const std::string& g) {
  const Shape& in = pass.shape(node.inputs[0]);
  const std::string share = pass.add("Mul", {g, pass.builder().scalar(1.0f / static_cast<float>(in[2] * in[3]))});
  pass.send(node.inputs[0], pass.add("Expand", {share, pass.builder().ints({1, 1, in[2], in[3]})}));
}

void concat(Pass& pass, const Node& node, const std::string& g) {
  int64_t axis = node.attribute("axis", int64_t{1});
  if (axis < 0) axis += static_cast<int64_t>(pass.shape(node.outputs[0]).size());
  int64_t begin = 0;
  for (const std::string& input : node.inputs) {
    const int64_t size = pass.shape(input).at(axis);
    if (pass.wants(input))
      pass.send(input, pass.add("Slice", {g, pass.builder().ints({begin}), pass.builder().ints({begin + size}),
                                          pass.builder().ints({axis})}));
    begin += size;
  }
}

void sigmoid(Pass& pass, const Node& node, const std::string& g) {
  const std::string slope =
      pass.add("Mul", {node.outputs[0], pass.add("Sub", {pass.builder().scalar(1), node.outputs[0]})});
  pass.send(node.inputs[0], pass.add("Mul", {g, slope}));
}

void hyperbolic_tangent(Pass& pass, const Node& node, const std::string& g) {
  const std::string square = pass.add("Mul", {node.outputs[0], node.outputs[0]});
  pass.send(node.inputs[0], pass.add("Mul", {g, pass.add("Sub", {pass.builder().scalar(1), square})}));
}

using Function = void (*)(Pass&, const Node&, const std::string&);

const std::unordered_map<std::string, Function>& table() {
  static const std::unordered_map<std::string, Function> rules = {
      {"Conv", linear},           {"Gemm", linear},
      {"MatMul", linear},         {"Relu", relu},
      {"Identity", identity},     {"Dropout", identity},
      {"Flatten", reshape},       {"Reshape", reshape},
      {"Add", add},               {"Sum", add},
      {"Sub", subtract},          {"Mul", multiply},
      {"Div", divide},            {"BatchNormalization", batch_normalization},
      {"MaxPool", max_pool},      {"AveragePool", average_pool},
      {"Concat", concat},         {"GlobalAveragePool", global_average_pool},
      {"Sigmoid", sigmoid},       {"Tanh", hyperbolic_tangent}};
  return rules;
}

}  // namespace

// From ops that every provider has: for every offset of the window a strided slice of the padded input, equal to the pooled
// output and to no earlier offset's, times the gradient; one transposed convolution with one-hot kernels puts them back.
std::string unpool(Pass& pass, const Node& pool, const std::string& x, const std::string& y, const std::string& values) {
  const Shape &in = pass.shape(pool.inputs[0]), &out = pass.shape(pool.outputs[0]);
  const graph::Window w = graph::window_of(pool, in, {}, pass.where());
  std::vector<int64_t> pads(8, 0);
  for (int a = 0; a < 2; ++a) {
    pads[2 + a] = w.pad_begin[a];
    pads[6 + a] = std::max<int64_t>(0, w.stride[a] * (out[2 + a] - 1) + w.extent(a) - w.pad_begin[a] - in[2 + a]);
  }
  std::string padded = x;
  if (std::any_of(pads.begin(), pads.end(), [](int64_t p) { return p > 0; }))
    padded = pass.add("Pad", {padded, pass.builder().ints(pads), pass.builder().scalar(std::numeric_limits<float>::lowest())});
  const std::string axes = pass.builder().ints({2, 3}), steps = pass.builder().ints({w.stride[0], w.stride[1]});
  std::string open;  // 1 where no earlier offset matched
  std::vector<std::string> shares;
  for (int64_t ky = 0; ky < w.kernel[0]; ++ky)
    for (int64_t kx = 0; kx < w.kernel[1]; ++kx) {
      const int64_t top = ky * w.dilation[0], left = kx * w.dilation[1];
      const std::string slice = pass.add(
          "Slice", {padded, pass.builder().ints({top, left}),
                    pass.builder().ints({top + w.stride[0] * (out[2] - 1) + 1, left + w.stride[1] * (out[3] - 1) + 1}), axes,
                    steps});
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

void gradient_rule(Pass& pass, const Node& node, const std::string& incoming) {
  const auto it = table().find(node.op);
  if (it == table().end() || !node.domain.empty())
    throw Error("node '" + node.name + "' (" + node.op + ") has no gradient here", pass.where(),
                "methods that need none still work: occlusion, lime, random");
  it->second(pass, node, incoming);
}

const std::vector<std::string>& differentiable_ops() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const auto& [name, rule] : table()) out.push_back(name);
    std::sort(out.begin(), out.end());
    return out;
  }();
  return names;
}

}  // namespace ks::backward

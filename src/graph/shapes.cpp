#include "graph/shapes.h"

#include <algorithm>
#include <functional>

#include "tensor/error.h"

namespace ks::graph {

namespace {

struct Inference {
  const Model& model;
  Shapes shapes;
  std::string where;

  [[noreturn]] void fail(const Node& node, const std::string& why) const {
    throw Error("node '" + node.name + "' (" + node.op + ") " + why, where);
  }

  const Shape& of(const Node& node, size_t i) const {
    if (!node.has_input(i)) fail(node, "lacks input " + std::to_string(i));
    const auto it = shapes.find(node.inputs[i]);
    if (it == shapes.end()) fail(node, "reads '" + node.inputs[i] + "', which nothing computes before it");
    return it->second;
  }

  Shape broadcast(const Node& node) const {
    Shape out;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const Shape& s = of(node, i);
      Shape wide(std::max(out.size(), s.size()), 1);
      for (size_t a = 0; a < wide.size(); ++a) {
        const int64_t x = a + out.size() >= wide.size() ? out[a + out.size() - wide.size()] : 1;
        const int64_t y = a + s.size() >= wide.size() ? s[a + s.size() - wide.size()] : 1;
        if (x != y && x != 1 && y != 1) fail(node, "has inputs whose shapes do not broadcast");
        wide[a] = x == 1 ? y : x;
      }
      out = wide;
    }
    return out;
  }

  Shape convolution(const Node& node) const {
    const Shape &x = of(node, 0), &w = of(node, 1);
    if (x.size() != 4 || w.size() != 4) fail(node, "is not two-dimensional");
    if (x[1] != w[1] * node.attribute("group", int64_t{1})) fail(node, "has weights that do not fit its input channels");
    const Window window = window_of(node, x, {w[2], w[3]}, where);
    return {x[0], w[0], window.output_size(0, x[2], false), window.output_size(1, x[3], false)};
  }

  Shape pooling(const Node& node) const {
    const Shape& x = of(node, 0);
    if (x.size() != 4) fail(node, "is not two-dimensional");
    const Window window = window_of(node, x, {}, where);
    const bool ceil = node.attribute("ceil_mode", int64_t{0}) != 0;
    return {x[0], x[1], window.output_size(0, x[2], ceil), window.output_size(1, x[3], ceil)};
  }

  Shape flatten(const Node& node) const {
    const Shape& x = of(node, 0);
    int64_t axis = node.attribute("axis", int64_t{1});
    if (axis < 0) axis += static_cast<int64_t>(x.size());
    if (axis != 1) fail(node, "flattens axis " + std::to_string(axis) + " instead of 1");
    return {x[0], element_count(Shape(x.begin() + 1, x.end()))};
  }

  Shape reshape(const Node& node) const {
    const Shape& x = of(node, 0);
    const Array* target = node.has_input(1) ? model.constant(node.inputs[1]) : nullptr;
    if (!target) fail(node, "has a target shape that is computed, not constant");
    Shape out = target->to_ints();
    // The free batch size stays in axis 0; what is left is matched without it.
    for (size_t a = 0; a < out.size(); ++a)
      if (out[a] == 0 && a < x.size()) out[a] = x[a] == -1 ? -2 : x[a];
    const bool free_batch = !x.empty() && x[0] == -1;
    int64_t known = 1, unknown = -1;
    for (size_t a = 0; a < out.size(); ++a) {
      if (out[a] == -1) unknown = static_cast<int64_t>(a);
      else if (out[a] != -2) known *= out[a];
    }
    const int64_t per_sample = element_count(Shape(x.begin() + (free_batch ? 1 : 0), x.end()));
    const bool batch_kept = !out.empty() && out[0] == -2;
    if (unknown >= 0) {
      if (free_batch && !batch_kept) {
        if (unknown != 0 || known != per_sample) fail(node, "does not keep the batch in its first axis");
        out[0] = -2;
      } else {
        out[unknown] = known ? per_sample / known : 0;
      }
    }
    for (int64_t& d : out)
      if (d == -2) d = -1;
    return out;
  }

  Shape gemm(const Node& node) const {
    const Shape &a = of(node, 0), &b = of(node, 1);
    if (a.size() != 2 || b.size() != 2) fail(node, "has inputs that are not matrices");
    const bool ta = node.attribute("transA", int64_t{0}) != 0, tb = node.attribute("transB", int64_t{0}) != 0;
    if (a[ta ? 0 : 1] != b[tb ? 1 : 0]) fail(node, "has matrices that do not fit each other");
    return {a[ta ? 1 : 0], b[tb ? 0 : 1]};
  }

  Shape matmul(const Node& node) const {
    const Shape &a = of(node, 0), &b = of(node, 1);
    if (a.size() < 2 || b.size() != 2 || a.back() != b[0]) fail(node, "has matrices that do not fit each other");
    Shape out = a;
    out.back() = b[1];
    return out;
  }

  Shape concat(const Node& node) const {
    Shape out = of(node, 0);
    int64_t axis = node.attribute("axis", int64_t{1});
    if (axis < 0) axis += static_cast<int64_t>(out.size());
    if (axis >= static_cast<int64_t>(out.size())) fail(node, "joins an axis its inputs do not have");
    for (size_t i = 1; i < node.inputs.size(); ++i) out[axis] += of(node, i).at(axis);
    return out;
  }

  Shape reduce(const Node& node) const {
    const Shape& x = of(node, 0);
    std::vector<int64_t> axes = node.attribute("axes", std::vector<int64_t>{});
    if (node.has_input(1)) {
      const Array* given = model.constant(node.inputs[1]);
      if (!given) fail(node, "has axes that are computed, not constant");
      axes = given->to_ints();
    }
    const bool keep = node.attribute("keepdims", int64_t{1}) != 0;
    Shape out;
    for (size_t a = 0; a < x.size(); ++a) {
      const bool reduced = axes.empty() || std::any_of(axes.begin(), axes.end(), [&](int64_t d) {
        return (d < 0 ? d + static_cast<int64_t>(x.size()) : d) == static_cast<int64_t>(a);
      });
      if (!reduced) out.push_back(x[a]);
      else if (keep) out.push_back(1);
    }
    return out;
  }

  Shape infer(const Node& node) const {
    static const std::map<std::string, Shape (Inference::*)(const Node&) const> table = {
        {"Conv", &Inference::convolution},    {"MaxPool", &Inference::pooling},  {"AveragePool", &Inference::pooling},
        {"Flatten", &Inference::flatten},     {"Reshape", &Inference::reshape},  {"Gemm", &Inference::gemm},
        {"MatMul", &Inference::matmul},       {"Concat", &Inference::concat},    {"Add", &Inference::broadcast},
        {"Sub", &Inference::broadcast},       {"Mul", &Inference::broadcast},    {"Div", &Inference::broadcast},
        {"Sum", &Inference::broadcast},       {"ReduceMean", &Inference::reduce}, {"ReduceSum", &Inference::reduce}};
    static const char* const elementwise[] = {"Relu",   "BatchNormalization", "Softmax", "LogSoftmax", "Identity", "Dropout",
                                              "Sigmoid", "Tanh",              "Clip",    "LeakyRelu",  "Elu"};
    const auto it = table.find(node.op);
    if (it != table.end()) return (this->*it->second)(node);
    for (const char* op : elementwise)
      if (node.op == op) return of(node, 0);
    if (node.op == "GlobalAveragePool" || node.op == "GlobalMaxPool") {
      const Shape& x = of(node, 0);
      return {x.at(0), x.at(1), 1, 1};
    }
    fail(node, "is an op that explanations through the network do not know");
  }
};

}  // namespace

int64_t Window::output_size(int axis, int64_t input_size, bool ceil_mode) const {
  const int64_t span = input_size + pad_begin[axis] + pad_end[axis] - extent(axis);
  if (span < 0) return 0;
  int64_t size = (ceil_mode ? span + stride[axis] - 1 : span) / stride[axis] + 1;
  // A window may not start beyond the input and its leading padding.
  if (ceil_mode && (size - 1) * stride[axis] >= input_size + pad_begin[axis]) --size;
  return size;
}

Window window_of(const Node& node, const Shape& input, const std::vector<int64_t>& kernel, const std::string& where) {
  const auto fail = [&](const std::string& why) {
    throw Error("node '" + node.name + "' (" + node.op + ") " + why, where);
  };
  const auto k = kernel.empty() ? node.attribute("kernel_shape", std::vector<int64_t>{}) : kernel;
  const auto strides = node.attribute("strides", std::vector<int64_t>{1, 1});
  const auto dilations = node.attribute("dilations", std::vector<int64_t>{1, 1});
  const auto pads = node.attribute("pads", std::vector<int64_t>{0, 0, 0, 0});
  const std::string automatic = node.attribute("auto_pad", std::string("NOTSET"));
  if (k.size() != 2 || strides.size() != 2 || dilations.size() != 2 || pads.size() != 4) fail("is not two-dimensional");
  Window w;
  for (int a = 0; a < 2; ++a) {
    w.kernel[a] = k[a];
    w.stride[a] = strides[a];
    w.dilation[a] = dilations[a];
    if (k[a] < 1 || strides[a] < 1 || dilations[a] < 1 || pads[a] < 0 || pads[a + 2] < 0)
      fail("has a window that makes no sense");
    w.pad_begin[a] = pads[a];
    w.pad_end[a] = pads[a + 2];
    if (automatic == "VALID") w.pad_begin[a] = w.pad_end[a] = 0;
    if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      const int64_t size = input.at(2 + a), out = (size + strides[a] - 1) / strides[a];
      const int64_t total = std::max<int64_t>(0, (out - 1) * strides[a] + w.extent(a) - size);
      w.pad_begin[a] = automatic == "SAME_UPPER" ? total / 2 : total - total / 2;
      w.pad_end[a] = total - w.pad_begin[a];
    }
    if (w.output_size(a, input.at(2 + a), false) < 1) fail("has a window larger than its input " + to_string(input));
  }
  return w;
}

Shapes infer_shapes(const Model& model, const Shape& input_shape, const std::string& where) {
  Inference inference{model, {}, where};
  for (const auto& [name, array] : model.initializers) inference.shapes[name] = array.shape;
  inference.shapes[model.inputs.at(0).name] = input_shape;
  for (const Node& node : model.nodes) {
    if (node.outputs.empty()) continue;
    Shape shape = inference.infer(node);
    for (const std::string& output : node.outputs)
      if (!output.empty()) inference.shapes[output] = shape;
  }
  return inference.shapes;
}

}  // namespace ks::graph

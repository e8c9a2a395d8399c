#include "graph/shapes.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "graph/inference.h"
#include "tensor/error.h"

namespace ks::graph {

namespace {

using Outputs = std::vector<Shape>;

constexpr int64_t largest_known = 64;  // elements of a tensor whose values are followed: shapes and scales are shorter

Outputs elementwise(const Inference& in, const Node& node) {
  return {in.of(node, 0)};
}

Outputs broadcasting(const Inference& in, const Node& node) {
  Shape out;
  for (size_t i = 0; i < node.inputs.size(); ++i) out = broadcast(in, node, out, in.of(node, i));
  return {out};
}

Outputs convolution(const Inference& in, const Node& node) {
  const Shape &x = in.of(node, 0), &w = in.of(node, 1);
  if (x.size() != 4 || w.size() != 4) in.fail(node, "is not two-dimensional");
  const int64_t groups = node.attribute("group", int64_t{1});
  const Window window = window_of(node, x, {w[2], w[3]}, in.where);
  if (node.op == "ConvTranspose") {
    if (x[1] != w[0]) in.fail(node, "has weights that do not fit its input channels");
    return {{x[0], w[1] * groups, window.transposed_size(0, x[2]), window.transposed_size(1, x[3])}};
  }
  if (x[1] != w[1] * groups) in.fail(node, "has weights that do not fit its input channels");
  return {{x[0], w[0], window.output_size(0, x[2], false), window.output_size(1, x[3], false)}};
}

Outputs pooling(const Inference& in, const Node& node) {
  const Shape& x = in.of(node, 0);
  if (x.size() != 4) in.fail(node, "is not two-dimensional");
  const Window window = window_of(node, x, {}, in.where);
  const bool ceil = node.attribute("ceil_mode", int64_t{0}) != 0;
  return {{x[0], x[1], window.output_size(0, x[2], ceil), window.output_size(1, x[3], ceil)}};
}

Outputs global_pooling(const Inference& in, const Node& node) {
  Shape out = in.of(node, 0);
  if (out.size() < 3) in.fail(node, "has an input without spatial axes");
  std::fill(out.begin() + 2, out.end(), 1);
  return {out};
}

Outputs gemm(const Inference& in, const Node& node) {
  const Shape &a = in.of(node, 0), &b = in.of(node, 1);
  if (a.size() != 2 || b.size() != 2) in.fail(node, "has inputs that are not matrices");
  const bool ta = node.attribute("transA", int64_t{0}) != 0, tb = node.attribute("transB", int64_t{0}) != 0;
  if (a[ta ? 0 : 1] != b[tb ? 1 : 0]) in.fail(node, "has matrices that do not fit each other");
  return {{a[ta ? 1 : 0], b[tb ? 0 : 1]}};
}

Outputs matmul(const Inference& in, const Node& node) {
  const Shape &a = in.of(node, 0), &b = in.of(node, 1);
  if (a.size() < 2 || b.size() < 2) in.fail(node, "has an input that is no matrix");
  if (a.back() != b[b.size() - 2]) in.fail(node, "has matrices that do not fit each other");
  Shape out = broadcast(in, node, Shape(a.begin(), a.end() - 2), Shape(b.begin(), b.end() - 2));
  out.push_back(a[a.size() - 2]);
  out.push_back(b.back());
  for (size_t axis = 1; axis < out.size(); ++axis) in.keep_batch(node, out[axis] != -1);
  return {out};
}

Outputs reduction(const Inference& in, const Node& node) {
  const Shape& x = in.of(node, 0);
  const std::vector<int64_t> axes = axes_of(in.model, node, x.size(), in.where);
  if (axes.empty() && node.attribute("noop_with_empty_axes", int64_t{0})) return {x};
  const bool keep = node.attribute("keepdims", int64_t{1}) != 0;
  Shape out;
  for (size_t a = 0; a < x.size(); ++a) {
    const bool reduced = axes.empty() || std::count(axes.begin(), axes.end(), static_cast<int64_t>(a)) > 0;
    if (!reduced)
      out.push_back(x[a]);
    else
      in.keep_batch(node, x[a] != -1);
    if (reduced && keep) out.push_back(1);
  }
  return {out};
}

Outputs layer_normalization(const Inference& in, const Node& node) {
  const Shape& x = in.of(node, 0);
  Shape statistics = x;
  const int64_t axis = front_axis(node.attribute("axis", int64_t{-1}), x.size());
  for (size_t a = static_cast<size_t>(axis); a < x.size(); ++a) {
    in.keep_batch(node, x[a] != -1);
    statistics[a] = 1;
  }
  return {x, statistics, statistics};
}

ShapeRule rule_of(const std::string& op) {
  static const std::map<std::string, ShapeRule> table = {{"Conv", convolution},
                                                         {"ConvTranspose", convolution},
                                                         {"MaxPool", pooling},
                                                         {"AveragePool", pooling},
                                                         {"Gemm", gemm},
                                                         {"MatMul", matmul},
                                                         {"ReduceMean", reduction},
                                                         {"ReduceSum", reduction},
                                                         {"ReduceMax", reduction},
                                                         {"ReduceMin", reduction},
                                                         {"ReduceProd", reduction},
                                                         {"ReduceL1", reduction},
                                                         {"ReduceL2", reduction},
                                                         {"ReduceSumSquare", reduction},
                                                         {"GlobalMaxPool", global_pooling},
                                                         {"Add", broadcasting},
                                                         {"Sub", broadcasting},
                                                         {"Mul", broadcasting},
                                                         {"Div", broadcasting},
                                                         {"Mod", broadcasting},
                                                         {"Pow", broadcasting},
                                                         {"Sum", broadcasting},
                                                         {"Mean", broadcasting},
                                                         {"Max", broadcasting},
                                                         {"Min", broadcasting},
                                                         {"Where", broadcasting},
                                                         {"Equal", broadcasting},
                                                         {"Greater", broadcasting},
                                                         {"GreaterOrEqual", broadcasting},
                                                         {"Less", broadcasting},
                                                         {"LessOrEqual", broadcasting},
                                                         {"And", broadcasting},
                                                         {"Or", broadcasting},
                                                         {"GlobalAveragePool", global_pooling},
                                                         {"LayerNormalization", layer_normalization}};
  static const std::set<std::string> keep = {"Relu",
                                             "LeakyRelu",
                                             "PRelu",
                                             "Elu",
                                             "Selu",
                                             "Celu",
                                             "Gelu",
                                             "Erf",
                                             "Clip",
                                             "Sigmoid",
                                             "HardSigmoid",
                                             "HardSwish",
                                             "Tanh",
                                             "Softplus",
                                             "Softsign",
                                             "Mish",
                                             "Softmax",
                                             "LogSoftmax",
                                             "Identity",
                                             "Dropout",
                                             "Cast",
                                             "LRN",
                                             "Neg",
                                             "Abs",
                                             "Exp",
                                             "Log",
                                             "Sqrt",
                                             "Reciprocal",
                                             "Floor",
                                             "Ceil",
                                             "Round",
                                             "Not",
                                             "Sign",
                                             "BatchNormalization",
                                             "InstanceNormalization",
                                             "GroupNormalization"};
  const auto it = table.find(op);
  if (it != table.end()) return it->second;
  if (keep.count(op)) return elementwise;
  return layout_rule(op);
}

/// What is known of the tensors that exist before the first node runs.
Inference start(const Model& model, const Shape& input_shape, const std::string& where) {
  Inference inference{model, where, {}};
  for (const auto& [name, array] : model.initializers) {
    inference.facts.shapes[name] = array.shape;
    if (array.shape.size() > 1 || array.count() > largest_known) continue;
    KnownValues known{array.type, {}};
    const bool real = array.type == Type::f32 || array.type == Type::f64 || array.type == Type::f16;
    if (real)
      for (float v : array.to_floats()) known.values.push_back({v, false});
    else
      for (int64_t v : array.to_ints()) known.values.push_back({static_cast<double>(v), false});
    inference.facts.values[name] = std::move(known);
  }
  inference.facts.shapes[model.inputs.at(0).name] = input_shape;
  return inference;
}

void infer(Inference& inference, const Node& node) {
  const ShapeRule rule = has_shape_rule(node) ? rule_of(node.op) : nullptr;
  if (!rule) inference.fail(node, "is an op that explanations through the network do not know");
  const Outputs shapes = rule(inference, node);
  for (size_t i = 0; i < node.outputs.size(); ++i)
    if (!node.outputs[i].empty()) inference.facts.shapes[node.outputs[i]] = shapes[i < shapes.size() ? i : 0];
  if (shapes[0].size() > 1 || element_count(shapes[0]) < 0 || element_count(shapes[0]) > largest_known) return;
  KnownValues values;
  if (evaluate(inference, node, shapes[0], values)) inference.facts.values[node.outputs[0]] = std::move(values);
}

}  // namespace

bool KnownValues::constant() const {
  return std::none_of(values.begin(), values.end(), [](const Size& s) { return s.batch; });
}

void Inference::fail(const Node& node, const std::string& why) const {
  throw Error("node '" + node.name + "' (" + node.op + ") " + why, where);
}

const Shape& Inference::of(const Node& node, size_t i) const {
  if (!node.has_input(i)) fail(node, "lacks input " + std::to_string(i));
  const auto it = facts.shapes.find(node.inputs[i]);
  if (it == facts.shapes.end()) fail(node, "reads '" + node.inputs[i] + "', which nothing computes before it");
  return it->second;
}

const KnownValues* Inference::known(const Node& node, size_t i) const {
  const auto it = node.has_input(i) ? facts.values.find(node.inputs[i]) : facts.values.end();
  return it == facts.values.end() ? nullptr : &it->second;
}

std::vector<int64_t> Inference::integers(const Node& node, size_t i, const std::string& what) const {
  const KnownValues* values = known(node, i);
  if (!values || !values->constant()) fail(node, "has " + what + " that is computed, not constant");
  std::vector<int64_t> out;
  for (const Size& s : values->values) out.push_back(static_cast<int64_t>(s.factor));
  return out;
}

Shape broadcast(const Inference& inference, const Node& node, const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t x = i + a.size() >= out.size() ? a[i + a.size() - out.size()] : 1;
    const int64_t y = i + b.size() >= out.size() ? b[i + b.size() - out.size()] : 1;
    if (x != y && x != 1 && y != 1) inference.fail(node, "has inputs whose shapes do not broadcast");
    out[i] = x == 1 ? y : x;
    if (i > 0) inference.keep_batch(node, out[i] != -1);
  }
  return out;
}

bool has_shape_rule(const Node& node) {
  return node.domain.empty() && !node.outputs.empty() && rule_of(node.op);
}

int64_t front_axis(int64_t axis, size_t rank) {
  return axis < 0 ? axis + static_cast<int64_t>(rank) : axis;
}

std::vector<int64_t> axes_of(const Model& model, const Node& node, size_t rank, const std::string& where) {
  std::vector<int64_t> axes = node.attribute("axes", std::vector<int64_t>{});
  if (node.has_input(1)) {
    const Array* given = model.constant(node.inputs[1]);
    if (!given)
      throw Error("node '" + node.name + "' (" + node.op + ") has axes that are computed, not constant", where);
    axes = given->to_ints();
  }
  for (int64_t& axis : axes) {
    axis = front_axis(axis, rank);
    if (axis < 0 || axis >= static_cast<int64_t>(rank))
      throw Error("node '" + node.name + "' (" + node.op + ") names an axis its input does not have", where);
  }
  return axes;
}

Shapes infer_shapes(const Model& model, const Shape& input_shape, const std::string& where) {
  Inference inference = start(model, input_shape, where);
  for (const Node& node : model.nodes) infer(inference, node);
  return std::move(inference.facts.shapes);
}

Facts infer_facts(const Model& model, const Shape& input_shape) {
  Inference inference = start(model, input_shape, "");
  for (const Node& node : model.nodes) {
    try {
      infer(inference, node);
    } catch (const Error&) {
      // Its outputs stay unknown, and so does what is computed from them.
    }
  }
  return std::move(inference.facts);
}

}  // namespace ks::graph

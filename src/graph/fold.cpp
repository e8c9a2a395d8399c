#include "graph/fold.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "graph/builder.h"
#include "graph/shapes.h"
#include "graph/simplify.h"
#include "tensor/error.h"

namespace ks::graph {

namespace {

using Ints = std::vector<int64_t>;

Ints strides_of(const Shape& shape) {
  Ints strides(shape.size(), 1);
  for (size_t a = shape.size(); a-- > 1;) strides[a - 1] = strides[a] * shape[a];
  return strides;
}

/// A view of x with steps of its own along each axis, made a dense array.
Array strided(const Array& x, const Shape& shape, const Ints& strides, int64_t offset) {
  const size_t width = width_of(x.type);
  const int64_t count = element_count(shape);
  auto bytes = std::make_shared<std::string>(static_cast<size_t>(count) * width, '\0');
  Ints at(shape.size(), 0);
  int64_t source = offset;
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(bytes->data() + static_cast<size_t>(i) * width, x.bytes->data() + static_cast<size_t>(source) * width,
                width);
    for (size_t a = shape.size(); a-- > 0;) {
      source += strides[a];
      if (++at[a] < shape[a]) break;
      source -= strides[a] * shape[a];
      at[a] = 0;
    }
  }
  return {x.type, shape, bytes};
}

Array moved(const Model& model, const Node& node, const Array& x, const Shape& shape) {
  Ints strides = strides_of(x.shape), out;
  int64_t offset = 0;
  if (node.op == "Transpose") {
    Ints order = node.attribute("perm", Ints{});
    if (order.empty())
      for (size_t a = x.shape.size(); a-- > 0;) order.push_back(static_cast<int64_t>(a));
    for (int64_t a : order) out.push_back(strides.at(static_cast<size_t>(a)));
  } else if (node.op == "Slice") {
    const auto ranges = slice_of(model, node, x.shape, "");
    for (size_t a = 0; a < ranges.size(); ++a) {
      offset += ranges[a].start * strides[a];
      out.push_back(ranges[a].step * strides[a]);
    }
  } else {  // Expand
    for (size_t a = 0; a < shape.size(); ++a) {
      const bool own = a + x.shape.size() >= shape.size() && x.shape[a + x.shape.size() - shape.size()] != 1;
      out.push_back(own ? strides[a + x.shape.size() - shape.size()] : 0);
    }
  }
  return strided(x, shape, out, offset);
}

Array joined(const std::vector<const Array*>& parts, const Shape& shape, size_t axis) {
  const size_t width = width_of(parts[0]->type);
  const int64_t outer = element_count(Shape(shape.begin(), shape.begin() + static_cast<int64_t>(axis)));
  auto bytes = std::make_shared<std::string>();
  bytes->reserve(static_cast<size_t>(element_count(shape)) * width);
  for (int64_t o = 0; o < outer; ++o)
    for (const Array* part : parts) {
      const size_t block = static_cast<size_t>(part->count() / outer) * width;
      bytes->append(*part->bytes, static_cast<size_t>(o) * block, block);
    }
  return {parts[0]->type, shape, bytes};
}

/// Element-wise arithmetic on float constants: what weight normalisation and scaled initial values leave in exports.
std::optional<Array> calculated(const Node& node, const std::vector<const Array*>& inputs, const Shape& shape) {
  std::vector<std::vector<float>> values;
  std::vector<Ints> strides;
  for (const Array* x : inputs) {
    if (x->type != Type::f32) return std::nullopt;
    values.push_back(x->to_floats());
    const Ints own = strides_of(x->shape);
    Ints wide(shape.size(), 0);
    for (size_t a = 0; a < own.size(); ++a)
      if (x->shape[a] != 1) wide[a + shape.size() - own.size()] = own[a];
    strides.push_back(wide);
  }
  const std::string& op = node.op;
  std::vector<float> out(static_cast<size_t>(element_count(shape)));
  Ints at(shape.size(), 0);
  for (float& result : out) {
    double operand[2] = {0, 0};
    for (size_t k = 0; k < values.size(); ++k) {
      int64_t index = 0;
      for (size_t a = 0; a < shape.size(); ++a) index += at[a] * strides[k][a];
      operand[k] = values[k][static_cast<size_t>(index)];
    }
    const double x = operand[0], y = operand[1];
    result = static_cast<float>(op == "Add"          ? x + y
                                : op == "Sub"        ? x - y
                                : op == "Mul"        ? x * y
                                : op == "Div"        ? x / y
                                : op == "Pow"        ? std::pow(x, y)
                                : op == "Neg"        ? -x
                                : op == "Exp"        ? std::exp(x)
                                : op == "Reciprocal" ? 1 / x
                                                     : std::sqrt(x));
    for (size_t a = shape.size(); a-- > 0 && ++at[a] == shape[a];) at[a] = 0;
  }
  return Array::floats(shape, out);
}

/// What a node computes from constants alone, where that is cheap to know.
std::optional<Array> constant_result(const Model& model, const Node& node, const Shape& shape) {
  std::vector<const Array*> inputs;
  for (const std::string& input : node.inputs) {
    inputs.push_back(model.constant(input));
    if (!inputs.back()) return std::nullopt;
  }
  if (inputs.empty()) return std::nullopt;
  const std::string& op = node.op;
  if (op == "Reshape" || op == "Flatten" || op == "Squeeze" || op == "Unsqueeze" || op == "Identity")
    return Array{inputs[0]->type, shape, inputs[0]->bytes};
  if (op == "Transpose" || op == "Slice" || op == "Expand") return moved(model, node, *inputs[0], shape);
  if (op == "Concat")
    return joined(inputs, shape, static_cast<size_t>(front_axis(node.attribute("axis", int64_t{1}), shape.size())));
  if (op == "Cast" && node.attribute("to", int64_t{0}) == static_cast<int64_t>(Type::f32) &&
      (inputs[0]->type == Type::f16 || inputs[0]->type == Type::f64 || inputs[0]->type == Type::f32))
    return Array::floats(shape, inputs[0]->to_floats());
  const bool binary = op == "Add" || op == "Sub" || op == "Mul" || op == "Div" || op == "Pow";
  const bool unary = op == "Neg" || op == "Exp" || op == "Reciprocal" || op == "Sqrt";
  if ((binary && inputs.size() == 2) || (unary && inputs.size() == 1)) return calculated(node, inputs, shape);
  return std::nullopt;
}

Array array_of(const KnownValues& known, const Shape& shape) {
  if (known.type == Type::f32 || known.type == Type::f64 || known.type == Type::f16) {
    std::vector<float> values;
    for (const Size& s : known.values) values.push_back(static_cast<float>(s.factor));
    return Array::floats(shape, values);
  }
  std::string bytes;
  for (const Size& s : known.values) {
    const int64_t v = static_cast<int64_t>(s.factor);  // little-endian: narrower types are its first bytes
    bytes.append(reinterpret_cast<const char*>(&v), width_of(known.type));
  }
  return {known.type, shape, std::make_shared<const std::string>(std::move(bytes))};
}

/// The target of a Reshape whose axes are known but for the batch: 0 copies the batch.
void fix_reshape(Model& model, Node& node, const Facts& facts) {
  const auto in = facts.shapes.find(node.inputs.at(0)), out = facts.shapes.find(node.outputs.at(0));
  if (in == facts.shapes.end() || out == facts.shapes.end()) return;
  const Array* given = model.constant(node.inputs.at(1));
  const bool free_batch = !out->second.empty() && out->second[0] == -1;
  if (given && !(free_batch && given->to_ints().at(0) > 0)) return;
  Shape target = out->second;
  if (free_batch) target[0] = 0;
  const std::string name = node.outputs[0] + "/shape";
  model.initializers[name] = Array::ints({static_cast<int64_t>(target.size())}, target);
  node.inputs[1] = name;
  node.attributes.erase("allowzero");
}

/// The target of an Expand that repeats no batch: 1 keeps the batch.
void fix_expand(Model& model, Node& node, const Facts& facts) {
  const auto in = facts.shapes.find(node.inputs.at(0)), out = facts.shapes.find(node.outputs.at(0));
  if (in == facts.shapes.end() || out == facts.shapes.end() || model.constant(node.inputs.at(1))) return;
  Shape target = out->second;
  const bool free_batch = !target.empty() && target[0] == -1;
  if (free_batch && (in->second.size() != target.size() || in->second[0] != -1))
    return;  // the batch is repeated: it stays computed
  if (free_batch) target[0] = 1;
  const std::string name = node.outputs[0] + "/shape";
  model.initializers[name] = Array::ints({static_cast<int64_t>(target.size())}, target);
  node.inputs[1] = name;
}

/// A Resize by scales of all axes, whatever it had: sizes hold the batch, and fewer axes are a newer form.
void fix_resize(Model& model, Node& node, const Facts& facts) {
  const auto in = facts.shapes.find(node.inputs.at(0)), out = facts.shapes.find(node.outputs.at(0));
  if (in == facts.shapes.end() || out == facts.shapes.end()) return;
  if (node.has_input(2) && model.constant(node.inputs[2]) && !node.attributes.count("axes")) return;
  if (node.attribute("coordinate_transformation_mode", std::string()) == "tf_crop_and_resize") return;
  const size_t source = node.has_input(3) ? 3 : 2;
  const auto given = facts.values.find(node.inputs.at(source));
  const Ints axes = node.attribute("axes", Ints{});
  std::vector<float> scales;
  for (size_t a = 0; a < in->second.size(); ++a) {
    const int64_t from = in->second[a], to = out->second[a];
    float scale = static_cast<float>(to) / static_cast<float>(from);
    // ONNX Runtime cuts the product of size and scale off, in single or double precision.
    while (static_cast<int64_t>(static_cast<double>(from) * static_cast<double>(scale)) < to)
      scale = std::nextafter(scale, INFINITY);
    if (from == to) scale = 1;
    if (source == 2)  // a scale need not be the quotient of the sizes
      for (size_t i = 0; i < given->second.values.size(); ++i)
        if (axes.empty() ? i == a : front_axis(axes.at(i), in->second.size()) == static_cast<int64_t>(a))
          scale = static_cast<float>(given->second.values[i].factor);
    scales.push_back(scale);
  }
  const std::string name = node.outputs[0] + "/scales";
  model.initializers[name] = Array::floats({static_cast<int64_t>(scales.size())}, scales);
  node.inputs = {node.inputs[0], "", name};
  node.attributes.erase("axes");
}

/// One round over the nodes; whether it made a constant.
bool fold_once(Model& model) {
  const Facts facts = infer_facts(model, model.inputs.at(0).shape());
  std::vector<Node> kept;
  bool changed = false;
  for (Node& node : model.nodes) {
    const std::string& output = node.outputs.at(0);
    const auto shape = facts.shapes.find(output);
    const bool foldable =
        node.domain.empty() && node.outputs.size() == 1 && shape != facts.shapes.end() && !is_output(model, output);
    const auto known = facts.values.find(output);
    std::optional<Array> result;
    if (foldable && known != facts.values.end() && known->second.constant())
      result = array_of(known->second, shape->second);
    else if (foldable)
      result = constant_result(model, node, shape->second);
    if (result) {
      model.initializers[output] = std::move(*result);
      changed = true;
      continue;
    }
    if (node.op == "Reshape") fix_reshape(model, node, facts);
    if (node.op == "Expand") fix_expand(model, node, facts);
    if (node.op == "Resize") fix_resize(model, node, facts);
    kept.push_back(std::move(node));
  }
  model.nodes = std::move(kept);
  return changed;
}

}  // namespace

void fold_constants(Model& model) {
  if (model.inputs.empty()) return;
  while (fold_once(model)) {
  }
  remove_unused(model);
}

}  // namespace ks::graph

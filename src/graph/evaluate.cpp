#include <algorithm>
#include <cmath>

#include "graph/inference.h"

// Values of scalars and lists that exporters compute shapes from: Shape, Gather, Concat and integer arithmetic. Sizes
// that depend on the batch are followed as multiples of it.
namespace ks::graph {

namespace {

using Values = std::vector<Size>;

bool is_real(Type type) {
  return type == Type::f32 || type == Type::f64 || type == Type::f16;
}

/// One element of a binary op; false where the result is neither a number nor a multiple of the batch size.
bool combine(const std::string& op, const Size& a, const Size& b, bool real, Size& out) {
  if (op == "Mul") {
    out = {a.factor * b.factor, a.batch || b.batch};
    return !(a.batch && b.batch);
  }
  if (op == "Div") {
    if (b.factor == 0) return false;
    out = {a.factor / b.factor, a.batch != b.batch};
    if (!real && !out.batch) out.factor = std::trunc(out.factor);
    return a.batch == b.batch || (a.batch && (real || out.factor == std::trunc(out.factor)));
  }
  if (op == "Add" || op == "Sub") {
    const double sign = op == "Add" ? 1 : -1;
    if (a.batch != b.batch) {
      if (a.factor != 0 && b.factor != 0) return false;
      out = {a.factor + sign * b.factor, a.factor != 0 ? a.batch : b.batch};
      return true;
    }
    out = {a.factor + sign * b.factor, a.batch};
    return true;
  }
  if (op == "Equal") {
    // A batch size equals no constant that exporters compare it with: -1, which marks an axis to keep.
    if (a.batch != b.batch && std::min(a.factor, b.factor) > 0) return false;
    out = {a.batch == b.batch && a.factor == b.factor ? 1.0 : 0.0, false};
    return true;
  }
  if (a.batch || b.batch) return false;
  const double x = a.factor, y = b.factor;
  if (op == "Max")
    out = {std::max(x, y), false};
  else if (op == "Min")
    out = {std::min(x, y), false};
  else if (op == "Pow")
    out = {std::pow(x, y), false};
  else if (op == "Greater")
    out = {x > y ? 1.0 : 0.0, false};
  else if (op == "Less")
    out = {x < y ? 1.0 : 0.0, false};
  else if (op == "Mod" && !real && y != 0)
    out = {x - y * std::floor(x / y), false};
  else
    return false;
  return true;
}

bool apply(const std::string& op, const Size& a, Size& out) {
  if (op == "Neg") {
    out = {-a.factor, a.batch};
    return true;
  }
  if (op == "Floor" || op == "Ceil" || op == "Round") {
    out = a;
    if (a.factor == std::trunc(a.factor)) return true;
    if (a.batch) return false;
    out.factor = op == "Floor" ? std::floor(a.factor) : op == "Ceil" ? std::ceil(a.factor) : std::nearbyint(a.factor);
    return true;
  }
  if (op == "Sqrt" && !a.batch) {
    out = {std::sqrt(a.factor), false};
    return true;
  }
  return false;
}

bool is_copy(const std::string& op) {
  return op == "Identity" || op == "Unsqueeze" || op == "Squeeze" || op == "Reshape" || op == "Flatten";
}

/// Element i of an operand that may be one value for all.
const Size& at(const Values& v, size_t i) {
  return v[v.size() == 1 ? 0 : i];
}

bool evaluate_shape(const Inference& in, const Node& node, const Shape& shape, KnownValues& out) {
  const Shape& x = in.of(node, 0);
  const int64_t rank = static_cast<int64_t>(x.size());
  const int64_t start = std::clamp<int64_t>(front_axis(node.attribute("start", int64_t{0}), x.size()), 0, rank);
  out.type = Type::i64;
  for (int64_t i = 0; i < shape[0]; ++i) {
    const int64_t size = x[static_cast<size_t>(start + i)];
    out.values.push_back(size == -1 ? Size{1, true} : Size{static_cast<double>(size), false});
  }
  return true;
}

bool evaluate_cast(const Node& node, const KnownValues& x, KnownValues& out) {
  out = x;
  out.type = static_cast<Type>(node.attribute("to", int64_t{0}));
  for (Size& s : out.values) {
    if (is_real(out.type)) continue;
    if (s.batch && s.factor != std::trunc(s.factor)) return false;
    s.factor = out.type == Type::boolean ? (s.factor != 0 ? 1 : 0) : std::trunc(s.factor);
    if (out.type == Type::boolean && s.batch) return false;
  }
  return is_real(out.type) || out.type == Type::i64 || out.type == Type::i32 || out.type == Type::boolean;
}

bool evaluate_list(const Inference& in, const Node& node, KnownValues& out) {
  if (node.op == "Gather") {
    const KnownValues *x = in.known(node, 0), *indices = in.known(node, 1);
    if (!x || !indices || in.of(node, 0).size() != 1) return false;
    out.type = x->type;
    for (const Size& index : indices->values) {
      const int64_t i = front_axis(static_cast<int64_t>(index.factor), x->values.size());
      if (index.batch || i < 0 || i >= static_cast<int64_t>(x->values.size())) return false;
      out.values.push_back(x->values[static_cast<size_t>(i)]);
    }
    return true;
  }
  if (node.op == "Concat") {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const KnownValues* x = in.known(node, i);
      if (!x) return false;
      out.type = x->type;
      out.values.insert(out.values.end(), x->values.begin(), x->values.end());
    }
    return true;
  }
  const KnownValues* x = in.known(node, 0);
  if (!x) return false;
  out.type = x->type;
  if (node.op == "Slice") {
    for (const SliceRange& r : slice_of(in.model, node, in.of(node, 0), in.where))
      for (int64_t k = 0; k < r.count; ++k) out.values.push_back(x->values[static_cast<size_t>(r.start + k * r.step)]);
    return in.of(node, 0).size() == 1;
  }
  if (node.op == "ReduceProd" || node.op == "ReduceSum") {
    Size total{node.op == "ReduceProd" ? 1.0 : 0.0, false};
    for (const Size& s : x->values)
      if (!combine(node.op == "ReduceProd" ? "Mul" : "Add", Size(total), s, is_real(x->type), total)) return false;
    out.values = {total};
    return true;
  }
  return false;
}

bool evaluate_elementwise(const Inference& in, const Node& node, size_t count, KnownValues& out) {
  const KnownValues* x = in.known(node, 0);
  if (!x) return false;
  out.type = x->type;
  if (node.inputs.size() == 1) {
    for (const Size& s : x->values) {
      Size result;
      if (!apply(node.op, s, result)) return false;
      out.values.push_back(result);
    }
    return true;
  }
  const KnownValues* y = in.known(node, 1);
  if (!y) return false;
  if (node.op == "Where") {
    const KnownValues* z = in.known(node, 2);
    if (!z || !x->constant()) return false;
    out.type = y->type;
    for (size_t i = 0; i < count; ++i)
      out.values.push_back(at(x->values, i).factor != 0 ? at(y->values, i) : at(z->values, i));
    return true;
  }
  if (node.inputs.size() != 2) return false;
  for (size_t i = 0; i < count; ++i) {
    Size result;
    if (!combine(node.op, at(x->values, i), at(y->values, i), is_real(x->type), result)) return false;
    out.values.push_back(result);
  }
  if (node.op == "Equal" || node.op == "Greater" || node.op == "Less") out.type = Type::boolean;
  return true;
}

}  // namespace

bool evaluate(const Inference& in, const Node& node, const Shape& shape, KnownValues& out) {
  if (node.op == "Shape") return evaluate_shape(in, node, shape, out);
  const size_t count = static_cast<size_t>(element_count(shape));
  const KnownValues* x = in.known(node, 0);
  if (node.op == "Cast") return x && evaluate_cast(node, *x, out);
  if (is_copy(node.op)) {
    if (x) out = *x;
    return x != nullptr;
  }
  if (node.op == "ConstantOfShape") {
    const auto it = node.attributes.find("value");
    const Array* value = it == node.attributes.end() ? nullptr : std::get_if<Array>(&it->second);
    out.type = value ? value->type : Type::f32;
    const double v = !value                 ? 0
                     : is_real(value->type) ? value->to_floats().at(0)
                                            : static_cast<double>(value->to_ints().at(0));
    out.values.assign(count, {v, false});
    return true;
  }
  if (node.op == "Expand") {
    if (x && x->values.size() == 1) out = {x->type, Values(count, x->values[0])};
    return x && x->values.size() == 1;
  }
  if (evaluate_list(in, node, out)) return out.values.size() == count;
  out = {};
  return evaluate_elementwise(in, node, count, out) && out.values.size() == count;
}

}  // namespace ks::graph

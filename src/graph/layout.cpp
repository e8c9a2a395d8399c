#include <algorithm>
#include <cmath>
#include <set>

#include "graph/inference.h"
#include "tensor/error.h"

// Shapes of the ops that move, repeat or leave out elements.
namespace ks::graph {

namespace {

using Outputs = std::vector<Shape>;
using Ints = std::vector<int64_t>;

/// The attribute `axis`, counted from the front and checked.
size_t axis_of(const Inference& in, const Node& node, int64_t fallback, size_t rank) {
  const int64_t axis = front_axis(node.attribute("axis", fallback), rank);
  if (axis < 0 || axis >= static_cast<int64_t>(rank)) in.fail(node, "names an axis its input does not have");
  return static_cast<size_t>(axis);
}

Outputs shape_of(const Inference& in, const Node& node) {
  const int64_t rank = static_cast<int64_t>(in.of(node, 0).size());
  const auto clamped = [&](const char* key, int64_t fallback) {
    return std::clamp<int64_t>(front_axis(node.attribute(key, fallback), static_cast<size_t>(rank)), 0, rank);
  };
  return {{std::max<int64_t>(0, clamped("end", rank) - clamped("start", 0))}};
}

Outputs flatten(const Inference& in, const Node& node) {
  const Shape& x = in.of(node, 0);
  const int64_t axis = front_axis(node.attribute("axis", int64_t{1}), x.size());
  if (axis < 0 || axis > static_cast<int64_t>(x.size())) in.fail(node, "names an axis its input does not have");
  const int64_t rows = element_count(Shape(x.begin(), x.begin() + axis)),
                columns = element_count(Shape(x.begin() + axis, x.end()));
  in.keep_batch(node, rows >= -1 && columns >= 0);
  return {{rows, columns}};
}

Outputs reshape(const Inference& in, const Node& node) {
  const Shape& x = in.of(node, 0);
  const KnownValues* target = in.known(node, 1);
  if (!target) in.fail(node, "has a target shape that is computed, not constant");
  const bool free_batch = !x.empty() && x[0] == -1, zero_is_zero = node.attribute("allowzero", int64_t{0}) != 0;
  const int64_t elements =
      element_count(Shape(x.begin() + (free_batch ? 1 : 0), x.end()));  // per sample where the batch is free
  Shape out;
  bool has_batch = false;
  int64_t unknown = -1, known = 1;
  for (size_t a = 0; a < target->values.size(); ++a) {
    const Size& wanted = target->values[a];
    int64_t size = static_cast<int64_t>(wanted.factor);
    bool batch = wanted.batch;
    if (!batch && size == 0 && !zero_is_zero) {
      if (a >= x.size()) in.fail(node, "copies an axis its input does not have");
      batch = x[a] == -1;
      size = batch ? 1 : x[a];
    }
    if (batch) {
      in.keep_batch(node, a == 0 && size == 1 && free_batch);
      has_batch = true;
    } else if (size == -1) {
      if (unknown >= 0) in.fail(node, "leaves two axes open");
      unknown = static_cast<int64_t>(a);
    } else {
      known *= size;
    }
    out.push_back(batch ? -1 : size);
  }
  if (free_batch && !has_batch) {
    if (unknown == 0 && known == elements) return {out};  // -1 stands for the batch
    // An export for a batch of one, or another fixed size, wrote it into the target: it stays free.
    const int64_t rest = !out.empty() && out[0] > 0 ? known / out[0] : 0;
    in.keep_batch(node, rest > 0 && unknown != 0 && (unknown < 0 ? rest == elements : out[0] == 1));
    out[0] = -1;
    known = rest;
  }
  if (unknown > 0 || (unknown == 0 && !free_batch)) {
    if (known <= 0 || elements % known) in.fail(node, "has a target shape that does not fit its input");
    out[static_cast<size_t>(unknown)] = elements / known;
  } else if (known != elements) {
    in.fail(node, "has a target shape that does not fit its input");
  }
  return {out};
}

Outputs transpose(const Inference& in, const Node& node) {
  const Shape& x = in.of(node, 0);
  Ints order = node.attribute("perm", Ints{});
  if (order.empty())
    for (size_t a = x.size(); a-- > 0;) order.push_back(static_cast<int64_t>(a));
  if (order.size() != x.size()) in.fail(node, "permutes axes its input does not have");
  Shape out;
  for (int64_t a : order) out.push_back(x.at(static_cast<size_t>(a)));
  for (size_t a = 1; a < out.size(); ++a) in.keep_batch(node, out[a] != -1);
  return {out};
}

Outputs squeeze(const Inference& in, const Node& node) {
  const Shape& x = in.of(node, 0);
  const Ints axes = axes_of(in.model, node, x.size(), in.where);
  Shape out;
  for (size_t a = 0; a < x.size(); ++a) {
    const bool named = std::count(axes.begin(), axes.end(), static_cast<int64_t>(a)) > 0;
    if (named && x[a] != 1) in.fail(node, "removes an axis whose size is not 1");
    if (!(axes.empty() ? x[a] == 1 : named)) out.push_back(x[a]);
  }
  for (size_t a = 1; a < out.size(); ++a) in.keep_batch(node, out[a] != -1);
  return {out};
}

Outputs unsqueeze(const Inference& in, const Node& node) {
  const Shape& x = in.of(node, 0);
  const size_t added =
      node.has_input(1) ? in.integers(node, 1, "a list of axes").size() : node.attribute("axes", Ints{}).size();
  const Ints axes = axes_of(in.model, node, x.size() + added, in.where);
  Shape out;
  for (size_t a = 0, next = 0; a < x.size() + added; ++a) {
    const bool fresh = std::count(axes.begin(), axes.end(), static_cast<int64_t>(a)) > 0;
    if (!fresh && next >= x.size()) in.fail(node, "names an axis twice");
    out.push_back(fresh ? 1 : x[next++]);
    if (a > 0) in.keep_batch(node, out[a] != -1);
  }
  return {out};
}

Outputs concat(const Inference& in, const Node& node) {
  Shape out = in.of(node, 0);
  const size_t axis = axis_of(in, node, 1, out.size());
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const Shape& part = in.of(node, i);
    if (part.size() != out.size()) in.fail(node, "joins inputs of different rank");
    in.keep_batch(node, part[axis] != -1);
    for (size_t a = 0; a < out.size(); ++a)
      if (a != axis && part[a] != out[a]) in.fail(node, "joins inputs that differ in another axis");
    if (i > 0) out[axis] += part[axis];
  }
  return {out};
}

Outputs split(const Inference& in, const Node& node) {
  const Shape& x = in.of(node, 0);
  const size_t axis = axis_of(in, node, 0, x.size());
  in.keep_batch(node, x[axis] != -1);
  const int64_t parts = static_cast<int64_t>(node.outputs.size()), each = (x[axis] + parts - 1) / parts;
  Ints sizes = node.has_input(1) ? in.integers(node, 1, "a list of sizes") : node.attribute("split", Ints{});
  if (sizes.empty())
    for (int64_t i = 0; i < parts; ++i) sizes.push_back(std::min(each, x[axis] - i * each));
  int64_t sum = 0;
  for (int64_t s : sizes) sum += s;
  if (sizes.size() != node.outputs.size() || sum != x[axis]) in.fail(node, "has parts that do not add up to its input");
  Outputs out(sizes.size(), x);
  for (size_t i = 0; i < sizes.size(); ++i) out[i][axis] = sizes[i];
  return out;
}

Outputs slice(const Inference& in, const Node& node) {
  const Shape& x = in.of(node, 0);
  Shape out;
  for (const SliceRange& range : slice_of(in.model, node, x, in.where)) out.push_back(range.count);
  if (!x.empty() && x[0] == -1) out[0] = -1;
  return {out};
}

Outputs gather(const Inference& in, const Node& node) {
  const Shape &x = in.of(node, 0), &indices = in.of(node, 1);
  const size_t axis = axis_of(in, node, 0, x.size());
  in.keep_batch(node, x[axis] != -1);
  Shape out(x.begin(), x.begin() + static_cast<int64_t>(axis));
  out.insert(out.end(), indices.begin(), indices.end());
  out.insert(out.end(), x.begin() + static_cast<int64_t>(axis) + 1, x.end());
  for (size_t a = 1; a < out.size(); ++a) in.keep_batch(node, out[a] != -1);
  return {out};
}

Outputs pad(const Inference& in, const Node& node) {
  Shape out = in.of(node, 0);
  const Ints pads = pads_of(in.model, node, out.size(), in.where);
  for (size_t a = 0; a < out.size(); ++a) {
    const int64_t more = pads[a] + pads[a + out.size()];
    in.keep_batch(node, out[a] != -1 || (pads[a] == 0 && pads[a + out.size()] == 0));
    if (out[a] != -1 && (out[a] += more) < 1) in.fail(node, "cuts away its whole input");
  }
  return {out};
}

/// A shape given by values: the batch may only come first.
Shape given_shape(const Inference& in, const Node& node, size_t i) {
  const KnownValues* target = in.known(node, i);
  if (!target) in.fail(node, "has a target shape that is computed, not constant");
  Shape out;
  for (const Size& s : target->values) {
    in.keep_batch(node, !s.batch || (out.empty() && s.factor == 1));
    out.push_back(s.batch ? -1 : static_cast<int64_t>(s.factor));
  }
  return out;
}

Outputs expand(const Inference& in, const Node& node) {
  return {broadcast(in, node, in.of(node, 0), given_shape(in, node, 1))};
}

Outputs constant_of_shape(const Inference& in, const Node& node) {
  return {given_shape(in, node, 0)};
}

Outputs tile(const Inference& in, const Node& node) {
  Shape out = in.of(node, 0);
  const Ints repeats = in.integers(node, 1, "a list of repeats");
  if (repeats.size() != out.size()) in.fail(node, "repeats axes its input does not have");
  for (size_t a = 0; a < out.size(); ++a) {
    in.keep_batch(node, out[a] != -1 || repeats[a] == 1);
    if (out[a] != -1) out[a] *= repeats[a];
  }
  return {out};
}

Outputs resize(const Inference& in, const Node& node) {
  Shape out = in.of(node, 0);
  Ints axes = node.attribute("axes", Ints{});
  if (axes.empty())
    for (size_t a = 0; a < out.size(); ++a) axes.push_back(static_cast<int64_t>(a));
  const bool by_size = node.has_input(3);
  const KnownValues* given = in.known(node, by_size ? 3 : 2);
  if (!given) in.fail(node, "has a target size that is computed, not constant");
  if (given->values.size() != axes.size()) in.fail(node, "resizes axes its input does not have");
  if (node.attribute("keep_aspect_ratio_policy", std::string("stretch")) != "stretch")
    in.fail(node, "keeps the aspect ratio, which is not supported");
  for (size_t i = 0; i < axes.size(); ++i) {
    const size_t axis = static_cast<size_t>(front_axis(axes[i], out.size()));
    const Size& s = given->values[i];
    if (out.at(axis) == -1 || s.batch) {
      // A fixed size of the batch is that of an export for one image.
      in.keep_batch(node, out[axis] == -1 && s.factor == 1);
    } else {
      out[axis] = by_size
                      ? static_cast<int64_t>(s.factor)
                      : static_cast<int64_t>(std::floor(static_cast<float>(out[axis]) * static_cast<float>(s.factor)));
      if (out[axis] < 1) in.fail(node, "leaves nothing of its input");
    }
  }
  return {out};
}

}  // namespace

ShapeRule layout_rule(const std::string& op) {
  static const std::map<std::string, ShapeRule> table = {
      {"Shape", shape_of},      {"Flatten", flatten}, {"Reshape", reshape},
      {"Transpose", transpose}, {"Squeeze", squeeze}, {"Unsqueeze", unsqueeze},
      {"Concat", concat},       {"Split", split},     {"Slice", slice},
      {"Gather", gather},       {"Pad", pad},         {"Expand", expand},
      {"Tile", tile},           {"Resize", resize},   {"ConstantOfShape", constant_of_shape}};
  const auto it = table.find(op);
  return it == table.end() ? nullptr : it->second;
}

std::vector<SliceRange> slice_of(const Model& model, const Node& node, const Shape& input, const std::string& where) {
  const auto fail = [&](const std::string& why) { throw Error("node '" + node.name + "' (Slice) " + why, where); };
  const auto list = [&](size_t i) {
    const Array* given = model.constant(node.inputs[i]);
    if (!given) fail("has a range that is computed, not constant");
    return given->to_ints();
  };
  if (!node.has_input(1) || !node.has_input(2)) fail("lacks its range");
  const Ints starts = list(1), ends = list(2);
  Ints axes = node.has_input(3) ? list(3) : Ints{}, steps = node.has_input(4) ? list(4) : Ints(starts.size(), 1);
  if (axes.empty())
    for (size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    fail("has lists of different lengths");
  std::vector<SliceRange> out;
  for (int64_t size : input) out.push_back({0, 1, size});
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t axis = front_axis(axes[i], input.size());
    if (axis < 0 || axis >= static_cast<int64_t>(input.size()) || steps[i] == 0)
      fail("has a range that makes no sense");
    const int64_t size = input[static_cast<size_t>(axis)];
    if (size == -1) {  // all of the batch, or nothing that could be said of it
      if (starts[i] != 0 || ends[i] < (int64_t{1} << 30) || steps[i] != 1)
        fail("does not keep the batch in its first axis");
      continue;
    }
    SliceRange& range = out[static_cast<size_t>(axis)];
    const bool forward = steps[i] > 0;
    const auto clamped = [&](int64_t v) {
      if (v < 0) v = v < -size ? -1 - size : v;  // no overflow for the smallest integers
      return std::clamp<int64_t>(v < 0 ? v + size : v, forward ? 0 : -1, forward ? size : size - 1);
    };
    range.start = clamped(starts[i]);
    range.step = steps[i];
    const int64_t span = forward ? clamped(ends[i]) - range.start : range.start - clamped(ends[i]);
    const int64_t stride = forward ? steps[i] : -steps[i];
    range.count = span > 0 ? (span + stride - 1) / stride : 0;
    if (range.count == 0) fail("takes nothing of its input");
  }
  return out;
}

std::vector<int64_t> pads_of(const Model& model, const Node& node, size_t rank, const std::string& where) {
  const auto fail = [&](const std::string& why) { throw Error("node '" + node.name + "' (Pad) " + why, where); };
  const auto list = [&](size_t i) {
    const Array* given = model.constant(node.inputs[i]);
    if (!given) fail("has pads that are computed, not constant");
    return given->to_ints();
  };
  if (!node.has_input(1)) fail("lacks its pads");
  const Ints given = list(1), axes = node.has_input(3) ? list(3) : Ints{};
  const size_t named = node.has_input(3) ? axes.size() : rank;
  if (given.size() != 2 * named) fail("has pads that do not fit its input");
  if (!node.has_input(3)) return given;
  Ints out(2 * rank, 0);
  for (size_t i = 0; i < named; ++i) {
    const int64_t axis = front_axis(axes[i], rank);
    if (axis < 0 || axis >= static_cast<int64_t>(rank)) fail("names an axis its input does not have");
    out[static_cast<size_t>(axis)] = given[i];
    out[static_cast<size_t>(axis) + rank] = given[i + named];
  }
  return out;
}

}  // namespace ks::graph

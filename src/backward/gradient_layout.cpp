#include <algorithm>

#include "backward/gradient.h"
#include "backward/interpolation.h"

// Ops that move, repeat, leave out or interpolate elements: each is linear, and its gradient is the transpose of that
// map.
namespace ks::backward {

namespace {

using graph::Node;
using Ints = std::vector<int64_t>;

void reshape(Pass& pass, const Node& node, const std::string& g) {
  pass.send(node.inputs[0], pass.add("Reshape", {g, pass.reshape_target(node.inputs[0])}));
}

void transpose(Pass& pass, const Node& node, const std::string& g) {
  const size_t rank = pass.shape(node.inputs[0]).size();
  Ints order = node.attribute("perm", Ints{}), inverse(rank);
  if (order.empty())
    for (size_t a = rank; a-- > 0;) order.push_back(static_cast<int64_t>(a));
  for (size_t a = 0; a < rank; ++a) inverse[static_cast<size_t>(order[a])] = static_cast<int64_t>(a);
  pass.send(node.inputs[0], pass.add("Transpose", {g}, {{"perm", inverse}}));
}

void expand(Pass& pass, const Node& node, const std::string& g) {
  pass.send(node.inputs[0], unbroadcast(pass, g, pass.shape(node.outputs[0]), node.inputs[0]));
}

/// g with zeros around it along one axis.
std::string padded(Pass& pass, const std::string& g, size_t rank, size_t axis, int64_t before, int64_t after) {
  if (before == 0 && after == 0) return g;
  Ints pads(2 * rank, 0);
  pads[axis] = before;
  pads[axis + rank] = after;
  return pass.add("Pad", {g, pass.builder().ints(pads)});
}

void concat(Pass& pass, const Node& node, const std::string& g) {
  const int64_t axis = graph::front_axis(node.attribute("axis", int64_t{1}), pass.shape(node.outputs[0]).size());
  int64_t begin = 0;
  for (const std::string& input : node.inputs) {
    const int64_t size = pass.shape(input).at(static_cast<size_t>(axis));
    if (pass.wants(input))
      pass.send(input, pass.add("Slice", {g, pass.builder().ints({begin}), pass.builder().ints({begin + size}),
                                          pass.builder().ints({axis})}));
    begin += size;
  }
}

void split(Pass& pass, const Node& node, const std::string&) {
  const Shape& in = pass.shape(node.inputs[0]);
  const size_t axis = static_cast<size_t>(graph::front_axis(node.attribute("axis", int64_t{0}), in.size()));
  std::vector<std::string> parts;
  for (const std::string& output : node.outputs) parts.push_back(pass.arrived(output));
  if (std::none_of(parts.begin(), parts.end(), [](const std::string& p) { return p.empty(); }))
    return pass.send(node.inputs[0], pass.add("Concat", parts, {{"axis", static_cast<int64_t>(axis)}}));
  int64_t begin = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const int64_t size = pass.shape(node.outputs[i])[axis];
    if (!parts[i].empty())
      pass.send(node.inputs[0], padded(pass, parts[i], in.size(), axis, begin, in[axis] - begin - size));
    begin += size;
  }
}

/// The gradient of taking `indices` of an axis: [to, from] with a one wherever position `to` went to place `from`.
Tensor scatter_matrix(int64_t size, const Ints& indices) {
  Tensor matrix({size, static_cast<int64_t>(indices.size())});
  for (size_t k = 0; k < indices.size(); ++k) matrix.data[static_cast<size_t>(indices[k]) * indices.size() + k] = 1;
  return matrix;
}

/// Puts g, of the given shape, back to where `indices` took it from; `shape` becomes that of the result.
std::string put_back(Pass& pass, const std::string& g, Shape& shape, size_t axis, int64_t size, const Ints& indices) {
  bool run = true;
  for (size_t k = 1; k < indices.size(); ++k) run = run && indices[k] == indices[k - 1] + 1;
  const std::string result = run ? padded(pass, g, shape.size(), axis, indices.front(), size - 1 - indices.back())
                                 : along_axis(pass, g, shape, axis, scatter_matrix(size, indices));
  shape[axis] = size;
  return result;
}

void slice(Pass& pass, const Node& node, const std::string& g) {
  const Shape& in = pass.shape(node.inputs[0]);
  const auto ranges = graph::slice_of(pass.forward(), node, in, pass.where());
  Shape shape = pass.shape(node.outputs[0]);
  std::string result = g;
  for (size_t a = 0; a < in.size(); ++a) {
    if (in[a] == -1) continue;
    Ints indices;
    for (int64_t k = 0; k < ranges[a].count; ++k) indices.push_back(ranges[a].start + k * ranges[a].step);
    result = put_back(pass, result, shape, a, in[a], indices);
  }
  pass.send(node.inputs[0], result);
}

void gather(Pass& pass, const Node& node, const std::string& g) {
  const graph::Array* given = pass.forward().constant(node.inputs[1]);
  if (!given) refuse(pass, node, "has indices that are computed, which is not supported");
  const Shape& in = pass.shape(node.inputs[0]);
  const size_t axis = static_cast<size_t>(graph::front_axis(node.attribute("axis", int64_t{0}), in.size()));
  Ints indices = given->to_ints();
  for (int64_t& i : indices) {
    i = graph::front_axis(i, static_cast<size_t>(in[axis]));
    if (i < 0 || i >= in[axis]) refuse(pass, node, "has an index out of range");
  }
  Shape shape = in;
  shape[axis] = static_cast<int64_t>(indices.size());
  std::string rows = g;
  if (given->shape.size() != 1) {
    Shape target = shape;
    target[0] = -1;
    rows = pass.add("Reshape", {g, pass.builder().ints(target)});
  }
  pass.send(node.inputs[0], put_back(pass, rows, shape, axis, in[axis], indices));
}

/// Which element of an axis of `size` each place of the padded axis shows.
Ints padded_indices(const std::string& mode, int64_t size, int64_t before, int64_t after) {
  Ints out;
  for (int64_t i = -before; i < size + after; ++i) {
    int64_t at = std::clamp<int64_t>(i, 0, size - 1);
    if (mode == "reflect" && size > 1) {
      const int64_t period = 2 * (size - 1);
      at = ((i % period) + period) % period;
      if (at >= size) at = period - at;
    }
    out.push_back(at);
  }
  return out;
}

void pad(Pass& pass, const Node& node, const std::string& g) {
  const Shape& in = pass.shape(node.inputs[0]);
  const std::string mode = node.attribute("mode", std::string("constant"));
  const Ints pads = graph::pads_of(pass.forward(), node, in.size(), pass.where());
  if (mode != "constant" && mode != "reflect" && mode != "edge")
    refuse(pass, node, "pads in mode " + mode + ", which is not supported");
  graph::Builder& b = pass.builder();
  Shape shape = pass.shape(node.outputs[0]);
  std::string result = g;
  for (size_t a = 0; a < in.size(); ++a) {
    const int64_t before = pads[a], after = pads[a + in.size()];
    if (before == 0 && after == 0) continue;
    if (mode != "constant") {
      if (before < 0 || after < 0) refuse(pass, node, "cuts and repeats at once, which is not supported");
      result = along_axis(pass, result, shape, a, scatter_matrix(in[a], padded_indices(mode, in[a], before, after)));
    } else {
      const int64_t begin = std::max<int64_t>(0, before), end = shape[a] - std::max<int64_t>(0, after);
      result = pass.add("Slice", {result, b.ints({begin}), b.ints({end}), b.ints({static_cast<int64_t>(a)})});
      result = padded(pass, result, in.size(), a, std::max<int64_t>(0, -before), std::max<int64_t>(0, -after));
    }
    shape[a] = in[a];
  }
  pass.send(node.inputs[0], result);
}

void tile(Pass& pass, const Node& node, const std::string& g) {
  const Shape& in = pass.shape(node.inputs[0]);
  Shape shape = pass.shape(node.outputs[0]);
  std::string result = g;
  for (size_t a = 1; a < in.size(); ++a) {
    if (shape[a] == in[a]) continue;
    Ints indices;
    for (int64_t i = 0; i < shape[a]; ++i) indices.push_back(i % in[a]);
    result = along_axis(pass, result, shape, a, scatter_matrix(in[a], indices));
    shape[a] = in[a];
  }
  pass.send(node.inputs[0], result);
}

void resize(Pass& pass, const Node& node, const std::string& g) {
  const Shape& in = pass.shape(node.inputs[0]);
  Shape shape = pass.shape(node.outputs[0]);
  std::string result = g;
  for (size_t a = 1; a < in.size(); ++a) {
    const Tensor weights = interpolation_weights(pass, node, a);
    if (weights.empty()) continue;
    Tensor transposed({in[a], shape[a]});
    for (int64_t o = 0; o < shape[a]; ++o)
      for (int64_t i = 0; i < in[a]; ++i)
        transposed.data[static_cast<size_t>(i * shape[a] + o)] = weights.data[static_cast<size_t>(o * in[a] + i)];
    result = along_axis(pass, result, shape, a, transposed);
    shape[a] = in[a];
  }
  pass.send(node.inputs[0], result);
}

}  // namespace

GradientRules layout_gradients() {
  return {{"Flatten", reshape},     {"Reshape", reshape}, {"Squeeze", reshape}, {"Unsqueeze", reshape},
          {"Transpose", transpose}, {"Expand", expand},   {"Concat", concat},   {"Split", split},
          {"Slice", slice},         {"Gather", gather},   {"Pad", pad},         {"Tile", tile},
          {"Resize", resize}};
}

}  // namespace ks::backward

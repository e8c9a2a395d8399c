#include "graph/webgpu.h"

#include <algorithm>

#include "graph/builder.h"

namespace ks::graph {

namespace {

/// Channel i of the convolution's input becomes channel `channels[i]` of what it was; weights [outer,inner,kernel...]
/// of places that are `empty` are 0. `axis`: of the weights' input channels.
struct Widening {
  std::vector<int64_t> channels;
  std::vector<bool> empty;
  int axis = 0;
};

Array widened(const Array& weights, const Widening& w) {
  Shape shape = weights.shape;
  const int64_t outer = w.axis == 0 ? 1 : shape[0], old = shape[static_cast<size_t>(w.axis)];
  const int64_t inner = element_count(shape) / outer / old, now = static_cast<int64_t>(w.channels.size());
  shape[static_cast<size_t>(w.axis)] = now;
  const std::vector<float> from = weights.to_floats();
  std::vector<float> to(static_cast<size_t>(element_count(shape)));
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < now; ++i)
      if (!w.empty[static_cast<size_t>(i)])
        std::copy_n(from.begin() + (o * old + w.channels[static_cast<size_t>(i)]) * inner, inner,
                    to.begin() + (o * now + i) * inner);
  return Array::floats(shape, to);
}

/// How a node's input must be widened; without channels: not at all.
Widening widening_of(const Node& node, const Array& weights) {
  Widening out;
  const int64_t group = node.attribute("group", int64_t{1});
  const Shape& shape = weights.shape;
  const int64_t kernel = element_count(shape) / (shape[0] * shape[1]);
  const auto take = [&](int64_t channel, bool empty) {
    out.channels.push_back(channel);
    out.empty.push_back(empty);
  };
  if (node.op == "Conv" && group == 1 && kernel > 1 && shape[0] % 4 == 0 && shape[1] % 3 == 0 && shape[1] % 4 != 0 &&
      shape[1] > 3) {
    out.axis = 1;
    for (int64_t i = 0; i < shape[1]; ++i) take(i, false);
    while (out.channels.size() % 4 != 0) take(0, true);
  } else if (node.op == "ConvTranspose" && group > 1 && shape[1] == 1 && shape[0] / group % 2 == 0) {
    const int64_t each = shape[0] / group;
    for (int64_t g = 0; g < group; ++g)
      for (int64_t i = 0; i <= each; ++i) take(g * each + i % each, i == each);
  }
  return out;
}

}  // namespace

int avoid_webgpu_faults(Model& model) {
  int count = 0;
  Builder builder(model);
  std::vector<Node> nodes;
  nodes.swap(model.nodes);
  std::vector<Node> rewritten;
  for (Node& node : nodes) {
    if ((node.op == "Conv" || node.op == "ConvTranspose") && node.inputs.size() > 1) {
      const Array* weights = model.constant(node.inputs[1]);
      const Widening w = weights && weights->type == Type::f32 ? widening_of(node, *weights) : Widening();
      if (!w.channels.empty()) {
        ++count;
        Node gather;
        gather.op = "Gather";
        gather.inputs = {node.inputs[0], builder.ints(w.channels)};
        gather.outputs = {builder.fresh(node.outputs[0] + "/widened")};
        gather.name = gather.outputs[0];
        gather.attributes = {{"axis", int64_t{1}}};
        node.inputs[0] = gather.outputs[0];
        node.inputs[1] = builder.constant(widened(*weights, w), node.inputs[1] + "/widened");
        rewritten.push_back(std::move(gather));
      }
    }
    rewritten.push_back(std::move(node));
  }
  model.nodes = std::move(rewritten);
  return count;
}

}  // namespace ks::graph

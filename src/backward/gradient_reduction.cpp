#include "backward/gradient.h"

// Sums, means and extremes over axes.
namespace ks::backward {

namespace {

using graph::Node;

/// What a reduction runs over, and how its result looks with the reduced axes kept.
struct Reduction {
  Reduction(Pass& p, const Node& n) : pass(p), node(n), in(p.shape(n.inputs[0])), kept(in) {
    axes = graph::axes_of(p.forward(), n, in.size(), p.where());
    if (axes.empty() && !n.attribute("noop_with_empty_axes", int64_t{0}))
      for (size_t a = 0; a < in.size(); ++a) axes.push_back(static_cast<int64_t>(a));
    for (int64_t a : axes) {
      count *= in[static_cast<size_t>(a)];
      kept[static_cast<size_t>(a)] = 1;
    }
  }

  /// A tensor of the result's shape, with the reduced axes as axes of size 1.
  std::string with_axes(const std::string& tensor) const {
    if (pass.shape(node.outputs[0]).size() == in.size()) return tensor;
    Shape target = kept;
    if (target[0] != 1) target[0] = -1;
    return pass.add("Reshape", {tensor, pass.builder().ints(target)});
  }

  /// Repeats g over the reduced axes.
  std::string expanded(const std::string& g) const {
    Shape target = in;
    if (target[0] == -1) target[0] = 1;
    return pass.add("Expand", {with_axes(g), pass.builder().ints(target)});
  }

  Pass& pass;
  const Node& node;
  Shape in, kept;
  std::vector<int64_t> axes;
  int64_t count = 1;
};

void sum(Pass& pass, const Node& node, const std::string& g) {
  pass.send(node.inputs[0], Reduction(pass, node).expanded(g));
}

void reduce_mean(Pass& pass, const Node& node, const std::string& g) {
  const Reduction r(pass, node);
  pass.send(node.inputs[0],
            r.expanded(pass.add("Mul", {g, pass.builder().scalar(1.0f / static_cast<float>(r.count))})));
}

/// Largest and smallest: equal shares to all that reach it.
void reduce_extreme(Pass& pass, const Node& node, const std::string& g) {
  const Reduction r(pass, node);
  const std::string match =
      pass.add("Cast", {pass.add("Equal", {node.inputs[0], r.with_axes(node.outputs[0])})}, {{"to", int64_t{1}}});
  const std::string share = pass.add("Div", {r.with_axes(g), pass.reduce("ReduceSum", match, r.axes)});
  pass.send(node.inputs[0], pass.add("Mul", {match, share}));
}

void length(Pass& pass, const Node& node, const std::string& g) {
  const Reduction r(pass, node);
  pass.send(node.inputs[0], pass.add("Mul", {node.inputs[0], r.with_axes(pass.add("Div", {g, node.outputs[0]}))}));
}

void sum_of_squares(Pass& pass, const Node& node, const std::string& g) {
  const Reduction r(pass, node);
  pass.send(node.inputs[0],
            pass.add("Mul", {node.inputs[0], r.with_axes(pass.add("Mul", {g, pass.builder().scalar(2)}))}));
}

void sum_of_magnitudes(Pass& pass, const Node& node, const std::string& g) {
  const std::string all = Reduction(pass, node).expanded(g), zero = pass.builder().scalar(0);
  const std::string below = pass.add("Where", {pass.add("Less", {node.inputs[0], zero}), pass.add("Neg", {all}), zero});
  pass.send(node.inputs[0], where_positive(pass, node.inputs[0], all, below));
}

std::vector<int64_t> softmax_axis(const Pass& pass, const Node& node) {
  return {graph::front_axis(node.attribute("axis", int64_t{-1}), pass.shape(node.inputs[0]).size())};
}

void softmax(Pass& pass, const Node& node, const std::string& g) {
  const std::string& y = node.outputs[0];
  const std::string mean = pass.reduce("ReduceSum", pass.add("Mul", {g, y}), softmax_axis(pass, node));
  pass.send(node.inputs[0], pass.add("Mul", {y, pass.add("Sub", {g, mean})}));
}

void log_softmax(Pass& pass, const Node& node, const std::string& g) {
  const std::string total = pass.reduce("ReduceSum", g, softmax_axis(pass, node));
  pass.send(node.inputs[0], pass.add("Sub", {g, pass.add("Mul", {pass.add("Exp", {node.outputs[0]}), total})}));
}

}  // namespace

GradientRules reduction_gradients() {
  return {{"ReduceSum", sum},
          {"ReduceMean", reduce_mean},
          {"ReduceMax", reduce_extreme},
          {"ReduceMin", reduce_extreme},
          {"ReduceL1", sum_of_magnitudes},
          {"ReduceL2", length},
          {"ReduceSumSquare", sum_of_squares},
          {"Softmax", softmax},
          {"LogSoftmax", log_softmax}};
}

}  // namespace ks::backward

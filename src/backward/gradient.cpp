#include "backward/gradient.h"

#include <algorithm>
#include <limits>

#include "tensor/error.h"

// Gradients of ONNX ops, each as nodes appended to the graph. Max-pools send to the first maximum of a window in
// row-major order, and the ReLU's gradient at 0 is 0, as PyTorch has it.
namespace ks::backward {

namespace {

const GradientRules& table() {
  static const GradientRules rules = [] {
    GradientRules all;
    for (GradientRules part : {elementwise_gradients(), layout_gradients(), normalisation_gradients(),
                               pooling_gradients(), product_gradients(), reduction_gradients()})
      all.merge(part);
    return all;
  }();
  return rules;
}

}  // namespace

void refuse(const Pass& pass, const graph::Node& node, const std::string& why) {
  throw Error("node '" + node.name + "' (" + node.op + ") " + why, pass.where(),
              "methods that need no gradient still work: occlusion, lime, random");
}

std::string unbroadcast(Pass& pass, const std::string& g, const Shape& from, const std::string& operand) {
  const Shape& to = pass.shape(operand);
  if (from == to) return g;
  std::vector<int64_t> axes;
  for (size_t a = 0; a < from.size(); ++a) {
    const int64_t size = a + to.size() >= from.size() ? to[a + to.size() - from.size()] : 1;
    if (size == 1 && from[a] != 1) axes.push_back(static_cast<int64_t>(a));
  }
  std::string sum = axes.empty() ? g : pass.reduce("ReduceSum", g, axes);
  if (from.size() != to.size()) sum = pass.add("Reshape", {sum, pass.reshape_target(operand)});
  return sum;
}

std::string where_positive(Pass& pass, const std::string& where, const std::string& above,
                           const std::string& otherwise) {
  return pass.add("Where", {pass.add("Greater", {where, pass.builder().scalar(0)}), above, otherwise});
}

std::string where_active(Pass& pass, const std::string& y, const std::string& g) {
  if (pass.backend() == Backend::webgpu) return where_positive(pass, y, g, pass.builder().scalar(0));
  // On the CPU a Where makes three passes over the tensor. This is 1 from the smallest normal number on.
  const float steep = std::numeric_limits<float>::max();
  return pass.add("Mul", {g, pass.add("HardSigmoid", {y}, {{"alpha", steep}, {"beta", 0.0f}})});
}

std::string along_axis(Pass& pass, const std::string& tensor, const Shape& shape, size_t axis, const Tensor& matrix) {
  graph::Builder& b = pass.builder();
  const int64_t to = matrix.dim(0), from = matrix.dim(1);
  const int64_t inner = element_count(Shape(shape.begin() + static_cast<int64_t>(axis) + 1, shape.end()));
  Shape target = shape;
  target[0] = -1;
  target[axis] = to;
  std::string product;
  if (inner == 1) {
    product =
        pass.add("MatMul", {pass.add("Reshape", {tensor, b.ints({-1, from})}), pass.constant(transposed(matrix))});
  } else {
    product = pass.add("MatMul", {pass.constant(matrix), pass.add("Reshape", {tensor, b.ints({-1, from, inner})})});
  }
  return pass.add("Reshape", {product, b.ints(target)});
}

void gradient_rule(Pass& pass, const graph::Node& node, const std::string& incoming) {
  const auto it = table().find(node.op);
  if (it == table().end() || !node.domain.empty()) refuse(pass, node, "has no gradient here");
  if (incoming.empty() && node.op != "Split") refuse(pass, node, "has a gradient for its first output only");
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

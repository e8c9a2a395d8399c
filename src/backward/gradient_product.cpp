#include <numeric>

#include "backward/gradient.h"
#include "backward/linear.h"

// Convolutions, dense layers and products of two computed matrices.
namespace ks::backward {

namespace {

using graph::Node;

bool linear(Pass& pass, const Node& node, const std::string& g) {
  if (!is_linear_layer(pass, node)) return false;
  if (!pass.wants(node.inputs[0])) return true;
  const Linear layer(pass, node);
  pass.send(node.inputs[0], layer.transpose(g, layer.weights()));
  return true;
}

void convolution(Pass& pass, const Node& node, const std::string& g) {
  if (!linear(pass, node, g)) refuse(pass, node, "has weights or a bias that are computed, which is not supported");
}

/// A tensor with its last two axes exchanged.
std::string transposed(Pass& pass, const std::string& tensor) {
  std::vector<int64_t> order(pass.shape(tensor).size());
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return pass.add("Transpose", {tensor}, {{"perm", order}});
}

/// The shape of a product of matrices whose leading axes are those of `product` and whose last two are those of
/// `operand`.
Shape with_matrix_of(const Shape& product, const Shape& operand) {
  Shape out = product;
  std::copy(operand.end() - 2, operand.end(), out.end() - 2);
  return out;
}

void matmul(Pass& pass, const Node& node, const std::string& g) {
  if (linear(pass, node, g)) return;
  const std::string &a = node.inputs[0], &b = node.inputs[1];
  const Shape& out = pass.shape(node.outputs[0]);
  if (pass.wants(a))
    pass.send(a,
              unbroadcast(pass, pass.add("MatMul", {g, transposed(pass, b)}), with_matrix_of(out, pass.shape(a)), a));
  if (pass.wants(b))
    pass.send(b,
              unbroadcast(pass, pass.add("MatMul", {transposed(pass, a), g}), with_matrix_of(out, pass.shape(b)), b));
}

void gemm(Pass& pass, const Node& node, const std::string& g) {
  if (linear(pass, node, g)) return;
  // The batch is in the rows of the first matrix: it can be neither transposed nor the second one.
  const std::string &a = node.inputs[0], &b = node.inputs[1];
  if (node.attribute("transA", int64_t{0}) || pass.wants(b))
    refuse(pass, node, "multiplies by a computed matrix, which is not supported");
  if (pass.wants(a))
    pass.send(
        a, pass.add("Gemm", {g, b},
                    {{"transB", 1 - node.attribute("transB", int64_t{0})}, {"alpha", node.attribute("alpha", 1.0f)}}));
  if (!node.has_input(2) || !pass.wants(node.inputs[2])) return;
  const std::string share = pass.add("Mul", {g, pass.builder().scalar(node.attribute("beta", 1.0f))});
  pass.send(node.inputs[2], unbroadcast(pass, share, pass.shape(node.outputs[0]), node.inputs[2]));
}

}  // namespace

GradientRules product_gradients() {
  return {{"Conv", convolution}, {"ConvTranspose", convolution}, {"MatMul", matmul}, {"Gemm", gemm}};
}

}  // namespace ks::backward

#pragma once
#include <map>
#include <string>
#include <vector>

#include "backward/pass.h"

namespace ks::backward {

/// Layer-wise relevance propagation: S. Bach, A. Binder, G. Montavon, F. Klauschen, K.-R. Müller, W. Samek: On
/// pixel-wise explanations for non-linear classifier decisions by layer-wise relevance propagation, PLoS ONE 2015.
/// Rules after G. Montavon et al.: Layer-wise relevance propagation: an overview, 2019 (rules 0, epsilon, gamma). S(z)
/// = z + stabilizer sign(z), sign(0) = 1.
enum class RuleKind {
  gradient,           // R_i = sum_j (d out_j / d in_i) R_j
  pass,               // R_i = R_j
  zero,               // a_i sum_j w_ij R_j / z_j; outputs with z_j = 0 give nothing
  epsilon,            // a_i sum_j w_ij R_j / S(z_j)
  z_plus,             // positive contributions over their sum
  alpha_beta,         // alpha times the positive, minus beta times the negative contributions, each over their sum
  gamma,              // as epsilon with the weights w + gamma w+: for inputs that are not negative
  generalised_gamma,  // contributions of z's sign favoured by 1 + gamma, for inputs of any sign
  z_box,              // contributions above the lower and below the upper bound of pixel values
  w_square,           // shares by squared weight, whatever the input (Montavon et al., Pattern Recognition 2017)
  flat,               // equal shares to all inputs of the window
  norm                // shares by value, of sums, averages, normalisations and products
};

struct Rule {
  RuleKind kind = RuleKind::gradient;
  float stabilizer = 1e-6f;
  float alpha = 2, beta = 1;  // alpha - beta = 1 conserves relevance
  float gamma = 0.25f;
  float low = -2, high = 2;  // bounds of the network's input
  bool use_bias = true;      // false: biases are left out of all denominators, so that relevance is conserved
};

/// What a node is to a composite.
enum class LayerKind {
  convolution,    // Conv, ConvTranspose
  dense,          // Gemm, MatMul with constant weights
  activation,     // element-wise functions of one tensor
  sum,            // Add, Sub, Sum, Mean
  average_pool,   // average and global average pooling, ReduceMean, ReduceSum, Resize
  max_pool,       // max-pooling, ReduceMax
  normalisation,  // batch norms that could not be merged, layer, instance and local response normalisation
  product,        // Mul, Div, MatMul of computed tensors: gates; with constants: scaling
  other           // what only moves values: Concat, Slice, Transpose, Expand, ...
};
LayerKind kind_of(const Pass& pass, const graph::Node& node);

/// A composite is data: which rule for which kind of layer.
///
/// Rules of layers without weights. Activations of any kind pass relevance on. Sums and averages share it by value. A
/// product of a signal and a gate gives all of it to the signal (gate_of below). Normalisations take their statistics
/// for constants: an affine map of each value, whose shift is a bias like others; without biases they pass relevance
/// on. Everything that only moves values moves the relevance with them (the gradient): nothing is lost but what falls
/// on padding.
struct Composite {
  Rule first;  // the first convolution (for flat: convolution or dense layer) of the network
  Rule convolution;
  Rule dense;
  Rule activation;     // pass or gradient
  Rule sum;            // residual additions
  Rule average_pool;   // average and global average pooling
  Rule max_pool = {};  // gradient: to the maximum
  Rule normalisation = {RuleKind::norm};
  Rule product = {RuleKind::norm};
  std::map<std::string, Rule> named = {};  // by name of a node or of its first output; goes before the kinds
};

/// The rule a composite gives a node; `first` is the output name of the network's first layer.
Rule rule_of(const Composite& composite, const Pass& pass, const graph::Node& node, const std::string& first);

/// Output name of the first convolution, or of the first convolution or dense layer where `or_dense`; empty where none.
std::string first_layer(const Pass& pass, bool or_dense);

/// Whether a rule makes sense for a kind of layer.
bool allows(LayerKind kind, RuleKind rule);

/// Appends one rule for one node; relevance of the node's output in, relevance of its inputs sent. Throws Error for a
/// rule that the node's kind does not allow.
void relevance_rule(Pass& pass, const graph::Node& node, const std::string& relevance, const Rule& rule);

/// Of the two operands of a product of computed tensors the one that is the gate, 0 or 1; -1 where neither stands out.
/// A gate comes from a function with bounds (sigmoids and softmax before tanh, erf and clips), through constants and
/// reshapes; of two alike the one with fewer values that is repeated over the other, as in squeeze-and-excitation. So x
/// * sigmoid(x), GELU and the like are activations that pass relevance on. A divisor always is the gate. Without a gate
/// both get half.
int gate_of(const Pass& pass, const graph::Node& node);

// The two halves of relevance_rule.
void relevance_with_weights(Pass& pass, const graph::Node& node, const std::string& relevance, const Rule& rule);
void relevance_without_weights(Pass& pass, const graph::Node& node, LayerKind kind, const std::string& relevance,
                               const Rule& rule);

/// The gradient's rule for relevance. What only moves values leaves the relevance at the values it came with.
void by_gradient(Pass& pass, const graph::Node& node, LayerKind kind, const std::string& relevance);

/// S(z) for a z whose sign is unknown.
std::string stabilized(Pass& pass, const std::string& z, float stabilizer);

}  // namespace ks::backward

#pragma once
#include <string>
#include <vector>

#include "backward/pass.h"

namespace ks::backward {

/// Layer-wise relevance propagation: S. Bach, A. Binder, G. Montavon, F. Klauschen, K.-R. Müller, W. Samek: On pixel-wise
/// explanations for non-linear classifier decisions by layer-wise relevance propagation, PLoS ONE 2015. Rules after
/// G. Montavon et al.: Layer-wise relevance propagation: an overview, 2019. S(z) = z + stabilizer sign(z), sign(0) = 1.
enum class RuleKind {
  gradient,    // R_i = sum_j (d out_j / d in_i) R_j
  pass,        // R_i = R_j
  epsilon,     // a_i sum_j w_ij R_j / S(z_j)
  z_plus,      // positive contributions over their sum
  alpha_beta,  // alpha times the positive, minus beta times the negative contributions, each over their sum
  gamma,       // contributions of z's sign favoured by 1 + gamma
  z_box,       // contributions above the lower and below the upper bound of pixel values
  flat,        // equal shares to all inputs of the window
  norm         // shares by value, of sums and averages
};

struct Rule {
  RuleKind kind = RuleKind::gradient;
  float stabilizer = 1e-6f;
  float alpha = 2, beta = 1;      // alpha - beta = 1 conserves relevance
  float gamma = 0.25f;
  float low = -2, high = 2;       // bounds of the network's input
  bool use_bias = true;           // false: biases are left out of all denominators
};

/// A composite is data: which rule for which kind of layer.
struct Composite {
  Rule first;         // the first convolution (for flat: convolution or dense layer) of the network
  Rule convolution;
  Rule dense;
  Rule activation;    // pass or gradient
  Rule sum;           // residual additions
  Rule average_pool;  // average and global average pooling
};

/// The rule a composite gives a node; `first` is the output name of the network's first layer.
Rule rule_of(const Composite& composite, const Pass& pass, const graph::Node& node, const std::string& first);

/// Output name of the first convolution, or of the first convolution or dense layer where `or_dense`; empty where none.
std::string first_layer(const Pass& pass, bool or_dense);

/// Appends one rule for one node; relevance of the node's output in, relevance of its inputs sent.
void relevance_rule(Pass& pass, const graph::Node& node, const std::string& relevance, const Rule& rule);

}  // namespace ks::backward

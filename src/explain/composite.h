#pragma once
#include "backward/relevance.h"
#include "explain/classifier.h"
#include "registry/registry.h"

namespace ks {

/// What a table of rules need not say.
struct CompositeDefaults {
  float low = -2, high = 2;  // of the network's input, for z-box
  bool use_bias = true;
};

/// A composite from the user's table, an object {KEY: RULE, ...} or a list of {"layer": KEY, "rule": NAME, ...}. A KEY
/// is a kind of layer (first, convolution, dense, activation, sum, average-pool, max-pool, normalisation, product) or
/// the name of a node or of its output; names go before kinds. A RULE is a name, or an object {"rule": NAME, ...} with
/// parameters of that rule:
///   epsilon: epsilon; gamma, generalised-gamma: gamma; alpha-beta: alpha, beta (alpha - beta = 1); z-box: low, high;
///   all that divide: stabilizer
/// What the table leaves out has: epsilon for layers with weights, pass for activations, norm for sums, averages,
/// normalisations and products, gradient for max-pools. Throws Error, one sentence for the first mistake.
backward::Composite parse_composite(const json& table, const Classifier& classifier, const CompositeDefaults& defaults);

}  // namespace ks

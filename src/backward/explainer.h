#pragma once
#include <string>

#include "backward/relevance.h"

namespace ks::backward {

/// What a ReLU does to the gradient that passes back through it.
enum class ReluRule {
  gradient,  // zero where the unit was inactive
  guided,    // zero where the unit was inactive or the gradient is negative (Springenberg et al., ICLR workshop 2015)
  deconvolution  // zero where the gradient is negative (Zeiler, Fergus, ECCV 2014)
};

/// Appends what one Relu node sends back.
void relu_rule(Pass& pass, const graph::Node& node, const std::string& gradient, ReluRule relu);

/// Names of a generated model's inputs and outputs besides the network's own.
inline constexpr const char* seed_input = "explain/seed";  // [N,K]: 1 at the explained class, 0 elsewhere
inline constexpr const char* attribution_output = "explain/attribution";  // [N,C,H,W] or [N,1,H,W]

/// Whether a model also has the outputs of backward/attribution.h for every tensor between input and logits.
enum class Layers { input_only, all };

/// A model that computes the logits and the (modified) gradient of sum(seed * logits) with respect to the input, times
/// the input where `times_input`. `forward` is a simplified network with one input and one output [N,K]; input_shape
/// [N,C,H,W], N = -1 where free.
graph::Model gradient_model(const graph::Model& forward, const Shape& input_shape, ReluRule relu, bool times_input,
                            Backend backend, const std::string& where, Layers layers = Layers::input_only);

/// A model that computes the logits and the relevance of the input, starting from `seed` at the logits.
graph::Model relevance_model(const graph::Model& forward, const Shape& input_shape, const Composite& composite,
                             Backend backend, const std::string& where, Layers layers = Layers::input_only);

}  // namespace ks::backward

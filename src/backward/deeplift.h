#pragma once
#include <string>

#include "backward/explainer.h"

namespace ks::backward {

/// Name of the input that holds the baseline image: [1,C,H,W] for all samples, or [N,C,H,W].
inline constexpr const char* baseline_input = "explain/baseline";

/// DeepLIFT: A. Shrikumar, P. Greenside, A. Kundaje: Learning important features through propagating activation
/// differences, ICML 2017, rescale rule. A model that computes the logits and the multipliers times (x - baseline); its
/// attributions sum to f(x) - f(baseline). With d the difference to the baseline, a node passes on the multiplier m as
///   element-wise activations   m d(out) / d(in); the ordinary gradient where d(in) is (nearly) 0
///   max-pools                  m d(out) goes to the maximum for x where d(out) >= 0, else to that for the baseline;
///   over d(in) a * b                      m (b + b')/2 to a and m (a + a')/2 to b, ' for the baseline: each factor's
///   Shapley value a / b                      to a with the larger divisor of b and b', the rest to b: a baseline
///   without contrast, whose
///                              deviation is tiny, does not blow up what passes a normalisation
///   softmax, layer, instance and local response normalisation: made of the above
///   everything linear          the ordinary gradient
/// Throws Error naming the node for any other op.
graph::Model deeplift_model(const graph::Model& forward, const Shape& input_shape, Backend backend,
                            const std::string& where, Layers layers = Layers::input_only);

/// The same with the baseline, [1,C,H,W], as a constant of the model.
void fix_baseline(graph::Model& model, const Tensor& baseline);

}  // namespace ks::backward

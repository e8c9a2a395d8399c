#include "backward/fullgrad.h"

#include "explain/method.h"

namespace ks {

namespace {

graph::Model fullgrad_network(const Classifier& c, const Params& p) {
  using backward::FullGradMap;
  const std::string name = p.text("map");
  const FullGradMap map = name == "rescaled"   ? FullGradMap::rescaled
                          : name == "absolute" ? FullGradMap::absolute
                                               : FullGradMap::signed_;
  return backward::fullgrad_model(c.model(), c.input_shape(), map, c.backend(), c.where());
}

}  // namespace

std::vector<Method> fullgrad_methods() {
  Method m;
  m.name = "fullgrad";
  m.title = "FullGrad";
  m.family = "gradient";
  m.citation = "S. Srinivas, F. Fleuret: Full-gradient representation for neural network visualization, NeurIPS 2019";
  m.formula =
      "ψ(x · ∂f/∂x) + Σ over layers and channels of ψ(b · ∂f/∂b)\nψ: absolute value, to [0,1] within the layer, "
      "enlarged to the image";
  m.description =
      "Adds to input x gradient what the biases of every layer contribute at each position (after batch norms are "
      "merged into "
      "them, and with the implicit biases of smooth activations). The signed map sums to the logit.";
  m.misleads =
      "Biases answer to the network, not to the image: a strong bias lights up wherever its unit is active, on the "
      "bare background "
      "too. The rescaled map gives every layer the same weight, whatever it contributes.";
  m.parameters = {{"map",
                   ParameterType::choice,
                   "rescaled",
                   "What becomes of each layer's terms: |.| scaled to [0,1] (the paper's), |.|, or nothing, which sums "
                   "to the logit",
                   {},
                   {},
                   "",
                   {"rescaled", "absolute", "signed"}}};
  m.network = fullgrad_network;
  return {m};
}

}  // namespace ks

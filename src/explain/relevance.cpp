#include <algorithm>

#include "backward/explainer.h"
#include "explain/composite.h"
#include "explain/method.h"
#include "tensor/error.h"

// Layer-wise relevance propagation. A method is a composite: a table from layer kind to rule (backward/relevance.h).
namespace ks {

namespace {

using backward::Composite;
using backward::Layers;
using backward::Rule;
using backward::RuleKind;

constexpr const char* bach =
    "S. Bach et al.: On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance "
    "propagation, PLoS ONE "
    "2015; composites as in C. Anders et al.: Software for dataset-wide XAI, 2021";

struct CompositeMethod {
  const char* name;
  const char* title;
  RuleKind first, convolution, dense, activation;
  const char* description;
  const char* misleads;
  const char* formula;
  const char* citation = bach;
};

constexpr CompositeMethod composites[] = {
    {"lrp-epsilon", "LRP epsilon", RuleKind::epsilon, RuleKind::epsilon, RuleKind::epsilon, RuleKind::pass,
     "Hands each unit's relevance back to its inputs in proportion to what each contributed, positive or negative.",
     "As noisy as input x gradient, which it equals for a ReLU network without biases. Where contributions cancel, the "
     "shares "
     "grow far beyond the logit, with both signs side by side.",
     "Rᵢ = Σⱼ aᵢ wᵢⱼ Rⱼ / S(zⱼ),  zⱼ = Σᵢ aᵢ wᵢⱼ + bⱼ,  S(z) = z + ε · sign(z)"},
    {"lrp-epsilon-plus", "LRP epsilon-plus", RuleKind::z_plus, RuleKind::z_plus, RuleKind::epsilon, RuleKind::pass,
     "In convolutions only positive contributions count; dense layers share in proportion to all.",
     "Shows what speaks for the class and hardly what speaks against it: a healthy patch that lowers the score of "
     "damage stays "
     "empty. Its maps differ little between classes, for only the dense layers know the class.",
     "Convolutions: Rᵢ = Σⱼ (aᵢ wᵢⱼ)⁺ Rⱼ / S(zⱼ⁺),  zⱼ⁺ = Σᵢ (aᵢ wᵢⱼ)⁺ + bⱼ⁺\nDense layers: Rᵢ = Σⱼ aᵢ wᵢⱼ Rⱼ / S(zⱼ)"},
    {"lrp-epsilon-plus-flat", "LRP epsilon-plus-flat", RuleKind::flat, RuleKind::z_plus, RuleKind::epsilon,
     RuleKind::pass,
     "As epsilon-plus, and the first convolution shares evenly over its window, whatever the pixels are.",
     "Smooth by construction: nothing finer than the first layer's window can be seen, a hairline crack gets a halo. "
     "Like "
     "epsilon-plus, hardly shows what speaks against the class.",
     "First layer: Rᵢ = Σⱼ Rⱼ / nⱼ, over the nⱼ inputs of each window\nConvolutions: Rᵢ = Σⱼ (aᵢ wᵢⱼ)⁺ Rⱼ / S(zⱼ⁺)\n"
     "Dense layers: Rᵢ = Σⱼ aᵢ wᵢⱼ Rⱼ / S(zⱼ)"},
    {"lrp-gamma", "LRP gamma", RuleKind::generalised_gamma, RuleKind::generalised_gamma, RuleKind::generalised_gamma,
     RuleKind::pass, "In every layer contributions of each unit's own sign are favoured by 1 + gamma.",
     "Gamma decides what is seen: at 0 it is the noisy rule epsilon, large values leave only what speaks for the "
     "class. Maps with "
     "different gammas cannot be compared.",
     "For zⱼ > 0: Rᵢ = Σⱼ (aᵢ wᵢⱼ + γ (aᵢ wᵢⱼ)⁺) Rⱼ / S(zⱼ + γ zⱼ⁺); for zⱼ < 0 with ⁻ in place of ⁺",
     "G. Montavon et al.: Layer-wise relevance propagation: an overview, in: Explainable AI, LNCS 11700, 2019"},
    {"lrp-epsilon-gamma-box", "LRP epsilon-gamma-box", RuleKind::z_box, RuleKind::generalised_gamma, RuleKind::epsilon,
     RuleKind::pass,
     "In convolutions positive contributions are favoured by 1 + gamma; the first layer measures pixels from the "
     "darkest and "
     "brightest value they can have.",
     "Gamma decides how much contradicting evidence survives, and no value is right for all networks. Wrong bounds for "
     "the "
     "first layer (images that were not normalised as in training) tilt the map towards dark or bright pixels.",
     "First layer: Rᵢ = Σⱼ (xᵢ wᵢⱼ − l wᵢⱼ⁺ − h wᵢⱼ⁻) Rⱼ / S(Σᵢ of the numerator)\n"
     "Convolutions, for zⱼ > 0: Rᵢ = Σⱼ (aᵢ wᵢⱼ + γ (aᵢ wᵢⱼ)⁺) Rⱼ / S(zⱼ + γ zⱼ⁺); for zⱼ < 0 with ⁻ in place of ⁺\n"
     "Dense layers: Rᵢ = Σⱼ aᵢ wᵢⱼ Rⱼ / S(zⱼ)"},
    {"lrp-epsilon-alpha2-beta1", "LRP epsilon-alpha2-beta1", RuleKind::alpha_beta, RuleKind::alpha_beta,
     RuleKind::epsilon, RuleKind::pass,
     "In convolutions, twice the positive contributions' shares minus once the negative ones'.",
     "Contrast at the price of noise: in every layer shares are doubled and subtracted again, so that a deep network "
     "shows much "
     "negative relevance that no input asked for.",
     "Convolutions: Rᵢ = Σⱼ (2 (aᵢ wᵢⱼ)⁺ / S(zⱼ⁺) − (aᵢ wᵢⱼ)⁻ / S(zⱼ⁻)) Rⱼ\nDense layers: Rᵢ = Σⱼ aᵢ wᵢⱼ Rⱼ / S(zⱼ)"},
    {"lrp-epsilon-alpha2-beta1-flat", "LRP epsilon-alpha2-beta1-flat", RuleKind::flat, RuleKind::alpha_beta,
     RuleKind::epsilon, RuleKind::pass,
     "As epsilon-alpha2-beta1, and the first convolution shares evenly over its window.",
     "The first layer's smoothing hides the noise that alpha-beta amplifies, so the map looks surer than it is; "
     "nothing finer "
     "than that layer's window can be seen.",
     "First layer: Rᵢ = Σⱼ Rⱼ / nⱼ, over the nⱼ inputs of each window\n"
     "Convolutions: Rᵢ = Σⱼ (2 (aᵢ wᵢⱼ)⁺ / S(zⱼ⁺) − (aᵢ wᵢⱼ)⁻ / S(zⱼ⁻)) Rⱼ\nDense layers: Rᵢ = Σⱼ aᵢ wᵢⱼ Rⱼ / S(zⱼ)"},
    {"excitation-backprop", "Excitation backprop", RuleKind::z_plus, RuleKind::z_plus, RuleKind::z_plus,
     RuleKind::gradient,
     "Hands back, layer by layer, the probability that a unit won, counting only inputs that excite it.",
     "Cannot show what speaks against a class. It finds whatever excites the network: for a kernel on a plain ground "
     "that is "
     "the kernel, for every class much the same.",
     "P(aᵢ) = Σⱼ P(aᵢ | aⱼ) P(aⱼ),  P(aᵢ | aⱼ) = aᵢ wᵢⱼ⁺ / Σₖ aₖ wₖⱼ⁺",
     "J. Zhang, S. A. Bargal, Z. Lin, J. Brandt, X. Shen, S. Sclaroff: Top-down neural attention by excitation "
     "backprop, IJCV "
     "2018"},
};

/// A bound of the network's input: given, or that of a black or white pixel after the model's normalisation.
float bound(const Params& p, const char* name, const Classifier& c, float pixel) {
  const json& given = p.value(name);
  if (given.is_number()) return given.get<float>();
  if (!given.is_null())
    throw Error(std::string("'") + name + "' is " + given.dump(), "", "it must be a number or null");
  const Preprocessing& pre = c.preprocessing();
  float out = (pixel - pre.mean[0]) / pre.deviation[0];
  for (int i = 1; i < c.channels(); ++i) {
    const float v = (pixel - pre.mean[i]) / pre.deviation[i];
    out = pixel > 0 ? std::max(out, v) : std::min(out, v);
  }
  return out;
}

Composite make_composite(const CompositeMethod& m, const Params& p, const Classifier& c) {
  const auto rule = [&](RuleKind kind) {
    Rule r;
    r.kind = kind;
    r.stabilizer = static_cast<float>(p.number(kind == RuleKind::epsilon ? "epsilon" : "stabilizer"));
    r.use_bias = p.text("zero_params") == "none";
    if (p.has("gamma")) r.gamma = static_cast<float>(p.number("gamma"));
    if (p.has("low")) {
      r.low = bound(p, "low", c, 0);
      r.high = bound(p, "high", c, 1);
    }
    return r;
  };
  return {rule(m.first),      rule(m.convolution),  rule(m.dense),
          rule(m.activation), rule(RuleKind::norm), rule(RuleKind::norm)};
}

graph::Model model(const Classifier& c, const Composite& composite, Layers layers) {
  return backward::relevance_model(c.model(), c.input_shape(), composite, c.backend(), c.where(), layers);
}

template <int index, Layers layers>
graph::Model network(const Classifier& c, const Params& p) {
  return model(c, make_composite(composites[index], p, c), layers);
}

Parameter zero_params_parameter() {
  return {"zero_params",   ParameterType::choice, "none", "bias: biases take no relevance away", {}, {}, "",
          {"none", "bias"}};
}

template <int index>
Method entry() {
  const CompositeMethod& m = composites[index];
  Method out;
  out.name = m.name;
  out.title = m.title;
  out.family = "relevance";
  out.citation = m.citation;
  out.description = m.description;
  out.misleads = m.misleads;
  out.formula = m.formula;
  out.network = network<index, Layers::input_only>;
  out.layers = network<index, Layers::all>;
  out.parameters = {
      {"epsilon", ParameterType::number, 1e-6, "Added to the divisor of the epsilon rule, with its sign", 0, 1},
      {"stabilizer", ParameterType::number, 1e-6, "Added to the divisors of all other rules, with their sign", 1e-12,
       1},
      zero_params_parameter()};
  if (m.convolution == RuleKind::generalised_gamma)
    out.parameters.push_back(
        {"gamma", ParameterType::number, 0.25, "How much positive contributions are favoured", 0, 100});
  if (m.first == RuleKind::z_box) {
    out.parameters.push_back({"low", ParameterType::value, nullptr, "Smallest input value; null: a black pixel's"});
    out.parameters.push_back({"high", ParameterType::value, nullptr, "Largest input value; null: a white pixel's"});
  }
  return out;
}

/// The user's table, over epsilon for layers with weights and the usual rules elsewhere.
template <Layers layers>
graph::Model custom_network(const Classifier& c, const Params& p) {
  CompositeDefaults defaults;
  defaults.low = bound(Params(json{{"low", nullptr}}), "low", c, 0);
  defaults.high = bound(Params(json{{"high", nullptr}}), "high", c, 1);
  defaults.use_bias = p.text("zero_params") == "none";
  return model(c, parse_composite(p.value("rules"), c, defaults), layers);
}

Method custom() {
  Method m;
  m.name = "lrp-custom";
  m.title = "LRP, own table of rules";
  m.family = "relevance";
  m.citation =
      "G. Montavon et al.: Layer-wise relevance propagation: an overview, in: Explainable AI, LNCS 11700, 2019";
  m.formula = "Rᵢ = Σⱼ shareᵢⱼ Rⱼ, with the share of each layer's own rule";
  m.description =
      "Layer-wise relevance propagation with your own table from a kind of layer, or the ONNX name of a node or "
      "tensor, to a rule: "
      "0, epsilon, gamma, generalised-gamma, z-plus, alpha-beta, z-box, w-square, flat, pass, norm, gradient.";
  m.misleads =
      "With enough tables tried, one gives the picture one hopes for: settle the table on other images than those it "
      "is to explain.";
  m.parameters = {{"rules", ParameterType::value, json::object(),
                   "Object or list: {\"first\": \"z-box\", \"convolution\": {\"rule\": \"gamma\", \"gamma\": 0.1}, "
                   "\"TENSOR\": \"flat\"}"},
                  zero_params_parameter()};
  m.network = custom_network<Layers::input_only>;
  m.layers = custom_network<Layers::all>;
  return m;
}

}  // namespace

std::vector<Method> relevance_methods() {
  return {entry<0>(), entry<1>(), entry<2>(), entry<3>(), entry<4>(), entry<5>(), entry<6>(), entry<7>(), custom()};
}

}  // namespace ks

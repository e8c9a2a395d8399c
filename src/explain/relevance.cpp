#include <algorithm>

#include "backward/explainer.h"
#include "explain/method.h"
#include "tensor/error.h"

// Layer-wise relevance propagation. A method is a composite: a table from layer kind to rule (backward/relevance.h).
namespace ks {

namespace {

using backward::Composite;
using backward::Rule;
using backward::RuleKind;

struct CompositeMethod {
  const char* name;
  const char* title;
  RuleKind first, convolution, dense, activation;
  const char* description;
};

constexpr CompositeMethod composites[] = {
    {"lrp-epsilon", "LRP epsilon", RuleKind::epsilon, RuleKind::epsilon, RuleKind::epsilon, RuleKind::pass,
     "Shares of each contribution in the whole. Equals input x gradient of a ReLU network without biases, and is as noisy."},
    {"lrp-epsilon-plus", "LRP epsilon-plus", RuleKind::z_plus, RuleKind::z_plus, RuleKind::epsilon, RuleKind::pass,
     "Only positive contributions count in convolutions. Shows what speaks for something, hardly what speaks against it."},
    {"lrp-epsilon-plus-flat", "LRP epsilon-plus-flat", RuleKind::flat, RuleKind::z_plus, RuleKind::epsilon, RuleKind::pass,
     "As epsilon-plus, and the first layer shares evenly over its window: smooth maps, at the resolution of that window."},
    {"lrp-epsilon-gamma-box", "LRP epsilon-gamma-box", RuleKind::z_box, RuleKind::gamma, RuleKind::epsilon, RuleKind::pass,
     "Favours positive contributions by 1 + gamma; the first layer knows the range of pixel values. Gamma decides how much "
     "contradicting evidence survives."},
    {"lrp-epsilon-alpha2-beta1", "LRP epsilon-alpha2-beta1", RuleKind::alpha_beta, RuleKind::alpha_beta, RuleKind::epsilon,
     RuleKind::pass, "Twice the positive minus once the negative contributions: contrast, at the price of amplified noise."},
    {"lrp-epsilon-alpha2-beta1-flat", "LRP epsilon-alpha2-beta1-flat", RuleKind::flat, RuleKind::alpha_beta, RuleKind::epsilon,
     RuleKind::pass, "As epsilon-alpha2-beta1, and the first layer shares evenly over its window."},
    {"excitation-backprop", "Excitation backprop", RuleKind::z_plus, RuleKind::z_plus, RuleKind::z_plus, RuleKind::gradient,
     "Only positive weights count, in every layer: a probability of winning. Cannot show what speaks against a class."},
};

constexpr const char* citation =
    "S. Bach et al.: On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance propagation, PLoS ONE "
    "2015; composites as in C. Anders et al.: Software for dataset-wide XAI, 2021";

/// A bound of the network's input: given, or that of a black or white pixel after the model's normalisation.
float bound(const Params& p, const char* name, const Classifier& c, float pixel) {
  const json& given = p.value(name);
  if (given.is_number()) return given.get<float>();
  if (!given.is_null()) throw Error(std::string("'") + name + "' is " + given.dump(), "", "it must be a number or null");
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
    if (p.has("gamma")) {
      r.gamma = static_cast<float>(p.number("gamma"));
      r.low = bound(p, "low", c, 0);
      r.high = bound(p, "high", c, 1);
    }
    return r;
  };
  return {rule(m.first), rule(m.convolution), rule(m.dense), rule(m.activation), rule(RuleKind::norm), rule(RuleKind::norm)};
}

template <int index>
graph::Model network(const Classifier& c, const Params& p) {
  return backward::relevance_model(c.model(), c.input_shape(), make_composite(composites[index], p, c), c.backend(), c.where());
}

template <int index>
Method entry() {
  const CompositeMethod& m = composites[index];
  Method out;
  out.name = m.name;
  out.title = m.title;
  out.family = "relevance";
  out.citation = citation;
  out.description = m.description;
  out.network = network<index>;
  out.parameters = {
      {"epsilon", ParameterType::number, 1e-6, "Added to the divisor of the epsilon rule, with its sign", 0, 1},
      {"stabilizer", ParameterType::number, 1e-6, "Added to the divisors of all other rules, with their sign", 1e-12, 1},
      {"zero_params", ParameterType::choice, "none", "bias: biases take no relevance away", {}, {}, "", {"none", "bias"}}};
  if (m.convolution == RuleKind::gamma) {
    out.parameters.push_back({"gamma", ParameterType::number, 0.25, "How much positive contributions are favoured", 0, 100});
    out.parameters.push_back({"low", ParameterType::value, nullptr, "Smallest input value; null: a black pixel's"});
    out.parameters.push_back({"high", ParameterType::value, nullptr, "Largest input value; null: a white pixel's"});
  }
  return out;
}

}  // namespace

std::vector<Method> relevance_methods() {
  return {entry<0>(), entry<1>(), entry<2>(), entry<3>(), entry<4>(), entry<5>(), entry<6>()};
}

}  // namespace ks

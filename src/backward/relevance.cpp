#include "backward/relevance.h"

#include <algorithm>

#include "backward/linear.h"
#include "tensor/error.h"

// All weight-sharing rules have one lowering. A layer's contributions are split into the positive ones, P = a+ w+ + a-
// w-, and the negative ones, N = a+ w- + a- w+. A rule turns (P, N, b) and the relevance R into two coefficient maps
// (cP, cN); the relevance of the input is a+ (p' cP + n' cN) + a- (q' cP + m' cN), with weights p, n, q, m that are w+,
// w-, w-, w+ in the simplest case. Where a >= 0 is known, the terms with a- vanish.
namespace ks::backward {

std::string stabilized(Pass& pass, const std::string& z, float stabilizer) {
  graph::Builder& b = pass.builder();
  const std::string offset =
      pass.add("Where", {pass.add("Less", {z, b.scalar(0)}), b.scalar(-stabilizer), b.scalar(stabilizer)});
  return pass.add("Add", {z, offset});
}

namespace {

using graph::Node;

Tensor shifted(Tensor t, float by) {
  for (float& v : t.data) v += by;
  return t;
}

/// Weights for the coefficients of positive and of negative contributions, made when they are needed: they are large.
/// The latter may be left out with their coefficients.
struct Shares {
  std::function<Tensor()> positive, negative;
};

/// A linear layer with its input and weights split by sign.
class Split {
 public:
  Split(Pass& pass, const Linear& layer) : pass_(pass), layer_(layer) {
    signed_ = !pass.never_negative(layer.input());
    if (!signed_) return;
    above_ = pass.add("Relu", {layer.input()});
    below_ = pass.add("Sub", {layer.input(), above_});
  }

  /// P (or N, for `positive` = false) times a factor, plus a bias per output.
  std::string contributions(bool positive, float factor, const Tensor& bias) const {
    const auto part = [&](bool above) { return (above ? positive_part : negative_part)(layer_.weights(), factor); };
    if (!signed_) return layer_.apply(layer_.input(), part(positive), bias);
    return pass_.add("Add", {layer_.apply(above_, part(positive), bias), layer_.apply(below_, part(!positive), {})});
  }

  /// Sends the relevance of the input from the two coefficients; `below` is for inputs below zero. An empty `cn` is 0.
  void send(const std::string& cp, const std::string& cn, const Shares& above, const Shares& below) const {
    const std::string r = signed_ ? pass_.add("Add", {pass_.add("Mul", {above_, back(cp, cn, above)}),
                                                      pass_.add("Mul", {below_, back(cp, cn, below)})})
                                  : pass_.add("Mul", {layer_.input(), back(cp, cn, above)});
    pass_.send(layer_.input(), r, Support::nonzero);
  }

 private:
  std::string back(const std::string& cp, const std::string& cn, const Shares& shares) const {
    const std::string p = layer_.transpose(cp, shares.positive());
    return cn.empty() ? p : pass_.add("Add", {p, layer_.transpose(cn, shares.negative())});
  }

  Pass& pass_;
  const Linear& layer_;
  bool signed_ = false;
  std::string above_, below_;
};

/// Shares by contribution to z, the layer with any weights and bias; `z` empty: to be computed. Stabilizer 0: rule
/// zero.
void by_contribution(Pass& pass, const Linear& layer, const std::string& r, const Tensor& weights, std::string z,
                     float stabilizer) {
  std::string c;
  if (stabilizer > 0) {
    c = pass.add("Div", {r, stabilized(pass, z, stabilizer)});
  } else {
    graph::Builder& b = pass.builder();
    const std::string nothing = pass.add("Equal", {z, b.scalar(0)});
    c = pass.add("Div", {pass.add("Where", {nothing, b.scalar(0), r}), pass.add("Where", {nothing, b.scalar(1), z})});
  }
  pass.send(layer.input(), pass.add("Mul", {layer.input(), layer.transpose(c, weights)}), Support::nonzero);
}

void epsilon(Pass& pass, const Linear& layer, const std::string& r, const Rule& rule) {
  const std::string z = rule.use_bias ? layer.output() : layer.apply(layer.input(), layer.weights(), {});
  by_contribution(pass, layer, r, layer.weights(), z, rule.kind == RuleKind::zero ? 0 : rule.stabilizer);
}

Tensor favoured(const Tensor& t, float gamma) {
  Tensor out = t;
  for (float& v : out.data) v += gamma * std::max(v, 0.0f);
  return out;
}

void gamma(Pass& pass, const Linear& layer, const Tensor& bias, const std::string& r, const Rule& rule) {
  const Tensor weights = favoured(layer.weights(), rule.gamma);
  const std::string z = layer.apply(layer.input(), weights, favoured(bias, rule.gamma));
  by_contribution(pass, layer, r, weights, z, rule.stabilizer);
}

/// The positive or the negative weights, times a factor, when they are needed.
std::function<Tensor()> part_of(const Linear& layer, bool positive, float factor) {
  return [&layer, positive, factor] { return (positive ? positive_part : negative_part)(layer.weights(), factor); };
}

// P >= 0 and N <= 0 always, so that their stabilizer has a known sign and rides on the bias.
void z_plus(Pass& pass, const Linear& layer, const Tensor& bias, const std::string& r, const Rule& rule) {
  const Split split(pass, layer);
  const std::string p = split.contributions(true, 1, shifted(positive_part(bias), rule.stabilizer));
  split.send(pass.add("Div", {r, p}), "", {part_of(layer, true, 1), {}}, {part_of(layer, false, 1), {}});
}

void alpha_beta(Pass& pass, const Linear& layer, const Tensor& bias, const std::string& r, const Rule& rule) {
  const Split split(pass, layer);
  const std::string p = split.contributions(true, 1, shifted(positive_part(bias), rule.stabilizer));
  const std::string cp = pass.add("Div", {r, p});
  const auto part = [&](bool positive, float factor) { return part_of(layer, positive, factor); };
  if (rule.beta == 0) return split.send(cp, "", {part(true, rule.alpha), {}}, {part(false, rule.alpha), {}});
  const std::string n = split.contributions(false, 1, shifted(negative_part(bias), -rule.stabilizer));
  // The two halves make the layer's output: one layer less to compute.
  if (rule.use_bias) pass.remake(layer.output(), "Add", {p, n});
  split.send(cp, pass.add("Div", {r, n}), {part(true, rule.alpha), part(false, -rule.beta)},
             {part(false, rule.alpha), part(true, -rule.beta)});
}

/// A tensor that is z where relevance arrives at z and never negative; empty where relevance may arrive at negative
/// values.
std::string active_output(Pass& pass, const std::string& z) {
  if (pass.support(z) != Support::positive) return "";
  for (const Node& node : pass.forward().nodes)
    if (node.op == "Relu" && node.inputs[0] == z) return node.outputs[0];
  return pass.add("Relu", {z});
}

void generalised_gamma(Pass& pass, const Linear& layer, const Tensor& bias, const std::string& r, const Rule& rule) {
  const Split split(pass, layer);
  // Contributions of z's sign count 1 + gamma times, the others once.
  const auto favouring = [&](bool positive) {
    return [&layer, positive, factor = 1 + rule.gamma] {
      Tensor out = layer.weights();
      for (float& v : out.data)
        if ((v > 0) == positive) v *= factor;
      return out;
    };
  };
  const Shares above = {favouring(true), favouring(false)}, below = {favouring(false), favouring(true)};
  const auto part = [&](bool positive) {
    const Tensor own = (positive ? positive_part : negative_part)(bias, rule.gamma);
    return split.contributions(positive, rule.gamma, shifted(own, positive ? rule.stabilizer : -rule.stabilizer));
  };
  if (rule.use_bias) {
    const std::string active = active_output(pass, layer.output());
    if (!active.empty())
      return split.send(pass.add("Div", {r, pass.add("Add", {active, part(true)})}), "", above, below);
  }
  // What the network itself computes is exact where P + N cancels.
  const std::string z = rule.use_bias ? layer.output() : layer.apply(layer.input(), layer.weights(), {});
  const std::string zero = pass.builder().scalar(0), positive = pass.add("Greater", {z, zero});
  const std::string whole = pass.add("Add", {z, pass.add("Where", {positive, part(true), part(false)})});
  const std::string c = pass.add("Div", {r, whole}), cp = pass.add("Where", {positive, c, zero});
  split.send(cp, pass.add("Sub", {c, cp}), above, below);
}

void z_box(Pass& pass, const Linear& layer, const std::string& r, const Rule& rule) {
  graph::Builder& b = pass.builder();
  // The bounds as pictures: zero padding then leaves them out beyond the border, as it does the real pixels.
  Shape one = pass.shape(layer.input());
  one[0] = 1;
  const std::string low = pass.constant(Tensor(one, rule.low)), high = pass.constant(Tensor(one, rule.high));
  const Tensor positive = positive_part(layer.weights()), negative = negative_part(layer.weights());
  const std::string plain = layer.apply(layer.input(), layer.weights(), {});
  const std::string bounds =
      pass.add("Add", {layer.apply(low, positive, {}), layer.apply(high, negative, {})});  // folded at load time
  const std::string c = pass.add("Div", {r, stabilized(pass, pass.add("Sub", {plain, bounds}), rule.stabilizer)});
  const std::string own = pass.add("Mul", {layer.input(), layer.transpose(c, layer.weights())});
  const std::string below = pass.add("Mul", {layer.transpose(c, positive), b.scalar(rule.low)});
  const std::string above = pass.add("Mul", {layer.transpose(c, negative), b.scalar(rule.high)});
  pass.send(layer.input(), pass.add("Sub", {own, pass.add("Add", {below, above})}));
}

void w_square(Pass& pass, const Linear& layer, const std::string& r, const Rule& rule) {
  Tensor squares = layer.weights();
  for (float& v : squares.data) v *= v;
  Shape one = pass.shape(layer.input());
  one[0] = 1;
  const std::string sums = layer.apply(pass.constant(Tensor(one, 1.0f)), squares, {});  // folded at load time
  const std::string divisor = pass.add("Add", {sums, pass.builder().scalar(rule.stabilizer)});
  pass.send(layer.input(), layer.transpose(pass.add("Div", {r, divisor}), squares));
}

void flat(Pass& pass, const Linear& layer, const std::string& r, const Rule& rule) {
  Tensor counts = layer.window_counts();
  for (float& v : counts.data) v = 1 / (v * static_cast<float>(layer.weights().dim(1)) + rule.stabilizer);
  const std::string c = pass.add("Mul", {r, pass.constant(counts)});
  Shape repeat = pass.shape(layer.input());
  repeat[0] = 1;
  const std::string share =
      layer.groups() == 1 ? layer.transpose_ones(c) : layer.transpose(c, Tensor(layer.weights().shape, 1.0f));
  pass.send(layer.input(), pass.add("Expand", {share, pass.builder().ints(repeat)}));
}

}  // namespace

void relevance_with_weights(Pass& pass, const Node& node, const std::string& r, const Rule& rule) {
  const Linear layer(pass, node);
  const Tensor bias = rule.use_bias ? layer.bias() : Tensor(layer.bias().shape);
  switch (rule.kind) {
    case RuleKind::zero:
    case RuleKind::epsilon:
      return epsilon(pass, layer, r, rule);
    case RuleKind::z_plus:
      return z_plus(pass, layer, bias, r, rule);
    case RuleKind::alpha_beta:
      return alpha_beta(pass, layer, bias, r, rule);
    case RuleKind::gamma:
      return gamma(pass, layer, bias, r, rule);
    case RuleKind::generalised_gamma:
      return generalised_gamma(pass, layer, bias, r, rule);
    case RuleKind::z_box:
      return z_box(pass, layer, r, rule);
    case RuleKind::w_square:
      return w_square(pass, layer, r, rule);
    case RuleKind::flat:
      return flat(pass, layer, r, rule);
    default:
      return gradient_rule(pass, node, r);
  }
}

std::string first_layer(const Pass& pass, bool or_dense) {
  for (const Node& node : pass.forward().nodes) {
    const LayerKind kind = kind_of(pass, node);
    if (kind == LayerKind::convolution || (kind == LayerKind::dense && or_dense)) return node.outputs[0];
  }
  return "";
}

Rule rule_of(const Composite& composite, const Pass& pass, const Node& node, const std::string& first) {
  for (const std::string& name : {node.outputs[0], node.name})
    if (const auto it = composite.named.find(name); it != composite.named.end()) return it->second;
  if (node.outputs[0] == first) return composite.first;
  switch (kind_of(pass, node)) {
    case LayerKind::convolution:
      return composite.convolution;
    case LayerKind::dense:
      return composite.dense;
    case LayerKind::activation:
      return composite.activation;
    case LayerKind::sum:
      return composite.sum;
    case LayerKind::average_pool:
      return composite.average_pool;
    case LayerKind::max_pool:
      return composite.max_pool;
    case LayerKind::normalisation:
      return composite.normalisation;
    case LayerKind::product:
      return composite.product;
    default:
      return Rule{};
  }
}

bool allows(LayerKind kind, RuleKind rule) {
  if (rule == RuleKind::gradient) return true;
  switch (kind) {
    case LayerKind::convolution:
    case LayerKind::dense:
      return rule != RuleKind::pass && rule != RuleKind::norm;
    case LayerKind::activation:
      return rule == RuleKind::pass;
    case LayerKind::normalisation:
    case LayerKind::product:
      return rule == RuleKind::pass || rule == RuleKind::norm;
    case LayerKind::sum:
    case LayerKind::average_pool:
      return rule == RuleKind::norm;
    default:
      return false;
  }
}

void relevance_rule(Pass& pass, const Node& node, const std::string& relevance, const Rule& rule) {
  const LayerKind kind = kind_of(pass, node);
  if (!allows(kind, rule.kind))
    throw Error("node '" + node.name + "' (" + node.op + ") cannot take this rule of relevance propagation",
                pass.where());
  if (rule.kind == RuleKind::gradient) return by_gradient(pass, node, kind, relevance);
  if (is_linear_layer(pass, node)) return relevance_with_weights(pass, node, relevance, rule);
  relevance_without_weights(pass, node, kind, relevance, rule);
}

}  // namespace ks::backward

#include "backward/relevance.h"

#include <algorithm>

#include "backward/linear.h"
#include "tensor/error.h"

// All weight-sharing rules have one lowering. A layer's contributions are split into the positive ones, P = a+ w+ + a- w-,
// and the negative ones, N = a+ w- + a- w+. A rule turns (P, N, b) and the relevance R into two coefficient maps (cP, cN);
// the relevance of the input is a+ (w+' cP + w-' cN) + a- (w-' cP + w+' cN). Where a >= 0 is known, the terms with a- vanish.
namespace ks::backward {

std::string stabilized(Pass& pass, const std::string& z, float stabilizer) {
  graph::Builder& b = pass.builder();
  const std::string offset = pass.add("Where", {pass.add("Less", {z, b.scalar(0)}), b.scalar(-stabilizer), b.scalar(stabilizer)});
  return pass.add("Add", {z, offset});
}

namespace {

using graph::Node;

Tensor shifted(Tensor t, float by) {
  for (float& v : t.data) v += by;
  return t;
}

/// A linear layer with its input and weights split by sign.
class Split {
 public:
  Split(Pass& pass, const Linear& layer)
      : pass_(pass), layer_(layer), positive_(positive_part(layer.weights())), negative_(negative_part(layer.weights())) {
    signed_ = !pass.never_negative(layer.input());
    if (!signed_) return;
    above_ = pass.add("Relu", {layer.input()});
    below_ = pass.add("Sub", {layer.input(), above_});
    // ONNX Runtime 1.30's WebGPU provider gives wrong numbers for the joined channels of a picture (2 x 3): there the halves stay apart.
    if (joinable() && pass.backend() != Backend::webgpu)
      both_ = pass.add("Concat", {above_, below_}, {{"axis", layer.channel_axis()}});
  }

  /// P (or N, for `positive` = false) plus a bias per output.
  std::string contributions(bool positive, const Tensor& bias) const {
    const Tensor &same = positive ? positive_ : negative_, &other = positive ? negative_ : positive_;
    if (!signed_) return layer_.apply(layer_.input(), same, bias);
    return apply_signed(same, other, bias);
  }

  /// P and N, each with its bias, from one convolution where the layer allows.
  std::pair<std::string, std::string> both(const Tensor& positive_bias, const Tensor& negative_bias) const {
    if (!joinable()) return {contributions(true, positive_bias), contributions(false, negative_bias)};
    const Tensor bias = concatenate({positive_bias, negative_bias});
    const Tensor weights = join(positive_, negative_, 0);
    const std::string z = signed_ ? apply_signed(weights, join(negative_, positive_, 0), bias)
                                  : layer_.apply(layer_.input(), weights, bias);
    const int64_t outputs = layer_.weights().dim(0);
    return {channels(z, 0, outputs), channels(z, outputs, 2 * outputs)};
  }

  /// Relevance of the input from the coefficients of the positive and of the negative contributions; either may be empty (0).
  std::string relevance(const std::string& cp, const std::string& cn) const {
    if (!signed_) return pass_.add("Mul", {layer_.input(), back(cp, cn, positive_, negative_)});
    if (!both_.empty()) {
      const Tensor p = join(positive_, negative_, 1), n = join(negative_, positive_, 1);
      const std::string product = pass_.add("Mul", {both_, back(cp, cn, p, n)});
      const int64_t inputs = layer_.weights().dim(1);
      return pass_.add("Add", {channels(product, 0, inputs), channels(product, inputs, 2 * inputs)});
    }
    return pass_.add("Add", {pass_.add("Mul", {above_, back(cp, cn, positive_, negative_)}),
                             pass_.add("Mul", {below_, back(cp, cn, negative_, positive_)})});
  }

 private:
  bool joinable() const { return layer_.groups() == 1; }

  /// The layer with one set of weights for the inputs above zero and another for those below.
  std::string apply_signed(const Tensor& above, const Tensor& below, const Tensor& bias) const {
    if (!both_.empty()) return layer_.apply(both_, join(above, below, 1), bias);
    return pass_.add("Add", {layer_.apply(above_, above, bias), layer_.apply(below_, below, {})});
  }

  std::string channels(const std::string& x, int64_t begin, int64_t end) const {
    graph::Builder& b = pass_.builder();
    return pass_.add("Slice", {x, b.ints({begin}), b.ints({end}), b.ints({layer_.channel_axis()})});
  }

  /// p' cp + n' cn, as one transposed layer over the stacked coefficients where possible.
  std::string back(const std::string& cp, const std::string& cn, const Tensor& p, const Tensor& n) const {
    if (cn.empty()) return layer_.transpose(cp, p);
    if (cp.empty()) return layer_.transpose(cn, n);
    if (joinable())
      return layer_.transpose(pass_.add("Concat", {cp, cn}, {{"axis", layer_.channel_axis()}}), join(p, n, 0));
    return pass_.add("Add", {layer_.transpose(cp, p), layer_.transpose(cn, n)});
  }

  Pass& pass_;
  const Linear& layer_;
  Tensor positive_, negative_;
  bool signed_ = false;
  std::string above_, below_, both_;
};

/// Shares by contribution to z, the layer with any weights and bias; `z` empty: to be computed. Stabilizer 0: rule zero.
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
  pass.send(layer.input(), pass.add("Mul", {layer.input(), layer.transpose(c, weights)}));
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

// P >= 0 and N <= 0 always, so that their stabilizer has a known sign and rides on the bias.
void z_plus(Pass& pass, const Linear& layer, const Tensor& bias, const std::string& r, const Rule& rule) {
  const Split split(pass, layer);
  const std::string p = split.contributions(true, shifted(positive_part(bias), rule.stabilizer));
  pass.send(layer.input(), split.relevance(pass.add("Div", {r, p}), ""));
}

void alpha_beta(Pass& pass, const Linear& layer, const Tensor& bias, const std::string& r, const Rule& rule) {
  const Split split(pass, layer);
  const auto [p, n] = split.both(shifted(positive_part(bias), rule.stabilizer), shifted(negative_part(bias), -rule.stabilizer));
  graph::Builder& b = pass.builder();
  const std::string cp = pass.add("Div", {rule.alpha == 1 ? r : pass.add("Mul", {r, b.scalar(rule.alpha)}), p});
  if (rule.beta == 0) return pass.send(layer.input(), split.relevance(cp, ""));
  const std::string cn = pass.add("Div", {pass.add("Mul", {r, b.scalar(-rule.beta)}), n});
  pass.send(layer.input(), split.relevance(cp, cn));
}

void generalised_gamma(Pass& pass, const Linear& layer, const Tensor& bias, const std::string& r, const Rule& rule) {
  const Split split(pass, layer);
  graph::Builder& b = pass.builder();
  const std::string g = b.scalar(rule.gamma), zero = b.scalar(0), one_plus = b.scalar(1 + rule.gamma);
  const auto [p, n] = split.both(positive_part(bias), negative_part(bias));  // with their biases
  // What the network itself computes is exact where P + N cancels.
  const std::string z = rule.use_bias ? layer.output() : layer.apply(layer.input(), layer.weights(), {});
  const auto share = [&](const char* compare, const std::string& part, float stabilizer) {
    // Outputs of the other sign divide by 1 and are then left out, so that no infinity arises.
    const std::string active = pass.add(compare, {z, zero});
    const std::string whole = pass.add("Add", {pass.add("Add", {z, pass.add("Mul", {part, g})}), b.scalar(stabilizer)});
    const std::string divisor = pass.add("Where", {active, whole, b.scalar(1)});
    return pass.add("Div", {pass.add("Where", {active, r, zero}), divisor});
  };
  const std::string above = share("Greater", p, rule.stabilizer), below = share("Less", n, -rule.stabilizer);
  const std::string cp = pass.add("Add", {pass.add("Mul", {above, one_plus}), below});
  const std::string cn = pass.add("Add", {above, pass.add("Mul", {below, one_plus})});
  pass.send(layer.input(), split.relevance(cp, cn));
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
  const std::string share = layer.groups() == 1 ? layer.transpose_ones(c)
                                                : layer.transpose(c, Tensor(layer.weights().shape, 1.0f));
  pass.send(layer.input(), pass.add("Expand", {share, pass.builder().ints(repeat)}));
}

}  // namespace

void relevance_with_weights(Pass& pass, const Node& node, const std::string& r, const Rule& rule) {
  const Linear layer(pass, node);
  const Tensor bias = rule.use_bias ? layer.bias() : Tensor(layer.bias().shape);
  switch (rule.kind) {
    case RuleKind::zero:
    case RuleKind::epsilon: return epsilon(pass, layer, r, rule);
    case RuleKind::z_plus: return z_plus(pass, layer, bias, r, rule);
    case RuleKind::alpha_beta: return alpha_beta(pass, layer, bias, r, rule);
    case RuleKind::gamma: return gamma(pass, layer, bias, r, rule);
    case RuleKind::generalised_gamma: return generalised_gamma(pass, layer, bias, r, rule);
    case RuleKind::z_box: return z_box(pass, layer, r, rule);
    case RuleKind::w_square: return w_square(pass, layer, r, rule);
    case RuleKind::flat: return flat(pass, layer, r, rule);
    default: return gradient_rule(pass, node, r);
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
    case LayerKind::convolution: return composite.convolution;
    case LayerKind::dense: return composite.dense;
    case LayerKind::activation: return composite.activation;
    case LayerKind::sum: return composite.sum;
    case LayerKind::average_pool: return composite.average_pool;
    case LayerKind::max_pool: return composite.max_pool;
    case LayerKind::normalisation: return composite.normalisation;
    case LayerKind::product: return composite.product;
    default: return Rule{};
  }
}

bool allows(LayerKind kind, RuleKind rule) {
  if (rule == RuleKind::gradient) return true;
  switch (kind) {
    case LayerKind::convolution:
    case LayerKind::dense: return rule != RuleKind::pass && rule != RuleKind::norm;
    case LayerKind::activation: return rule == RuleKind::pass;
    case LayerKind::normalisation:
    case LayerKind::product: return rule == RuleKind::pass || rule == RuleKind::norm;
    case LayerKind::sum:
    case LayerKind::average_pool: return rule == RuleKind::norm;
    default: return false;
  }
}

void relevance_rule(Pass& pass, const Node& node, const std::string& relevance, const Rule& rule) {
  const LayerKind kind = kind_of(pass, node);
  if (!allows(kind, rule.kind))
    throw Error("node '" + node.name + "' (" + node.op + ") cannot take this rule of relevance propagation", pass.where());
  if (rule.kind == RuleKind::gradient) return gradient_rule(pass, node, relevance);
  if (is_linear_layer(pass, node)) return relevance_with_weights(pass, node, relevance, rule);
  relevance_without_weights(pass, node, kind, relevance, rule);
}

}  // namespace ks::backward

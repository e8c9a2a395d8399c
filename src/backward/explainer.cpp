#include "backward/explainer.h"

#include "backward/attribution.h"

namespace ks::backward {

namespace {

using Rules = std::function<Pass::Rule(const graph::Node&)>;

/// Walks back with the rules; the attribution is what arrives at the input, times the input where `times_input`.
graph::Model walk(Pass& pass, bool times_input, Layers layers, const Rules& rule_of) {
  const std::string input = pass.model().inputs.at(0).name, logits = pass.model().outputs.at(0).name;
  const int64_t channels = pass.shape(input).at(1);
  add_seed(pass);
  const std::string result = pass.run(logits, seed_input, input, rule_of);
  const auto value_of = [&](const std::string& tensor, const std::string& value) {
    return times_input ? pass.add("Mul", {value, tensor}) : value;
  };
  if (layers == Layers::all) add_layer_outputs(pass, value_of);
  return finish(pass, value_of(input, result), channels);
}

}  // namespace

void relu_rule(Pass& pass, const graph::Node& node, const std::string& g, ReluRule relu) {
  if (relu == ReluRule::gradient) return gradient_rule(pass, node, g);
  const std::string positive = pass.add("Relu", {g});
  if (relu == ReluRule::deconvolution) return pass.send(node.inputs[0], positive);
  gradient_rule(pass, node, positive);
}

graph::Model gradient_model(const graph::Model& forward, const Shape& input_shape, ReluRule relu, bool times_input,
                            Backend backend, const std::string& where, Layers layers) {
  Pass pass(forward, input_shape, backend, where);
  return walk(pass, times_input, layers, [relu](const graph::Node& node) -> Pass::Rule {
    if (node.op != "Relu") return gradient_rule;
    return [relu](Pass& p, const graph::Node& n, const std::string& g) { relu_rule(p, n, g, relu); };
  });
}

graph::Model relevance_model(const graph::Model& forward, const Shape& input_shape, const Composite& composite,
                             Backend backend, const std::string& where, Layers layers) {
  Pass pass(forward, input_shape, backend, where);
  const std::string first = first_layer(pass, composite.first.kind == RuleKind::flat);
  return walk(pass, false, layers, [&composite, &pass, first](const graph::Node& node) -> Pass::Rule {
    const Rule rule = rule_of(composite, pass, node, first);
    return [rule](Pass& p, const graph::Node& n, const std::string& r) { relevance_rule(p, n, r, rule); };
  });
}

}  // namespace ks::backward

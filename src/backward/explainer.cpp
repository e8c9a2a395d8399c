#include "backward/explainer.h"

#include "graph/simplify.h"

namespace ks::backward {

namespace {

/// Adds the seed input, walks back with the rules and makes the result an output.
graph::Model finish(Pass& pass, bool times_input, const std::function<Pass::Rule(const graph::Node&)>& rule_of) {
  graph::Model& model = pass.model();
  const std::string input = model.inputs.at(0).name, logits = model.outputs.at(0).name;
  graph::Value seed = model.outputs[0];
  seed.name = seed_input;
  model.inputs.push_back(seed);
  const std::string result = pass.run(logits, seed_input, input, rule_of);
  if (times_input) pass.builder().add_named("Mul", {result, input}, attribution_output);
  else pass.builder().add_named("Identity", {result}, attribution_output);
  graph::Value attribution = model.inputs[0];
  attribution.name = attribution_output;
  model.outputs.push_back(attribution);
  graph::remove_unused(model);
  model.metadata.clear();
  return model;
}

void modified_relu(Pass& pass, const graph::Node& node, const std::string& g, ReluRule relu) {
  const std::string positive = pass.add("Relu", {g});
  if (relu == ReluRule::deconvolution) return pass.send(node.inputs[0], positive);
  gradient_rule(pass, node, positive);
}

}  // namespace

graph::Model gradient_model(const graph::Model& forward, const Shape& input_shape, ReluRule relu, bool times_input,
                            Backend backend, const std::string& where) {
  Pass pass(forward, input_shape, backend, where);
  return finish(pass, times_input, [relu](const graph::Node& node) -> Pass::Rule {
    if (relu == ReluRule::gradient || node.op != "Relu") return gradient_rule;
    return [relu](Pass& p, const graph::Node& n, const std::string& g) { modified_relu(p, n, g, relu); };
  });
}

graph::Model relevance_model(const graph::Model& forward, const Shape& input_shape, const Composite& composite,
                             Backend backend, const std::string& where) {
  Pass pass(forward, input_shape, backend, where);
  const std::string first = first_layer(pass, composite.first.kind == RuleKind::flat);
  return finish(pass, false, [&composite, &pass, first](const graph::Node& node) -> Pass::Rule {
    const Rule rule = rule_of(composite, pass, node, first);
    return [rule](Pass& p, const graph::Node& n, const std::string& r) { relevance_rule(p, n, r, rule); };
  });
}

}  // namespace ks::backward

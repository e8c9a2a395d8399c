#include "backward/explainer.h"

#include <set>

#include "backward/attribution.h"
#include "backward/gradient.h"
#include "graph/simplify.h"

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

/// ReLUs that nothing but a max-pool reads. A pooled zero means that nothing in its window was active: the pool can
/// stop the gradient for the ReLU, at a fraction of its size.
std::set<std::string> pooled_relus(const graph::Model& model) {
  std::set<std::string> relus, pooled;
  for (const graph::Node& n : model.nodes)
    if (n.op == "Relu" && graph::readers(model, n.outputs[0]) == 1) relus.insert(n.outputs[0]);
  for (const graph::Node& n : model.nodes)
    if (n.op == "MaxPool" && relus.count(n.inputs[0])) pooled.insert(n.inputs[0]);
  return pooled;
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
  // Where what arrives at every layer is asked for, or inactive units do not stop the gradient, each ReLU is for
  // itself.
  std::set<std::string> pooled;
  if (layers == Layers::input_only && relu != ReluRule::deconvolution) pooled = pooled_relus(forward);
  return walk(pass, times_input, layers, [&](const graph::Node& node) -> Pass::Rule {
    if (node.op == "MaxPool" && pooled.count(node.inputs[0]))
      return [](Pass& p, const graph::Node& n, const std::string& g) {
        gradient_rule(p, n, where_active(p, n.outputs[0], g));
      };
    if (node.op != "Relu") return gradient_rule;
    if (!pooled.count(node.outputs[0]))
      return [relu](Pass& p, const graph::Node& n, const std::string& g) { relu_rule(p, n, g, relu); };
    if (relu == ReluRule::gradient)
      return [](Pass& p, const graph::Node& n, const std::string& g) { p.send(n.inputs[0], g); };
    return [](Pass& p, const graph::Node& n, const std::string& g) { relu_rule(p, n, g, ReluRule::deconvolution); };
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

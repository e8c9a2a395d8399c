#include "backward/pass.h"

#include <algorithm>

#include "backward/sign.h"
#include "tensor/error.h"

namespace ks::backward {

namespace {

/// Ops whose output says nothing about small changes of their input: shapes and comparisons.
bool is_differentiable(const std::string& op) {
  static const std::set<std::string> constant = {"Shape",       "Size", "Equal", "Greater", "GreaterOrEqual", "Less",
                                                 "LessOrEqual", "Not",  "And",   "Or",      "ArgMax",         "ArgMin"};
  return !constant.count(op);
}

std::set<std::string> dependents(const graph::Model& model, const std::string& input) {
  std::set<std::string> out{input};
  for (const graph::Node& node : model.nodes)
    if (is_differentiable(node.op) &&
        std::any_of(node.inputs.begin(), node.inputs.end(), [&](const auto& i) { return out.count(i) > 0; }))
      out.insert(node.outputs.begin(), node.outputs.end());
  out.erase("");
  return out;
}

}  // namespace

Pass::Pass(const graph::Model& forward, const Shape& input_shape, Backend backend, const std::string& where)
    : forward_(forward),
      model_(forward),
      builder_(model_),
      shapes_(graph::infer_shapes(forward, input_shape, where)),
      backend_(backend),
      where_(where),
      never_negative_(nonnegative_tensors(forward)) {}

void Pass::send(const std::string& tensor, const std::string& value, Support support) {
  if (!wants(tensor)) return;
  if (captured_) return void(captured_->emplace_back(tensor, value));
  if (support == Support::nonzero && never_negative(tensor)) support = Support::positive;
  const auto [it, first] = support_.emplace(tensor, support);
  it->second = std::min(it->second, support);
  contributions_[tensor].push_back(value);
  sent_[sender_].emplace_back(tensor, value);
}

Support Pass::support(const std::string& tensor) const {
  const auto it = support_.find(tensor);
  return it == support_.end() ? Support::anywhere : it->second;
}

std::vector<std::pair<std::string, std::string>> Pass::gradients_of(const graph::Node& node,
                                                                    const std::string& incoming) {
  std::vector<std::pair<std::string, std::string>> out;
  captured_ = &out;
  gradient_rule(*this, node, incoming);
  captured_ = nullptr;
  return out;
}

std::string Pass::arrived(const std::string& tensor) {
  const auto it = contributions_.find(tensor);
  if (it == contributions_.end()) return "";
  std::string sum = it->second.at(0);
  for (size_t i = 1; i < it->second.size(); ++i) sum = add("Add", {sum, it->second[i]});
  it->second = {collected_[tensor] = sum};
  return sum;
}

std::string Pass::reshape_target(const std::string& tensor) {
  Shape target = shape(tensor);
  if (!target.empty()) target[0] = -1;
  return builder_.ints(target);
}

graph::Node& Pass::forward_node(const std::string& output) {
  for (graph::Node& node : model_.nodes)
    if (std::find(node.outputs.begin(), node.outputs.end(), output) != node.outputs.end()) return node;
  throw std::logic_error("no node makes " + output);
}

void Pass::remake(const std::string& tensor, const std::string& op, const std::vector<std::string>& inputs) {
  graph::Node& node = forward_node(tensor);
  node.op = op;
  node.domain.clear();
  node.inputs = inputs;
  node.attributes.clear();
}

std::string Pass::run(const std::string& output, const std::string& seed, const std::string& input,
                      const std::function<Rule(const graph::Node&)>& rule_of) {
  dependent_ = dependents(forward_, input);
  contributions_.clear();
  support_.clear();
  collected_.clear();
  sent_.clear();
  contributions_[output].push_back(seed);
  for (size_t i = forward_.nodes.size(); i-- > 0;) {
    const graph::Node& node = forward_.nodes[i];
    if (std::count(node.outputs.begin(), node.outputs.end(), input)) break;  // what comes before does not depend on it
    // What arrived at constants or at what does not depend on the input is of no use, and such nodes need no rule.
    const bool reached = std::any_of(node.outputs.begin(), node.outputs.end(),
                                     [&](const std::string& o) { return wants(o) && contributions_.count(o) > 0; });
    if (!reached) continue;
    const std::string incoming = arrived(node.outputs[0]);
    stem_ = "backward/" + node.outputs[0] + "/";
    sender_ = node.outputs[0];
    rule_of(node)(*this, node, incoming);
  }
  stem_ = "backward/";
  const std::string result = arrived(input);
  return result.empty() ? add("Mul", {input, builder_.scalar(0)}) : result;
}

}  // namespace ks::backward

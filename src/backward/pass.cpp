#include "backward/pass.h"

#include <algorithm>

#include "tensor/error.h"

namespace ks::backward {

namespace {

std::set<std::string> dependents(const graph::Model& model, const std::string& input) {
  std::set<std::string> out{input};
  for (const graph::Node& node : model.nodes)
    if (std::any_of(node.inputs.begin(), node.inputs.end(), [&](const auto& i) { return out.count(i) > 0; }))
      out.insert(node.outputs.begin(), node.outputs.end());
  return out;
}

std::set<std::string> nonnegative_tensors(const graph::Model& model) {
  static const std::set<std::string> makes = {"Relu", "Sigmoid", "Softmax", "HardSigmoid", "Softplus"};
  static const std::set<std::string> keeps = {"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Flatten",
                                              "Reshape", "Identity",    "Dropout",           "Concat",        "Add",
                                              "Sum",     "Transpose",   "ReduceMean",        "Squeeze",       "Unsqueeze"};
  std::set<std::string> out;
  for (const auto& [name, array] : model.initializers) {
    if (array.type != graph::Type::f32) continue;
    const std::vector<float> values = array.to_floats();
    if (std::all_of(values.begin(), values.end(), [](float v) { return v >= 0; })) out.insert(name);
  }
  for (const graph::Node& node : model.nodes) {
    const bool shape_input = node.op == "Reshape" || node.op == "Squeeze" || node.op == "Unsqueeze" || node.op == "ReduceMean";
    const auto end = shape_input ? node.inputs.begin() + 1 : node.inputs.end();
    const bool all = std::all_of(node.inputs.begin(), end, [&](const auto& i) { return out.count(i) > 0; });
    if (makes.count(node.op) || (keeps.count(node.op) && all)) out.insert(node.outputs.at(0));
  }
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

void Pass::send(const std::string& tensor, const std::string& value) {
  if (!wants(tensor)) return;
  if (captured_) return void(captured_->emplace_back(tensor, value));
  contributions_[tensor].push_back(value);
  sent_[sender_].emplace_back(tensor, value);
}

std::vector<std::pair<std::string, std::string>> Pass::gradients_of(const graph::Node& node, const std::string& incoming) {
  std::vector<std::pair<std::string, std::string>> out;
  captured_ = &out;
  gradient_rule(*this, node, incoming);
  captured_ = nullptr;
  return out;
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

std::string Pass::run(const std::string& output, const std::string& seed, const std::string& input,
                      const std::function<Rule(const graph::Node&)>& rule_of) {
  dependent_ = dependents(forward_, input);
  contributions_.clear();
  collected_.clear();
  sent_.clear();
  contributions_[output].push_back(seed);
  const auto collect = [&](const std::string& tensor) {
    std::vector<std::string>& parts = contributions_[tensor];
    std::string sum = parts.at(0);
    for (size_t i = 1; i < parts.size(); ++i) sum = add("Add", {sum, parts[i]});
    return collected_[tensor] = sum;
  };
  for (size_t i = forward_.nodes.size(); i-- > 0;) {
    const graph::Node& node = forward_.nodes[i];
    if (std::count(node.outputs.begin(), node.outputs.end(), input)) break;  // what comes before does not depend on it
    const auto it = node.outputs.empty() ? contributions_.end() : contributions_.find(node.outputs[0]);
    if (it == contributions_.end() || !wants(node.outputs[0])) continue;
    const std::string incoming = collect(node.outputs[0]);
    stem_ = "backward/" + node.outputs[0] + "/";
    sender_ = node.outputs[0];
    rule_of(node)(*this, node, incoming);
  }
  stem_ = "backward/";
  if (!contributions_.count(input)) return add("Mul", {input, builder_.scalar(0)});
  return collect(input);
}

}  // namespace ks::backward

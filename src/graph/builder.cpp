#include "graph/builder.h"

#include <algorithm>
#include <stdexcept>

namespace ks::graph {

Builder::Builder(Model& model) : model_(model) {
  for (const Node& node : model.nodes) {
    names_.insert(node.outputs.begin(), node.outputs.end());
    names_.insert(node.inputs.begin(), node.inputs.end());
  }
  for (const auto& [name, array] : model.initializers) names_.insert(name);
  for (const Value& v : model.inputs) names_.insert(v.name);
  for (const Value& v : model.outputs) names_.insert(v.name);
}

std::string Builder::fresh(const std::string& stem) {
  std::string name = stem;
  while (!names_.insert(name).second) name = stem + "_" + std::to_string(++counters_[stem]);
  return name;
}

std::vector<std::string> Builder::add_many(const std::string& op, const std::vector<std::string>& inputs, size_t count,
                                           Attributes attributes, const std::string& stem) {
  Node node;
  node.op = op;
  node.inputs = inputs;
  node.attributes = std::move(attributes);
  for (size_t i = 0; i < count; ++i) node.outputs.push_back(fresh(stem.empty() ? op : stem));
  node.name = node.outputs[0];
  model_.nodes.push_back(node);
  return node.outputs;
}

std::string Builder::add(const std::string& op, const std::vector<std::string>& inputs, Attributes attributes,
                         const std::string& stem) {
  return add_many(op, inputs, 1, std::move(attributes), stem)[0];
}

void Builder::add_named(const std::string& op, const std::vector<std::string>& inputs, const std::string& output,
                        Attributes attributes) {
  if (!names_.insert(output).second && model_.producer(output)) throw std::logic_error(output + " is made already");
  Node node;
  node.op = op;
  node.inputs = inputs;
  node.outputs = {output};
  node.attributes = std::move(attributes);
  node.name = output;
  model_.nodes.push_back(std::move(node));
}

std::string Builder::reduce(const std::string& op, const std::string& x, const std::vector<int64_t>& axes,
                            const std::string& stem) {
  // The axes became an input with opset 13 for sums and with opset 18 for the others.
  if (op == "ReduceSum" || model_.opset >= 18) return add(op, {x, ints(axes)}, {{"keepdims", int64_t{1}}}, stem);
  return add(op, {x}, {{"axes", axes}, {"keepdims", int64_t{1}}}, stem);
}

std::string Builder::constant(const Array& array, const std::string& stem) {
  const std::string name = fresh(stem);
  model_.initializers[name] = array;
  return name;
}

std::string Builder::scalar(float value) {
  std::string& name = scalars_[value];
  if (name.empty()) name = constant(Array::floats({}, {value}), "scalar");
  return name;
}

std::string Builder::ints(const std::vector<int64_t>& values) {
  std::string& name = int_lists_[values];
  if (name.empty()) name = constant(Array::ints({static_cast<int64_t>(values.size())}, values), "ints");
  return name;
}

void build_after(Model& model, const std::string& tensor, const std::function<void(Builder&)>& build) {
  const auto makes = [&](const Node& n) { return std::count(n.outputs.begin(), n.outputs.end(), tensor) > 0; };
  const auto place = std::find_if(model.nodes.begin(), model.nodes.end(), makes) - model.nodes.begin() + 1;
  const auto end = static_cast<std::ptrdiff_t>(model.nodes.size());
  Builder builder(model);
  build(builder);
  std::rotate(model.nodes.begin() + place, model.nodes.begin() + end, model.nodes.end());
}

}  // namespace ks::graph

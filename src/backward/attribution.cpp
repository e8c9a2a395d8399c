#include "backward/attribution.h"

#include <algorithm>
#include <numeric>

#include "backward/explainer.h"
#include "graph/simplify.h"

namespace ks::backward {

namespace {

void add_output(Pass& pass, const std::string& op, const std::vector<std::string>& inputs, const std::string& name,
                const Shape& shape, graph::Builder::Attributes attributes = {}) {
  pass.builder().add_named(op, inputs, name, std::move(attributes));
  graph::Value value;
  value.name = name;
  for (int64_t d : shape) value.dimensions.push_back({d, d < 0 ? "N" : ""});
  pass.model().outputs.push_back(value);
}

/// [N], the sum of everything else.
std::string total(Pass& pass, const std::string& value) {
  const std::string rows = pass.add("Flatten", {value}, {{"axis", int64_t{1}}});
  return pass.add("ReduceSum", {rows, pass.builder().ints({1})}, {{"keepdims", int64_t{0}}});
}

}  // namespace

void add_seed(Pass& pass) {
  graph::Value seed = pass.model().outputs.at(0);
  seed.name = seed_input;
  pass.model().inputs.push_back(seed);
}

graph::Model finish(Pass& pass, const std::string& result, int64_t channels) {
  graph::Model& model = pass.model();
  pass.builder().add_named("Identity", {result}, attribution_output);
  graph::Value attribution = model.inputs.at(0);
  attribution.name = attribution_output;
  attribution.dimensions.at(1) = {channels, ""};
  model.outputs.insert(model.outputs.begin() + 1, attribution);
  graph::remove_unused(model);
  graph::sort_nodes(model);  // a forward tensor may be made from tensors of the pass
  model.metadata.clear();
  return model;
}

std::set<std::string> channels_last(const graph::Model& model) {
  std::set<std::string> out;
  for (const graph::Node& node : model.nodes) {
    if (node.op == "Transpose") {
      if (node.attribute("perm", std::vector<int64_t>{}) == std::vector<int64_t>{0, 2, 3, 1})
        out.insert(node.outputs.at(0));
      continue;
    }
    if (std::any_of(node.inputs.begin(), node.inputs.end(), [&](const auto& i) { return out.count(i) > 0; }))
      out.insert(node.outputs.begin(), node.outputs.end());
  }
  return out;
}

std::string layer_map_output(const std::string& tensor) {
  return "explain/map/" + tensor;
}
std::string layer_channels_output(const std::string& tensor) {
  return "explain/channels/" + tensor;
}
std::string layer_sent_output(const std::string& tensor) {
  return "explain/sent/" + tensor;
}

void add_layer_outputs(Pass& pass, const std::function<std::string(const std::string&, const std::string&)>& value_of) {
  const std::set<std::string> last = channels_last(pass.forward());
  for (const auto& [tensor, arrived] : pass.collected()) {
    const Shape& shape = pass.shape(tensor);
    if (shape.size() < 2) continue;
    const std::string value = value_of(tensor, arrived);
    const int64_t rank = static_cast<int64_t>(shape.size()), channel = last.count(tensor) || rank == 3 ? rank - 1 : 1;
    std::vector<int64_t> positions(static_cast<size_t>(rank) - 1);
    std::iota(positions.begin(), positions.end(), 1);
    positions.erase(positions.begin() + channel - 1);
    const Shape per_channel = {-1, shape[static_cast<size_t>(channel)]};
    if (positions.empty())
      add_output(pass, "Identity", {value}, layer_channels_output(tensor), per_channel);
    else
      add_output(pass, "ReduceSum", {value, pass.builder().ints(positions)}, layer_channels_output(tensor), per_channel,
                 {{"keepdims", int64_t{0}}});
    if (rank == 4) {
      const int64_t y = channel == 1 ? 2 : 1;
      const Shape plane = {-1, 1, shape[static_cast<size_t>(y)], shape[static_cast<size_t>(y) + 1]};
      std::string sum = pass.reduce("ReduceSum", value, {channel});
      if (channel != 1) sum = pass.add("Transpose", {sum}, {{"perm", std::vector<int64_t>{0, 3, 1, 2}}});
      add_output(pass, "Identity", {sum}, layer_map_output(tensor), plane);
    }
  }
  for (const auto& [node, parts] : pass.sent()) {
    std::string sum;
    for (const auto& [tensor, value] : parts) {
      const std::string part = total(pass, value_of(tensor, value));
      sum = sum.empty() ? part : pass.add("Add", {sum, part});
    }
    add_output(pass, "Identity", {sum}, layer_sent_output(node), {-1});
  }
}

}  // namespace ks::backward

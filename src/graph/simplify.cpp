#include "graph/simplify.h"

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

#include "graph/fold.h"
#include "graph/merge.h"
#include "graph/shapes.h"
#include "graph/upgrade.h"
#include "tensor/error.h"

namespace ks::graph {

namespace {

/// The array of a Constant node, in whichever attribute it is; null where it is none of numbers.
std::optional<Array> constant_value(const Node& node) {
  const auto find = [&](const char* key) -> const Attribute* {
    const auto it = node.attributes.find(key);
    return it == node.attributes.end() ? nullptr : &it->second;
  };
  using Floats = std::vector<float>;
  using Ints = std::vector<int64_t>;
  if (const Attribute* a = find("value"); a && std::holds_alternative<Array>(*a)) return std::get<Array>(*a);
  if (const Attribute* a = find("value_float"); a && std::holds_alternative<float>(*a))
    return Array::floats({}, {std::get<float>(*a)});
  if (const Attribute* a = find("value_int"); a && std::holds_alternative<int64_t>(*a))
    return Array::ints({}, {std::get<int64_t>(*a)});
  if (const Attribute* a = find("value_floats"); a && std::holds_alternative<Floats>(*a))
    return Array::floats({static_cast<int64_t>(std::get<Floats>(*a).size())}, std::get<Floats>(*a));
  if (const Attribute* a = find("value_ints"); a && std::holds_alternative<Ints>(*a))
    return Array::ints({static_cast<int64_t>(std::get<Ints>(*a).size())}, std::get<Ints>(*a));
  return std::nullopt;
}

void lift_constants(Model& model) {
  std::vector<Node> kept;
  for (Node& node : model.nodes) {
    std::optional<Array> value = node.op == "Constant" ? constant_value(node) : std::nullopt;
    if (value)
      model.initializers[node.outputs.at(0)] = std::move(*value);
    else
      kept.push_back(std::move(node));
  }
  model.nodes = std::move(kept);
}

/// Whether the node hands its first input on as it is.
bool is_identity(const Model& model, const Node& node, const Facts& facts) {
  if (!node.domain.empty()) return false;
  const std::string& op = node.op;
  if (op == "Identity") return true;
  if (op == "Dropout") {
    const Array* training = node.has_input(2) ? model.constant(node.inputs[2]) : nullptr;
    return !node.has_input(2) || (training && training->to_ints() == std::vector<int64_t>{0});
  }
  if (op == "Concat" || op == "Sum" || op == "Max" || op == "Min") return node.inputs.size() == 1;
  if (op == "Clip") return !node.has_input(1) && !node.has_input(2);
  const auto in = facts.shapes.find(node.inputs.empty() ? "" : node.inputs[0]),
             out = facts.shapes.find(node.outputs.at(0));
  if (in == facts.shapes.end() || out == facts.shapes.end() || in->second != out->second) return false;
  if (op == "Reshape" || op == "Flatten" || op == "Squeeze" || op == "Unsqueeze" || op == "Expand" || op == "Tile")
    return true;
  if (op == "Pad") {
    const std::vector<int64_t> pads = pads_of(model, node, in->second.size(), "");
    return std::all_of(pads.begin(), pads.end(), [](int64_t p) { return p == 0; });
  }
  if (op == "Slice") {
    const auto ranges = slice_of(model, node, in->second, "");
    return std::all_of(ranges.begin(), ranges.end(), [](const SliceRange& r) { return r.step == 1; });
  }
  if (op == "Transpose") {
    const auto order = node.attribute("perm", std::vector<int64_t>{});
    return !order.empty() && std::is_sorted(order.begin(), order.end());
  }
  return false;
}

void remove_identities(Model& model) {
  const Facts facts = model.inputs.empty() ? Facts{} : infer_facts(model, model.inputs[0].shape());
  for (size_t i = 0; i < model.nodes.size();) {
    const Node node = model.nodes[i];
    if (!is_identity(model, node, facts) || is_output(model, node.outputs.at(0)) ||
        (node.outputs.size() > 1 && readers(model, node.outputs[1]))) {
      ++i;
      continue;
    }
    model.nodes.erase(model.nodes.begin() + static_cast<int64_t>(i));
    replace_reads(model, node.outputs[0], node.inputs.at(0));
  }
}

}  // namespace

void replace_reads(Model& model, const std::string& from, const std::string& to) {
  for (Node& node : model.nodes) std::replace(node.inputs.begin(), node.inputs.end(), from, to);
}

void remove_unused(Model& model) {
  std::unordered_set<std::string> needed;
  for (const Value& v : model.outputs) needed.insert(v.name);
  std::vector<Node> kept;
  for (size_t i = model.nodes.size(); i-- > 0;) {
    Node& node = model.nodes[i];
    if (std::none_of(node.outputs.begin(), node.outputs.end(), [&](const auto& o) { return needed.count(o) > 0; }))
      continue;
    needed.insert(node.inputs.begin(), node.inputs.end());
    kept.push_back(std::move(node));
  }
  std::reverse(kept.begin(), kept.end());
  model.nodes = std::move(kept);
  for (auto it = model.initializers.begin(); it != model.initializers.end();)
    it = needed.count(it->first) ? std::next(it) : model.initializers.erase(it);
}

void check(const Model& model, const std::string& where) {
  std::set<std::string> known;
  for (const auto& [name, array] : model.initializers) known.insert(name);
  for (const Value& v : model.inputs) known.insert(v.name);
  for (const Node& node : model.nodes) {
    const std::string who = "node '" + node.name + "' (" + node.op + ") ";
    for (const std::string& input : node.inputs)
      if (!input.empty() && !known.count(input))
        throw Error(who + "reads '" + input + "', which nothing computes before it", where);
    for (const std::string& output : node.outputs)
      if (!output.empty() && !known.insert(output).second)
        throw Error(who + "computes '" + output + "' a second time", where);
  }
  for (const Value& v : model.outputs)
    if (!known.count(v.name)) throw Error("nothing computes the output '" + v.name + "'", where);
}

bool is_output(const Model& model, const std::string& tensor) {
  return std::any_of(model.outputs.begin(), model.outputs.end(), [&](const Value& v) { return v.name == tensor; });
}

int64_t readers(const Model& model, const std::string& tensor) {
  int64_t n = is_output(model, tensor) ? 1 : 0;
  for (const Node& node : model.nodes) n += std::count(node.inputs.begin(), node.inputs.end(), tensor);
  return n;
}

Model with_constants_folded(const Model& model) {
  Model out = model;
  lift_constants(out);
  upgrade_old_forms(out);
  fold_constants(out);
  return out;
}

Model simplify(const Model& model) {
  Model out = with_constants_folded(model);
  lower_new_forms(out);
  remove_identities(out);
  merge_layers(out);
  remove_unused(out);
  return out;
}

void sort_nodes(Model& model) {
  std::unordered_map<std::string, size_t> producer;
  for (size_t n = 0; n < model.nodes.size(); ++n)
    for (const std::string& o : model.nodes[n].outputs)
      if (!o.empty()) producer[o] = n;
  enum class State { untouched, open, done };
  std::vector<State> states(model.nodes.size(), State::untouched);
  std::vector<Node> sorted;
  std::vector<size_t> stack;
  for (size_t first = 0; first < model.nodes.size(); ++first) {
    stack.push_back(first);
    while (!stack.empty()) {
      const size_t n = stack.back();
      if (states[n] != State::untouched) {
        stack.pop_back();
        if (states[n] == State::open) sorted.push_back(std::move(model.nodes[n]));
        states[n] = State::done;
        continue;
      }
      states[n] = State::open;
      for (const std::string& i : model.nodes[n].inputs) {
        const auto it = producer.find(i);
        if (it == producer.end() || states[it->second] == State::done) continue;
        if (states[it->second] == State::open) throw std::logic_error("nodes of the network wait for each other");
        stack.push_back(it->second);
      }
    }
  }
  model.nodes = std::move(sorted);
}

}  // namespace ks::graph

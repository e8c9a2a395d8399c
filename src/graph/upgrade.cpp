#include "graph/upgrade.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "graph/builder.h"
#include "graph/shapes.h"
#include "tensor/error.h"

namespace ks::graph {

namespace {

using Ints = std::vector<int64_t>;

constexpr int64_t written_ir_version = 8;  // the one that came with opset 17

/// Makes an attribute a constant input.
void to_input(Model& model, Node& node, const char* key, size_t index) {
  const auto it = node.attributes.find(key);
  if (it == node.attributes.end()) return;
  Array array;
  if (const auto* ints = std::get_if<Ints>(&it->second))
    array = Array::ints({static_cast<int64_t>(ints->size())}, *ints);
  else if (const auto* floats = std::get_if<std::vector<float>>(&it->second))
    array = Array::floats({static_cast<int64_t>(floats->size())}, *floats);
  else if (const auto* f = std::get_if<float>(&it->second))
    array = Array::floats({}, {*f});
  else
    return;
  const std::string name = node.outputs.at(0) + "/" + key;
  model.initializers[name] = array;
  if (node.inputs.size() <= index) node.inputs.resize(index + 1);
  node.inputs[index] = name;
  node.attributes.erase(key);
}

/// Upsample and the first Resize: x, scales; positions are those of the asymmetric mode, rounded down.
void upgrade_resize(Node& node) {
  node.op = "Resize";
  node.inputs.insert(node.inputs.begin() + 1, "");
  node.attributes["coordinate_transformation_mode"] = std::string("asymmetric");
  node.attributes["nearest_mode"] = std::string("floor");
}

/// Softmax before opset 13 runs over all axes from `axis` on.
void upgrade_softmax(Model& model) {
  const Facts facts = model.inputs.empty() ? Facts{} : infer_facts(model, model.inputs[0].shape());
  Builder b(model);
  std::vector<Node> old;
  std::swap(old, model.nodes);
  for (Node& node : old) {
    const bool softmax = node.op == "Softmax" || node.op == "LogSoftmax";
    const auto shape = softmax ? facts.shapes.find(node.inputs.at(0)) : facts.shapes.end();
    if (softmax && !node.attributes.count("axis")) node.attributes["axis"] = int64_t{1};
    if (shape == facts.shapes.end()) {
      model.nodes.push_back(std::move(node));
      continue;
    }
    const Shape& x = shape->second;
    const int64_t axis = front_axis(node.attribute("axis", int64_t{1}), x.size());
    if (axis + 1 >= static_cast<int64_t>(x.size()) || axis < 1) {
      model.nodes.push_back(std::move(node));
      continue;
    }
    Shape target(x.begin(), x.begin() + axis), back = x;
    target.push_back(element_count(Shape(x.begin() + axis, x.end())));
    target[0] = back[0] = 0;
    const std::string rows = b.add("Reshape", {node.inputs[0], b.ints(target)}, {}, node.outputs[0] + "/rows");
    const std::string result = b.add(node.op, {rows}, {{"axis", int64_t{-1}}}, node.outputs[0] + "/softmax");
    b.add_named("Reshape", {result, b.ints(back)}, node.outputs[0]);
  }
}

/// A node and what a lowering needs to replace it by nodes that opset 17 has.
struct Lowering {
  Builder& b;
  const Node& node;
  const Facts& facts;

  std::string add(const std::string& op, const std::vector<std::string>& inputs,
                  Builder::Attributes attributes = {}) const {
    return b.add(op, inputs, std::move(attributes), node.outputs[0] + "/" + op);
  }
  void finish(const std::string& op, const std::vector<std::string>& inputs) const {
    b.add_named(op, inputs, node.outputs[0]);
  }
};

void lower_gelu(const Lowering& l) {
  const std::string& x = l.node.inputs.at(0);
  std::string gate;
  if (l.node.attribute("approximate", std::string("none")) == "tanh") {
    const std::string cube = l.add("Mul", {l.add("Mul", {x, x}), x});
    const std::string inner = l.add("Add", {x, l.add("Mul", {cube, l.b.scalar(0.044715f)})});
    gate =
        l.add("Tanh", {l.add("Mul", {inner, l.b.scalar(static_cast<float>(std::sqrt(2 / 3.14159265358979323846)))})});
  } else {
    gate = l.add("Erf", {l.add("Mul", {x, l.b.scalar(static_cast<float>(std::sqrt(0.5)))})});
  }
  const std::string share = l.add("Mul", {l.add("Add", {gate, l.b.scalar(1)}), l.b.scalar(0.5f)});
  l.finish("Mul", {x, share});
}

void lower_mish(const Lowering& l) {
  const std::string& x = l.node.inputs.at(0);
  l.finish("Mul", {x, l.add("Tanh", {l.add("Softplus", {x})})});
}

/// As PyTorch exports it: the groups become the channels of an instance normalisation. Opset 18 has scale and bias per
/// group, opset 21 per channel.
void lower_group_normalization(const Lowering& l) {
  const Shape& x = l.facts.shapes.at(l.node.inputs.at(0));
  const int64_t groups = l.node.attribute("num_groups", int64_t{1}), channels = x.at(1);
  const std::string rows = l.add("Reshape", {l.node.inputs[0], l.b.ints({0, groups, -1})});
  const std::string ones =
      l.b.constant(Array::floats({groups}, std::vector<float>(static_cast<size_t>(groups), 1.0f)), "ones");
  const std::string zeros =
      l.b.constant(Array::floats({groups}, std::vector<float>(static_cast<size_t>(groups), 0.0f)), "zeros");
  const std::string normal =
      l.add("InstanceNormalization", {rows, ones, zeros}, {{"epsilon", l.node.attribute("epsilon", 1e-5f)}});
  Shape back = x;
  back[0] = 0;
  const std::string whole = l.add("Reshape", {normal, l.b.ints(back)});
  std::string parts[2];
  for (int i = 0; i < 2; ++i) {
    const std::vector<float> given = l.b.model().constant(l.node.inputs.at(static_cast<size_t>(1 + i)))->to_floats();
    const int64_t each = channels / static_cast<int64_t>(given.size());
    Tensor values({channels});
    for (int64_t c = 0; c < channels; ++c) values.data[static_cast<size_t>(c)] = given[static_cast<size_t>(c / each)];
    Shape shape(x.size() - 1, 1);
    shape[0] = channels;
    parts[i] = l.b.constant(Array::of(values.reshaped(shape)), l.node.outputs[0] + (i ? "/bias" : "/scale"));
  }
  l.finish("Add", {l.add("Mul", {whole, parts[0]}), parts[1]});
}

bool can_lower(const Model& model, const Node& node, const Facts& facts) {
  if (!node.domain.empty()) return false;
  if (node.op == "Gelu" || node.op == "Mish") return true;
  if (node.op != "GroupNormalization" || node.inputs.size() != 3 || !facts.shapes.count(node.inputs[0])) return false;
  return model.constant(node.inputs[1]) && model.constant(node.inputs[2]);
}

void lower(Model& model, const Facts& facts) {
  Builder b(model);
  std::vector<Node> old;
  std::swap(old, model.nodes);
  for (Node& node : old) {
    if (!can_lower(model, node, facts)) {
      model.nodes.push_back(std::move(node));
      continue;
    }
    const Lowering lowering{b, node, facts};
    if (node.op == "Gelu")
      lower_gelu(lowering);
    else if (node.op == "Mish")
      lower_mish(lowering);
    else
      lower_group_normalization(lowering);
  }
}

bool is_reduction(const std::string& op) {
  static const std::set<std::string> ops = {"ReduceMean", "ReduceMax", "ReduceMin",      "ReduceProd",
                                            "ReduceL1",   "ReduceL2",  "ReduceSumSquare"};
  return ops.count(op) > 0;
}

/// Whether opset 17 can say what the node says.
bool has_old_form(const Model& model, const Node& node, const Facts& facts) {
  if (!has_shape_rule(node) || node.op == "Gelu" || node.op == "Mish" || node.op == "GroupNormalization") return false;
  const bool known = !node.inputs.empty() && facts.shapes.count(node.inputs[0]) > 0;
  if (is_reduction(node.op)) return known && (!node.has_input(1) || model.constant(node.inputs[1]));
  if (node.op == "Split" && node.attributes.count("num_outputs")) return known;
  if (node.op == "Pad" && node.has_input(3))
    return known && model.constant(node.inputs[1]) && model.constant(node.inputs[3]);
  if (node.op == "Pad") return node.attribute("mode", std::string("constant")) != "wrap";
  if (node.op == "Resize")
    return !node.attributes.count("axes") && !node.attribute("antialias", int64_t{0}) &&
           node.attribute("keep_aspect_ratio_policy", std::string("stretch")) == "stretch" &&
           node.attribute("coordinate_transformation_mode", std::string()) != "half_pixel_symmetric";
  if (node.op == "AveragePool") {
    const Ints dilations = node.attribute("dilations", Ints{});
    return std::all_of(dilations.begin(), dilations.end(), [](int64_t d) { return d == 1; });
  }
  return true;
}

void to_old_form(Model& model, Node& node, const Facts& facts) {
  const auto set_ints = [&](size_t input, const char* key, const Ints& values) {
    const std::string name = node.outputs[0] + "/" + key;
    model.initializers[name] = Array::ints({static_cast<int64_t>(values.size())}, values);
    node.inputs.resize(std::max(node.inputs.size(), input + 1));
    node.inputs[input] = name;
  };
  if (is_reduction(node.op)) {
    const Ints axes = axes_of(model, node, facts.shapes.at(node.inputs[0]).size(), "");
    node.inputs.resize(1);
    const bool nothing = axes.empty() && node.attribute("noop_with_empty_axes", int64_t{0});
    node.attributes.erase("noop_with_empty_axes");
    if (!axes.empty()) node.attributes["axes"] = axes;
    if (!nothing) return;
    node.op = "Identity";
    node.attributes.clear();
  } else if (node.op == "Split" && node.attributes.erase("num_outputs")) {
    const Shape& x = facts.shapes.at(node.inputs[0]);
    const size_t axis = static_cast<size_t>(front_axis(node.attribute("axis", int64_t{0}), x.size()));
    Ints sizes;
    for (const std::string& output : node.outputs) sizes.push_back(facts.shapes.at(output).at(axis));
    set_ints(1, "split", sizes);
  } else if (node.op == "Pad" && node.has_input(3)) {
    set_ints(1, "pads", pads_of(model, node, facts.shapes.at(node.inputs[0]).size(), ""));
    node.inputs.resize(node.has_input(2) ? 3 : 2);
  } else if (node.op == "Resize") {
    node.attributes.erase("antialias");
    node.attributes.erase("keep_aspect_ratio_policy");
  } else if (node.op == "AveragePool") {
    node.attributes.erase("dilations");
  } else if (node.op == "Cast") {
    node.attributes.erase("saturate");
  }
}

}  // namespace

void upgrade_old_forms(Model& model) {
  if (model.opset >= written_opset) return;
  for (Node& node : model.nodes) {
    if (!node.domain.empty()) continue;
    const std::string& op = node.op;
    if (model.opset < 10 && op == "Slice") {
      to_input(model, node, "starts", 1);
      to_input(model, node, "ends", 2);
      to_input(model, node, "axes", 3);
    }
    if (model.opset < 11 && op == "Clip") {
      to_input(model, node, "min", 1);
      to_input(model, node, "max", 2);
    }
    if (model.opset < 11 && op == "Pad") {
      to_input(model, node, "pads", 1);
      to_input(model, node, "value", 2);
    }
    if (op == "Upsample" || (model.opset < 11 && op == "Resize")) upgrade_resize(node);
    if (model.opset < 12 && op == "Dropout") node.attributes.erase("ratio");
    if (model.opset < 13 && (op == "Squeeze" || op == "Unsqueeze" || op == "ReduceSum"))
      to_input(model, node, "axes", 1);
    if (model.opset < 13 && op == "Split") to_input(model, node, "split", 1);
    node.attributes.erase("spatial");
  }
  if (model.opset < 13) upgrade_softmax(model);
  model.opset = written_opset;
  model.ir_version = std::max<int64_t>(model.ir_version, written_ir_version);
}

void lower_new_forms(Model& model) {
  if (model.opset <= written_opset || model.inputs.empty()) return;
  lower(model, infer_facts(model, model.inputs[0].shape()));
  const Facts facts = infer_facts(model, model.inputs[0].shape());
  if (!std::all_of(model.nodes.begin(), model.nodes.end(),
                   [&](const Node& n) { return has_old_form(model, n, facts); }))
    return;
  for (Node& node : model.nodes) to_old_form(model, node, facts);
  model.opset = written_opset;
  model.ir_version = written_ir_version;
}

}  // namespace ks::graph

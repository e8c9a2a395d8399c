#include "graph/simplify.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_set>

#include "tensor/error.h"

namespace ks::graph {

namespace {

constexpr int64_t written_opset = 17;

bool is_output(const Model& model, const std::string& tensor) {
  return std::any_of(model.outputs.begin(), model.outputs.end(), [&](const Value& v) { return v.name == tensor; });
}

int64_t readers(const Model& model, const std::string& tensor) {
  int64_t n = is_output(model, tensor) ? 1 : 0;
  for (const Node& node : model.nodes) n += std::count(node.inputs.begin(), node.inputs.end(), tensor);
  return n;
}

/// Moves what older opsets keep in attributes to where opset 17 has it.
void upgrade(Model& model) {
  if (model.opset >= written_opset) return;
  for (Node& node : model.nodes) {
    const auto to_input = [&](const char* key, size_t index) {
      const auto it = node.attributes.find(key);
      if (it == node.attributes.end()) return;
      Array array;
      if (const auto* ints = std::get_if<std::vector<int64_t>>(&it->second))
        array = Array::ints({static_cast<int64_t>(ints->size())}, *ints);
      else if (const auto* f = std::get_if<float>(&it->second))
        array = Array::floats({}, {*f});
      else
        return;
      const std::string name = node.outputs.at(0) + "/" + key;
      model.initializers[name] = array;
      if (node.inputs.size() <= index) node.inputs.resize(index + 1);
      node.inputs[index] = name;
      node.attributes.erase(key);
    };
    if (model.opset < 13 && (node.op == "Squeeze" || node.op == "Unsqueeze" || node.op == "ReduceSum")) to_input("axes", 1);
    if (model.opset < 11 && node.op == "Clip") {
      to_input("min", 1);
      to_input("max", 2);
    }
    if (model.opset < 12 && node.op == "Dropout") node.attributes.erase("ratio");
    if (model.opset < 13 && (node.op == "Softmax" || node.op == "LogSoftmax") && !node.attributes.count("axis"))
      node.attributes["axis"] = int64_t{1};
    node.attributes.erase("spatial");
  }
  model.opset = written_opset;
  model.ir_version = std::max<int64_t>(model.ir_version, 8);
}

void lift_constants(Model& model) {
  std::vector<Node> kept;
  for (Node& node : model.nodes) {
    const auto it = node.op == "Constant" ? node.attributes.find("value") : node.attributes.end();
    if (it != node.attributes.end() && std::holds_alternative<Array>(it->second))
      model.initializers[node.outputs.at(0)] = std::get<Array>(it->second);
    else
      kept.push_back(std::move(node));
  }
  model.nodes = std::move(kept);
}

void remove_identities(Model& model) {
  for (size_t i = 0; i < model.nodes.size();) {
    const Node node = model.nodes[i];
    const bool identity = node.op == "Identity" || node.op == "Dropout";
    if (!identity || is_output(model, node.outputs.at(0)) || (node.outputs.size() > 1 && readers(model, node.outputs[1]))) {
      ++i;
      continue;
    }
    model.nodes.erase(model.nodes.begin() + static_cast<int64_t>(i));
    replace_reads(model, node.outputs[0], node.inputs.at(0));
  }
}

/// Merges one batch norm into the convolution before it; false where that is not exact.
bool merge_batch_norm(Model& model, size_t index) {
  const Node norm = model.nodes[index];
  Node* conv = nullptr;
  for (Node& node : model.nodes)
    if (node.op == "Conv" && node.outputs.at(0) == norm.inputs.at(0)) conv = &node;
  if (!conv || readers(model, norm.inputs[0]) != 1 || norm.inputs.size() < 5) return false;
  const Array* weights = model.constant(conv->inputs.at(1));
  const Array* bias = conv->has_input(2) ? model.constant(conv->inputs[2]) : nullptr;
  if (!weights || (conv->has_input(2) && !bias)) return false;
  const Array* parts[4];
  for (int i = 0; i < 4; ++i)
    if (!(parts[i] = model.constant(norm.inputs[1 + i]))) return false;
  const auto scale = parts[0]->to_floats(), shift = parts[1]->to_floats(), mean = parts[2]->to_floats(),
             variance = parts[3]->to_floats();
  std::vector<float> w = weights->to_floats();
  std::vector<float> b = bias ? bias->to_floats() : std::vector<float>(scale.size(), 0.0f);
  const size_t per_channel = w.size() / scale.size();
  const double epsilon = norm.attribute("epsilon", 1e-5f);
  for (size_t c = 0; c < scale.size(); ++c) {
    const double s = scale[c] / std::sqrt(variance[c] + epsilon);
    for (size_t k = 0; k < per_channel; ++k) w[c * per_channel + k] = static_cast<float>(w[c * per_channel + k] * s);
    b[c] = static_cast<float>((b[c] - mean[c]) * s + shift[c]);
  }
  const std::string stem = norm.outputs.at(0) + "/merged";
  model.initializers[stem + ".weight"] = Array::floats(weights->shape, w);
  model.initializers[stem + ".bias"] = Array::floats({static_cast<int64_t>(b.size())}, b);
  conv->inputs.resize(3);
  conv->inputs[1] = stem + ".weight";
  conv->inputs[2] = stem + ".bias";
  // The merged convolution takes the batch norm's place and name: later nodes and `layer` parameters refer to its output.
  Node merged = *conv;
  merged.outputs = {norm.outputs[0]};
  model.nodes[index] = merged;
  const size_t old = static_cast<size_t>(conv - model.nodes.data());
  model.nodes.erase(model.nodes.begin() + static_cast<int64_t>(old));
  return true;
}

/// MatMul with a constant matrix, followed by Add of a constant row, is a dense layer.
void merge_dense(Model& model) {
  for (size_t i = 0; i < model.nodes.size(); ++i) {
    Node add = model.nodes[i];
    if (add.op != "Add") continue;
    for (int side = 0; side < 2; ++side) {
      const Array* bias = model.constant(add.inputs.at(1 - side));
      const Node* product = model.producer(add.inputs.at(side));
      if (!bias || !product || product->op != "MatMul" || readers(model, product->outputs[0]) != 1) continue;
      const Array* weights = model.constant(product->inputs.at(1));
      if (!weights || weights->shape.size() != 2 || bias->shape != Shape{weights->shape[1]}) continue;
      Node gemm;
      gemm.op = "Gemm";
      gemm.name = product->name;
      gemm.inputs = {product->inputs[0], product->inputs[1], add.inputs[1 - side]};
      gemm.outputs = add.outputs;
      const size_t old = static_cast<size_t>(product - model.nodes.data());
      model.nodes[i] = gemm;
      model.nodes.erase(model.nodes.begin() + static_cast<int64_t>(old));
      --i;
      break;
    }
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
    if (std::none_of(node.outputs.begin(), node.outputs.end(), [&](const auto& o) { return needed.count(o) > 0; })) continue;
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

Model simplify(const Model& model) {
  Model out = model;
  upgrade(out);
  lift_constants(out);
  remove_identities(out);
  for (size_t i = 0; i < out.nodes.size();)
    if (out.nodes[i].op != "BatchNormalization" || !merge_batch_norm(out, i)) ++i;
  merge_dense(out);
  remove_unused(out);
  return out;
}

}  // namespace ks::graph

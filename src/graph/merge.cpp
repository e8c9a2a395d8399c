#include "graph/merge.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "graph/shapes.h"
#include "graph/simplify.h"

namespace ks::graph {

namespace {

/// y = scale x + shift per channel.
struct Affine {
  std::vector<double> scale, shift;
};

std::optional<Affine> affine_of(const Model& model, const Node& norm) {
  if (norm.op != "BatchNormalization" || norm.inputs.size() < 5 || norm.attribute("training_mode", int64_t{0}))
    return std::nullopt;
  std::vector<float> parts[4];  // gamma, beta, mean, variance
  for (size_t i = 0; i < 4; ++i) {
    const Array* given = model.constant(norm.inputs[1 + i]);
    if (!given) return std::nullopt;
    parts[i] = given->to_floats();
  }
  Affine out;
  const double epsilon = norm.attribute("epsilon", 1e-5f);
  for (size_t c = 0; c < parts[0].size(); ++c) {
    out.scale.push_back(parts[0][c] / std::sqrt(parts[3][c] + epsilon));
    out.shift.push_back(parts[1][c] - parts[2][c] * out.scale[c]);
  }
  return out;
}

/// A layer's weights seen as [outputs, inputs of a group, kernel], wherever its op keeps them.
struct Layer {
  Shape shape;
  std::vector<float> weights, bias;
  int64_t groups, outputs, inputs, area;  // inputs: per group

  float& at(int64_t o, int64_t i, int64_t k) {
    const int64_t per_group = outputs / groups;
    if (from_inputs)
      return weights[static_cast<size_t>((((o / per_group) * inputs + i) * per_group + o % per_group) * area + k)];
    return weights[static_cast<size_t>((transposed ? i * outputs + o : o * inputs + i) * area + k)];
  }
  bool transposed = false;   // a Gemm with transB = 0
  bool from_inputs = false;  // a ConvTranspose: [inputs, outputs of a group, kernel]
};

std::optional<Layer> layer_of(const Model& model, const Node& node) {
  if (!node.domain.empty() || (node.op != "Conv" && node.op != "ConvTranspose" && node.op != "Gemm"))
    return std::nullopt;
  const Array* weights = node.has_input(1) ? model.constant(node.inputs[1]) : nullptr;
  const Array* bias = node.has_input(2) ? model.constant(node.inputs[2]) : nullptr;
  if (!weights || (node.has_input(2) && !bias) || weights->shape.size() < 2) return std::nullopt;
  Layer layer;
  layer.from_inputs = node.op == "ConvTranspose";
  layer.shape = weights->shape;
  layer.weights = weights->to_floats();
  layer.groups = node.attribute("group", int64_t{1});
  layer.area = element_count(Shape(layer.shape.begin() + 2, layer.shape.end()));
  layer.outputs = layer.from_inputs ? layer.shape[1] * layer.groups : layer.shape[0];
  layer.inputs = layer.from_inputs ? layer.shape[0] / layer.groups : layer.shape[1];
  if (node.op == "Gemm") {
    if (node.attribute("transA", int64_t{0}) || node.attribute("alpha", 1.0f) != 1 || node.attribute("beta", 1.0f) != 1)
      return std::nullopt;
    layer.transposed = !node.attribute("transB", int64_t{0});
    if (layer.transposed) std::swap(layer.outputs, layer.inputs);
  }
  layer.bias.assign(static_cast<size_t>(layer.outputs), 0.0f);
  if (bias) {
    const std::vector<float> values = bias->to_floats();
    if (values.size() != 1 && values.size() != layer.bias.size()) return std::nullopt;
    for (size_t o = 0; o < layer.bias.size(); ++o) layer.bias[o] = values[values.size() == 1 ? 0 : o];
  }
  return layer;
}

/// Gives a node the weights and bias of a layer, under names of their own.
void set_layer(Model& model, Node& node, const Layer& layer, const std::string& stem) {
  model.initializers[stem + ".weight"] = Array::floats(layer.shape, layer.weights);
  model.initializers[stem + ".bias"] = Array::floats({layer.outputs}, layer.bias);
  node.inputs.resize(3);
  node.inputs[1] = stem + ".weight";
  node.inputs[2] = stem + ".bias";
}

/// Index of the node that makes a tensor which only the node at `reader` reads.
std::optional<size_t> sole_producer(const Model& model, size_t reader, const std::string& tensor) {
  for (size_t i = 0; i < reader; ++i)
    if (std::count(model.nodes[i].outputs.begin(), model.nodes[i].outputs.end(), tensor))
      return readers(model, tensor) == 1 ? std::optional<size_t>(i) : std::nullopt;
  return std::nullopt;
}

/// Puts `merged` in the place of the node at `later`, whose output it computes, and drops the one at `earlier`.
void replace_pair(Model& model, size_t earlier, size_t later, Node merged) {
  // Later nodes and `layer` parameters refer to the last output: it keeps its name.
  merged.outputs = {model.nodes[later].outputs[0]};
  model.nodes[later] = std::move(merged);
  model.nodes.erase(model.nodes.begin() + static_cast<int64_t>(earlier));
}

/// Whether a MatMul is a dense layer: rows times a constant matrix.
bool is_dense(const Model& model, const Node& product, const Facts& facts) {
  const Array* weights = model.constant(product.inputs.at(1));
  const auto shape = facts.shapes.find(product.inputs[0]);
  return weights && weights->shape.size() == 2 && shape != facts.shapes.end() && shape->second.size() == 2;
}

/// A batch norm at `index` into the layer before it.
bool merge_into_previous(Model& model, size_t index, const Affine& affine, const Facts& facts) {
  const Node& norm = model.nodes[index];
  const auto before = sole_producer(model, index, norm.inputs[0]);
  if (!before) return false;
  Node node = model.nodes[*before];
  if (node.op == "MatMul" && is_dense(model, node, facts)) node.op = "Gemm";
  std::optional<Layer> layer = layer_of(model, node);
  if (!layer || static_cast<size_t>(layer->outputs) != affine.scale.size()) return false;
  for (int64_t o = 0; o < layer->outputs; ++o) {
    const double s = affine.scale[static_cast<size_t>(o)];
    float& b = layer->bias[static_cast<size_t>(o)];
    b = static_cast<float>(b * s + affine.shift[static_cast<size_t>(o)]);
    for (int64_t i = 0; i < layer->inputs; ++i)
      for (int64_t k = 0; k < layer->area; ++k) layer->at(o, i, k) = static_cast<float>(layer->at(o, i, k) * s);
  }
  set_layer(model, node, *layer, norm.outputs[0] + "/merged");
  replace_pair(model, *before, index, std::move(node));
  return true;
}

bool has_padding(const Node& node, const Layer& layer, const Shape& input) {
  if (node.op == "Gemm") return false;
  const Window w = window_of(node, input, {layer.shape[2], layer.shape[3]}, "");
  return w.pad_begin[0] || w.pad_begin[1] || w.pad_end[0] || w.pad_end[1];
}

/// The layer at `index` takes over the batch norm before it.
bool merge_into_next(Model& model, size_t index, const Facts& facts) {
  Node node = model.nodes[index];
  if (node.op != "Conv" && node.op != "Gemm")
    return false;  // a ConvTranspose's outputs at the border see fewer inputs, so a shift is no constant there
  const auto before = sole_producer(model, index, node.inputs.at(0));
  const std::optional<Affine> affine = before ? affine_of(model, model.nodes[*before]) : std::nullopt;
  std::optional<Layer> layer = affine ? layer_of(model, node) : std::nullopt;
  if (!layer) return false;
  const std::string input = model.nodes[*before].inputs[0];
  const auto shape = facts.shapes.find(input);
  if (shape == facts.shapes.end() || affine->scale.size() != static_cast<size_t>(layer->inputs * layer->groups))
    return false;
  const bool shifts = std::any_of(affine->shift.begin(), affine->shift.end(), [](double v) { return v != 0; });
  if (shifts && has_padding(node, *layer, shape->second)) return false;
  for (int64_t o = 0; o < layer->outputs; ++o) {
    double sum = 0;
    for (int64_t i = 0; i < layer->inputs; ++i) {
      const size_t channel = static_cast<size_t>(o / (layer->outputs / layer->groups) * layer->inputs + i);
      for (int64_t k = 0; k < layer->area; ++k) {
        sum += layer->at(o, i, k) * affine->shift[channel];
        layer->at(o, i, k) = static_cast<float>(layer->at(o, i, k) * affine->scale[channel]);
      }
    }
    layer->bias[static_cast<size_t>(o)] = static_cast<float>(layer->bias[static_cast<size_t>(o)] + sum);
  }
  set_layer(model, node, *layer, node.outputs[0] + "/merged");
  node.inputs[0] = input;
  replace_pair(model, *before, index, std::move(node));
  return true;
}

/// MatMul with a constant matrix, followed by Add of a constant row, is a dense layer.
bool merge_dense(Model& model, size_t index, const Facts& facts) {
  const Node add = model.nodes[index];
  for (size_t side = 0; side < 2; ++side) {
    const Array* bias = model.constant(add.inputs.at(1 - side));
    const auto before = bias ? sole_producer(model, index, add.inputs[side]) : std::nullopt;
    if (!before || model.nodes[*before].op != "MatMul") continue;
    const Node& product = model.nodes[*before];
    if (!is_dense(model, product, facts)) continue;
    const int64_t outputs = model.constant(product.inputs[1])->shape[1];
    if (bias->shape != Shape{outputs} && bias->shape != Shape{1, outputs}) continue;
    Node gemm;
    gemm.op = "Gemm";
    gemm.name = product.name;
    gemm.inputs = {product.inputs[0], product.inputs[1], add.inputs[1 - side]};
    replace_pair(model, *before, index, std::move(gemm));
    return true;
  }
  return false;
}

/// A constant per channel, added to a convolution, is its bias.
bool merge_bias(Model& model, size_t index) {
  const Node add = model.nodes[index];
  for (size_t side = 0; side < 2; ++side) {
    const Array* bias = model.constant(add.inputs.at(1 - side));
    const auto before = bias ? sole_producer(model, index, add.inputs[side]) : std::nullopt;
    if (!before || bias->type != Type::f32 || model.nodes[*before].op == "Gemm") continue;
    Node node = model.nodes[*before];
    std::optional<Layer> layer = layer_of(model, node);
    if (!layer || layer->shape.size() != 4) continue;
    const Shape with_batch{1, layer->outputs, 1, 1}, without{layer->outputs, 1, 1};
    if (bias->shape != with_batch && bias->shape != without) continue;
    const std::vector<float> more = bias->to_floats();
    for (size_t o = 0; o < more.size(); ++o) layer->bias[o] += more[o];
    const std::string name = add.outputs[0] + "/merged.bias";
    model.initializers[name] = Array::floats({layer->outputs}, layer->bias);
    node.inputs.resize(3);
    node.inputs[2] = name;
    replace_pair(model, *before, index, std::move(node));
    return true;
  }
  return false;
}

}  // namespace

void merge_layers(Model& model) {
  if (model.inputs.empty()) return;
  const Facts facts = infer_facts(model, model.inputs[0].shape());
  // Merging keeps the names and shapes of all tensors that are left, so the facts stay true.
  for (size_t i = 0; i < model.nodes.size();) {
    const Node& node = model.nodes[i];
    bool merged = false;
    if (node.domain.empty() && node.op == "Add")
      merged = merge_dense(model, i, facts) || merge_bias(model, i);
    else if (const std::optional<Affine> affine = affine_of(model, node))
      merged = merge_into_previous(model, i, *affine, facts);
    if (!merged)
      ++i;
    else
      --i;  // the merged layer moved to i - 1, and may merge again with what follows
  }
  for (size_t i = 0; i < model.nodes.size(); ++i)
    if (merge_into_next(model, i, facts)) --i;
}

}  // namespace ks::graph

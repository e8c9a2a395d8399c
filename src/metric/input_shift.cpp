#include "metric/input_shift.h"

#include <algorithm>
#include <set>

#include "graph/builder.h"
#include "graph/shapes.h"
#include "graph/simplify.h"
#include "tensor/error.h"

namespace ks {

namespace {

using graph::Array;
using graph::Model;
using graph::Node;

/// Sum of each output's weights: what the layer makes of an input of ones, but for padding.
std::vector<double> weight_sums(const Node& layer, const Array& weights) {
  const std::vector<float> values = weights.to_floats();
  const bool by_row = layer.op == "Conv" || layer.attribute("transB", int64_t{0}) != 0;
  const int64_t outputs = by_row ? weights.shape[0] : weights.shape.back();
  std::vector<double> sums(static_cast<size_t>(outputs));
  const int64_t area = static_cast<int64_t>(values.size()) / outputs;
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t at = static_cast<int64_t>(i);
    sums[static_cast<size_t>(by_row ? at / area : at % outputs)] += values[i];
  }
  return sums;
}

/// Pads by a node of its own, with `value`, what the convolution pads with zeros.
void move_padding_out(Model& model, size_t index, float value, const graph::Facts& facts, const std::string& where) {
  const std::string input = model.nodes[index].inputs[0];
  const Shape& kernel = model.constant(model.nodes[index].inputs[1])->shape;
  const auto shape = facts.shapes.find(input);
  if (shape == facts.shapes.end() || shape->second.size() != 4)
    throw Error("the shape of what the first convolution sees is not known", where,
                "this metric cannot be used on the model");
  const graph::Window w = graph::window_of(model.nodes[index], shape->second, {kernel[2], kernel[3]}, where);
  if (!w.pad_begin[0] && !w.pad_begin[1] && !w.pad_end[0] && !w.pad_end[1]) return;
  graph::Builder builder(model);
  const std::string padded =
      builder.add("Pad",
                  {input, builder.ints({0, 0, w.pad_begin[0], w.pad_begin[1], 0, 0, w.pad_end[0], w.pad_end[1]}),
                   builder.scalar(value)},
                  {}, "shift/pad");
  Node& convolution = model.nodes[index];
  convolution.inputs[0] = padded;
  convolution.attributes.erase("auto_pad");
  convolution.attributes["pads"] = std::vector<int64_t>(4, 0);
}

/// Adds `change` to the layer's outputs.
void change_bias(Model& model, size_t index, std::vector<double> change, const std::string& where) {
  Node& layer = model.nodes[index];
  graph::Builder builder(model);
  if (layer.op == "MatMul") {
    const std::string output = layer.outputs[0];
    layer.outputs[0] = builder.fresh("shift/product");
    const std::vector<float> row(change.begin(), change.end());
    const std::string bias = builder.constant(Array::floats({static_cast<int64_t>(row.size())}, row), "shift/bias");
    Node add;
    add.op = "Add";
    add.name = output;
    add.inputs = {layer.outputs[0], bias};
    add.outputs = {output};
    model.nodes.push_back(add);
    return;
  }
  if (layer.op == "Gemm") {
    // y = alpha x B + beta C
    const double alpha = layer.attribute("alpha", 1.0f),
                 beta = layer.has_input(2) ? layer.attribute("beta", 1.0f) : 1.0f;
    if (!layer.has_input(2)) layer.attributes.erase("beta");
    for (double& v : change) v *= alpha / beta;
  }
  std::vector<float> values(change.size());
  if (layer.has_input(2)) {
    const Array* bias = model.constant(layer.inputs[2]);
    if (!bias || bias->count() != static_cast<int64_t>(change.size()))
      throw Error("the bias of the first layer '" + layer.name + "' is no constant row", where,
                  "this metric cannot be used on the model");
    values = bias->to_floats();
  }
  for (size_t o = 0; o < change.size(); ++o) values[o] = static_cast<float>(values[o] + change[o]);
  layer.inputs.resize(3);
  layer.inputs[2] = builder.constant(Array::floats({static_cast<int64_t>(values.size())}, values), "shift/bias");
}

void check_name(const std::string& wanted, const Node& layer, size_t input, const std::string& parameter,
                const std::string& where) {
  const std::string has = layer.has_input(input) ? layer.inputs[input] : "";
  if (!wanted.empty() && wanted != has)
    throw Error("'" + parameter + "' is '" + wanted + "', but the first layer's is " +
                    (has.empty() ? "missing" : "'" + has + "'"),
                where, "leave it out and it is found");
}

}  // namespace

graph::Model shifted_network(const graph::Model& original, float shift, const std::string& weight,
                             const std::string& bias, const std::string& where) {
  // Nodes that hand on every value as it is, wherever they move it.
  static const std::set<std::string> handing_on = {"Identity",  "Flatten", "Reshape",
                                                   "Transpose", "Squeeze", "Unsqueeze"};
  Model model = graph::with_constants_folded(original);
  const graph::Facts facts = graph::infer_facts(model, model.inputs.at(0).shape());
  std::string tensor = model.inputs[0].name;
  for (;;) {
    const auto reads = [&](const Node& n) { return std::count(n.inputs.begin(), n.inputs.end(), tensor) > 0; };
    const auto first = std::find_if(model.nodes.begin(), model.nodes.end(), reads);
    if (first == model.nodes.end() || graph::readers(model, tensor) != 1)
      throw Error("several layers of the network see the image", where,
                  "this metric needs a network with one first layer");
    const size_t index = static_cast<size_t>(first - model.nodes.begin());
    Node& node = model.nodes[index];
    if (node.op == "Pad") {
      if (node.attribute("mode", std::string("constant")) == "constant") {
        const Array* old = node.has_input(2) ? model.constant(node.inputs[2]) : nullptr;
        const float value = (old ? old->to_floats().at(0) : 0.0f) + shift;
        node.inputs.resize(std::max<size_t>(3, node.inputs.size()));
        node.inputs[2] = graph::Builder(model).scalar(value);
      }
    } else if (handing_on.count(node.op) == 0) {
      const Array* weights = node.has_input(1) && node.inputs[0] == tensor ? model.constant(node.inputs[1]) : nullptr;
      const bool convolution = node.op == "Conv" && weights && weights->shape.size() == 4;
      const bool dense = (node.op == "Gemm" || node.op == "MatMul") && weights && weights->shape.size() == 2;
      if (!convolution && !dense)
        throw Error("the first layer that sees the image is '" + node.name + "' (" + node.op + ")", where,
                    "this metric needs a convolution or a dense layer there");
      check_name(weight, node, 1, "first_layer_weight", where);
      check_name(bias, node, 2, "first_layer_bias", where);
      std::vector<double> change = weight_sums(node, *weights);
      for (double& v : change) v *= -static_cast<double>(shift);
      change_bias(model, index, std::move(change), where);
      if (convolution) move_padding_out(model, index, shift, facts, where);
      graph::sort_nodes(model);
      graph::remove_unused(model);
      return model;
    }
    tensor = model.nodes[index].outputs[0];
  }
}

}  // namespace ks

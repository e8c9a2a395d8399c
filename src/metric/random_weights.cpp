#include "metric/random_weights.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "graph/simplify.h"
#include "tensor/error.h"

namespace ks {

namespace {

constexpr uint64_t weights_stream = 0x77656967687473;  // of Random: no other use has it

bool is_normalisation(const std::string& op) {
  return op == "BatchNormalization" || op == "InstanceNormalization" || op == "LayerNormalization" ||
         op == "GroupNormalization";
}

int64_t product_from(const Shape& shape, size_t axis) {
  return element_count({shape.begin() + static_cast<std::ptrdiff_t>(axis), shape.end()});
}

/// The constant that is added to what a MatMul makes, before anything else sees it; empty where there is none.
std::string added_bias(const graph::Model& model, const graph::Node& product, int64_t outputs) {
  const std::string& made = product.outputs[0];
  const auto readers = model.consumers(made);
  if (readers.size() != 1 || readers[0]->op != "Add" || graph::is_output(model, made)) return "";
  const std::string& other = readers[0]->inputs[readers[0]->inputs[0] == made ? 1 : 0];
  const graph::Array* bias = model.constant(other);
  return bias && bias->count() == outputs ? other : "";
}

using Resets = std::vector<std::pair<std::string, WeightReset>>;

/// The weights of one node, the main one first; empty where it has none.
Resets resets_of(const graph::Model& model, const graph::Node& node) {
  Resets out;
  const auto constant = [&](size_t i) { return node.has_input(i) ? model.constant(node.inputs[i]) : nullptr; };
  const auto add = [&](const std::string& name, double bound, float value = 0) {
    const graph::Array* array = model.constant(name);
    if (array && array->type == graph::Type::f32) out.push_back({name, {array->shape, bound, value}});
  };
  const auto drawn = [&](const std::string& weights, int64_t fan_in, const std::string& bias) {
    const double bound = 1 / std::sqrt(static_cast<double>(std::max<int64_t>(1, fan_in)));
    add(weights, bound);
    if (!bias.empty()) add(bias, bound);
  };
  if (!node.domain.empty()) return out;
  const graph::Array* weights = constant(1);
  const std::string bias = node.has_input(2) ? node.inputs[2] : "";
  if ((node.op == "Conv" || node.op == "ConvTranspose") && weights && weights->shape.size() > 2) {
    drawn(node.inputs[1], product_from(weights->shape, 1), bias);
  } else if (node.op == "Gemm" && weights && weights->shape.size() == 2) {
    drawn(node.inputs[1], weights->shape[node.attribute("transB", int64_t{0}) ? 1 : 0], bias);
  } else if (node.op == "MatMul" && weights && weights->shape.size() >= 2) {
    const Shape& shape = weights->shape;
    drawn(node.inputs[1], shape[shape.size() - 2], added_bias(model, node, shape.back()));
  } else if (is_normalisation(node.op) && weights) {
    add(node.inputs[1], 0, 1);
    if (!bias.empty()) add(bias, 0, 0);
    if (node.op == "BatchNormalization") {
      if (node.has_input(3)) add(node.inputs[3], 0, 0);
      if (node.has_input(4)) add(node.inputs[4], 0, 1);
    }
  }
  return out;
}

/// "conv1" for the weight "conv1.weight", else the node's name, else the weight's.
std::string layer_name(const graph::Node& node, const std::string& weight) {
  const std::string end = ".weight";
  if (weight.size() > end.size() && weight.compare(weight.size() - end.size(), end.size(), end) == 0)
    return weight.substr(0, weight.size() - end.size());
  return node.name.empty() ? weight : node.name;
}

std::vector<std::string> names_in(const json& list, const std::string& parameter, const std::string& where) {
  std::vector<std::string> out;
  for (const json& item : list.is_array() ? list : json::array({nullptr})) {
    if (!item.is_string()) throw Error("'" + parameter + "' is " + list.dump(), where, "it must be a list of names");
    out.push_back(item.get<std::string>());
  }
  return out;
}

/// The layers that `initializers` describes: {"conv1": ["conv1.weight", "conv1.bias"]}, in the order of the network's.
std::vector<WeightedLayer> described_layers(const json& given, const std::vector<WeightedLayer>& found,
                                            const std::map<std::string, WeightReset>& resets,
                                            const std::string& where) {
  if (!given.is_object())
    throw Error("'initializers' is " + given.dump(), where,
                R"(it must be an object of lists, {"conv1": ["conv1.weight", "conv1.bias"]})");
  std::vector<std::pair<size_t, WeightedLayer>> placed;
  for (const auto& [name, list] : given.items()) {
    const WeightedLayer layer{name, names_in(list, "initializers", where)};
    for (const std::string& initializer : layer.initializers)
      if (!resets.count(initializer)) {
        std::vector<std::string> known;
        for (const auto& [weight, reset] : resets) known.push_back(weight);
        const std::string near = nearest_name(initializer, known);
        throw Error(
            "the network has no layer with the weights '" + initializer + "'", where,
            near.empty() ? "leave 'initializers' out and the layers are found" : "did you mean '" + near + "'?");
      }
    const auto place = std::find_if(found.begin(), found.end(), [&](const WeightedLayer& l) {
      return !layer.initializers.empty() &&
             std::count(l.initializers.begin(), l.initializers.end(), layer.initializers[0]) > 0;
    });
    placed.emplace_back(place - found.begin(), layer);
  }
  std::stable_sort(placed.begin(), placed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<WeightedLayer> out;
  for (auto& [place, layer] : placed) out.push_back(std::move(layer));
  return out;
}

}  // namespace

std::vector<WeightedLayer> weighted_layers(const graph::Model& model) {
  std::vector<WeightedLayer> out;
  std::set<std::string> seen;
  for (const graph::Node& node : model.nodes) {
    WeightedLayer layer;
    for (const auto& [name, reset] : resets_of(model, node))
      if (seen.insert(name).second) layer.initializers.push_back(name);
    if (layer.initializers.empty()) continue;
    layer.name = layer_name(node, layer.initializers[0]);
    out.push_back(std::move(layer));
  }
  return out;
}

std::map<std::string, WeightReset> weight_resets(const graph::Model& model) {
  std::map<std::string, WeightReset> out;
  for (const graph::Node& node : model.nodes)
    for (auto& [name, reset] : resets_of(model, node)) out.emplace(name, std::move(reset));
  return out;
}

std::vector<Parameter> layer_parameters() {
  using enum ParameterType;
  return {
      {"layers", value, nullptr,
       "Names of the layers in the order in which they are randomised; null: all, in the order that layer_order says"},
      {"initializers", value, nullptr,
       R"(Which weights each layer has, {"conv1": ["conv1.weight", "conv1.bias"]}; null: as the network's graph says)"},
      {"init", text,
       "weight and bias ~ U(-b, b), b = 1/sqrt(fan_in), for convolution and linear layers; batch norm: scale 1, shift "
       "0, "
       "running mean 0, running variance 1",
       "How weights are drawn, in words for the reader: this is PyTorch's reset, the only one there is"},
  };
}

RandomisedNetworks::RandomisedNetworks(Classifier& classifier, const Params& p, LayerOrder order, uint64_t seed,
                                       const std::string& where)
    : classifier_(classifier),
      order_(order),
      seed_(seed),
      random_(seed, weights_stream),
      model_(graph::with_constants_folded(classifier.original())),
      resets_(weight_resets(model_)) {
  std::vector<WeightedLayer> known = weighted_layers(model_);
  if (known.empty())
    throw Error("the network has no layers with constant weights", where, "there is nothing to randomise");
  if (!p.value("initializers").is_null()) known = described_layers(p.value("initializers"), known, resets_, where);
  if (p.value("layers").is_null()) {
    layers_ = std::move(known);
    if (order == LayerOrder::top_down) std::reverse(layers_.begin(), layers_.end());
  } else {
    for (const std::string& name : names_in(p.value("layers"), "layers", where)) {
      const auto layer =
          std::find_if(known.begin(), known.end(), [&](const WeightedLayer& l) { return l.name == name; });
      if (layer == known.end()) {
        std::vector<std::string> names;
        for (const WeightedLayer& l : known) names.push_back(l.name);
        throw Error("the network has no layer '" + name + "'", where, "its layers are " + join(names));
      }
      layers_.push_back(*layer);
    }
  }
  if (layers_.empty()) throw Error("no layer is named", where, "leave 'layers' out to randomise all");
}

std::shared_ptr<Classifier> RandomisedNetworks::network(size_t step) {
  // All that the weights depend on. With one layer changed, the orders do not differ.
  json key = {"random weights", seed_, order_ == LayerOrder::independent && step > 0};
  for (size_t i = 0; i <= step; ++i) key.push_back(layers_.at(i).initializers);
  return classifier_.variant(key.dump(), [&] { return build(step); });
}

graph::Model RandomisedNetworks::build(size_t step) {
  for (size_t i = drawn_.size(); i <= step; ++i) {
    drawn_.emplace_back();
    for (const std::string& name : layers_[i].initializers) {
      const WeightReset& reset = resets_.at(name);
      std::vector<float> values(static_cast<size_t>(element_count(reset.shape)), reset.constant);
      if (reset.bound > 0) random_.fill_uniform(values.data(), values.size(), -reset.bound, reset.bound);
      drawn_[i][name] = graph::Array::floats(reset.shape, values);
    }
  }
  graph::Model model = model_;
  for (size_t i = order_ == LayerOrder::independent ? step : 0; i <= step; ++i)
    for (const auto& [name, array] : drawn_[i]) model.initializers[name] = array;
  return model;
}

}  // namespace ks

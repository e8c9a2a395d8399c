#include "train/grainnet.h"

#include <algorithm>
#include <cmath>

#include "graph/builder.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace ks::train {

namespace {

using graph::Array;

constexpr int largest_width = 512, largest_depth = 64, most_stages = 3;

int add_parameter(Architecture& a, const std::string& name, Shape shape, bool decays) {
  Parameter p{name, std::move(shape), a.parameter_count, decays};
  a.parameter_count += p.count();
  a.parameters.push_back(std::move(p));
  return static_cast<int>(a.parameters.size()) - 1;
}

Layer add_layer(Architecture& a, const std::string& name, int64_t inputs, int64_t outputs, int64_t kernel,
                int64_t stride) {
  Layer layer{name, inputs, outputs, kernel, stride};
  layer.weight = add_parameter(a, name + "/weight", {outputs, inputs, kernel, kernel}, true);
  layer.gamma = add_parameter(a, name + "/gamma", {outputs}, false);
  layer.beta = add_parameter(a, name + "/beta", {outputs}, false);
  layer.statistics = a.statistics_count;
  a.statistics_count += outputs;
  return layer;
}

void check_range(int value, int low, int high, const std::string& what) {
  if (value < low || value > high)
    throw Error(what + " " + std::to_string(value) + " is out of range", "grainnet",
                std::to_string(low) + " to " + std::to_string(high));
}

/// The part of a flat vector that belongs to a parameter, as a constant.
Array part(const Tensor& flat, int64_t offset, const Shape& shape) {
  const auto begin = flat.data.begin() + offset;
  return Array::floats(shape, std::vector<float>(begin, begin + element_count(shape)));
}

}  // namespace

Architecture architecture(const GrainNet& net) {
  check_range(net.width, 4, largest_width, "width");
  check_range(net.blocks, 1, largest_depth, "number of blocks");
  check_range(net.classes, 2, 1000, "number of classes");
  check_range(net.image_width, 16, 2048, "image width");
  check_range(net.image_height, 16, 2048, "image height");
  Architecture a;
  a.net = net;
  a.stem = add_layer(a, "stem", 3, net.width, 7, 2);
  const int stages = std::min(net.blocks, most_stages);
  int64_t channels = net.width;
  for (int k = 0; k < net.blocks; ++k) {
    const std::string name = "block" + std::to_string(k + 1);
    const int64_t outputs = static_cast<int64_t>(net.width) << (k * stages / net.blocks);
    const bool halves = outputs != channels;
    Block block;
    block.first = add_layer(a, name + "/first", channels, outputs, 3, halves ? 2 : 1);
    block.second = add_layer(a, name + "/second", outputs, outputs, 3, 1);
    if (halves) block.shortcut = add_layer(a, name + "/shortcut", channels, outputs, 1, 2);
    a.blocks.push_back(std::move(block));
    channels = outputs;
  }
  a.features = channels;
  a.dense_weight = add_parameter(a, "dense/weight", {net.classes, channels}, true);
  a.dense_bias = add_parameter(a, "dense/bias", {net.classes}, false);
  a.statistics_count *= 2;
  return a;
}

std::vector<Layer> Architecture::layers() const {
  std::vector<Layer> all = {stem};
  for (const Block& block : blocks) {
    all.push_back(block.first);
    all.push_back(block.second);
    if (block.shortcut) all.push_back(*block.shortcut);
  }
  return all;
}

Weights initial_weights(const Architecture& a, uint64_t seed) {
  Weights w{Tensor({a.parameter_count}), Tensor({a.statistics_count})};
  std::fill(w.statistics.data.begin() + a.statistics_count / 2, w.statistics.data.end(), 1.0f);
  for (const Layer& layer : a.layers()) {
    const Parameter& weight = a.parameters[layer.weight];
    Random random(seed, static_cast<uint64_t>(layer.weight));
    const double deviation = std::sqrt(2.0 / static_cast<double>(layer.outputs * layer.kernel * layer.kernel));
    for (int64_t k = 0; k < weight.count(); ++k)
      w.parameters.data[weight.offset + k] = static_cast<float>(deviation * random.normal());
    std::fill_n(w.parameters.data.begin() + a.parameters[layer.gamma].offset, layer.outputs, 1.0f);
  }
  for (const Block& block : a.blocks)
    std::fill_n(w.parameters.data.begin() + a.parameters[block.second.gamma].offset, block.second.outputs, 0.0f);
  for (int index : {a.dense_weight, a.dense_bias}) {
    const Parameter& p = a.parameters[index];
    const double bound = 1 / std::sqrt(static_cast<double>(a.features));
    Random random(seed, static_cast<uint64_t>(index));
    for (int64_t k = 0; k < p.count(); ++k)
      w.parameters.data[p.offset + k] = static_cast<float>(random.uniform(-bound, bound));
  }
  return w;
}

graph::Model inference_model(const Architecture& a, const Weights& weights) {
  graph::Model model;
  model.name = "grainnet";
  model.inputs = {{"image", graph::Type::f32, {{-1, "N"}, {3, ""}, {a.net.image_height, ""}, {a.net.image_width, ""}}}};
  model.outputs = {{"probability", graph::Type::f32, {{-1, "N"}, {a.net.classes, ""}}}};
  graph::Builder b(model);
  using Ints = std::vector<int64_t>;

  const auto parameter = [&](int index) {
    const Parameter& p = a.parameters[index];
    return b.constant(part(weights.parameters, p.offset, p.shape), p.name);
  };
  const auto convolution = [&](const std::string& x, const Layer& layer) {
    const std::string y = b.add("Conv", {x, parameter(layer.weight)},
                                {{"kernel_shape", Ints(2, layer.kernel)},
                                 {"strides", Ints(2, layer.stride)},
                                 {"pads", Ints(4, layer.kernel / 2)}},
                                layer.name + "/convolution");
    const std::string mean =
        b.constant(part(weights.statistics, layer.statistics, {layer.outputs}), layer.name + "/mean");
    const std::string variance = b.constant(
        part(weights.statistics, a.statistics_count / 2 + layer.statistics, {layer.outputs}), layer.name + "/variance");
    return b.add("BatchNormalization", {y, parameter(layer.gamma), parameter(layer.beta), mean, variance},
                 {{"epsilon", batch_norm_epsilon}}, layer.name + "/norm");
  };

  std::string x = b.add("Relu", {convolution("image", a.stem)}, {}, "stem/relu");
  x = b.add("MaxPool", {x}, {{"kernel_shape", Ints(2, 3)}, {"strides", Ints(2, 2)}, {"pads", Ints(4, 1)}}, "stem/pool");
  for (size_t k = 0; k < a.blocks.size(); ++k) {
    const Block& block = a.blocks[k];
    const std::string stem = "block" + std::to_string(k + 1);
    const std::string inner = b.add("Relu", {convolution(x, block.first)}, {}, block.first.name + "/relu");
    const std::string shortcut = block.shortcut ? convolution(x, *block.shortcut) : x;
    x = b.add("Relu", {b.add("Add", {convolution(inner, block.second), shortcut}, {}, stem + "/sum")}, {},
              stem + "/relu");
  }
  x = b.add("GlobalAveragePool", {x}, {}, "pool");
  x = b.add("Flatten", {x}, {{"axis", int64_t{1}}}, "features");
  x = b.add("Gemm", {x, parameter(a.dense_weight), parameter(a.dense_bias)}, {{"transB", int64_t{1}}}, "logits");
  b.add_named("Softmax", {x}, "probability", {{"axis", int64_t{-1}}});
  return model;
}

}  // namespace ks::train

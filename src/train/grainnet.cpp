#include "train/grainnet.h"

#include <algorithm>
#include <cmath>

#include "graph/builder.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace ks::train {

namespace {

using graph::Array;

constexpr int largest_width = 512, largest_depth = 64;

int add_parameter(Architecture& a, const std::string& name, Shape shape, bool decays) {
  Parameter p{name, std::move(shape), a.parameter_count, decays};
  a.parameter_count += p.count();
  a.parameters.push_back(std::move(p));
  return static_cast<int>(a.parameters.size()) - 1;
}

void add_layer(Architecture& a, const std::string& name, int64_t inputs, int64_t kernel) {
  const int64_t width = a.net.width;
  Layer layer;
  layer.name = name;
  layer.weight = add_parameter(a, name + "/weight", {width, inputs, kernel, kernel}, true);
  layer.gamma = add_parameter(a, name + "/gamma", {width}, false);
  layer.beta = add_parameter(a, name + "/beta", {width}, false);
  layer.statistics = width * static_cast<int64_t>(a.layers.size());
  a.layers.push_back(layer);
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
  add_layer(a, "stem", 3, 7);
  for (int block = 1; block <= net.blocks; ++block) {
    add_layer(a, "block" + std::to_string(block) + "/first", net.width, 3);
    add_layer(a, "block" + std::to_string(block) + "/second", net.width, 3);
  }
  a.dense_weight = add_parameter(a, "dense/weight", {net.classes, net.width}, true);
  a.dense_bias = add_parameter(a, "dense/bias", {net.classes}, false);
  a.statistics_count = 2 * net.width * static_cast<int64_t>(a.layers.size());
  return a;
}

Weights initial_weights(const Architecture& a, uint64_t seed) {
  Weights w{Tensor({a.parameter_count}), Tensor({a.statistics_count})};
  std::fill(w.statistics.data.begin() + a.statistics_count / 2, w.statistics.data.end(), 1.0f);
  for (size_t i = 0; i < a.layers.size(); ++i) {
    const Layer& layer = a.layers[i];
    const Parameter& weight = a.parameters[layer.weight];
    Random random(seed, static_cast<uint64_t>(layer.weight));
    const double deviation = std::sqrt(2.0 / static_cast<double>(weight.shape[0] * weight.shape[2] * weight.shape[3]));
    for (int64_t k = 0; k < weight.count(); ++k)
      w.parameters.data[weight.offset + k] = static_cast<float>(deviation * random.normal());
    const bool ends_block = i > 0 && i % 2 == 0;
    const Parameter& gamma = a.parameters[layer.gamma];
    for (int64_t k = 0; k < gamma.count(); ++k) w.parameters.data[gamma.offset + k] = ends_block ? 0.0f : 1.0f;
  }
  for (int index : {a.dense_weight, a.dense_bias}) {
    const Parameter& p = a.parameters[index];
    const double bound = 1 / std::sqrt(static_cast<double>(a.net.width));
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
  const auto convolution = [&](const std::string& x, const Layer& layer, int64_t kernel, int64_t stride) {
    const int64_t pad = kernel / 2;
    const std::string y =
        b.add("Conv", {x, parameter(layer.weight)},
              {{"kernel_shape", Ints{kernel, kernel}}, {"strides", Ints{stride, stride}}, {"pads", Ints{pad, pad, pad, pad}}},
              layer.name + "/convolution");
    const Shape per_channel = {a.net.width};
    const std::string mean = b.constant(part(weights.statistics, layer.statistics, per_channel), layer.name + "/mean");
    const std::string variance = b.constant(
        part(weights.statistics, a.statistics_count / 2 + layer.statistics, per_channel), layer.name + "/variance");
    return b.add("BatchNormalization", {y, parameter(layer.gamma), parameter(layer.beta), mean, variance},
                 {{"epsilon", batch_norm_epsilon}}, layer.name + "/norm");
  };

  std::string x = b.add("Relu", {convolution("image", a.layers[0], 7, 2)}, {}, "stem/relu");
  x = b.add("MaxPool", {x}, {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}, "stem/pool");
  for (int block = 1; block <= a.net.blocks; ++block) {
    const std::string stem = "block" + std::to_string(block);
    const std::string y = b.add("Relu", {convolution(x, a.layers[2 * block - 1], 3, 1)}, {}, stem + "/first/relu");
    const std::string sum = b.add("Add", {convolution(y, a.layers[2 * block], 3, 1), x}, {}, stem + "/sum");
    x = b.add("Relu", {sum}, {}, stem + "/relu");
  }
  x = b.add("GlobalAveragePool", {x}, {}, "pool");
  x = b.add("Flatten", {x}, {{"axis", int64_t{1}}}, "features");
  x = b.add("Gemm", {x, parameter(a.dense_weight), parameter(a.dense_bias)}, {{"transB", int64_t{1}}}, "logits");
  b.add_named("Softmax", {x}, "probability", {{"axis", int64_t{-1}}});
  return model;
}

}  // namespace ks::train

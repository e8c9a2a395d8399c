#include "train/maps.h"

#include "runtime/session.h"
#include "tensor/error.h"

namespace ks::train {

namespace {

using Ints = std::vector<int64_t>;

constexpr const char* blocked_domain = "com.microsoft.nchwc";

}  // namespace

int channel_block() {
#ifdef __EMSCRIPTEN__
  return 0;  // ONNX Runtime Web has no blocked layout
#else
  // Channel c of pixel p of a map [1,64,1,2] goes to (c / block) * 2 block + p block + c % block: pixel 1 of channel 0
  // tells.
  constexpr int64_t channels = 64;
  graph::Model model;
  model.domains = {{blocked_domain, 1}};
  model.inputs = {{"x", graph::Type::f32, {{1, ""}, {channels, ""}, {1, ""}, {2, ""}}}};
  model.outputs = {{"y", graph::Type::f32, {{1, ""}, {channels, ""}, {1, ""}, {2, ""}}}};
  graph::Builder b(model);
  b.add_named("ReorderInput", {"x"}, "y");
  model.nodes.back().domain = blocked_domain;
  Tensor x({1, channels, 1, 2});
  x.data[1] = 1;
  try {
    SessionOptions options;
    options.device = Device::cpu;
    options.threads = 1;
    const Tensor y = Session(graph::write(model), options, "layout").run({{"x", &x}}, {"y"}).at(0);
    for (int64_t block : {4, 8, 16, 32})
      if (y.data[block] == 1) return static_cast<int>(block);
  } catch (const Error&) {
    // No such operators here.
  }
  return 0;
#endif
}

Maps::Maps(graph::Builder& builder, int64_t batch, int block) : b_(builder), batch_(batch), block_(block) {
  if (block > 0) b_.model().domains[blocked_domain] = 1;
}

std::string Maps::add_blocked(const std::string& op, const std::vector<std::string>& inputs,
                              graph::Builder::Attributes attributes, const std::string& stem) {
  const std::string y = b_.add(op, inputs, std::move(attributes), stem_ + "/" + stem);
  b_.model().nodes.back().domain = blocked_domain;
  return y;
}

std::string Maps::filter(const std::string& weights, const Shape& shape, bool image) {
  if (!blocked()) return reshape(weights, shape);
  // Blocked by output and input channels; those of the network's input, which is not blocked, by output channels.
  return reordered(weights, image ? "image-filter" : "filter", shape, [&] {
    const int64_t outputs = shape[0], inputs = shape[1], area = shape[2] * shape[3], in = image ? 1 : block_;
    Ints order;
    for (int64_t o = 0; o < outputs; o += block_)
      for (int64_t i = 0; i < inputs; i += in)
        for (int64_t k = 0; k < area; ++k)
          for (int64_t ii = i; ii < i + in; ++ii)
            for (int64_t oo = o; oo < o + block_; ++oo) order.push_back((oo * inputs + ii) * area + k);
    return order;
  });
}

Map Maps::convolution(const Map& x, const std::string& weights, int64_t outputs, int64_t kernel, int64_t stride) {
  const std::string w = filter(weights, {outputs, x.channels, kernel, kernel}, false);
  const int64_t pad = kernel / 2;
  const graph::Builder::Attributes attributes = {
      {"kernel_shape", Ints(2, kernel)}, {"strides", Ints(2, stride)}, {"pads", Ints(4, pad)}};
  const auto size = [&](int64_t n) { return (n + 2 * pad - kernel) / stride + 1; };
  const std::string y =
      blocked() ? add_blocked("Conv", {x.name, w}, attributes, "Conv") : add("Conv", {x.name, w}, attributes);
  return {y, outputs, size(x.height), size(x.width)};
}

Map Maps::convolve_image(const std::string& image, int64_t height, int64_t width, const std::string& weights,
                         int64_t outputs, int64_t kernel, int64_t stride, const Ints& pads) {
  const std::string w = filter(weights, {outputs, 3, kernel, kernel}, true);
  const graph::Builder::Attributes attributes = {
      {"kernel_shape", Ints(2, kernel)}, {"strides", Ints(2, stride)}, {"pads", pads}};
  const std::string y =
      blocked() ? add_blocked("Conv", {image, w}, attributes, "Conv") : add("Conv", {image, w}, attributes);
  return {y, outputs, (height + pads[0] + pads[2] - kernel) / stride + 1,
          (width + pads[1] + pads[3] - kernel) / stride + 1};
}

Map Maps::affine(const Map& x, const std::string& scale, const std::string& shift, const Map* sum, bool relu) {
  if (blocked()) {
    // A depthwise convolution 1x1: one pass over the map does all of it.
    graph::Builder::Attributes attributes = {{"kernel_shape", Ints{1, 1}}, {"group", x.channels}};
    if (relu) attributes["activation"] = std::string("Relu");
    std::vector<std::string> inputs = {x.name, reshape(scale, {x.channels, 1, 1, 1}), shift};
    if (sum) inputs.push_back(sum->name);
    return {add_blocked("Conv", inputs, std::move(attributes), "affine"), x.channels, x.height, x.width};
  }
  std::string y = add("Mul", {x.name, reshape(scale, {x.channels, 1, 1})});
  if (!shift.empty()) y = add("Add", {y, reshape(shift, {x.channels, 1, 1})});
  if (sum) y = add("Add", {y, sum->name});
  return {relu ? add("Relu", {y}) : y, x.channels, x.height, x.width};
}

std::string Maps::mean(const Map& x) {
  // The blocked pool's output [N,C,1,1] is the same in both layouts.
  const std::string means = blocked() ? add_blocked("GlobalAveragePool", {x.name}, {}, "mean") : x.name;
  return add("ReduceMean", {means}, {{"axes", Ints{0, 2, 3}}, {"keepdims", int64_t{0}}});
}

std::string Maps::mean_product(const Map& x, const Map& y) {
  return mean(combine("Mul", {x, y}));
}

std::string Maps::pooled(const Map& x) {
  const std::string y =
      blocked() ? add_blocked("GlobalAveragePool", {x.name}, {}, "pool") : add("GlobalAveragePool", {x.name});
  return reshape(y, {batch_, x.channels});
}

std::string Maps::positive(const Map& z) {
  // 1 where z > 0, else 0, for z >= 0: one vectorised pass, where Sign and Where are several times slower.
  return add("HardSigmoid", {z.name}, {{"alpha", 1e30f}, {"beta", 0.0f}});
}

Map Maps::where_positive(const Map& z, const Map& gradient) {
  return {add("Mul", {gradient.name, positive(z)}), z.channels, z.height, z.width};
}

Map Maps::where_positive(const Map& z, const std::string& gradient) {
  if (!blocked())
    return {add("Mul", {positive(z), reshape(gradient, {batch_, z.channels, 1, 1})}), z.channels, z.height, z.width};
  const std::string parts = reshape(positive(z), {batch_, z.channels / block_, z.positions(), block_});
  const std::string y = add("Mul", {parts, reshape(gradient, {batch_, z.channels / block_, 1, block_})});
  return {reshape(y, {batch_, z.channels, z.height, z.width}), z.channels, z.height, z.width};
}

Map Maps::combine(const std::string& op, const std::vector<Map>& maps) {
  std::vector<std::string> inputs;
  for (const Map& m : maps) inputs.push_back(m.name);
  return {add(op, inputs), maps[0].channels, maps[0].height, maps[0].width};
}

std::string Maps::plain(const Map& x) {
  if (!blocked()) return x.name;
  return add_blocked("ReorderOutput", {x.name}, {{"channels", x.channels}}, "plain");
}

std::string Maps::pad(const std::string& x, int64_t top, int64_t left, int64_t bottom, int64_t right) {
  return add("Pad", {x, b_.ints({0, 0, top, left, 0, 0, bottom, right})});
}

Map Maps::shifted(const Map& x, int64_t kernel_height, int64_t kernel_width, int64_t row, int64_t column,
                  int64_t stride, const Ints& pads, const Map* sum) {
  const int64_t area = kernel_height * kernel_width;
  std::vector<float> one_hot;
  for (int64_t c = 0; c < x.channels; c += block_)
    for (int64_t k = 0; k < area; ++k)
      one_hot.insert(one_hot.end(), block_, k == row * kernel_width + column ? 1.0f : 0.0f);
  const Shape shape = {x.channels, 1, kernel_height, kernel_width};
  std::string& weights = orders_["shift" + to_string(shape) + std::to_string(row) + "," + std::to_string(column)];
  if (weights.empty()) weights = b_.constant(graph::Array::floats(shape, one_hot), "shift");
  std::vector<std::string> inputs = {x.name, weights};
  if (sum) inputs.insert(inputs.end(), {"", sum->name});
  const std::string y = add_blocked("Conv", inputs,
                                    {{"kernel_shape", Ints{kernel_height, kernel_width}},
                                     {"strides", Ints(2, stride)},
                                     {"group", x.channels},
                                     {"pads", pads}},
                                    "shift");
  return {y, x.channels, (x.height + pads[0] + pads[2] - kernel_height) / stride + 1,
          (x.width + pads[1] + pads[3] - kernel_width) / stride + 1};
}

}  // namespace ks::train

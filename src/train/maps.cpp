#include "train/maps.h"

#include <numeric>

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
  // Channel c of pixel p of a map [1,64,1,2] goes to (c / block) * 2 block + p block + c % block: pixel 1 of channel 0 tells.
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

Maps::Maps(graph::Builder& builder, int64_t batch, int64_t channels, int block)
    : b_(builder), batch_(batch), channels_(channels), block_(block) {
  if (block > 0) b_.model().domains[blocked_domain] = 1;
}

std::string Maps::add_blocked(const std::string& op, const std::vector<std::string>& inputs,
                              graph::Builder::Attributes attributes, const std::string& stem) {
  const std::string y = b_.add(op, inputs, std::move(attributes), stem_ + "/" + stem);
  b_.model().nodes.back().domain = blocked_domain;
  return y;
}

std::string Maps::reordered(const std::string& flat, const std::string& key, const Shape& shape, const Ints& order) {
  std::string& name = orders_[key];
  if (name.empty()) name = b_.constant(graph::Array::ints(shape, order), "order/" + key);
  return add("Gather", {flat, name});
}

std::string Maps::filter(const std::string& flat, int64_t inputs, int64_t kernel) {
  const Shape shape = {channels_, inputs, kernel, kernel};
  if (!blocked()) return reshape(flat, shape);
  // Blocked by input and output channels; the network's own input keeps its layout, its filters are blocked by outputs.
  const int64_t area = kernel * kernel, in = inputs % block_ == 0 ? block_ : 1;
  Ints order;
  for (int64_t o = 0; o < channels_; o += block_)
    for (int64_t i = 0; i < inputs; i += in)
      for (int64_t k = 0; k < area; ++k)
        for (int64_t ii = i; ii < i + in; ++ii)
          for (int64_t oo = o; oo < o + block_; ++oo) order.push_back((oo * inputs + ii) * area + k);
  return reordered(flat, "filter" + to_string(shape), shape, order);
}

std::string Maps::transposed_filter(const std::string& flat, int64_t kernel) {
  const Shape shape = {channels_, channels_, kernel, kernel};
  const int64_t area = kernel * kernel, block = blocked() ? block_ : 1;
  Ints order;
  for (int64_t o = 0; o < channels_; o += block)
    for (int64_t i = 0; i < channels_; i += block)
      for (int64_t k = 0; k < area; ++k)
        for (int64_t ii = i; ii < i + block; ++ii)
          for (int64_t oo = o; oo < o + block; ++oo) order.push_back((ii * channels_ + oo) * area + area - 1 - k);
  return reordered(flat, "transposed" + to_string(shape), shape, order);
}

std::string Maps::convolution(const std::string& x, const std::string& filter, int64_t kernel, int64_t stride,
                              const Ints& pads, const std::string& sum) {
  graph::Builder::Attributes attributes = {
      {"kernel_shape", Ints{kernel, kernel}}, {"strides", Ints{stride, stride}}, {"pads", pads}};
  if (blocked()) {
    if (sum.empty()) return add_blocked("Conv", {x, filter}, std::move(attributes), "Conv");
    return add_blocked("Conv", {x, filter, "", sum}, std::move(attributes), "Conv");
  }
  const std::string y = add("Conv", {x, filter}, std::move(attributes));
  return sum.empty() ? y : add("Add", {y, sum});
}

std::string Maps::weight_gradient(const std::string& x, const std::string& gradient, int64_t height, int64_t width) {
  // dW[o,i,ky,kx] = sum over n,h,w of dy[n,o,h,w] x[n,i,h+ky-1,w+kx-1]: with both padded to rows of width + 2 a shift along a
  // row moves a whole map by one value. The three shifts along columns are stacked as channels of x, those along rows are
  // three copies of dy, and every pair is one matrix product of a sample's maps.
  const int64_t row = width + 2, positions = height * row;
  const std::string padded = add("Pad", {plain(x), b_.ints({0, 0, 1, 1, 0, 0, 1, 1})});
  Ints rows;
  for (int64_t k = 0; k < 3; ++k)
    for (int64_t h = 0; h < height; ++h) rows.push_back(h + k);
  std::string& order = orders_["rows" + std::to_string(height)];
  if (order.empty()) order = b_.constant(graph::Array::ints({3, height}, rows), "order/rows");
  const std::string stacked =
      reshape(add("Gather", {padded, order}, {{"axis", int64_t{2}}}), {batch_, 3 * channels_, positions});
  const std::string dy = plain(gradient);
  std::vector<std::string> products;
  for (int64_t k = 0; k < 3; ++k) {
    const std::string shifted = add("Pad", {dy, b_.ints({0, 0, 0, k, 0, 0, 0, 2 - k})});
    const std::string turned = add("Transpose", {reshape(shifted, {batch_, channels_, positions})}, {{"perm", Ints{0, 2, 1}}});
    products.push_back(add("MatMul", {stacked, turned}));  // [N, 3 i + ky, o]
  }
  const std::string all = add("Concat", products, {{"axis", int64_t{1}}});
  const std::string sum = add("ReduceSum", {all, b_.ints({0})}, {{"keepdims", int64_t{0}}});
  const std::string parts = reshape(sum, {3, channels_, 3, channels_});  // kx, i, ky, o
  return reshape(add("Transpose", {parts}, {{"perm", Ints{3, 1, 2, 0}}}), {-1});
}

std::string Maps::affine(const std::string& x, const std::string& scale, const std::string& shift, const std::string& sum,
                         bool relu) {
  if (blocked()) {
    // A depthwise convolution 1x1: one pass over the map does all of it.
    graph::Builder::Attributes attributes = {{"kernel_shape", Ints{1, 1}}, {"group", channels_}};
    if (relu) attributes["activation"] = std::string("Relu");
    std::vector<std::string> inputs = {x, reshape(scale, {channels_, 1, 1, 1}), shift};
    if (!sum.empty()) inputs.push_back(sum);
    return add_blocked("Conv", inputs, std::move(attributes), "affine");
  }
  std::string y = add("Mul", {x, reshape(scale, {channels_, 1, 1})});
  if (!shift.empty()) y = add("Add", {y, reshape(shift, {channels_, 1, 1})});
  if (!sum.empty()) y = add("Add", {y, sum});
  return relu ? add("Relu", {y}) : y;
}

std::string Maps::mean(const std::string& x) {
  if (!blocked()) return add("ReduceMean", {x}, {{"axes", Ints{0, 2, 3}}, {"keepdims", int64_t{0}}});
  const std::string means = add_blocked("GlobalAveragePool", {x}, {}, "mean");  // [N,C,1,1]: the same in both layouts
  return add("ReduceMean", {means}, {{"axes", Ints{0, 2, 3}}, {"keepdims", int64_t{0}}});
}

std::string Maps::mean_product(const std::string& x, const std::string& y) { return mean(add("Mul", {x, y})); }

std::string Maps::pooled(const std::string& x) {
  const std::string y = blocked() ? add_blocked("GlobalAveragePool", {x}, {}, "pool") : add("GlobalAveragePool", {x});
  return reshape(y, {batch_, channels_});
}

std::string Maps::positive(const std::string& z) {
  // 1 where z > 0, else 0, for z >= 0: one vectorised pass, where Sign and Where are several times slower.
  return add("HardSigmoid", {z}, {{"alpha", 1e30f}, {"beta", 0.0f}});
}

std::string Maps::where_positive(const std::string& z, const std::string& gradient) {
  return add("Mul", {gradient, positive(z)});
}

std::string Maps::where_positive_spread(const std::string& z, const std::string& gradient, int64_t height, int64_t width) {
  if (!blocked()) return add("Mul", {positive(z), reshape(gradient, {batch_, channels_, 1, 1})});
  const std::string parts = reshape(positive(z), {batch_, channels_ / block_, height * width, block_});
  const std::string product = add("Mul", {parts, reshape(gradient, {batch_, channels_ / block_, 1, block_})});
  return reshape(product, {batch_, channels_, height, width});
}

std::string Maps::plain(const std::string& x) {
  if (!blocked()) return x;
  return add_blocked("ReorderOutput", {x}, {{"channels", channels_}}, "plain");
}

}  // namespace ks::train

#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "graph/builder.h"

namespace ks::train {

/// How ONNX Runtime's CPU provider lays out feature maps for its fast convolutions on this machine: the number of
/// channels that lie side by side ([N, C/block, H, W, block], its internal operator set com.microsoft.nchwc), or 0
/// where it has no such layout (WebAssembly, other providers). Found by running a one-node network and looking at where
/// the values went.
int channel_block();

/// A tensor of feature maps [N,C,H,W] inside a training step; N is the same for all.
struct Map {
  std::string name;
  int64_t channels = 0, height = 0, width = 0;
  int64_t positions() const { return height * width; }
};

/// The operations on feature maps that a training step is made of. ONNX Runtime takes its blocked convolutions by
/// itself only where weights are constants, which in training they are not; with `block` > 0 the maps are kept in that
/// layout from the stem to the head, and convolutions, poolings and per-channel affine maps name the blocked operators.
/// With `block` = 0 everything is standard ONNX. Per-channel values are tensors [C], weights are flat tensors.
class Maps {
 public:
  /// Needs numbers of channels that are multiples of a block > 0, and even sizes where a stride is 2.
  Maps(graph::Builder& builder, int64_t batch, int block);

  int64_t batch() const { return batch_; }
  int64_t block() const { return block_; }
  bool blocked() const { return block_ > 0; }

  /// The convolution with weights [outputs, x.channels, k, k] and pads k / 2.
  Map convolution(const Map& x, const std::string& weights, int64_t outputs, int64_t kernel, int64_t stride);
  /// The convolution of the network's input [N,3,H,W], which is not blocked. pads: top, left, bottom, right.
  Map convolve_image(const std::string& image, int64_t height, int64_t width, const std::string& weights,
                     int64_t outputs, int64_t kernel, int64_t stride, const std::vector<int64_t>& pads);

  /// Gradient of a convolution's input, (+ sum), from that of its output; kernel 3, stride 1.
  Map input_gradient(const Map& gradient, const std::string& weights, int64_t inputs, const Map* sum);
  /// The same for the two convolutions of stride 2 that share the input x: kernel 3, and kernel 1 of a shortcut.
  Map input_gradient_halved(const Map& gradient, const std::string& weights, const Map& shortcut_gradient,
                            const std::string& shortcut_weights, const Map& x);
  /// Gradient of the weights [O,I,3,3] of a convolution of stride 1 from its input and the gradient of its output.
  /// Flat.
  std::string weight_gradient(const Map& x, const Map& gradient);
  /// The same for the two convolutions of stride 2 that share an input: [O,I,3,3] and [O,I,1,1].
  struct HalvedGradients {
    std::string weights, shortcut_weights;
  };
  HalvedGradients weight_gradient_halved(const Map& x, const Map& gradient, const Map& shortcut_gradient);

  /// scale * x + shift (+ sum), per channel, and max(0, .) of that where `relu`. shift may be empty.
  Map affine(const Map& x, const std::string& scale, const std::string& shift, const Map* sum = nullptr,
             bool relu = false);
  /// Means over samples and positions: [C].
  std::string mean(const Map& x);
  /// Means over samples and positions of the product: [C].
  std::string mean_product(const Map& x, const Map& y);
  /// Means over positions: [N,C].
  std::string pooled(const Map& x);
  /// gradient where z > 0, 0 elsewhere, for z >= 0.
  Map where_positive(const Map& z, const Map& gradient);
  /// The same for a gradient [N,C] that is equal at all positions.
  Map where_positive(const Map& z, const std::string& gradient);

  /// Element by element: Add, Sub, Mul, Max, ...
  Map combine(const std::string& op, const std::vector<Map>& maps);
  /// [N, C, H W] in standard layout, for matrix products.
  std::string plain(const Map& x);
  /// left * right^T, summed over samples: [N,A,K], [N,B,K] -> [N,A,B]. Sum with sum_samples.
  std::string product(const std::string& left, const std::string& right);
  /// Joins products along axis 1 and sums over samples.
  std::string sum_samples(const std::vector<std::string>& products);

  /// A node of the blocked operator set.
  std::string add_blocked(const std::string& op, const std::vector<std::string>& inputs,
                          graph::Builder::Attributes attributes, const std::string& stem);
  /// A depthwise convolution with constant one-hot kernel: y[h][w] = x[stride h + row - top][stride w + column - left]
  /// (+ sum), zeros outside. pads: top, left, bottom, right.
  Map shifted(const Map& x, int64_t kernel_height, int64_t kernel_width, int64_t row, int64_t column, int64_t stride,
              const std::vector<int64_t>& pads, const Map* sum = nullptr);
  /// Zeros around the two last axes of a plain tensor: top, left, bottom, right.
  std::string pad(const std::string& x, int64_t top, int64_t left, int64_t bottom, int64_t right);

  graph::Builder& builder() { return b_; }
  /// Names of the nodes made from now on start with this.
  void set_stem(const std::string& stem) { stem_ = stem; }
  std::string add(const std::string& op, const std::vector<std::string>& inputs,
                  graph::Builder::Attributes attributes = {}) {
    return b_.add(op, inputs, std::move(attributes), stem_ + "/" + op);
  }
  std::string reshape(const std::string& x, const std::vector<int64_t>& shape) {
    return add("Reshape", {x, b_.ints(shape)});
  }
  /// The values of a flat tensor in another order and shape; `key` names the order, which is made once.
  template <class MakeOrder>
  std::string reordered(const std::string& flat, const std::string& key, const Shape& shape, MakeOrder order) {
    std::string& name = orders_[key + to_string(shape)];
    if (name.empty()) name = b_.constant(graph::Array::ints(shape, order()), "order/" + key);
    return add("Gather", {flat, name});
  }

 private:
  std::string filter(const std::string& weights, const Shape& shape, bool image);
  std::string transposed_filter(const std::string& weights, int64_t outputs, int64_t inputs, int64_t kernel,
                                const std::vector<int64_t>& rows, const std::vector<int64_t>& columns);
  Map interleaved(const std::vector<Map>& phases);
  std::string positive(const Map& z);
  std::string plain_tap(const Map& x, int64_t row, int64_t column);

  graph::Builder& b_;
  int64_t batch_, block_;
  std::string stem_;
  std::map<std::string, std::string> orders_;  // index constants
};

}  // namespace ks::train

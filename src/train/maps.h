#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "graph/builder.h"

namespace ks::train {

/// How ONNX Runtime's CPU provider lays out feature maps for its fast convolutions on this machine: the number of channels
/// that lie side by side ([N, C/block, H, W, block], its internal operator set com.microsoft.nchwc), or 0 where it has no
/// such layout (WebAssembly, other providers). Found by running a one-node network and looking at where the values went.
int channel_block();

/// Feature maps [N,C,H,W] inside a training step, all with the same N and C, and the operations on them that a step is made
/// of. ONNX Runtime takes its blocked convolutions by itself only where weights are constants, which in training they are
/// not; with `block` > 0 the maps are kept in that layout from the stem to the head, and convolutions, poolings and per-channel
/// affine maps name the blocked operators. With `block` = 0 everything is standard ONNX. Names of tensors go in and come
/// out; per-channel values are tensors [C].
class Maps {
 public:
  Maps(graph::Builder& builder, int64_t batch, int64_t channels, int block);

  int64_t batch() const { return batch_; }
  int64_t channels() const { return channels_; }
  int64_t block() const { return block_; }
  bool blocked() const { return block_ > 0; }

  /// Weights [C,I,k,k], given as a flat tensor, in the form convolution() takes. I = 3 (a network's input, which stays NCHW)
  /// or C.
  std::string filter(const std::string& flat, int64_t inputs, int64_t kernel);
  /// The weights [C,C,k,k] of the transposed convolution at stride 1: flipped, inputs and outputs exchanged.
  std::string transposed_filter(const std::string& flat, int64_t kernel);
  /// x * filter (+ sum). pads: top, left, bottom, right.
  std::string convolution(const std::string& x, const std::string& filter, int64_t kernel, int64_t stride,
                          const std::vector<int64_t>& pads, const std::string& sum = "");
  /// Gradient of the weights [C,C,3,3] of a convolution 3x3, stride 1, pad 1, from its input and the gradient of its output,
  /// maps of height x width. Flat.
  std::string weight_gradient(const std::string& x, const std::string& gradient, int64_t height, int64_t width);

  /// scale * x + shift (+ sum), per channel, and max(0, .) of that where `relu`.
  std::string affine(const std::string& x, const std::string& scale, const std::string& shift, const std::string& sum = "",
                     bool relu = false);
  /// Means over samples and positions: [C].
  std::string mean(const std::string& x);
  /// Means over samples and positions of the product: [C].
  std::string mean_product(const std::string& x, const std::string& y);
  /// Means over positions: [N,C].
  std::string pooled(const std::string& x);
  /// gradient where z > 0, 0 elsewhere.
  std::string where_positive(const std::string& z, const std::string& gradient);
  /// The same for a gradient [N,C] that is equal at all height x width positions.
  std::string where_positive_spread(const std::string& z, const std::string& gradient, int64_t height, int64_t width);

  /// NCHW from the layout of the maps.
  std::string plain(const std::string& x);

  /// A node of the blocked operator set.
  std::string add_blocked(const std::string& op, const std::vector<std::string>& inputs, graph::Builder::Attributes attributes,
                          const std::string& stem);
  graph::Builder& builder() { return b_; }
  /// Names of the nodes made from now on start with this.
  void set_stem(const std::string& stem) { stem_ = stem; }
  std::string add(const std::string& op, const std::vector<std::string>& inputs, graph::Builder::Attributes attributes = {}) {
    return b_.add(op, inputs, std::move(attributes), stem_ + "/" + op);
  }
  std::string reshape(const std::string& x, const std::vector<int64_t>& shape) { return add("Reshape", {x, b_.ints(shape)}); }

 private:
  std::string reordered(const std::string& flat, const std::string& key, const Shape& shape,
                        const std::vector<int64_t>& order);
  std::string positive(const std::string& z);

  graph::Builder& b_;
  int64_t batch_, channels_, block_;
  std::string stem_;
  std::map<std::string, std::string> orders_;  // index constants of filters
};

}  // namespace ks::train

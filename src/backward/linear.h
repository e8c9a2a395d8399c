#pragma once
#include <string>

#include "backward/pass.h"

namespace ks::backward {

/// A linear layer (Conv, ConvTranspose, Gemm, MatMul with constant weights) as a pair of maps: forward with any weights
/// of the layer's shape, and its transpose. Weights are kept as [outputs, inputs, ...] whatever the node has.
class Linear {
 public:
  /// Throws Error where the weights are not constant.
  Linear(Pass& pass, const graph::Node& node);

  /// [O, I/group, kh, kw] of a convolution, transposed or not, [O, I] of a dense layer.
  const Tensor& weights() const { return weights_; }
  /// [O]; zeros where the layer has none.
  const Tensor& bias() const { return bias_; }
  bool is_convolution() const { return convolution_; }
  int64_t groups() const { return groups_; }
  /// The axis of inputs and outputs that the weights join: 1, or the last one of a dense layer over more axes.
  int64_t channel_axis() const { return convolution_ ? 1 : static_cast<int64_t>(rank_) - 1; }
  const std::string& input() const { return node_.inputs[0]; }
  const std::string& output() const { return node_.outputs[0]; }

  /// The layer applied to x with other weights (their number of outputs is free for groups() == 1) and bias (empty:
  /// none).
  std::string apply(const std::string& x, const Tensor& weights, const Tensor& bias) const;
  /// The transposed layer applied to a gradient of the output: a gradient of the input.
  std::string transpose(const std::string& gradient, const Tensor& weights) const;

  /// The transposed layer with all weights 1, before it is repeated over the input channels: 1 along channel_axis().
  std::string transpose_ones(const std::string& gradient) const;

  /// [1,O,1,1] or [1,...,O]: a per-output constant that broadcasts over the output.
  std::string per_output(const Tensor& values) const;
  /// How many positions of the input are connected to an output position: [1,1,H',W'] (all ones for a dense layer:
  /// [1,...,1]).
  Tensor window_counts() const;

 private:
  std::string transpose(const std::string& gradient, const Tensor& weights, int64_t groups) const;
  std::string transpose_stride_one(const std::string& gradient, const Tensor& weights, int64_t groups) const;
  std::string transpose_strided(const std::string& gradient, const Tensor& weights, int64_t groups) const;
  std::string transpose_transposed(const std::string& gradient, const Tensor& weights, int64_t groups) const;
  graph::Builder::Attributes window_attributes(const Tensor& weights, int64_t groups) const;

  Pass& pass_;
  graph::Node node_;
  bool convolution_, transposed_;
  size_t rank_ = 2;
  int64_t groups_ = 1;
  graph::Window window_{};
  Tensor weights_, bias_;
};

bool is_linear_layer(const Pass& pass, const graph::Node& node);

/// max(v,0) and min(v,0) of every value, times a factor.
Tensor positive_part(const Tensor& t, float factor = 1);
Tensor negative_part(const Tensor& t, float factor = 1);

}  // namespace ks::backward

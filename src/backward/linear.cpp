#include "backward/linear.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"

namespace ks::backward {

namespace {

/// [O, I/g, kh, kw] -> [I, O/g, kh, kw], with both spatial axes reversed where `flip`.
Tensor exchanged(const Tensor& w, int64_t groups, bool flip) {
  const int64_t O = w.dim(0), I = w.dim(1), K = w.dim(2) * w.dim(3), Og = O / groups;
  Tensor out({I * groups, Og, w.dim(2), w.dim(3)});
  const float* from = w.data.data();
  for (int64_t o = 0; o < O; ++o)
    for (int64_t i = 0; i < I; ++i, from += K) {
      float* to = out.data.data() + (((o / Og) * I + i) * Og + o % Og) * K;
      if (flip)
        std::reverse_copy(from, from + K, to);
      else
        std::copy(from, from + K, to);
    }
  return out;
}

}  // namespace

Tensor positive_part(const Tensor& t, float factor) {
  Tensor out = t;
  for (float& v : out.data) v = factor * std::max(v, 0.0f);
  return out;
}

Tensor negative_part(const Tensor& t, float factor) {
  Tensor out = t;
  for (float& v : out.data) v = factor * std::min(v, 0.0f);
  return out;
}

bool is_linear_layer(const Pass& pass, const graph::Node& node) {
  if (!node.domain.empty() || !node.has_input(1)) return false;
  const graph::Array* weights = pass.forward().constant(node.inputs[1]);
  if (!weights || (node.has_input(2) && !pass.forward().constant(node.inputs[2]))) return false;
  if (node.op == "Gemm") return !node.attribute("transA", int64_t{0});
  return node.op == "Conv" || node.op == "ConvTranspose" || (node.op == "MatMul" && weights->shape.size() == 2);
}

Linear::Linear(Pass& pass, const graph::Node& node)
    : pass_(pass),
      node_(node),
      convolution_(node.op == "Conv" || node.op == "ConvTranspose"),
      transposed_(node.op == "ConvTranspose") {
  if (!is_linear_layer(pass, node))
    throw Error("node '" + node.name + "' (" + node.op + ") is no layer with constant weights", pass.where());
  const graph::Array* b = node.has_input(2) ? pass.forward().constant(node.inputs[2]) : nullptr;
  weights_ = pass.forward().constant(node.inputs[1])->to_tensor();
  rank_ = pass.shape(node.inputs[0]).size();
  const float alpha = node.attribute("alpha", 1.0f), beta = node.attribute("beta", 1.0f);
  if (convolution_) {
    groups_ = node.attribute("group", int64_t{1});
    window_ = graph::window_of(node, pass.shape(node.inputs[0]), {weights_.dim(2), weights_.dim(3)}, pass.where());
    if (transposed_) weights_ = exchanged(weights_, groups_, false);
  } else {
    if (!node.attribute("transB", int64_t{0})) weights_ = transposed(weights_);
    if (node.op == "Gemm")
      for (float& v : weights_.data) v *= alpha;
  }
  bias_ = Tensor({weights_.dim(0)});
  if (b) {
    const std::vector<float> values = b->to_floats();
    for (int64_t o = 0; o < bias_.size(); ++o)
      bias_.data[o] = values[values.size() == 1 ? 0 : o] * (node.op == "Gemm" ? beta : 1.0f);
  }
}

graph::Builder::Attributes Linear::window_attributes(const Tensor& weights, int64_t groups) const {
  return {{"group", groups},
          {"kernel_shape", std::vector<int64_t>{weights.dim(2), weights.dim(3)}},
          {"strides", std::vector<int64_t>{window_.stride[0], window_.stride[1]}},
          {"dilations", std::vector<int64_t>{window_.dilation[0], window_.dilation[1]}},
          {"pads",
           std::vector<int64_t>{window_.pad_begin[0], window_.pad_begin[1], window_.pad_end[0], window_.pad_end[1]}}};
}

std::string Linear::apply(const std::string& x, const Tensor& weights, const Tensor& bias) const {
  if (!convolution_ && rank_ != 2) {
    const std::string product = pass_.add("MatMul", {x, pass_.constant(transposed(weights))});
    return bias.empty() ? product : pass_.add("Add", {product, pass_.constant(bias)});
  }
  std::vector<std::string> inputs = {x, pass_.constant(transposed_ ? exchanged(weights, groups_, false) : weights)};
  if (!bias.empty()) inputs.push_back(pass_.constant(bias));
  if (!convolution_) return pass_.add("Gemm", inputs, {{"transB", int64_t{1}}});
  graph::Builder::Attributes attributes = window_attributes(weights, groups_);
  if (transposed_)
    attributes["output_padding"] = std::vector<int64_t>{window_.output_padding[0], window_.output_padding[1]};
  return pass_.add(node_.op, inputs, attributes);
}

std::string Linear::transpose(const std::string& gradient, const Tensor& weights) const {
  return transpose(gradient, weights, groups_);
}

std::string Linear::transpose_ones(const std::string& gradient) const {
  const std::string sum = pass_.reduce("ReduceSum", gradient, {channel_axis()});
  return convolution_ ? transpose(sum, Tensor({1, 1, window_.kernel[0], window_.kernel[1]}, 1.0f), 1) : sum;
}

std::string Linear::transpose(const std::string& gradient, const Tensor& weights, int64_t groups) const {
  if (!convolution_) return pass_.add("MatMul", {gradient, pass_.constant(weights)});
  if (transposed_) return transpose_transposed(gradient, weights, groups);
  const bool unit = window_.stride[0] == 1 && window_.stride[1] == 1;
  bool fits = true;
  for (int a = 0; a < 2; ++a)
    fits = fits && window_.pad_begin[a] < window_.extent(a) && window_.pad_end[a] < window_.extent(a);
  return unit && fits ? transpose_stride_one(gradient, weights, groups) : transpose_strided(gradient, weights, groups);
}

// The transpose of a stride-1 convolution is a convolution with flipped kernels: it takes ONNX Runtime's blocked path,
// which ConvTranspose does not.
std::string Linear::transpose_stride_one(const std::string& gradient, const Tensor& weights, int64_t groups) const {
  std::vector<int64_t> pads(4);
  for (int a = 0; a < 2; ++a) {
    pads[a] = window_.extent(a) - 1 - window_.pad_begin[a];
    pads[a + 2] = window_.extent(a) - 1 - window_.pad_end[a];
  }
  return pass_.add("Conv", {gradient, pass_.constant(exchanged(weights, groups, true))},
                   {{"group", groups},
                    {"kernel_shape", std::vector<int64_t>{weights.dim(2), weights.dim(3)}},
                    {"dilations", std::vector<int64_t>{window_.dilation[0], window_.dilation[1]}},
                    {"pads", pads}});
}

std::string Linear::transpose_strided(const std::string& gradient, const Tensor& weights, int64_t groups) const {
  const Shape& in = pass_.shape(input());
  const Shape& out = pass_.shape(output());
  std::vector<int64_t> output_padding(2);
  for (int a = 0; a < 2; ++a)
    output_padding[a] = in[2 + a] - (window_.stride[a] * (out[2 + a] - 1) + window_.extent(a) - window_.pad_begin[a] -
                                     window_.pad_end[a]);
  graph::Builder::Attributes attributes = window_attributes(weights, groups);
  attributes["output_padding"] = output_padding;
  return pass_.add("ConvTranspose", {gradient, pass_.constant(weights)}, attributes);
}

// The transpose of a transposed convolution is the convolution of the same window. Output padding is less than a
// stride, so that no window starts in it.
std::string Linear::transpose_transposed(const std::string& gradient, const Tensor& weights, int64_t groups) const {
  return pass_.add("Conv", {gradient, pass_.constant(exchanged(weights, groups, false))},
                   window_attributes(weights, groups));
}

std::string Linear::per_output(const Tensor& values) const {
  Shape shape(rank_, 1);
  shape[static_cast<size_t>(channel_axis())] = values.size();
  return pass_.constant(values.reshaped(shape));
}

Tensor Linear::window_counts() const {
  if (!convolution_) return Tensor(Shape(rank_, 1), 1.0f);
  const Shape &in = pass_.shape(input()), &out = pass_.shape(output());
  // Connections join a position of the side that windows slide over with one of the side that has a window each.
  const Shape &wide = transposed_ ? out : in, &narrow = transposed_ ? in : out;
  std::vector<float> inside[2];  // the count is separable
  for (int a = 0; a < 2; ++a) {
    inside[a].assign(static_cast<size_t>(out[2 + a]), 0.0f);
    for (int64_t n = 0; n < narrow[2 + a]; ++n)
      for (int64_t k = 0; k < window_.kernel[a]; ++k) {
        const int64_t w = n * window_.stride[a] - window_.pad_begin[a] + k * window_.dilation[a];
        if (w >= 0 && w < wide[2 + a]) ++inside[a][static_cast<size_t>(transposed_ ? w : n)];
      }
  }
  Tensor counts({1, 1, out[2], out[3]});
  for (int64_t y = 0; y < out[2]; ++y)
    for (int64_t x = 0; x < out[3]; ++x) counts.data[y * out[3] + x] = inside[0][y] * inside[1][x];
  return counts;
}

}  // namespace ks::backward

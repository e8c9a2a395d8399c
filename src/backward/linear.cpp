#include "backward/linear.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"

namespace ks::backward {

namespace {

Tensor transposed_matrix(const Tensor& m) {
  Tensor out({m.dim(1), m.dim(0)});
  for (int64_t i = 0; i < m.dim(0); ++i)
    for (int64_t j = 0; j < m.dim(1); ++j) out.data[j * m.dim(0) + i] = m.data[i * m.dim(1) + j];
  return out;
}

/// [O, I/g, kh, kw] -> [I, O/g, kh, kw] with both spatial axes reversed.
Tensor flipped(const Tensor& w, int64_t groups) {
  const int64_t O = w.dim(0), I = w.dim(1), K = w.dim(2) * w.dim(3), Og = O / groups;
  Tensor out({I * groups, Og, w.dim(2), w.dim(3)});
  for (int64_t o = 0; o < O; ++o)
    for (int64_t i = 0; i < I; ++i)
      for (int64_t k = 0; k < K; ++k)
        out.data[(((o / Og) * I + i) * Og + o % Og) * K + (K - 1 - k)] = w.data[(o * I + i) * K + k];
  return out;
}

}  // namespace

Tensor positive_part(const Tensor& t) {
  Tensor out = t;
  for (float& v : out.data) v = std::max(v, 0.0f);
  return out;
}

Tensor negative_part(const Tensor& t) {
  Tensor out = t;
  for (float& v : out.data) v = std::min(v, 0.0f);
  return out;
}

Tensor join(const Tensor& a, const Tensor& b, int axis) {
  if (axis == 0) return concatenate({a, b});
  const int64_t rest = a.size() / (a.dim(0) * a.dim(1));
  Tensor out = a;
  out.shape[1] = a.dim(1) + b.dim(1);
  out.data.clear();
  for (int64_t o = 0; o < a.dim(0); ++o) {
    out.data.insert(out.data.end(), a.data.begin() + o * a.dim(1) * rest, a.data.begin() + (o + 1) * a.dim(1) * rest);
    out.data.insert(out.data.end(), b.data.begin() + o * b.dim(1) * rest, b.data.begin() + (o + 1) * b.dim(1) * rest);
  }
  return out;
}

bool is_linear_layer(const Pass& pass, const graph::Node& node) {
  return (node.op == "Conv" || node.op == "Gemm" || node.op == "MatMul") && node.has_input(1) &&
         pass.forward().constant(node.inputs[1]);
}

Linear::Linear(Pass& pass, const graph::Node& node) : pass_(pass), node_(node), convolution_(node.op == "Conv") {
  const graph::Array* w = node.has_input(1) ? pass.forward().constant(node.inputs[1]) : nullptr;
  const graph::Array* b = node.has_input(2) ? pass.forward().constant(node.inputs[2]) : nullptr;
  if (!w || (node.has_input(2) && !b))
    throw Error("node '" + node.name + "' (" + node.op + ") has weights that are computed, not constant", pass.where());
  weights_ = w->to_tensor();
  const float alpha = node.attribute("alpha", 1.0f), beta = node.attribute("beta", 1.0f);
  if (convolution_) {
    groups_ = node.attribute("group", int64_t{1});
    window_ = graph::window_of(node, pass.shape(node.inputs[0]), {weights_.dim(2), weights_.dim(3)}, pass.where());
  } else {
    if (node.attribute("transA", int64_t{0}))
      throw Error("node '" + node.name + "' (Gemm) transposes its input, which is not supported", pass.where());
    if (!node.attribute("transB", int64_t{0})) weights_ = transposed_matrix(weights_);
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

std::string Linear::apply(const std::string& x, const Tensor& weights, const Tensor& bias) const {
  std::vector<std::string> inputs = {x, pass_.constant(weights)};
  if (!bias.empty()) inputs.push_back(pass_.constant(bias));
  if (!convolution_) return pass_.add("Gemm", inputs, {{"transB", int64_t{1}}});
  return pass_.add("Conv", inputs,
                   {{"group", groups_},
                    {"kernel_shape", std::vector<int64_t>{weights.dim(2), weights.dim(3)}},
                    {"strides", std::vector<int64_t>{window_.stride[0], window_.stride[1]}},
                    {"dilations", std::vector<int64_t>{window_.dilation[0], window_.dilation[1]}},
                    {"pads", std::vector<int64_t>{window_.pad_begin[0], window_.pad_begin[1], window_.pad_end[0],
                                                  window_.pad_end[1]}}});
}

std::string Linear::transpose(const std::string& gradient, const Tensor& weights) const {
  return transpose(gradient, weights, groups_);
}

std::string Linear::transpose_ones(const std::string& gradient) const {
  const std::string sum = pass_.add("ReduceSum", {gradient, pass_.builder().ints({1})}, {{"keepdims", int64_t{1}}});
  return convolution_ ? transpose(sum, Tensor({1, 1, window_.kernel[0], window_.kernel[1]}, 1.0f), 1) : sum;
}

std::string Linear::transpose(const std::string& gradient, const Tensor& weights, int64_t groups) const {
  if (!convolution_) return pass_.add("MatMul", {gradient, pass_.constant(weights)});
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
  return pass_.add("Conv", {gradient, pass_.constant(flipped(weights, groups))},
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
  return pass_.add("ConvTranspose", {gradient, pass_.constant(weights)},
                   {{"group", groups},
                    {"kernel_shape", std::vector<int64_t>{weights.dim(2), weights.dim(3)}},
                    {"strides", std::vector<int64_t>{window_.stride[0], window_.stride[1]}},
                    {"dilations", std::vector<int64_t>{window_.dilation[0], window_.dilation[1]}},
                    {"pads", std::vector<int64_t>{window_.pad_begin[0], window_.pad_begin[1], window_.pad_end[0],
                                                  window_.pad_end[1]}},
                    {"output_padding", output_padding}});
}

std::string Linear::per_output(const Tensor& values) const {
  return pass_.constant(values.reshaped(convolution_ ? Shape{1, values.size(), 1, 1} : Shape{1, values.size()}));
}

Tensor Linear::window_counts() const {
  if (!convolution_) return Tensor({1, 1}, 1.0f);
  const Shape &in = pass_.shape(input()), &out = pass_.shape(output());
  std::vector<float> inside[2];  // the count is separable
  for (int a = 0; a < 2; ++a)
    for (int64_t o = 0; o < out[2 + a]; ++o) {
      float count = 0;
      for (int64_t k = 0; k < window_.kernel[a]; ++k) {
        const int64_t i = o * window_.stride[a] - window_.pad_begin[a] + k * window_.dilation[a];
        count += i >= 0 && i < in[2 + a];
      }
      inside[a].push_back(count);
    }
  Tensor counts({1, 1, out[2], out[3]});
  for (int64_t y = 0; y < out[2]; ++y)
    for (int64_t x = 0; x < out[3]; ++x) counts.data[y * out[3] + x] = inside[0][y] * inside[1][x];
  return counts;
}

}  // namespace ks::backward

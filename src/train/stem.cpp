#include "train/stem.h"

namespace ks::train {

namespace {

using Ints = std::vector<int64_t>;

constexpr int64_t kernel = 7, pad = 3;

}  // namespace

Norm batch_norm(Maps& m, const std::string& mean, const std::string& mean_square, const std::string& gamma,
                const std::string& beta, double samples) {
  graph::Builder& b = m.builder();
  Norm n;
  n.samples = samples;
  n.mean = mean;
  n.variance = m.add("Max", {m.add("Sub", {mean_square, m.add("Mul", {mean, mean})}), b.scalar(0)});
  n.inverse = m.add("Reciprocal", {m.add("Sqrt", {m.add("Add", {n.variance, b.scalar(batch_norm_epsilon)})})});
  n.scale = m.add("Mul", {gamma, n.inverse});
  n.shift = m.add("Sub", {beta, m.add("Mul", {mean, n.scale})});
  return n;
}

NormGradient batch_norm_gradient(Maps& m, const Norm& norm, const std::string& mean_g, const std::string& mean_gy) {
  // With x = (y - mean) inverse and q = mean(g x): dgamma = samples q, dbeta = samples mean(g), and
  // dy = scale (g - mean(g) - x q), an affine map of g and y.
  graph::Builder& b = m.builder();
  NormGradient d;
  const std::string q = m.add("Mul", {norm.inverse, m.add("Sub", {mean_gy, m.add("Mul", {norm.mean, mean_g})})});
  const std::string samples = b.scalar(static_cast<float>(norm.samples));
  d.gamma = m.add("Mul", {q, samples});
  d.beta = m.add("Mul", {mean_g, samples});
  const std::string steepness = m.add("Mul", {m.add("Mul", {norm.scale, norm.inverse}), q});
  d.slope = m.add("Neg", {steepness});
  d.constant = m.add("Sub", {m.add("Mul", {steepness, norm.mean}), m.add("Mul", {norm.scale, mean_g})});
  return d;
}

Stem::Stem(Maps& maps, const GrainNet& net, const std::string& images, const std::string& weight, const std::string& gamma,
           const std::string& beta)
    : maps_(maps), net_(net), images_(images), weight_(weight), gamma_(gamma), beta_(beta) {
  maps_.set_stem("stem");
  const auto halved = [](int64_t size) { return (size - 1) / 2 + 1; };  // both strides, with their pads
  height_ = halved(halved(net.image_height));
  width_ = halved(halved(net.image_width));
  if (maps_.blocked()) forward_phases();
  else forward_plain();
}

Stem::Gradient Stem::backward(const std::string& gradient) {
  maps_.set_stem("stem/backward");
  return maps_.blocked() ? backward_phases(gradient) : backward_plain(gradient);
}

// The plain form: the max pool says where its maxima were, the gradient is scattered to those places.

void Stem::forward_plain() {
  graph::Builder& b = maps_.builder();
  y_ = maps_.convolution(images_, maps_.filter(weight_, 3, kernel), kernel, 2, {pad, pad, pad, pad});
  const int64_t h = (net_.image_height - 1) / 2 + 1, w = (net_.image_width - 1) / 2 + 1;
  norm_ = batch_norm(maps_, maps_.mean(y_), maps_.mean_product(y_, y_), gamma_, beta_,
                     static_cast<double>(maps_.batch() * h * w));
  mean_ = norm_.mean;
  const std::string active = maps_.affine(y_, norm_.scale, norm_.shift, "", true);
  const auto pooled = b.add_many("MaxPool", {active}, 2,
                                 {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}}, "stem/pool");
  output_ = pooled[0];
  indices_ = pooled[1];
}

Stem::Gradient Stem::backward_plain(const std::string& gradient) {
  graph::Builder& b = maps_.builder();
  const int64_t h = (net_.image_height - 1) / 2 + 1, w = (net_.image_width - 1) / 2 + 1;
  const std::string g = maps_.where_positive(output_, gradient);
  const std::string zeros = maps_.add("ConstantOfShape", {b.ints({maps_.batch() * maps_.channels() * h * w})});
  const std::string scattered =
      maps_.add("ScatterElements", {zeros, maps_.reshape(indices_, {-1}), maps_.reshape(g, {-1})},
                {{"axis", int64_t{0}}, {"reduction", std::string("add")}});
  const std::string full = maps_.reshape(scattered, {maps_.batch(), maps_.channels(), h, w});
  const NormGradient d = batch_norm_gradient(maps_, norm_, maps_.mean(full), maps_.mean_product(full, y_));
  const std::string rest = maps_.affine(y_, d.slope, d.constant);
  return {weight_gradient_plain(maps_.affine(full, norm_.scale, "", rest)), d.gamma, d.beta};
}

std::string Stem::weight_gradient_plain(const std::string& dy) {
  // A convolution of the image by the gradient, samples as input channels: strides become dilations.
  const std::string image = maps_.add("Transpose", {images_}, {{"perm", Ints{1, 0, 2, 3}}});
  const std::string filter = maps_.add("Transpose", {dy}, {{"perm", Ints{1, 0, 2, 3}}});
  const auto end = [](int64_t size) { return kernel + 2 * ((size - 1) / 2) - size - pad; };
  const int64_t h = (net_.image_height - 1) / 2 + 1, w = (net_.image_width - 1) / 2 + 1;
  const std::string y = maps_.add("Conv", {image, filter},
                                  {{"kernel_shape", Ints{h, w}},
                                   {"dilations", Ints{2, 2}},
                                   {"pads", Ints{pad, pad, end(net_.image_height), end(net_.image_width)}}});
  return maps_.reshape(maps_.add("Transpose", {y}, {{"perm", Ints{1, 0, 2, 3}}}), {-1});
}

// The blocked form keeps the convolution's output as four maps, by the parity of its rows and columns (four convolutions of
// stride 4), each of the pooled size. A pooling window then is one value of the even-even map, two neighbours of the mixed
// ones and four of the odd-odd one. Batch norm and ReLU are monotone, so they follow the pooling, on a quarter of the values;
// channels whose scale is negative are turned around before (sign). Going back, the gradient is handed from the maximum to
// the map it came from, then to the neighbour, by comparing values; of equal ones the first gets it all.

void Stem::forward_phases() {
  graph::Builder& b = maps_.builder();
  const int64_t channels = maps_.channels();
  sign_ = maps_.add("Where", {maps_.add("Less", {gamma_, b.scalar(0)}), b.scalar(-1), b.scalar(1)});
  const std::string weight = maps_.add(
      "Mul", {maps_.reshape(weight_, {channels, 3 * kernel * kernel}), maps_.reshape(sign_, {channels, 1})});
  const std::string filter = maps_.filter(maps_.reshape(weight, {-1}), 3, kernel);
  std::vector<std::string> means, squares;
  for (int64_t p : {0, 1})
    for (int64_t q : {0, 1}) {
      phases_.push_back(maps_.convolution(images_, filter, kernel, 4, {pad - 2 * p, pad - 2 * q, 2 * p, 2 * q}));
      means.push_back(maps_.mean(phases_.back()));
      squares.push_back(maps_.mean_product(phases_.back(), phases_.back()));
    }
  norm_ = batch_norm(maps_, maps_.add("Mean", means), maps_.add("Mean", squares), maps_.add("Abs", {gamma_}), beta_,
                     4.0 * static_cast<double>(maps_.batch() * height_ * width_));
  mean_ = maps_.add("Mul", {norm_.mean, sign_});

  const auto with_previous = [&](const std::string& x, bool column) {
    const Ints window = column ? Ints{1, 2} : Ints{2, 1}, pads = column ? Ints{0, 1, 0, 0} : Ints{1, 0, 0, 0};
    return maps_.add_blocked("MaxPool", {x}, {{"kernel_shape", window}, {"pads", pads}}, "MaxPool");
  };
  across_ = with_previous(phases_[3], true);
  candidates_ = {phases_[0], with_previous(phases_[1], true), with_previous(phases_[2], false), with_previous(across_, false)};
  pooled_ = maps_.add("Max", candidates_);
  output_ = maps_.affine(pooled_, norm_.scale, norm_.shift, "", true);
}

std::string Stem::equal(const std::string& low, const std::string& high) {
  return maps_.add("HardSigmoid", {maps_.add("Sub", {low, high})}, {{"alpha", 1e30f}, {"beta", 1.0f}});
}

std::string Stem::shift(const std::string& x, int64_t rows, int64_t columns, const std::string& sum) {
  // y[h][w] = x[h + rows][w + columns] + sum[h][w], one of rows and columns being 1: a depthwise convolution with (0, 1).
  graph::Builder& b = maps_.builder();
  const int64_t channels = maps_.channels();
  const int64_t block = maps_.block();
  std::vector<float> filter;
  for (int64_t c = 0; c < channels; c += block)
    for (int64_t k : {0, 1}) filter.insert(filter.end(), block, static_cast<float>(k));
  const std::string weights = b.constant(graph::Array::floats({channels, 1, rows + 1, columns + 1}, filter), "stem/shift");
  return maps_.add_blocked("Conv", {x, weights, "", sum},
                           {{"kernel_shape", Ints{rows + 1, columns + 1}}, {"group", channels}, {"pads", Ints{0, 0, rows, columns}}},
                           "shift");
}

std::vector<std::string> Stem::unpool(const std::string& gradient, const std::vector<std::string>& rest) {
  const auto mul = [&](const std::string& x, const std::string& y) { return maps_.add("Mul", {x, y}); };
  const auto sub = [&](const std::string& x, const std::string& y) { return maps_.add("Sub", {x, y}); };
  const auto add = [&](const std::string& x, const std::string& y) { return maps_.add("Add", {x, y}); };
  std::string left = gradient;
  std::vector<std::string> parts;
  for (int k = 0; k < 3; ++k) {
    parts.push_back(mul(left, equal(candidates_[k], pooled_)));
    left = sub(left, parts.back());
  }
  parts.push_back(left);
  // The gradient of max(x[i-1], x[i]), added to `sum`.
  const auto split = [&](const std::string& g, const std::string& x, const std::string& maximum, bool column,
                         const std::string& sum) {
    const std::string here = mul(g, equal(x, maximum));
    return shift(sub(g, here), column ? 0 : 1, column ? 1 : 0, sum.empty() ? here : add(here, sum));
  };
  const std::string over_rows = split(parts[3], across_, candidates_[3], false, "");
  return {add(parts[0], rest[0]), split(parts[1], phases_[1], candidates_[1], true, rest[1]),
          split(parts[2], phases_[2], candidates_[2], false, rest[2]), split(over_rows, phases_[3], across_, true, rest[3])};
}

Stem::Gradient Stem::backward_phases(const std::string& gradient) {
  graph::Builder& b = maps_.builder();
  const std::string g = maps_.where_positive(output_, gradient);
  // Each pooled value came from one of the four times as many values the means are over.
  const std::string quarter = b.scalar(0.25f);
  const NormGradient d = batch_norm_gradient(maps_, norm_, maps_.add("Mul", {maps_.mean(g), quarter}),
                                             maps_.add("Mul", {maps_.mean_product(g, pooled_), quarter}));
  std::vector<std::string> rest;
  for (const std::string& y : phases_) rest.push_back(maps_.affine(y, d.slope, d.constant));
  const std::vector<std::string> dy = unpool(maps_.affine(g, norm_.scale, ""), rest);
  return {weight_gradient_phases(dy), maps_.add("Mul", {d.gamma, sign_}), d.beta};
}

std::string Stem::weight_gradient_phases(const std::vector<std::string>& dy) {
  // The image is cut into 4x4 blocks, laid out as 48 channels; a window of 7x7 lies in 2x2 such blocks when the cutting
  // starts where the first window of the phase does. Per phase and block one matrix product.
  graph::Builder& b = maps_.builder();
  const int64_t channels = maps_.channels(), batch = maps_.batch(), depth = 3 * 16;
  const int64_t positions = (height_ + 1) * (width_ + 1);
  std::vector<float> one_hot(depth * depth);
  for (int64_t k = 0; k < depth; ++k) one_hot[k * depth + k] = 1;
  const std::string cut = b.constant(graph::Array::floats({depth, 3, 4, 4}, one_hot), "stem/cut");
  std::vector<std::string> sums;
  for (int64_t p : {0, 1})
    for (int64_t q : {0, 1}) {
      const std::string blocks = maps_.add(
          "Conv", {images_, cut},
          {{"kernel_shape", Ints{4, 4}}, {"strides", Ints{4, 4}}, {"pads", Ints{pad - 2 * p, pad - 2 * q, 1 + 2 * p, 1 + 2 * q}}});
      const std::string flat = maps_.reshape(blocks, {batch, depth, positions});
      const std::string plain = maps_.plain(dy[2 * p + q]);
      std::vector<std::string> products;
      for (int64_t i : {0, 1})
        for (int64_t j : {0, 1}) {
          const std::string shifted = maps_.add("Pad", {plain, b.ints({0, 0, i, j, 0, 0, 1 - i, 1 - j})});
          const std::string turned =
              maps_.add("Transpose", {maps_.reshape(shifted, {batch, channels, positions})}, {{"perm", Ints{0, 2, 1}}});
          products.push_back(maps_.add("MatMul", {flat, turned}));
        }
      const std::string all = maps_.add("Concat", products, {{"axis", int64_t{1}}});
      sums.push_back(maps_.add("ReduceSum", {all, b.ints({0})}, {{"keepdims", int64_t{0}}}));
    }
  const std::string sum = maps_.reshape(maps_.add("Sum", sums), {-1});  // block row, block column, (colour, row, column), o
  Ints order;
  for (int64_t o = 0; o < channels; ++o)
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 0; y < kernel; ++y)
        for (int64_t x = 0; x < kernel; ++x) {
          const int64_t block = y / 4 * 2 + x / 4, place = c * 16 + y % 4 * 4 + x % 4;
          order.push_back((block * depth + place) * channels + o);
        }
  const std::string weight = maps_.add(
      "Gather", {sum, b.constant(graph::Array::ints({channels, 3 * kernel * kernel}, order), "order/stem")});
  return maps_.reshape(maps_.add("Mul", {weight, maps_.reshape(sign_, {channels, 1})}), {-1});
}

}  // namespace ks::train

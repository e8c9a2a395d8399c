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

Stem::Stem(Maps& maps, const GrainNet& net, const std::string& image, const std::string& weight,
           const std::string& gamma, const std::string& beta)
    : maps_(maps), net_(net), image_(image), weight_(weight), gamma_(gamma), beta_(beta) {
  maps_.set_stem("stem");
  if (maps_.blocked())
    forward_phases();
  else
    forward_plain();
}

Stem::Gradient Stem::backward(const Map& gradient) {
  maps_.set_stem("stem/backward");
  return maps_.blocked() ? backward_phases(gradient) : backward_plain(gradient);
}

// The plain form: the max pool says where its maxima were, the gradient is scattered to those places.

void Stem::forward_plain() {
  y_ = maps_.convolve_image(image_, net_.image_height, net_.image_width, weight_, net_.width, kernel, 2, Ints(4, pad));
  norm_ = batch_norm(maps_, maps_.mean(y_), maps_.mean_product(y_, y_), gamma_, beta_,
                     static_cast<double>(maps_.batch() * y_.positions()));
  mean_ = norm_.mean;
  const Map active = maps_.affine(y_, norm_.scale, norm_.shift, nullptr, true);
  const auto pooled = maps_.builder().add_many(
      "MaxPool", {active.name}, 2, {{"kernel_shape", Ints(2, 3)}, {"strides", Ints(2, 2)}, {"pads", Ints(4, 1)}},
      "stem/pool");
  output_ = {pooled[0], net_.width, (y_.height - 1) / 2 + 1, (y_.width - 1) / 2 + 1};
  indices_ = pooled[1];
}

Stem::Gradient Stem::backward_plain(const Map& gradient) {
  const Map g = maps_.where_positive(output_, gradient);
  const std::string zeros =
      maps_.add("ConstantOfShape", {maps_.builder().ints({maps_.batch() * y_.channels * y_.positions()})});
  const std::string scattered =
      maps_.add("ScatterElements", {zeros, maps_.reshape(indices_, {-1}), maps_.reshape(g.name, {-1})},
                {{"axis", int64_t{0}}, {"reduction", std::string("add")}});
  Map full = y_;
  full.name = maps_.reshape(scattered, {maps_.batch(), y_.channels, y_.height, y_.width});
  const NormGradient d = batch_norm_gradient(maps_, norm_, maps_.mean(full), maps_.mean_product(full, y_));
  const Map rest = maps_.affine(y_, d.slope, d.constant);
  return {weight_gradient_plain(maps_.affine(full, norm_.scale, "", &rest).name), d.gamma, d.beta};
}

std::string Stem::weight_gradient_plain(const std::string& dy) {
  // A convolution of the image by the gradient, samples as input channels: strides become dilations.
  const std::string image = maps_.add("Transpose", {image_}, {{"perm", Ints{1, 0, 2, 3}}});
  const std::string filter = maps_.add("Transpose", {dy}, {{"perm", Ints{1, 0, 2, 3}}});
  const auto end = [](int64_t size, int64_t outputs) { return kernel + 2 * (outputs - 1) - size - pad; };
  const std::string y =
      maps_.add("Conv", {image, filter},
                {{"kernel_shape", Ints{y_.height, y_.width}},
                 {"dilations", Ints{2, 2}},
                 {"pads", Ints{pad, pad, end(net_.image_height, y_.height), end(net_.image_width, y_.width)}}});
  return maps_.reshape(maps_.add("Transpose", {y}, {{"perm", Ints{1, 0, 2, 3}}}), {-1});
}

// The blocked form keeps the convolution's output as four maps, by the parity of its rows and columns (four
// convolutions of stride 4), each of the pooled size. A pooling window then is one value of the even-even map, two
// neighbours of the mixed ones and four of the odd-odd one. Batch norm and ReLU are monotone, so they follow the
// pooling, on a quarter of the values; channels whose scale is negative are turned around before (sign). Going back,
// the gradient is handed from the maximum to the map it came from, then to the neighbour, by comparing values; of equal
// ones the first gets it all.

void Stem::forward_phases() {
  graph::Builder& b = maps_.builder();
  const int64_t channels = net_.width;
  sign_ = maps_.add("Where", {maps_.add("Less", {gamma_, b.scalar(0)}), b.scalar(-1), b.scalar(1)});
  const std::string rows = maps_.reshape(weight_, {channels, 3 * kernel * kernel});
  const std::string weight = maps_.reshape(maps_.add("Mul", {rows, maps_.reshape(sign_, {channels, 1})}), {-1});
  std::vector<std::string> means, squares;
  for (int64_t p : {0, 1})
    for (int64_t q : {0, 1}) {
      phases_.push_back(maps_.convolve_image(image_, net_.image_height, net_.image_width, weight, channels, kernel, 4,
                                             {pad - 2 * p, pad - 2 * q, 2 * p, 2 * q}));
      means.push_back(maps_.mean(phases_.back()));
      squares.push_back(maps_.mean_product(phases_.back(), phases_.back()));
    }
  norm_ = batch_norm(maps_, maps_.add("Mean", means), maps_.add("Mean", squares), maps_.add("Abs", {gamma_}), beta_,
                     4.0 * static_cast<double>(maps_.batch() * phases_[0].positions()));
  mean_ = maps_.add("Mul", {norm_.mean, sign_});

  const auto with_previous = [&](Map x, bool column) {
    const Ints window = column ? Ints{1, 2} : Ints{2, 1}, pads = column ? Ints{0, 1, 0, 0} : Ints{1, 0, 0, 0};
    x.name = maps_.add_blocked("MaxPool", {x.name}, {{"kernel_shape", window}, {"pads", pads}}, "MaxPool");
    return x;
  };
  across_ = with_previous(phases_[3], true);
  candidates_ = {phases_[0], with_previous(phases_[1], true), with_previous(phases_[2], false),
                 with_previous(across_, false)};
  pooled_ = maps_.combine("Max", candidates_);
  output_ = maps_.affine(pooled_, norm_.scale, norm_.shift, nullptr, true);
}

Map Stem::equal(const Map& low, const Map& high) {
  // 1 where equal, else 0, for low <= high.
  Map y = maps_.combine("Sub", {low, high});
  y.name = maps_.add("HardSigmoid", {y.name}, {{"alpha", 1e30f}, {"beta", 1.0f}});
  return y;
}

std::vector<Map> Stem::unpool(const Map& gradient, const std::vector<Map>& rest) {
  Map left = gradient;
  std::vector<Map> parts;
  for (int k = 0; k < 3; ++k) {
    parts.push_back(maps_.combine("Mul", {left, equal(candidates_[k], pooled_)}));
    left = maps_.combine("Sub", {left, parts.back()});
  }
  parts.push_back(left);
  // The gradient of maximum = max(x[i-1], x[i]) along columns or rows (+ sum): what does not stay at i goes to i - 1.
  const auto split = [&](const Map& g, const Map& x, const Map& maximum, bool columns, const Map* sum) {
    Map here = maps_.combine("Mul", {g, equal(x, maximum)});
    const Map before = maps_.combine("Sub", {g, here});
    if (sum) here = maps_.combine("Add", {here, *sum});
    return columns ? maps_.shifted(before, 1, 2, 0, 1, 1, {0, 0, 0, 1}, &here)
                   : maps_.shifted(before, 2, 1, 1, 0, 1, {0, 0, 1, 0}, &here);
  };
  const Map over_rows = split(parts[3], across_, candidates_[3], false, nullptr);
  return {maps_.combine("Add", {parts[0], rest[0]}), split(parts[1], phases_[1], candidates_[1], true, &rest[1]),
          split(parts[2], phases_[2], candidates_[2], false, &rest[2]),
          split(over_rows, phases_[3], across_, true, &rest[3])};
}

Stem::Gradient Stem::backward_phases(const Map& gradient) {
  const Map g = maps_.where_positive(output_, gradient);
  // Each pooled value came from one of the four times as many values the means are over.
  const std::string quarter = maps_.builder().scalar(0.25f);
  const NormGradient d = batch_norm_gradient(maps_, norm_, maps_.add("Mul", {maps_.mean(g), quarter}),
                                             maps_.add("Mul", {maps_.mean_product(g, pooled_), quarter}));
  std::vector<Map> rest;
  for (const Map& y : phases_) rest.push_back(maps_.affine(y, d.slope, d.constant));
  const std::vector<Map> dy = unpool(maps_.affine(g, norm_.scale, ""), rest);
  return {weight_gradient_phases(dy), maps_.add("Mul", {d.gamma, sign_}), d.beta};
}

std::string Stem::weight_gradient_phases(const std::vector<Map>& dy) {
  // The image is cut into 4x4 blocks, laid out as 48 channels; a window of 7x7 lies in 2x2 such blocks when the cutting
  // starts where the first window of the phase does. Per phase and block one matrix product.
  graph::Builder& b = maps_.builder();
  const int64_t channels = net_.width, batch = maps_.batch(), depth = 3 * 16;
  const int64_t positions = (output_.height + 1) * (output_.width + 1);
  std::vector<float> one_hot(depth * depth);
  for (int64_t k = 0; k < depth; ++k) one_hot[k * depth + k] = 1;
  const std::string cut = b.constant(graph::Array::floats({depth, 3, 4, 4}, one_hot), "stem/cut");
  std::vector<std::string> sums;
  for (int64_t p : {0, 1})
    for (int64_t q : {0, 1}) {
      const std::string blocks = maps_.add("Conv", {image_, cut},
                                           {{"kernel_shape", Ints(2, 4)},
                                            {"strides", Ints(2, 4)},
                                            {"pads", Ints{pad - 2 * p, pad - 2 * q, 1 + 2 * p, 1 + 2 * q}}});
      const std::string flat = maps_.reshape(blocks, {batch, depth, positions});
      const std::string plain = maps_.plain(dy[2 * p + q]);
      std::vector<std::string> products;
      for (int64_t i : {0, 1})
        for (int64_t j : {0, 1})
          products.push_back(
              maps_.product(flat, maps_.reshape(maps_.pad(plain, i, j, 1 - i, 1 - j), {batch, channels, positions})));
      sums.push_back(maps_.sum_samples(products));  // (block row, block column, colour, row, column), o
    }
  const std::string weight =
      maps_.reordered(maps_.reshape(maps_.add("Sum", sums), {-1}), "stem", {channels, 3 * kernel * kernel}, [&] {
        Ints order;
        for (int64_t o = 0; o < channels; ++o)
          for (int64_t c = 0; c < 3; ++c)
            for (int64_t y = 0; y < kernel; ++y)
              for (int64_t x = 0; x < kernel; ++x) {
                const int64_t block = y / 4 * 2 + x / 4, place = c * 16 + y % 4 * 4 + x % 4;
                order.push_back((block * depth + place) * channels + o);
              }
        return order;
      });
  return maps_.reshape(maps_.add("Mul", {weight, maps_.reshape(sign_, {channels, 1})}), {-1});
}

}  // namespace ks::train

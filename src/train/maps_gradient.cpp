// Gradients of convolutions: of their inputs as convolutions, of their weights as matrix products.
#include "train/maps.h"

namespace ks::train {

namespace {

using Ints = std::vector<int64_t>;

}  // namespace

std::string Maps::transposed_filter(const std::string& weights, int64_t outputs, int64_t inputs, int64_t kernel,
                                    const Ints& rows, const Ints& columns) {
  // From [O,I,k,k] to [I,O,rows,columns]: inputs and outputs exchanged, of the kernel the rows and columns named.
  const Shape shape = {inputs, outputs, static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns.size())};
  std::string key = "transposed";
  for (int64_t k : rows) key += std::to_string(k);
  key += "-";
  for (int64_t k : columns) key += std::to_string(k);
  return reordered(weights, key, shape, [&] {
    const int64_t block = blocked() ? block_ : 1;
    Ints order;
    for (int64_t i = 0; i < inputs; i += block)
      for (int64_t o = 0; o < outputs; o += block)
        for (int64_t row : rows)
          for (int64_t column : columns)
            for (int64_t oo = o; oo < o + block; ++oo)
              for (int64_t ii = i; ii < i + block; ++ii)
                order.push_back(((oo * inputs + ii) * kernel + row) * kernel + column);
    return order;
  });
}

Map Maps::input_gradient(const Map& gradient, const std::string& weights, int64_t inputs, const Map* sum) {
  // At stride 1 the transposed convolution is a convolution with flipped weights.
  const std::string w = transposed_filter(weights, gradient.channels, inputs, 3, {2, 1, 0}, {2, 1, 0});
  const graph::Builder::Attributes attributes = {{"kernel_shape", Ints{3, 3}}, {"pads", Ints(4, 1)}};
  std::string y;
  if (blocked()) {
    std::vector<std::string> names = {gradient.name, w};
    if (sum) names.insert(names.end(), {"", sum->name});
    y = add_blocked("Conv", names, attributes, "Conv");
  } else {
    y = add("Conv", {gradient.name, w}, attributes);
    if (sum) y = add("Add", {y, sum->name});
  }
  return {y, inputs, gradient.height, gradient.width};
}

Map Maps::input_gradient_halved(const Map& gradient, const std::string& weights, const Map& shortcut_gradient,
                                const std::string& shortcut_weights, const Map& x) {
  const int64_t outputs = gradient.channels, inputs = x.channels;
  // Input row i meets output row j through kernel row k where i = 2 j + k - 1: an even row meets one output row through
  // the kernel's middle row, an odd one meets two through its last and first row. So each parity of rows and columns is
  // a small convolution of its own; the shortcut reaches the even rows and columns alone.
  const auto phase = [&](int64_t p, int64_t q) {
    const Ints rows = p ? Ints{2, 0} : Ints{1}, columns = q ? Ints{2, 0} : Ints{1};
    const std::string w = transposed_filter(weights, outputs, inputs, 3, rows, columns);
    const graph::Builder::Attributes attributes = {{"kernel_shape", Ints{p + 1, q + 1}}, {"pads", Ints{0, 0, p, q}}};
    std::string y;
    const bool sums = p == 0 && q == 0;
    std::string other;
    if (sums) {
      const std::string s = transposed_filter(shortcut_weights, outputs, inputs, 1, {0}, {0});
      other = blocked() ? add_blocked("Conv", {shortcut_gradient.name, s}, {{"kernel_shape", Ints{1, 1}}}, "Conv")
                        : add("Conv", {shortcut_gradient.name, s}, {{"kernel_shape", Ints{1, 1}}});
    }
    if (blocked()) {
      std::vector<std::string> names = {gradient.name, w};
      if (sums) names.insert(names.end(), {"", other});
      y = add_blocked("Conv", names, attributes, "Conv");
    } else {
      y = add("Conv", {gradient.name, w}, attributes);
      if (sums) y = add("Add", {y, other});
    }
    return Map{y, inputs, gradient.height, gradient.width};
  };
  const Map y = interleaved({phase(0, 0), phase(0, 1), phase(1, 0), phase(1, 1)});
  if (y.height == x.height && y.width == x.width) return y;
  // Of an odd size, the last row or column stands for nothing.
  return {add("Slice", {y.name, b_.ints({0, 0}), b_.ints({x.height, x.width}), b_.ints({2, 3})}), inputs, x.height,
          x.width};
}

Map Maps::interleaved(const std::vector<Map>& phases) {
  const Map& first = phases[0];
  const int64_t block = blocked() ? block_ : 1;  // values that stay together
  const int64_t planes = batch_ * first.channels / block;
  std::vector<std::string> rows;
  for (size_t p = 0; p < 2; ++p) {
    std::vector<std::string> columns;
    for (size_t q = 0; q < 2; ++q)
      columns.push_back(reshape(phases[2 * p + q].name, {planes * first.height, first.width, 1, block}));
    const std::string joined = add("Concat", columns, {{"axis", int64_t{2}}});
    rows.push_back(reshape(joined, {planes, first.height, 1, 2 * first.width * block}));
  }
  const std::string joined = add("Concat", rows, {{"axis", int64_t{2}}});
  const Map y = {"", first.channels, 2 * first.height, 2 * first.width};
  return {reshape(joined, {batch_, y.channels, y.height, y.width}), y.channels, y.height, y.width};
}

std::string Maps::product(const std::string& left, const std::string& right) {
  return add("MatMul", {left, add("Transpose", {right}, {{"perm", Ints{0, 2, 1}}})});
}

std::string Maps::sum_samples(const std::vector<std::string>& products) {
  const std::string all = products.size() == 1 ? products[0] : add("Concat", products, {{"axis", int64_t{1}}});
  return add("ReduceSum", {all, b_.ints({0})}, {{"keepdims", int64_t{0}}});
}

std::string Maps::weight_gradient(const Map& x, const Map& gradient) {
  // dW[o,i,ky,kx] = sum over n,h,w of dy[n,o,h,w] x[n,i,h+ky-1,w+kx-1]: with both padded to rows of width + 2 a shift
  // along a row moves a whole map by one value. The three shifts along columns are stacked as channels of x, those
  // along rows are three copies of dy, and every pair is one matrix product of a sample's maps.
  const int64_t positions = x.height * (x.width + 2), inputs = x.channels, outputs = gradient.channels;
  std::string& rows = orders_["rows" + std::to_string(x.height)];
  if (rows.empty()) {
    Ints order;
    for (int64_t k = 0; k < 3; ++k)
      for (int64_t h = 0; h < x.height; ++h) order.push_back(h + k);
    rows = b_.constant(graph::Array::ints({3, x.height}, order), "order/rows");
  }
  const std::string padded = pad(plain(x), 1, 1, 1, 1);
  const std::string stacked =
      reshape(add("Gather", {padded, rows}, {{"axis", int64_t{2}}}), {batch_, 3 * inputs, positions});
  const std::string dy = plain(gradient);
  std::vector<std::string> products;
  for (int64_t k = 0; k < 3; ++k)
    products.push_back(product(stacked, reshape(pad(dy, 0, k, 0, 2 - k), {batch_, outputs, positions})));
  const std::string parts = reshape(sum_samples(products), {3, inputs, 3, outputs});  // kx, i, ky, o
  return reshape(add("Transpose", {parts}, {{"perm", Ints{3, 1, 2, 0}}}), {-1});
}

std::string Maps::plain_tap(const Map& x, int64_t row, int64_t column) {
  // x[2 h + row - 1][2 w + column - 1]
  if (blocked()) return plain(shifted(x, 3, 3, row, column, 2, {1, 1, 0, 0}));
  const int64_t rows = (x.height + 1) / 2, columns = (x.width + 1) / 2;
  return add("Slice", {pad(x.name, 1, 1, 1, 1), b_.ints({row, column}),
                       b_.ints({row + 2 * rows - 1, column + 2 * columns - 1}), b_.ints({2, 3}), b_.ints({2, 2})});
}

Maps::HalvedGradients Maps::weight_gradient_halved(const Map& x, const Map& gradient, const Map& shortcut_gradient) {
  const int64_t inputs = x.channels, outputs = gradient.channels, height = gradient.height, width = gradient.width;
  const auto flat = [&](const std::string& y, int64_t channels) {
    return reshape(y, {batch_, channels, height * width});
  };
  const std::string dy = flat(plain(gradient), outputs);
  std::vector<std::string> products;
  std::string middle;
  for (int64_t row = 0; row < 3; ++row)
    for (int64_t column = 0; column < 3; ++column) {
      const std::string tap = flat(plain_tap(x, row, column), inputs);
      if (row == 1 && column == 1) middle = tap;
      products.push_back(product(dy, tap));  // [N,O,I]
    }
  const std::string parts = reshape(sum_samples(products), {3, 3, outputs, inputs});
  const std::string weights = reshape(add("Transpose", {parts}, {{"perm", Ints{2, 3, 0, 1}}}), {-1});
  const std::string shortcut = sum_samples({product(flat(plain(shortcut_gradient), outputs), middle)});
  return {weights, reshape(shortcut, {-1})};
}

}  // namespace ks::train

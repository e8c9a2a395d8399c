#include "tensor/tensor.h"

#include <stdexcept>

namespace ks {

int64_t element_count(const Shape& shape) {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  return n;
}

std::string to_string(const Shape& shape) {
  std::string s = "[";
  for (size_t i = 0; i < shape.size(); ++i) s += (i ? "," : "") + std::to_string(shape[i]);
  return s + "]";
}

Tensor::Tensor(Shape s, float fill) : shape(std::move(s)), data(element_count(shape), fill) {}

Tensor::Tensor(Shape s, std::vector<float> values) : shape(std::move(s)), data(std::move(values)) {
  if (element_count(shape) != size())
    throw std::logic_error(std::to_string(size()) + " values do not fit shape " + to_string(shape));
}

Tensor Tensor::slice(int64_t begin, int64_t end) const {
  Shape s = shape;
  s.at(0) = end - begin;
  return Tensor(std::move(s), std::vector<float>(sample(begin), sample(begin) + (end - begin) * stride()));
}

Tensor Tensor::reshaped(Shape new_shape) const {
  return Tensor(std::move(new_shape), data);
}

Tensor concatenate(const std::vector<Tensor>& parts) {
  Tensor out;
  for (const Tensor& part : parts) {
    if (out.shape.empty()) {
      out.shape = part.shape;
      out.shape.at(0) = 0;
    }
    if (Shape(part.shape.begin() + 1, part.shape.end()) != Shape(out.shape.begin() + 1, out.shape.end()))
      throw std::logic_error("cannot join shapes " + to_string(part.shape) + " and " + to_string(out.shape));
    out.shape[0] += part.shape[0];
    out.data.insert(out.data.end(), part.data.begin(), part.data.end());
  }
  return out;
}

Tensor transposed(const Tensor& matrix) {
  const int64_t rows = matrix.dim(0), columns = matrix.dim(1);
  Tensor out({columns, rows});
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      out.data[static_cast<size_t>(j * rows + i)] = matrix.data[static_cast<size_t>(i * columns + j)];
  return out;
}

}  // namespace ks

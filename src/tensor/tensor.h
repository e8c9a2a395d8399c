#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ks {

using Shape = std::vector<int64_t>;

/// Number of elements; 1 for the empty shape (a scalar).
int64_t element_count(const Shape& shape);

/// "[4,3,224,224]"
std::string to_string(const Shape& shape);

/// Dense float32 array in C order. Images are NCHW.
struct Tensor {
  Shape shape;
  std::vector<float> data;

  Tensor() = default;
  explicit Tensor(Shape shape, float fill = 0.0f);
  /// Throws std::logic_error when the number of values does not fit the shape.
  Tensor(Shape shape, std::vector<float> values);

  int64_t dim(int axis) const { return shape.at(axis < 0 ? axis + shape.size() : axis); }
  int64_t size() const { return static_cast<int64_t>(data.size()); }
  bool empty() const { return data.empty(); }
  /// Number of elements of one sample (axis 0 left out).
  int64_t stride() const { return shape.empty() || shape[0] == 0 ? 0 : size() / shape[0]; }
  float* sample(int64_t n) { return data.data() + n * stride(); }
  const float* sample(int64_t n) const { return data.data() + n * stride(); }

  /// Copy of samples [begin, end) along axis 0.
  Tensor slice(int64_t begin, int64_t end) const;
  Tensor reshaped(Shape new_shape) const;
};

/// Joins along axis 0. All parts must agree in the other axes.
Tensor concatenate(const std::vector<Tensor>& parts);

/// The transpose of a matrix [rows, columns].
Tensor transposed(const Tensor& matrix);

/// Reports the finished fraction in [0,1] of long work; throw Cancelled from it to stop the work.
using Progress = std::function<void(double)>;

}  // namespace ks

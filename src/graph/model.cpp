#include "graph/model.h"

#include <cmath>
#include <cstring>
#include <set>
#include <stdexcept>

namespace ks::graph {

namespace {

template <class T>
std::shared_ptr<const std::string> to_bytes(const std::vector<T>& values) {
  return std::make_shared<std::string>(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <class From, class To>
std::vector<To> convert(const std::string& bytes, int64_t count) {
  std::vector<To> out(count);
  for (int64_t i = 0; i < count; ++i) {
    From value;
    std::memcpy(&value, bytes.data() + i * sizeof(From), sizeof(From));
    out[i] = static_cast<To>(value);
  }
  return out;
}

float half_to_float(uint16_t h) {
  const int exponent = (h >> 10) & 31, mantissa = h & 1023;
  const float sign = h & 0x8000 ? -1.0f : 1.0f;
  if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
  return sign * std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
}

template <class T>
T get_or(const Node& node, const std::string& key, const T& fallback) {
  const auto it = node.attributes.find(key);
  if (it == node.attributes.end()) return fallback;
  const T* value = std::get_if<T>(&it->second);
  return value ? *value : fallback;
}

}  // namespace

size_t width_of(Type type) {
  switch (type) {
    case Type::f32:
    case Type::i32:
      return 4;
    case Type::i64:
    case Type::f64:
      return 8;
    case Type::f16:
      return 2;
    case Type::u8:
    case Type::i8:
    case Type::boolean:
      return 1;
    default:
      return 0;
  }
}

Array Array::floats(Shape shape, const std::vector<float>& values) {
  if (element_count(shape) != static_cast<int64_t>(values.size()))
    throw std::logic_error("array does not fit its shape");
  return {Type::f32, std::move(shape), to_bytes(values)};
}

Array Array::ints(Shape shape, const std::vector<int64_t>& values) {
  if (element_count(shape) != static_cast<int64_t>(values.size()))
    throw std::logic_error("array does not fit its shape");
  return {Type::i64, std::move(shape), to_bytes(values)};
}

Array Array::of(const Tensor& tensor) {
  return floats(tensor.shape, tensor.data);
}

std::vector<float> Array::to_floats() const {
  if (type == Type::f32) return convert<float, float>(*bytes, count());
  if (type == Type::f64) return convert<double, float>(*bytes, count());
  if (type == Type::f16) {
    std::vector<float> out;
    for (uint16_t h : convert<uint16_t, uint16_t>(*bytes, count())) out.push_back(half_to_float(h));
    return out;
  }
  throw std::logic_error("the array does not hold floats");
}

std::vector<int64_t> Array::to_ints() const {
  switch (type) {
    case Type::i64:
      return convert<int64_t, int64_t>(*bytes, count());
    case Type::i32:
      return convert<int32_t, int64_t>(*bytes, count());
    case Type::u8:
    case Type::boolean:
      return convert<uint8_t, int64_t>(*bytes, count());
    case Type::i8:
      return convert<int8_t, int64_t>(*bytes, count());
    default:
      throw std::logic_error("the array does not hold integers");
  }
}

Tensor Array::to_tensor() const {
  return Tensor(shape, to_floats());
}

int64_t Node::attribute(const std::string& key, int64_t fallback) const {
  return get_or(*this, key, fallback);
}
float Node::attribute(const std::string& key, float fallback) const {
  return get_or(*this, key, fallback);
}
std::string Node::attribute(const std::string& key, const std::string& fallback) const {
  return get_or(*this, key, fallback);
}
std::vector<int64_t> Node::attribute(const std::string& key, const std::vector<int64_t>& fallback) const {
  return get_or(*this, key, fallback);
}

Shape Value::shape() const {
  Shape out;
  for (const Dimension& d : dimensions) out.push_back(d.size);
  return out;
}

const Array* Model::constant(const std::string& tensor) const {
  const auto it = initializers.find(tensor);
  return it == initializers.end() ? nullptr : &it->second;
}

const Node* Model::producer(const std::string& tensor) const {
  for (const Node& node : nodes)
    for (const std::string& output : node.outputs)
      if (output == tensor) return &node;
  return nullptr;
}

std::vector<const Node*> Model::consumers(const std::string& tensor) const {
  std::vector<const Node*> out;
  for (const Node& node : nodes)
    for (const std::string& input : node.inputs)
      if (input == tensor) {
        out.push_back(&node);
        break;
      }
  return out;
}

}  // namespace ks::graph

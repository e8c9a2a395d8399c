#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tensor/tensor.h"

namespace ks::graph {

/// ONNX TensorProto.DataType numbers of the types this project handles.
enum class Type : int { undefined = 0, f32 = 1, u8 = 2, i8 = 3, i32 = 6, i64 = 7, boolean = 9, f16 = 10, f64 = 11 };

/// Bytes of one element; 0 for a type this project does not handle.
size_t width_of(Type type);

/// A constant array: an initializer or a tensor attribute. Bytes are little-endian, C order, shared between copies.
struct Array {
  Type type = Type::f32;
  Shape shape;
  std::shared_ptr<const std::string> bytes;

  static Array floats(Shape shape, const std::vector<float>& values);
  static Array ints(Shape shape, const std::vector<int64_t>& values);
  static Array of(const Tensor& tensor);
  std::vector<float> to_floats() const;  // f32, f16, f64; throws std::logic_error on others
  std::vector<int64_t> to_ints() const;  // i64, i32, u8, i8, boolean
  Tensor to_tensor() const;              // floats with the shape
  int64_t count() const { return element_count(shape); }
};

/// Attribute value; the alternatives are ONNX's FLOAT, INT, STRING, TENSOR, FLOATS, INTS, STRINGS.
using Attribute = std::variant<float, int64_t, std::string, Array, std::vector<float>, std::vector<int64_t>,
                               std::vector<std::string>>;

struct Node {
  std::string op;                   // "Conv"
  std::vector<std::string> inputs;  // "" where an optional input is left out
  std::vector<std::string> outputs;
  std::map<std::string, Attribute> attributes;
  std::string name;
  std::string domain;

  int64_t attribute(const std::string& key, int64_t fallback) const;
  float attribute(const std::string& key, float fallback) const;
  std::string attribute(const std::string& key, const std::string& fallback) const;
  std::vector<int64_t> attribute(const std::string& key, const std::vector<int64_t>& fallback) const;
  bool has_input(size_t i) const { return i < inputs.size() && !inputs[i].empty(); }
};

/// One dimension: a size, or a name for a size that is free ("N").
struct Dimension {
  int64_t size = -1;
  std::string symbol;
};

struct Value {
  std::string name;
  Type type = Type::f32;
  std::vector<Dimension> dimensions;

  Shape shape() const;  // -1 for free dimensions
};

/// An ONNX model as a plain value: copy it, change it, write it. Nodes are in topological order.
struct Model {
  int64_t ir_version = 8;
  int64_t opset = 17;                      // of the standard operators
  std::map<std::string, int64_t> domains;  // versions of other operator sets, e.g. {"com.microsoft", 1}
  std::string name = "graph";
  std::vector<Node> nodes;
  std::map<std::string, Array> initializers;
  std::vector<Value> inputs;  // without those that only name an initializer
  std::vector<Value> outputs;
  std::map<std::string, std::string> metadata;  // classes, input size, normalisation, training record

  const Array* constant(const std::string& tensor) const;  // an initializer, or null
  const Node* producer(const std::string& tensor) const;   // the node that computes it, or null
  std::vector<const Node*> consumers(const std::string& tensor) const;
};

/// Reads an ONNX file's bytes. Throws Error for a file that is cut off or is no ONNX model, for external data,
/// subgraphs, and opsets outside 9..22. `where` names the file.
Model read(const std::string& bytes, const std::string& where);
Model load(const std::string& path);

/// The ONNX file of a model. Deterministic: the same model gives the same bytes.
std::string write(const Model& model);

}  // namespace ks::graph

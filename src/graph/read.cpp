#include <cstring>
#include <stdexcept>

namespace ks::graph {

/// A field whose wire type is not what ONNX says: damaged bytes. protozero only asserts this.
struct Malformed : std::runtime_error {
  Malformed() : std::runtime_error("malformed protobuf") {}
};

}  // namespace ks::graph

#define protozero_assert(condition) \
  if (!(condition)) throw ks::graph::Malformed()
#include <protozero/pbf_reader.hpp>

#include "graph/model.h"
#include "tensor/error.h"
#include "tensor/file.h"

// Field numbers of onnx.proto (ONNX 1.16, IR version 10).
namespace ks::graph {

namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

constexpr int64_t min_opset = 9, max_opset = 22;

/// Appends one value, or all values of a packed field: writers choose either form.
void read_ints(pbf_reader& m, std::vector<int64_t>& out) {
  if (m.wire_type() == pbf_wire_type::length_delimited) {
    for (int64_t v : m.get_packed_int64()) out.push_back(v);
  } else {
    out.push_back(m.get_int64());
  }
}

void read_floats(pbf_reader& m, std::vector<float>& out) {
  if (m.wire_type() == pbf_wire_type::length_delimited) {
    for (float v : m.get_packed_float()) out.push_back(v);
  } else {
    out.push_back(m.get_float());
  }
}

template <class T>
std::string pack(const std::vector<int64_t>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  for (size_t i = 0; i < values.size(); ++i) {
    const T v = static_cast<T>(values[i]);
    std::memcpy(bytes.data() + i * sizeof(T), &v, sizeof(T));
  }
  return bytes;
}

std::string pack_as(Type type, const std::vector<int64_t>& values) {
  switch (width_of(type)) {
    case 1:
      return pack<uint8_t>(values);
    case 2:
      return pack<uint16_t>(values);
    case 4:
      return pack<int32_t>(values);
    default:
      return pack<int64_t>(values);
  }
}

Array read_array(pbf_reader m, std::string& name, const std::string& where) {
  Array array;
  std::string bytes;
  std::vector<int64_t> ints;
  std::vector<float> floats;
  std::vector<double> doubles;
  bool external = false;
  int32_t type = 0;
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        read_ints(m, array.shape);
        break;
      case 2:
        type = m.get_int32();
        break;
      case 4:
        read_floats(m, floats);
        break;
      case 5:
      case 7:
        read_ints(m, ints);
        break;
      case 8:
        name = m.get_string();
        break;
      case 9:
        bytes = m.get_string();
        break;
      case 10:
        for (double v : m.get_packed_double()) doubles.push_back(v);
        break;
      case 14:
        external = m.get_int32() == 1;
        break;
      default:
        m.skip();
    }
  }
  if (external)
    throw Error("weights of '" + name + "' are in a separate file", where, "save the model with its weights inside");
  array.type = static_cast<Type>(type);
  const size_t width = width_of(array.type);
  if (width == 0)
    throw Error("'" + name + "' has element type " + std::to_string(type) + ", which is not supported", where);
  if (bytes.empty()) {
    if (!floats.empty())
      bytes.assign(reinterpret_cast<const char*>(floats.data()), floats.size() * sizeof(float));
    else if (!doubles.empty())
      bytes.assign(reinterpret_cast<const char*>(doubles.data()), doubles.size() * sizeof(double));
    else
      bytes = pack_as(array.type, ints);
  }
  double expected = static_cast<double>(width);
  for (int64_t d : array.shape) expected *= static_cast<double>(d);
  if (expected != static_cast<double>(bytes.size()))
    throw Error("the values of '" + name + "' do not fit its shape " + to_string(array.shape), where);
  array.bytes = std::make_shared<const std::string>(std::move(bytes));
  return array;
}

void read_attribute(pbf_reader m, Node& node, const std::string& where) {
  std::string name, text;
  float f = 0;
  int64_t i = 0;
  int32_t type = 0;
  bool has_f = false, has_i = false, has_t = false, subgraph = false;
  Array tensor;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string> strings;
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        name = m.get_string();
        break;
      case 2:
        f = m.get_float();
        has_f = true;
        break;
      case 3:
        i = m.get_int64();
        has_i = true;
        break;
      case 4:
        text = m.get_string();
        break;
      case 5: {
        std::string tensor_name = node.op;
        tensor = read_array(m.get_message(), tensor_name, where);
        has_t = true;
        break;
      }
      case 6:
      case 11:
        subgraph = true;
        m.skip();
        break;
      case 7:
        read_floats(m, floats);
        break;
      case 8:
        read_ints(m, ints);
        break;
      case 9:
        strings.push_back(m.get_string());
        break;
      case 20:
        type = m.get_int32();
        break;
      default:
        m.skip();
    }
  }
  if (subgraph)
    throw Error("node '" + node.name + "' (" + node.op + ") contains a subgraph, which is not supported", where,
                "export the model without control flow");
  if (type == 0)
    type = has_f ? 1 : has_i ? 2 : has_t ? 4 : !floats.empty() ? 6 : !ints.empty() ? 7 : !strings.empty() ? 8 : 3;
  switch (type) {
    case 1:
      node.attributes[name] = f;
      break;
    case 2:
      node.attributes[name] = i;
      break;
    case 3:
      node.attributes[name] = text;
      break;
    case 4:
      node.attributes[name] = tensor;
      break;
    case 6:
      node.attributes[name] = floats;
      break;
    case 7:
      node.attributes[name] = ints;
      break;
    case 8:
      node.attributes[name] = strings;
      break;
    default:
      throw Error(
          "attribute '" + name + "' of node '" + node.name + "' (" + node.op + ") has a type that is not supported",
          where);
  }
}

Node read_node(pbf_reader m, const std::string& where) {
  Node node;
  std::vector<pbf_reader> attributes;
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        node.inputs.push_back(m.get_string());
        break;
      case 2:
        node.outputs.push_back(m.get_string());
        break;
      case 3:
        node.name = m.get_string();
        break;
      case 4:
        node.op = m.get_string();
        break;
      case 5:
        attributes.push_back(m.get_message());
        break;
      case 7:
        node.domain = m.get_string();
        break;
      default:
        m.skip();
    }
  }
  if (node.domain == "ai.onnx") node.domain.clear();
  for (const pbf_reader& a : attributes) read_attribute(a, node, where);
  return node;
}

Value read_value(pbf_reader m) {
  Value value;
  value.type = Type::undefined;
  while (m.next()) {
    if (m.tag() == 1)
      value.name = m.get_string();
    else if (m.tag() == 2) {
      pbf_reader type = m.get_message();
      while (type.next(1)) {
        pbf_reader tensor = type.get_message();
        while (tensor.next()) {
          if (tensor.tag() == 1)
            value.type = static_cast<Type>(tensor.get_int32());
          else if (tensor.tag() == 2) {
            pbf_reader shape = tensor.get_message();
            while (shape.next(1)) {
              pbf_reader dim = shape.get_message();
              Dimension d;
              while (dim.next()) {
                if (dim.tag() == 1)
                  d.size = dim.get_int64();
                else if (dim.tag() == 2)
                  d.symbol = dim.get_string();
                else
                  dim.skip();
              }
              if (d.size <= 0) d.size = -1;
              value.dimensions.push_back(d);
            }
          } else {
            tensor.skip();
          }
        }
      }
    } else {
      m.skip();
    }
  }
  return value;
}

void read_graph(pbf_reader m, Model& model, const std::string& where) {
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        model.nodes.push_back(read_node(m.get_message(), where));
        break;
      case 2:
        model.name = m.get_string();
        break;
      case 5: {
        std::string name;
        Array array = read_array(m.get_message(), name, where);
        model.initializers[name] = std::move(array);
        break;
      }
      case 11:
        model.inputs.push_back(read_value(m.get_message()));
        break;
      case 12:
        model.outputs.push_back(read_value(m.get_message()));
        break;
      case 15:
        throw Error("the model has sparse weights, which are not supported", where);
      default:
        m.skip();
    }
  }
}

[[noreturn]] void throw_damaged(const std::string& where) {
  throw Error("is damaged or no ONNX model", where, "the file may be cut off: export or download it again");
}

}  // namespace

Model read(const std::string& bytes, const std::string& where) {
  Model model;
  model.opset = 0;
  bool has_graph = false;
  try {
    pbf_reader m(bytes);
    while (m.next()) {
      switch (m.tag()) {
        case 1:
          model.ir_version = m.get_int64();
          break;
        case 7:
          read_graph(m.get_message(), model, where);
          has_graph = true;
          break;
        case 8: {
          std::string domain;
          int64_t version = 0;
          pbf_reader o = m.get_message();
          while (o.next()) {
            if (o.tag() == 1)
              domain = o.get_string();
            else if (o.tag() == 2)
              version = o.get_int64();
            else
              o.skip();
          }
          if (domain.empty() || domain == "ai.onnx")
            model.opset = version;
          else
            model.domains[domain] = version;
          break;
        }
        case 14: {
          std::string key, value;
          pbf_reader p = m.get_message();
          while (p.next()) {
            if (p.tag() == 1)
              key = p.get_string();
            else if (p.tag() == 2)
              value = p.get_string();
            else
              p.skip();
          }
          model.metadata[key] = value;
          break;
        }
        default:
          m.skip();
      }
    }
  } catch (const protozero::exception&) {
    throw_damaged(where);
  } catch (const Malformed&) {
    throw_damaged(where);
  }
  if (!has_graph || model.nodes.empty()) throw_damaged(where);
  if (model.opset < min_opset || model.opset > max_opset)
    throw Error(
        "uses ONNX opset " + std::to_string(model.opset), where,
        "opsets " + std::to_string(min_opset) + " to " + std::to_string(max_opset) + " are read: export it again");
  std::vector<Value> inputs;
  for (Value& v : model.inputs)
    if (!model.initializers.count(v.name)) inputs.push_back(std::move(v));
  model.inputs = std::move(inputs);
  return model;
}

Model load(const std::string& path) {
  return read(read_file(path), path);
}

}  // namespace ks::graph

#include <iterator>
#include <protozero/pbf_writer.hpp>
#include <protozero/varint.hpp>
#include <utility>

#include "graph/model.h"

// Field numbers of onnx.proto (ONNX 1.16, IR version 10).
namespace ks::graph {

namespace {

using protozero::pbf_writer;

/// What comes before the content of a field of known length.
void add_header(std::string& out, int field, size_t length) {
  protozero::write_varint(std::back_inserter(out), static_cast<uint64_t>(field) << 3 | 2);
  protozero::write_varint(std::back_inserter(out), length);
}

/// All of a tensor but the values, which follow.
void write_array_head(std::string& out, const Array& array, const std::string& name) {
  pbf_writer w(out);
  for (int64_t d : array.shape) w.add_int64(1, d);
  w.add_int32(2, static_cast<int32_t>(array.type));
  if (!name.empty()) w.add_string(8, name);
  add_header(out, 9, array.bytes->size());
}

void write_attribute(pbf_writer& w, const std::string& name, const Attribute& value) {
  w.add_string(1, name);
  struct Visitor {
    pbf_writer& w;
    void operator()(float v) const { w.add_float(2, v); }
    void operator()(int64_t v) const { w.add_int64(3, v); }
    void operator()(const std::string& v) const { w.add_bytes(4, v); }
    void operator()(const Array& v) const {
      std::string head;
      write_array_head(head, v, "");
      w.add_bytes_vectored(5, head, *v.bytes);
    }
    void operator()(const std::vector<float>& v) const {
      for (float x : v) w.add_float(7, x);
    }
    void operator()(const std::vector<int64_t>& v) const {
      for (int64_t x : v) w.add_int64(8, x);
    }
    void operator()(const std::vector<std::string>& v) const {
      for (const std::string& x : v) w.add_bytes(9, x);
    }
  };
  std::visit(Visitor{w}, value);
  static constexpr int types[] = {1, 2, 3, 4, 6, 7, 8};  // AttributeType in the order of the variant
  w.add_int32(20, types[value.index()]);
}

void write_value(pbf_writer& w, const Value& value) {
  w.add_string(1, value.name);
  pbf_writer type(w, 2);
  pbf_writer tensor(type, 1);
  tensor.add_int32(1, static_cast<int32_t>(value.type));
  pbf_writer shape(tensor, 2);
  for (const Dimension& d : value.dimensions) {
    pbf_writer dim(shape, 1);
    if (d.size >= 0)
      dim.add_int64(1, d.size);
    else if (!d.symbol.empty())
      dim.add_string(2, d.symbol);
  }
}

/// A graph without its initializers.
void write_graph(pbf_writer& w, const Model& model) {
  for (const Node& node : model.nodes) {
    pbf_writer n(w, 1);
    for (const std::string& s : node.inputs) n.add_string(1, s);
    for (const std::string& s : node.outputs) n.add_string(2, s);
    if (!node.name.empty()) n.add_string(3, node.name);
    n.add_string(4, node.op);
    for (const auto& [key, value] : node.attributes) {
      pbf_writer a(n, 5);
      write_attribute(a, key, value);
    }
    if (!node.domain.empty()) n.add_string(7, node.domain);
  }
  w.add_string(2, model.name);
  for (const Value& v : model.inputs) {
    pbf_writer i(w, 11);
    write_value(i, v);
  }
  for (const Value& v : model.outputs) {
    pbf_writer o(w, 12);
    write_value(o, v);
  }
}

/// The graph as field 7. Initializers may be hundreds of megabytes: their place is made once and each is copied once.
void append_graph(std::string& bytes, const Model& model) {
  std::string rest;
  pbf_writer w(rest);
  write_graph(w, model);
  std::vector<std::pair<std::string, const std::string*>> tensors;  // head with its header, values
  size_t size = rest.size();
  for (const auto& [name, array] : model.initializers) {
    std::string head, with_header;
    write_array_head(head, array, name);
    add_header(with_header, 5, head.size() + array.bytes->size());
    tensors.emplace_back(with_header + head, array.bytes.get());
    size += tensors.back().first.size() + array.bytes->size();
  }
  constexpr size_t some = 4096;  // for what follows
  bytes.reserve(bytes.size() + size + some);
  add_header(bytes, 7, size);
  bytes += rest;
  for (const auto& [head, values] : tensors) bytes.append(head).append(*values);
}

void write_opset(pbf_writer& w, const std::string& domain, int64_t version) {
  pbf_writer o(w, 8);
  o.add_string(1, domain);
  o.add_int64(2, version);
}

}  // namespace

std::string write(const Model& model) {
  std::string bytes;
  pbf_writer w(bytes);
  w.add_int64(1, model.ir_version);
  w.add_string(2, "kernelscope");
  append_graph(bytes, model);
  write_opset(w, "", model.opset);
  for (const auto& [domain, version] : model.domains) write_opset(w, domain, version);
  for (const auto& [key, value] : model.metadata) {
    pbf_writer p(w, 14);
    p.add_string(1, key);
    p.add_string(2, value);
  }
  return bytes;
}

}  // namespace ks::graph

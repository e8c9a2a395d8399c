#include <algorithm>
#include <unordered_map>

#include "graph/combine.h"
#include "graph/shapes.h"
#include "tensor/error.h"

namespace ks::graph {

namespace {

constexpr double work_of_a_value = 8;  // multiply-adds that reading and writing one value costs as much as

/// Shapes and work of a network's nodes, with N = 1. Only what matters to the work is followed closely: the size of
/// maps.
class Estimate {
 public:
  Estimate(const Model& model, const Shapes& forward) : model_(model) {
    for (const auto& [name, shape] : forward) keep(name, shape);
    for (const auto& [name, array] : model.initializers) keep(name, array.shape);
    for (const Value& v : model.inputs) keep(v.name, v.shape());
  }

  /// Nodes must come in order.
  double work(const Node& node) {
    const Array* weights = node.has_input(1) ? model_.constant(node.inputs[1]) : nullptr;
    const Shape& x = shape_of(node.inputs.empty() ? "" : node.inputs[0]);
    Shape out;
    double multiply_adds = 0;
    if (node.op == "Conv" && weights && weights->shape.size() == 4 && x.size() == 4) {
      const Window w = window_of(node, x, {weights->shape[2], weights->shape[3]}, node.name);
      out = {1, weights->shape[0], w.output_size(0, x[2], false), w.output_size(1, x[3], false)};
      multiply_adds = count(weights->shape) * static_cast<double>(out[2] * out[3]);
    } else if (node.op == "ConvTranspose" && weights && weights->shape.size() == 4 && x.size() == 4) {
      multiply_adds = count(weights->shape) * static_cast<double>(x[2] * x[3]);
      const auto strides = node.attribute("strides", std::vector<int64_t>{1, 1});
      out = {1, weights->shape[1] * node.attribute("group", int64_t{1}), x[2] * strides[0], x[3] * strides[1]};
    } else if ((node.op == "Gemm" || node.op == "MatMul") && weights && weights->shape.size() == 2) {
      multiply_adds = count(weights->shape);
      out = {1, weights->shape[node.attribute("transB", int64_t{0}) ? 0 : 1]};
    } else if (const Array* target = node.op == "Reshape" ? weights : nullptr; target && target->type == Type::i64) {
      out = target->to_ints();
    } else {
      for (const std::string& i : node.inputs) {
        const Shape& other = shape_of(i);
        if (other.size() > out.size()) out.insert(out.begin(), other.size() - out.size(), 1);
        for (size_t d = 0; d < other.size(); ++d) {
          int64_t& size = out[out.size() - other.size() + d];
          size = std::max(size, other[d]);
        }
      }
    }
    for (const std::string& o : node.outputs)
      if (!shapes_.count(o)) keep(o, out);
    return multiply_adds + work_of_a_value * count(shape_of(node.outputs.at(0)));
  }

 private:
  void keep(const std::string& name, Shape shape) {
    for (int64_t& d : shape) d = std::max<int64_t>(d, 1);
    shapes_[name] = std::move(shape);
  }
  const Shape& shape_of(const std::string& name) const {
    static const Shape none;
    const auto it = shapes_.find(name);
    return it == shapes_.end() ? none : it->second;
  }
  static double count(const Shape& shape) { return static_cast<double>(element_count(shape)); }

  const Model& model_;
  std::unordered_map<std::string, Shape> shapes_;
};

}  // namespace

std::vector<double> work_shares(const Model& model, const Model& forward, const Shape& input_shape,
                                const std::vector<std::string>& outputs) {
  Estimate estimate(model, infer_shapes(forward, input_shape, forward.name));
  std::vector<double> work;
  for (const Node& node : model.nodes) {
    try {
      work.push_back(estimate.work(node));
    } catch (const Error&) {
      work.push_back(work_of_a_value);  // a shape was guessed wrong; an estimate is no reason to fail
    }
  }

  std::vector<std::vector<size_t>> needed_by(model.nodes.size());
  for (size_t k = 0; k < outputs.size(); ++k) {
    std::unordered_map<std::string, bool> needed{{outputs[k], true}};
    for (size_t n = model.nodes.size(); n-- > 0;) {
      const Node& node = model.nodes[n];
      if (std::none_of(node.outputs.begin(), node.outputs.end(), [&](const auto& o) { return needed.count(o) > 0; }))
        continue;
      needed_by[n].push_back(k);
      for (const std::string& i : node.inputs) needed[i] = true;
    }
  }
  std::vector<double> shares(outputs.size());
  double sum = 0;
  for (size_t n = 0; n < model.nodes.size(); ++n)
    for (const size_t k : needed_by[n]) {
      const double part = work[n] / static_cast<double>(needed_by[n].size());
      shares[k] += part;
      sum += part;
    }
  for (double& share : shares) share = sum > 0 ? share / sum : 1.0 / static_cast<double>(outputs.size());
  return shares;
}

}  // namespace ks::graph

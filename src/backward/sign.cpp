#include "backward/sign.h"

#include <algorithm>

namespace ks::backward {

namespace {

using graph::Node;

/// Whatever goes in, nothing negative comes out.
bool makes_nonnegative(const Node& node) {
  static const std::set<std::string> ops = {"Relu", "Sigmoid", "Softmax",  "HardSigmoid", "Softplus",       "Exp",
                                            "Abs",  "Sqrt",    "ReduceL1", "ReduceL2",    "ReduceSumSquare"};
  return ops.count(node.op) > 0;
}

/// Ops whose first input alone holds values; the others say how: shapes, axes, indices, sizes.
bool moves_first_input(const Node& node) {
  static const std::set<std::string> ops = {"MaxPool",       "AveragePool", "GlobalAveragePool",
                                            "GlobalMaxPool", "Flatten",     "Reshape",
                                            "Identity",      "Dropout",     "Transpose",
                                            "Squeeze",       "Unsqueeze",   "Expand",
                                            "Slice",         "Gather",      "Split",
                                            "Tile",          "ReduceSum",   "ReduceMean",
                                            "ReduceMax",     "ReduceMin",   "LeakyRelu",
                                            "PRelu",         "Elu",         "Selu",
                                            "Celu",          "Gelu",        "Erf",
                                            "HardSwish",     "Mish",        "Tanh",
                                            "Cast",          "LRN",         "Reciprocal"};
  return ops.count(node.op) > 0;
}

class Signs {
 public:
  explicit Signs(const graph::Model& model) : model_(model) {
    for (const auto& [name, array] : model.initializers)
      if (array.type == graph::Type::f32 && least(array) >= 0) known_.insert(name);
    for (const Node& node : model.nodes)
      if (is_nonnegative(node))
        for (const std::string& output : node.outputs)
          if (!output.empty()) known_.insert(output);
  }

  const std::set<std::string>& nonnegative() const { return known_; }

 private:
  static float least(const graph::Array& array) {
    const std::vector<float> values = array.to_floats();
    return values.empty() ? 0 : *std::min_element(values.begin(), values.end());
  }

  bool holds(const Node& node, size_t i) const { return node.has_input(i) && known_.count(node.inputs[i]) > 0; }

  bool all_inputs(const Node& node) const {
    return std::all_of(node.inputs.begin(), node.inputs.end(), [&](const auto& i) { return known_.count(i) > 0; });
  }

  bool is_nonnegative(const Node& node) const {
    if (!node.domain.empty() || node.inputs.empty()) return false;
    if (makes_nonnegative(node)) return true;
    if (moves_first_input(node)) return holds(node, 0);
    if (node.op == "Add" || node.op == "Sum" || node.op == "Div" || node.op == "Concat" || node.op == "Min" ||
        node.op == "Mean")
      return all_inputs(node);
    if (node.op == "Mul") return all_inputs(node) || node.inputs[0] == node.inputs[1];
    if (node.op == "Max")
      return std::any_of(node.inputs.begin(), node.inputs.end(), [&](const auto& i) { return known_.count(i) > 0; });
    if (node.op == "Where") return holds(node, 1) && holds(node, 2);
    if (node.op == "Clip") return holds(node, 1) || (holds(node, 0) && (!node.has_input(2) || holds(node, 2)));
    if (node.op == "Pow") {
      const graph::Array* exponent = node.has_input(1) ? model_.constant(node.inputs[1]) : nullptr;
      return holds(node, 0) || (exponent && exponent->type == graph::Type::f32 && exponent->count() == 1 &&
                                exponent->to_floats()[0] == 2);
    }
    if (node.op == "Pad") return holds(node, 0) && (!node.has_input(2) || holds(node, 2));
    if (node.op == "Resize") return holds(node, 0) && node.attribute("mode", std::string("nearest")) != "cubic";
    return false;
  }

  const graph::Model& model_;
  std::set<std::string> known_;
};

}  // namespace

std::set<std::string> nonnegative_tensors(const graph::Model& model) {
  return Signs(model).nonnegative();
}

}  // namespace ks::backward

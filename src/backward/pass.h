#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "graph/builder.h"
#include "graph/shapes.h"

namespace ks::backward {

/// Which provider the generated graph is for: some lowerings differ in speed, and WebGPU lacks some ops.
enum class Backend { cpu, webgpu };

/// Where what arrives at a tensor can be other than zero.
enum class Support {
  anywhere,
  nonzero,  // where the tensor is not zero
  positive  // where the tensor is above zero
};

/// A walk through a network from its logits back to its input, appending to the model what each node's rule says.
/// Gradients, modified gradients and relevance differ in the rules alone.
class Pass {
 public:
  /// `forward` is the simplified network; the pass works on a copy of it, model(), to which it appends.
  /// `input_shape` is [N,C,H,W], N = -1 where free.
  Pass(const graph::Model& forward, const Shape& input_shape, Backend backend, const std::string& where);

  /// Appends what carries `incoming` (the gradient or relevance of the node's first output; empty where none arrived)
  /// to the node's inputs, with send(). A node with several outputs asks arrived() for the others.
  using Rule = std::function<void(Pass&, const graph::Node&, const std::string& incoming)>;

  /// Walks back from `output`, whose gradient is the tensor `seed`, to `input`: the network's input or any tensor on
  /// the way. Returns the tensor with the gradient of `input`; where nothing arrives there, the result is zeros. May be
  /// called several times: each walk appends nodes of its own.
  std::string run(const std::string& output, const std::string& seed, const std::string& input,
                  const std::function<Rule(const graph::Node&)>& rule_of);

  /// Adds to the gradient of a tensor; ignored for constants and whatever does not depend on the input.
  void send(const std::string& tensor, const std::string& value, Support support = Support::anywhere);
  /// Of the sum of what was sent to a tensor so far.
  Support support(const std::string& tensor) const;
  /// What gradient_rule sends for this node: pairs of input tensor and gradient, not sent yet.
  std::vector<std::pair<std::string, std::string>> gradients_of(const graph::Node& node, const std::string& incoming);
  /// The sum of what was sent to a tensor so far; empty where nothing was.
  std::string arrived(const std::string& tensor);
  /// What the last run() brought to each tensor it reached, the sum over its readers, by the tensor's name.
  const std::map<std::string, std::string>& collected() const { return collected_; }
  /// What the last run() had each node send: pairs of input tensor and value, by the node's first output.
  const std::map<std::string, std::vector<std::pair<std::string, std::string>>>& sent() const { return sent_; }
  /// Whether a contribution to the tensor would be used.
  bool wants(const std::string& tensor) const { return dependent_.count(tensor) > 0; }

  const Shape& shape(const std::string& tensor) const { return shapes_.at(tensor); }
  /// The target of a Reshape to a tensor's shape: -1 in axis 0.
  std::string reshape_target(const std::string& tensor);
  /// Whether the tensor's values are never negative: known from the graph alone (a ReLU before, pooling of such, ...).
  bool never_negative(const std::string& tensor) const { return never_negative_.count(tensor) > 0; }
  /// Nodes of the forward network, to change in place (a max-pool gets its Indices output).
  graph::Node& forward_node(const std::string& output);
  /// Has a forward tensor made from tensors of the pass, equal but for rounding, instead of by its own node.
  void remake(const std::string& tensor, const std::string& op, const std::vector<std::string>& inputs);

  graph::Builder& builder() { return builder_; }
  graph::Model& model() { return model_; }
  const graph::Model& forward() const { return forward_; }
  Backend backend() const { return backend_; }
  const std::string& where() const { return where_; }

  /// Shorthands for builder().add.
  std::string add(const std::string& op, const std::vector<std::string>& inputs,
                  graph::Builder::Attributes attributes = {}) {
    return builder_.add(op, inputs, std::move(attributes), stem_ + op);
  }
  std::string reduce(const std::string& op, const std::string& x, const std::vector<int64_t>& axes) {
    return builder_.reduce(op, x, axes, stem_ + op);
  }
  std::string constant(const Tensor& tensor) { return builder_.constant(graph::Array::of(tensor), stem_ + "constant"); }

 private:
  graph::Model forward_, model_;
  graph::Builder builder_;
  graph::Shapes shapes_;
  Backend backend_;
  std::string where_, stem_ = "backward/";
  std::set<std::string> dependent_, never_negative_;
  std::map<std::string, std::vector<std::string>> contributions_;
  std::map<std::string, Support> support_;
  std::map<std::string, std::string> collected_;
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> sent_;
  std::string sender_;
  std::vector<std::pair<std::string, std::string>>* captured_ = nullptr;
};

/// The ordinary gradient of a node. Throws Error naming the node where its op has none.
void gradient_rule(Pass& pass, const graph::Node& node, const std::string& incoming);

/// Moves one value a window, `values` [N,C,H',W'], to the position of the window's first maximum: [N,C,H,W]. `x` and
/// `y` are input and output of a max-pool with the window of `pool`; positions with several windows get the sum.
std::string unpool(Pass& pass, const graph::Node& pool, const std::string& x, const std::string& y,
                   const std::string& values);

/// Names of the ops gradient_rule knows.
const std::vector<std::string>& differentiable_ops();

}  // namespace ks::backward

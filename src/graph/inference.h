#pragma once
#include <string>
#include <vector>

#include "graph/shapes.h"

namespace ks::graph {

/// Shape inference in progress: what is known so far of a model's tensors. Private to the files that infer.
struct Inference {
  const Model& model;
  std::string where;
  Facts facts;

  [[noreturn]] void fail(const Node& node, const std::string& why) const;
  /// Shape of an input. Throws Error where the input is missing or nothing is known of it.
  const Shape& of(const Node& node, size_t i) const;
  /// Known values of an input, or null.
  const KnownValues* known(const Node& node, size_t i) const;
  /// The constant integers of an input. Throws Error, saying that `what` is computed, where they are not known.
  std::vector<int64_t> integers(const Node& node, size_t i, const std::string& what) const;
  /// Checks that no node moves, splits or reduces a free batch axis.
  void keep_batch(const Node& node, bool kept) const {
    if (!kept) fail(node, "does not keep the batch in its first axis");
  }
};

using ShapeRule = std::vector<Shape> (*)(const Inference&,
                                         const Node&);  // one shape an output; what is left out is as the first

/// Rules by kind of op: layout.cpp has those that move elements, shapes.cpp all others. Null where there is none.
ShapeRule layout_rule(const std::string& op);

/// Values of a node's output where they follow from what is known of its inputs; false where not. `shape` is the
/// output's.
bool evaluate(const Inference& inference, const Node& node, const Shape& shape, KnownValues& out);

/// NumPy's broadcasting; -1 (the free batch) goes with itself and with 1. Throws Error naming the node.
Shape broadcast(const Inference& inference, const Node& node, const Shape& a, const Shape& b);

}  // namespace ks::graph

#pragma once
#include <functional>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "graph/model.h"

namespace ks::graph {

/// Appends nodes to a model with names of their own. The functions return the name of the tensor they make.
class Builder {
 public:
  explicit Builder(Model& model);

  using Attributes = std::map<std::string, Attribute>;

  /// A node with one output. `stem` gives its readable name: "gradient/conv1".
  std::string add(const std::string& op, const std::vector<std::string>& inputs, Attributes attributes = {},
                  const std::string& stem = "");
  /// A node with `count` outputs.
  std::vector<std::string> add_many(const std::string& op, const std::vector<std::string>& inputs, size_t count,
                                    Attributes attributes = {}, const std::string& stem = "");
  /// A node that makes the tensor `output`, a name that must be free.
  void add_named(const std::string& op, const std::vector<std::string>& inputs, const std::string& output,
                 Attributes attributes = {});

  /// ReduceSum, ReduceMean, ReduceMax or ReduceMin over axes, which stay with size 1, in the form of the model's opset.
  std::string reduce(const std::string& op, const std::string& x, const std::vector<int64_t>& axes,
                     const std::string& stem = "");

  std::string constant(const Array& array, const std::string& stem = "constant");
  std::string scalar(float value);                       // one initializer per value
  std::string ints(const std::vector<int64_t>& values);  // 1-D int64, one initializer per list

  std::string fresh(const std::string& stem);
  Model& model() { return model_; }

 private:
  Model& model_;
  std::unordered_set<std::string> names_;
  std::map<std::string, int> counters_;
  std::map<float, std::string> scalars_;
  std::map<std::vector<int64_t>, std::string> int_lists_;
};

/// Puts the nodes that `build` appends right behind the one that makes `tensor`: before all that may read what they
/// make.
void build_after(Model& model, const std::string& tensor, const std::function<void(Builder&)>& build);

}  // namespace ks::graph

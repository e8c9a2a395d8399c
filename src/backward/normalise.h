#pragma once
#include <string>
#include <vector>

#include "backward/pass.h"

namespace ks::backward {

/// A LayerNormalization, InstanceNormalization or GroupNormalization node taken apart, y = scale (x - mean) / deviation + shift,
/// in a layout where the statistics run over whole axes.
class Standardisation {
 public:
  static bool covers(const graph::Node& node);
  Standardisation(Pass& pass, const graph::Node& node);

  struct Parts {
    std::string centred;     // x - mean, in the layout
    std::string reciprocal;  // 1 / sqrt(variance + epsilon), with size 1 in axes()
  };
  /// Of any tensor of the shape of the node's input.
  Parts parts(const std::string& x) const;

  /// From the node's own layout to the one of Parts, and back.
  std::string to_layout(const std::string& x) const;
  std::string from_layout(const std::string& x) const;
  /// Times the node's scale, in the node's own layout.
  std::string scaled(const std::string& x) const;
  /// Axes of the layout that the statistics run over.
  const std::vector<int64_t>& axes() const { return axes_; }
  /// How many values share one statistic.
  int64_t count() const { return count_; }

 private:
  Pass& pass_;
  graph::Node node_;
  Shape layout_;  // empty: the node's own
  std::vector<int64_t> axes_;
  int64_t count_ = 1;
  std::string scale_;  // broadcasts over the node's own layout; empty: 1
  float epsilon_;
};

}  // namespace ks::backward

#pragma once
#include <string>
#include <vector>

#include "backward/pass.h"

namespace ks::backward {

/// A LayerNormalization or InstanceNormalization node taken apart: y = scale (x - mean) / deviation + shift.
class Standardisation {
 public:
  static bool covers(const graph::Node& node);
  Standardisation(Pass& pass, const graph::Node& node);

  struct Parts {
    std::string centred;     // x - mean
    std::string reciprocal;  // 1 / sqrt(variance + epsilon), with size 1 in axes()
  };
  /// Of any tensor of the shape of the node's input.
  Parts parts(const std::string& x) const;

  /// Times the node's scale.
  std::string scaled(const std::string& x) const { return scale_.empty() ? x : pass_.add("Mul", {x, scale_}); }
  /// Axes that the statistics run over, and how many values share one statistic.
  const std::vector<int64_t>& axes() const { return axes_; }
  int64_t count() const { return count_; }

 private:
  Pass& pass_;
  std::vector<int64_t> axes_;
  int64_t count_ = 1;
  std::string scale_;  // broadcasts over the input; empty: 1
  float epsilon_;
};

/// A sum over neighbouring channels of [N,C,H,W], as LRN's with `size`, times `factor`, plus `bias`; `back`: its
/// transpose.
std::string channel_sum(Pass& pass, const std::string& x, int64_t channels, int64_t size, float factor, bool back,
                        float bias);

}  // namespace ks::backward

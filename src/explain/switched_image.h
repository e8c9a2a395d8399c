#pragma once
#include <cstdint>
#include <vector>

#include "segment/segments.h"
#include "tensor/tensor.h"

namespace ks {

/// An image whose segments can be switched off, one by one: one that is off shows the reference instead.
class SwitchedImage {
 public:
  /// `x`: [C,H,W], must outlive this; `reference`: [1,C,H,W].
  SwitchedImage(const float* x, Tensor reference, const Segments& segments);

  int count() const { return static_cast<int>(first_run_.size()) - 1; }
  /// Values of one image: C * H * W.
  int64_t size() const { return reference_.size(); }
  const float* whole() const { return x_; }
  const float* reference() const { return reference_.data.data(); }

  /// Writes the image with segment k on where on[k] is not 0.
  void write(const uint8_t* on, float* out) const;
  /// Switches one segment of a written image.
  void set(int segment, bool on, float* out) const;

 private:
  struct Run {  // pixels of one row and one segment
    int32_t begin, length;
  };
  const float* x_;
  Tensor reference_;
  int64_t plane_;
  std::vector<Run> runs_;           // by segment
  std::vector<int32_t> first_run_;  // of each segment, and the end
};

}  // namespace ks

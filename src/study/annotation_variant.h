#pragma once
#include <string>
#include <vector>

#include "picture/image.h"

namespace ks {

/// An annotation as another person might have drawn it.
struct AnnotationVariant {
  enum class Kind { erode, dilate, shift, box };
  Kind kind = Kind::box;
  int x = 0, y = 0;  // px of the network's input: the radius in x, or the way of the shift

  bool operator==(const AnnotationVariant&) const = default;
};
constexpr int most_annotation_pixels = 200;  // of a radius or a shift

/// Drawn more tightly, more generously, a little aside, and as a box.
std::vector<AnnotationVariant> usual_annotation_variants();

Mask vary_annotation(const Mask& mask, const AnnotationVariant& variant);

/// "eroded by 3 px", "a box around it"
std::string describe(const AnnotationVariant& variant);

}  // namespace ks

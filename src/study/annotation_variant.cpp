#include "study/annotation_variant.h"

#include "picture/morphology.h"

namespace ks {

std::vector<AnnotationVariant> usual_annotation_variants() {
  using enum AnnotationVariant::Kind;
  return {{erode, 3, 0}, {dilate, 3, 0}, {shift, 4, 0}, {shift, 0, -4}, {box, 0, 0}};
}

Mask vary_annotation(const Mask& mask, const AnnotationVariant& variant) {
  switch (variant.kind) {
    case AnnotationVariant::Kind::erode:
      return erode(mask, variant.x);
    case AnnotationVariant::Kind::dilate:
      return dilate(mask, variant.x);
    case AnnotationVariant::Kind::shift:
      return shift(mask, variant.x, variant.y);
    case AnnotationVariant::Kind::box:
      return bounding_box(mask);
  }
  return mask;
}

std::string describe(const AnnotationVariant& variant) {
  const auto pixels = [](int n) { return std::to_string(n < 0 ? -n : n) + " px"; };
  switch (variant.kind) {
    case AnnotationVariant::Kind::erode:
      return "eroded by " + pixels(variant.x);
    case AnnotationVariant::Kind::dilate:
      return "dilated by " + pixels(variant.x);
    case AnnotationVariant::Kind::shift: {
      std::string way;
      if (variant.x != 0) way = pixels(variant.x) + (variant.x > 0 ? " to the right" : " to the left");
      if (variant.y != 0) way += (way.empty() ? "" : " and ") + pixels(variant.y) + (variant.y > 0 ? " down" : " up");
      return way.empty() ? "not moved" : "moved " + way;
    }
    case AnnotationVariant::Kind::box:
      return "a box around it";
  }
  return "";
}

}  // namespace ks

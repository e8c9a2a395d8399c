#pragma once
#include "picture/image.h"
#include "registry/registry.h"
#include "tensor/random.h"

namespace ks {

/// A way in which people mark damage by hand: larger than the damage, smoother, and never twice the same. From the
/// exact mask it makes what an expert might have drawn, to measure how much scores depend on the annotation.
struct AnnotationStyle : Entry {
  Mask (*draw)(const Mask& damage, const Params& parameters, Random& random);
};

/// "outline", "polygon", "box".
const Registry<AnnotationStyle>& annotation_styles();

/// A rough annotation of the damage, of the mask's size; empty for an empty mask. Throws Error for unknown styles or
/// parameters.
Mask annotate(const Mask& damage, const std::string& style, const json& parameters, uint64_t seed);

/// Pixels in both over pixels in either; 1 when both are empty.
double intersection_over_union(const Mask& a, const Mask& b);

}  // namespace ks

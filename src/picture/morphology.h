#pragma once
#include "picture/image.h"

namespace ks {

/// Every pixel within `radius` px (>= 0, Euclidean, between centres) of one inside is inside.
Mask dilate(const Mask& mask, int radius);
/// Every pixel within `radius` px of one outside is outside. Nothing is taken away from the picture's own border.
Mask erode(const Mask& mask, int radius);
/// Moved right by dx and down by dy; what leaves the picture is lost.
Mask shift(const Mask& mask, int dx, int dy);
/// The smallest upright rectangle around all that is inside.
Mask bounding_box(const Mask& mask);

}  // namespace ks

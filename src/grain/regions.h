#pragma once
#include <vector>

#include "picture/image.h"

namespace ks {

/// Where the mask, blurred by sigma pixels, is above `level`: one half drops specks and hairs and smooths the outline,
/// less also grows it.
Mask smooth_mask(const Mask& mask, float sigma, float level = 0.5f);

/// The connected parts (4 neighbours), the largest first.
std::vector<Mask> components(const Mask& mask);

/// The largest connected part; empty for an empty mask.
Mask largest_component(const Mask& mask);

/// Everything the outside cannot reach from the picture's border becomes inside.
Mask fill_holes(const Mask& mask);

/// Pixels in the convex hull.
double hull_area(const Mask& mask);

}  // namespace ks

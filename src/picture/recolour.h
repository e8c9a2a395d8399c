#pragma once
#include <array>
#include <cstdint>

namespace ks {

/// A linear map of colours, by rows: what the new red, green and blue take of the old ones. Of sRGB values, not of
/// light.
using ColourMatrix = std::array<std::array<double, 3>, 3>;

ColourMatrix product(const ColourMatrix& a, const ColourMatrix& b);  // b first, then a
/// Rotation of colours about the grey axis, in radians.
ColourMatrix hue_matrix(double angle);
/// Away from the pixel's grey (ITU-R BT.601) by a factor: 0 is grey, 1 changes nothing.
ColourMatrix saturation_matrix(double factor);

/// planes [3][pixels] = m planes + offset, in place.
void recolour(const ColourMatrix& m, double offset, int64_t pixels, float* planes);

}  // namespace ks

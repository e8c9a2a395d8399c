#pragma once
#include <array>
#include <vector>

#include "picture/image.h"

namespace ks {

/// CIELAB (L 0 ... 100, a, b about -128 ... 127) of an sRGB colour with channels in [0,1]; white point D65.
std::array<double, 3> srgb_to_lab(const std::array<double, 3>& rgb);
/// The inverse; channels leave [0,1] for colours that sRGB cannot show.
std::array<double, 3> lab_to_srgb(const std::array<double, 3>& lab);

/// CIELAB of every pixel, interleaved.
std::vector<double> lab_pixels(const Image& picture);

}  // namespace ks

#pragma once

namespace ks {

/// Blurs one plane of rows in place by the discrete Gaussian of variance sigma^2 (T. Lindeberg: Scale-space for
/// discrete signals, IEEE TPAMI 1990), the picture mirrored at its borders. `sigma` in pixels; 0 or less changes
/// nothing. The mean stays, and blurring by a, then by b, is blurring by sqrt(a^2 + b^2), however small either is.
void gaussian_blur(float* plane, int width, int height, double sigma);

}  // namespace ks

#pragma once
#include <string>

#include "backward/pass.h"

namespace ks::backward {

/// Bilinear resizing along one axis as a matrix [to, from]: half-pixel centres, borders repeated, no antialiasing
/// (PyTorch's interpolate with align_corners=False). Every row sums to 1.
Tensor bilinear_matrix(int64_t from, int64_t to);

/// [N,C,h,w] -> [N,C,H,W], bilinear. Two products with constant matrices: the same numbers from every provider. Where
/// `keep_sum` is set every value is shared out over the pixels it reaches, so that the sum stays, instead of the
/// height.
std::string upsample(Pass& pass, const std::string& map, int64_t h, int64_t w, int64_t height, int64_t width,
                     bool keep_sum = false);

}  // namespace ks::backward

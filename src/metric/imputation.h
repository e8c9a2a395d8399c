#pragma once
#include <cstdint>
#include <vector>

namespace ks {

/// Noisy linear imputation without the noise: Y. Rong, T. Leemann, V. Borisov, G. Kasneci, E. Kasneci: A consistent and
/// efficient evaluation strategy for attribution methods, ICML 2022, section 4.3. Each removed pixel becomes the
/// weighted mean of its neighbours inside the image, removed ones included: direct ones weigh 1/6, diagonal ones 1/12.
///
/// `image` [channels,height,width]; `removed`: one mark a pixel, not all set. Returns the image with the removed pixels
/// of every channel imputed, to about 1e-5 of its values.
std::vector<float> impute(const float* image, int64_t channels, int64_t height, int64_t width,
                          const std::vector<uint8_t>& removed);

}  // namespace ks

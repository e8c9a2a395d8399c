#pragma once
#include <cstdint>
#include <memory>
#include <vector>

namespace ks {

namespace imputation {
struct Solver;
}

/// Noisy linear imputation without the noise: Y. Rong, T. Leemann, V. Borisov, G. Kasneci, E. Kasneci: A consistent and
/// efficient evaluation strategy for attribution methods, ICML 2022, section 4.3. Each removed pixel becomes the
/// weighted mean of its neighbours inside the image, removed ones included: direct ones weigh 1/6, diagonal ones 1/12.
class Imputer {
 public:
  /// For images of this size; holds the memory that imputing one takes. Not for several threads at once.
  Imputer(int64_t height, int64_t width);
  ~Imputer();
  Imputer(Imputer&&) noexcept;

  /// Imputes the removed pixels of every channel of `image` [channels,height,width], in place: each is that mean to
  /// about 1e-6 of the image's largest value. `removed`: one mark a pixel, not all set.
  void impute(float* image, int64_t channels, const std::vector<uint8_t>& removed);

 private:
  std::unique_ptr<imputation::Solver> solver_;
};

}  // namespace ks

#pragma once
#include <cstdint>
#include <memory>
#include <vector>

namespace ks {

namespace imputation {
struct Solver;
}

/// Noisy linear imputation: Y. Rong, T. Leemann, V. Borisov, G. Kasneci, E. Kasneci: A consistent and
/// efficient evaluation strategy for attribution methods, ICML 2022, section 4.3. Each removed pixel becomes the
/// weighted mean of its neighbours inside the image, removed ones included: direct ones weigh 1/6, diagonal ones 1/12.
class Imputer {
 public:
  /// For images of this size; holds the memory that imputing takes. Not for several threads at once.
  Imputer(int64_t height, int64_t width);
  ~Imputer();
  Imputer(Imputer&&) noexcept;

  /// Which pixels are removed from now on: 1 for a pixel that is, else 0; not all 1.
  void remove(const std::vector<uint8_t>& removed);

  /// Imputes the removed pixels of one channel into `out`, which may be `image`: each is that mean to 1e-6 of the
  /// largest value that is kept, and the solution to about 1e-4 of it even in holes that are most of the image. `noise`
  /// of the channel's size is added to what was removed; null for none.
  void fill(const float* image, const float* noise, float* out);

 private:
  std::unique_ptr<imputation::Solver> solver_;
};

}  // namespace ks

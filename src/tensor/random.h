#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace ks {

/// Counter-based random numbers: Philox4x32-10 (J. Salmon, M. Moraes, R. Dror, D. Shaw: Parallel random numbers: as
/// easy as 1, 2, 3, SC 2011). The same (seed, stream) gives the same numbers on every machine and in WebAssembly. Give
/// every independent use (image, method, sample) a stream of its own.
class Random {
 public:
  explicit Random(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  uint32_t next();
  /// In [0,1), 53 random bits.
  double uniform();
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Standard normal, Box-Muller.
  double normal();
  /// `count` draws of the standard normal in single precision, several times faster: for noise on whole pictures.
  /// Another sequence than that of normal().
  void fill_normal(float* out, std::size_t count);
  /// `count` draws between low and high in single precision, of 24 random bits each. Another sequence than that of
  /// uniform().
  void fill_uniform(float* out, std::size_t count, double low, double high);
  /// out = x + deviation z, with z as of fill_normal. `out` may be `x`.
  void add_normal(const float* x, std::size_t count, double deviation, float* out);
  /// Uniform integer in [0, bound), bound >= 1, without modulo bias.
  uint32_t below(uint32_t bound);
  bool chance(double probability) { return uniform() < probability; }

  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(static_cast<uint32_t>(i))]);
  }

 private:
  template <class Make>
  void fill(float* out, std::size_t count, const Make& make);

  uint64_t seed_, stream_, counter_ = 0;  // counter_: the next one whose words are not made
  uint32_t made_[64];                     // words in order; those from at_ to end_ are not used yet
  int at_ = 0, end_ = 0;
  bool has_spare_ = false;
  double spare_ = 0;
};

/// A seed derived from another and an index, for streams of streams (SplitMix64's finaliser).
uint64_t mix_seed(uint64_t seed, uint64_t index);

}  // namespace ks

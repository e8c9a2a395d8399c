#include "tensor/random.h"

#include <algorithm>
#include <cmath>

namespace ks {

namespace {

void philox(uint64_t counter, uint64_t stream, uint64_t seed, uint32_t out[4]) {
  uint32_t c[4] = {static_cast<uint32_t>(counter), static_cast<uint32_t>(counter >> 32), static_cast<uint32_t>(stream),
                   static_cast<uint32_t>(stream >> 32)};
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
    const uint32_t n[4] = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
                           static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    for (int i = 0; i < 4; ++i) c[i] = n[i];
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  for (int i = 0; i < 4; ++i) out[i] = c[i];
}

}  // namespace

uint32_t Random::next() {
  if (left_ == 0) {
    philox(counter_++, stream_, seed_, block_);
    left_ = 4;
  }
  return block_[4 - left_--];
}

double Random::uniform() {
  const uint64_t high = next() >> 5, low = next() >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

double Random::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double r = std::sqrt(-2 * std::log(1 - uniform())), angle = 6.283185307179586 * uniform();
  spare_ = r * std::sin(angle);
  has_spare_ = true;
  return r * std::cos(angle);
}

void Random::fill_normal(float* out, std::size_t count) {
  constexpr float unit = 1.0f / 4294967296.0f;
  for (std::size_t i = 0; i < count; i += 4) {
    uint32_t words[4];
    philox(counter_++, stream_, seed_, words);
    float four[4];
    for (int k = 0; k < 4; k += 2) {
      const float u = (static_cast<float>(words[k]) + 0.5f) * unit;  // above 0
      const float r = std::sqrt(-2 * std::log(std::min(u, 1.0f)));
      const float angle = 6.2831853f * unit * static_cast<float>(words[k + 1]);
      four[k] = r * std::cos(angle);
      four[k + 1] = r * std::sin(angle);
    }
    std::copy_n(four, std::min<std::size_t>(4, count - i), out + i);
  }
}

void Random::add_normal(const float* x, std::size_t count, double deviation, float* out) {
  constexpr std::size_t at_once = 1024;
  float z[at_once];
  const float scale = static_cast<float>(deviation);
  for (std::size_t begin = 0; begin < count; begin += at_once) {
    const std::size_t end = std::min(count, begin + at_once);
    fill_normal(z, end - begin);
    for (std::size_t i = begin; i < end; ++i) out[i] = x[i] + scale * z[i - begin];
  }
}

uint32_t Random::below(uint32_t bound) {
  const uint32_t reject = (0u - bound) % bound;  // 2^32 mod bound
  uint64_t product = uint64_t{next()} * bound;
  while (static_cast<uint32_t>(product) < reject) product = uint64_t{next()} * bound;
  return static_cast<uint32_t>(product >> 32);
}

uint64_t mix_seed(uint64_t seed, uint64_t index) {
  uint64_t z = seed + 0x9E3779B97F4A7C15ull * (index + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

}  // namespace ks

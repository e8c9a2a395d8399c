#include "tensor/random.h"

#include <algorithm>
#include <cmath>

#include "tensor/wide.h"

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

/// The words of sixteen counters in a row: word[j][k] is the j-th of counter k. In vectors.
constexpr std::size_t kCounters = 16, kBlock = 4 * kCounters;
struct Block {
  uint32_t word[4][kCounters];
};

KS_WIDE void philox_block(uint64_t counter, uint64_t stream, uint64_t seed, Block& out) {
  auto& [c0, c1, c2, c3] = out.word;
  for (std::size_t k = 0; k < kCounters; ++k) {
    c0[k] = static_cast<uint32_t>(counter + k);
    c1[k] = static_cast<uint32_t>((counter + k) >> 32);
    c2[k] = static_cast<uint32_t>(stream);
    c3[k] = static_cast<uint32_t>(stream >> 32);
  }
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    KS_APART
    for (std::size_t k = 0; k < kCounters; ++k) {
      const uint64_t p0 = uint64_t{0xD2511F53} * c0[k], p1 = uint64_t{0xCD9E8D57} * c2[k];
      c0[k] = static_cast<uint32_t>(p1 >> 32) ^ c1[k] ^ k0;
      c1[k] = static_cast<uint32_t>(p1);
      c2[k] = static_cast<uint32_t>(p0 >> 32) ^ c3[k] ^ k1;
      c3[k] = static_cast<uint32_t>(p0);
    }
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
}

/// ln of 0 < u <= 1, to single precision: that of the mantissa, between 1/sqrt 2 and sqrt 2, by the series of artanh.
KS_INLINE float log_of(float u) {
  const int32_t bits = bits_as<int32_t>(u), exponent = (bits - 0x3F3504F3) >> 23;  // 1/sqrt 2
  const float m = bits_as<float>(bits - exponent * (1 << 23)), t = (m - 1) / (m + 1), t2 = t * t;
  const float series = 2 + t2 * (2.0f / 3 + t2 * (2.0f / 5 + t2 * (2.0f / 7 + t2 * (2.0f / 9))));
  return 0.69314718f * static_cast<float>(exponent) + t * series;
}

/// Box-Muller on two words: the first one gives the radius, the second the angle, a share of the circle.
KS_INLINE void two_normals(uint32_t first, uint32_t second, float& a, float& b) {
  constexpr float unit = 1.0f / 4294967296.0f;
  const float u = (static_cast<float>(first) + 0.5f) * unit;  // above 0
  const float radius = std::sqrt(-2 * log_of(u));
  // Quarter turns, and what is left, between -pi/4 and pi/4; there Taylor's series is exact in single precision.
  const uint32_t quarters = (second + (1u << 29)) >> 30;
  const float x = 6.2831853f * unit * static_cast<float>(static_cast<int32_t>(second - (quarters << 30))), x2 = x * x;
  const float sine = x * (1 + x2 * (-1.0f / 6 + x2 * (1.0f / 120 + x2 * (-1.0f / 5040 + x2 * (1.0f / 362880)))));
  const float cosine =
      1 + x2 * (-0.5f + x2 * (1.0f / 24 + x2 * (-1.0f / 720 + x2 * (1.0f / 40320 - x2 * (1.0f / 3628800)))));
  const float c = quarters & 1 ? -sine : cosine, s = quarters & 1 ? cosine : sine;
  const float signed_radius = quarters & 2 ? -radius : radius;
  a = signed_radius * c;
  b = signed_radius * s;
}

/// What was made of the four words of each counter, in the order of the counters.
KS_INLINE void in_order(const float made[4][kCounters], float* out) {
  KS_APART
  for (std::size_t k = 0; k < kCounters; ++k)
    out[4 * k] = made[0][k], out[4 * k + 1] = made[1][k], out[4 * k + 2] = made[2][k], out[4 * k + 3] = made[3][k];
}

KS_WIDE void block_of_normals(const Block& words, float* out) {
  float made[4][kCounters];
  for (std::size_t j = 0; j < 4; j += 2) {
    KS_APART
    for (std::size_t k = 0; k < kCounters; ++k)
      two_normals(words.word[j][k], words.word[j + 1][k], made[j][k], made[j + 1][k]);
  }
  in_order(made, out);
}

KS_WIDE void block_of_uniforms(const Block& words, float low, float range, float* out) {
  constexpr float unit = 1.0f / 16777216;  // 24 bits, so that 1 is never reached
  float made[4][kCounters];
  for (std::size_t j = 0; j < 4; ++j) {
    KS_APART
    for (std::size_t k = 0; k < kCounters; ++k)
      made[j][k] = low + range * (unit * static_cast<float>(static_cast<int32_t>(words.word[j][k] >> 8)));
  }
  in_order(made, out);
}

}  // namespace

uint32_t Random::next() {
  if (at_ == end_) {
    // Who asked for a few words will ask for many.
    constexpr uint64_t few = 4;
    at_ = 0;
    if (counter_ < few) {
      philox(counter_++, stream_, seed_, made_);
      end_ = 4;
    } else {
      Block block;
      philox_block(counter_, stream_, seed_, block);
      for (std::size_t k = 0; k < kCounters; ++k)
        for (std::size_t j = 0; j < 4; ++j) made_[4 * k + j] = block.word[j][k];
      counter_ += kCounters;
      end_ = static_cast<int>(kBlock);
    }
  }
  return made_[at_++];
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

template <class Make>
void Random::fill(float* out, std::size_t count, const Make& make) {
  const int whole = (end_ - at_) / 4;  // counters whose words were made ahead
  end_ -= 4 * whole;
  counter_ -= static_cast<uint64_t>(whole);
  for (std::size_t i = 0; i < count; i += kBlock) {
    Block words;
    philox_block(counter_, stream_, seed_, words);
    if (i + kBlock <= count) {
      make(words, out + i);
      counter_ += kCounters;
    } else {
      float last[kBlock];
      make(words, last);
      std::copy_n(last, count - i, out + i);
      counter_ += (count - i + 3) / 4;
    }
  }
}

void Random::fill_normal(float* out, std::size_t count) {
  fill(out, count, [](const Block& words, float* made) { block_of_normals(words, made); });
}

void Random::fill_uniform(float* out, std::size_t count, double low, double high) {
  const float begin = static_cast<float>(low), range = static_cast<float>(high - low);
  fill(out, count, [&](const Block& words, float* made) { block_of_uniforms(words, begin, range, made); });
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

#pragma once
#include <cstdint>
#include <vector>

/// Rows of floats, eight at a time. KS_WIDE compiles a function for processors with vectors of 8 floats beside the 4
/// that every x86-64 has; which one runs is decided when the program starts. No product is fused with a sum
/// (-ffp-contract=off), so that both give the same bits. What such a function calls must be KS_INLINE, or it keeps
/// to 4.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define KS_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define KS_WIDE
#endif
#define KS_INLINE inline __attribute__((always_inline))

/// Before a loop none of whose rounds reads what another one writes.
#ifdef __clang__
#define KS_APART _Pragma("clang loop vectorize(assume_safety)")
#else
#define KS_APART _Pragma("GCC ivdep")
#endif

namespace ks {

/// std::bit_cast, which the library of Debian 12's Emscripten lacks.
template <class To, class From>
KS_INLINE To bits_as(const From& value) {
  return __builtin_bit_cast(To, value);
}

constexpr int64_t kLanes = 8;
/// So many floats as one value; arithmetic is lane by lane.
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float)), aligned(alignof(float)), may_alias));

KS_INLINE Lanes& lanes(float* p) {
  return *reinterpret_cast<Lanes*>(p);
}
KS_INLINE const Lanes& lanes(const float* p) {
  return *reinterpret_cast<const Lanes*>(p);
}

/// Floats that begin where whole lanes do, all 0 at first.
class AlignedFloats {
 public:
  explicit AlignedFloats(int64_t count) : chunks_(static_cast<size_t>((count + kLanes - 1) / kLanes)) {}
  float* data() { return chunks_.data()->values; }
  const float* data() const { return chunks_.data()->values; }
  int64_t size() const { return static_cast<int64_t>(chunks_.size()) * kLanes; }

 private:
  struct alignas(kLanes * sizeof(float)) Chunk {
    float values[kLanes] = {};
  };
  std::vector<Chunk> chunks_;
};

}  // namespace ks

#pragma once
#include <cstdint>
#include <vector>

/// Rows of floats, eight at a time. KS_WIDE compiles a function for processors with vectors of 8 floats beside the 4
/// that every x86-64 has; which one runs is decided when the program starts. No product is fused with a sum
/// (-ffp-contract=off), so that both give the same bits. What such a function calls must be KS_INLINE, or it keeps
/// to 4. KS_WIDEST, where it is defined, is for functions of kMostLanes, to be called where has_most_lanes().
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define KS_WIDE __attribute__((target_clones("avx2", "default")))
#define KS_WIDEST __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#else
#define KS_WIDE
#endif
#define KS_ALWAYS_INLINE __attribute__((always_inline))
#define KS_INLINE inline KS_ALWAYS_INLINE

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

constexpr int64_t kLanes = 8, kMostLanes = 16;
/// So many floats as one value; arithmetic is lane by lane.
template <int64_t count>
struct Vector;
template <>
struct Vector<kLanes> {
  using type = float __attribute__((vector_size(kLanes * sizeof(float)), aligned(alignof(float)), may_alias));
};
template <>
struct Vector<kMostLanes> {
  using type = float __attribute__((vector_size(kMostLanes * sizeof(float)), aligned(alignof(float)), may_alias));
};
template <int64_t count>
using LanesOf = typename Vector<count>::type;
using Lanes = LanesOf<kLanes>;

template <int64_t count = kLanes>
KS_INLINE LanesOf<count>& lanes(float* p) {
  return *reinterpret_cast<LanesOf<count>*>(p);
}
template <int64_t count = kLanes>
KS_INLINE const LanesOf<count>& lanes(const float* p) {
  return *reinterpret_cast<const LanesOf<count>*>(p);
}

#ifdef KS_WIDEST
inline bool has_most_lanes() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

/// Floats that begin where the most lanes do, all 0 at first.
class AlignedFloats {
 public:
  explicit AlignedFloats(int64_t count) : chunks_(static_cast<size_t>((count + kMostLanes - 1) / kMostLanes)) {}
  float* data() { return chunks_.data()->values; }
  const float* data() const { return chunks_.data()->values; }
  int64_t size() const { return static_cast<int64_t>(chunks_.size()) * kMostLanes; }

 private:
  struct alignas(kMostLanes * sizeof(float)) Chunk {
    float values[kMostLanes] = {};
  };
  std::vector<Chunk> chunks_;
};

}  // namespace ks

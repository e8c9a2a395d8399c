#pragma once
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace ks {

/// SHA-256 (FIPS 180-4) of the bytes, 64 lower-case hexadecimal digits: names models, images and cached results.
std::string sha256(const std::string& bytes);

/// 128 bits that tell contents apart within one process, at memory speed (XXH3): for large arrays and graphs, where
/// SHA-256 would cost more than what it saves. No defence against who looks for collisions.
struct Fingerprint {
  uint64_t low = 0, high = 0;
  auto operator<=>(const Fingerprint&) const = default;
};
Fingerprint fingerprint(std::string_view bytes);
Fingerprint fingerprint(const float* values, int64_t count);

}  // namespace ks

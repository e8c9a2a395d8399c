#pragma once
#include <string>

namespace ks {

/// SHA-256 (FIPS 180-4) of the bytes, 64 lower-case hexadecimal digits: names models, images and cached results.
std::string sha256(const std::string& bytes);

}  // namespace ks

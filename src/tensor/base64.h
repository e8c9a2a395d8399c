#pragma once
#include <optional>
#include <string>

namespace ks {

/// RFC 4648: the standard alphabet with padding (data URIs, embedded pictures), the URL-safe one without (links).
enum class Base64 { standard, url };

std::string encode_base64(const std::string& bytes, Base64 alphabet = Base64::standard);

/// Nothing for a character outside the alphabet, a cut last group, wrong padding, or stray bits after the last byte.
std::optional<std::string> decode_base64(const std::string& text, Base64 alphabet = Base64::standard);

}  // namespace ks

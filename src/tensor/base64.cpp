#include "tensor/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace ks {

namespace {

std::string letters(Base64 alphabet) {
  return std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") +
         (alphabet == Base64::standard ? "+/" : "-_");
}

}  // namespace

std::string encode_base64(const std::string& bytes, Base64 alphabet) {
  const std::string letter = letters(alphabet);
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t count = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? static_cast<uint8_t>(bytes[i + k]) : 0);
    for (size_t k = 0; k <= count; ++k) text += letter[group >> (18 - 6 * k) & 63];
    if (alphabet == Base64::standard) text.append(3 - count, '=');
  }
  return text;
}

std::optional<std::string> decode_base64(const std::string& text, Base64 alphabet) {
  std::array<int8_t, 256> value;
  value.fill(-1);
  const std::string letter = letters(alphabet);
  for (int i = 0; i < 64; ++i) value[static_cast<uint8_t>(letter[i])] = static_cast<int8_t>(i);

  size_t size = text.size();
  if (alphabet == Base64::standard) {
    if (size % 4 != 0) return {};
    for (int k = 0; k < 2 && size > 0 && text[size - 1] == '='; ++k) --size;
  }
  if (size % 4 == 1) return {};
  std::string bytes;
  bytes.reserve(size / 4 * 3 + 2);
  uint32_t buffer = 0;
  int bits = 0;
  for (size_t i = 0; i < size; ++i) {
    const int8_t v = value[static_cast<uint8_t>(text[i])];
    if (v < 0) return {};
    buffer = buffer << 6 | static_cast<uint32_t>(v);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(buffer >> bits & 255);
      buffer &= (1u << bits) - 1;
    }
  }
  if (buffer != 0) return {};
  return bytes;
}

}  // namespace ks

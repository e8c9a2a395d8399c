#include "picture/jpeg_markers.h"

#include <cstddef>
#include <cstdint>

namespace ks {

namespace {

uint8_t byte(const std::string& s, size_t i) {
  return i < s.size() ? static_cast<uint8_t>(s[i]) : 0;
}

uint32_t number(const std::string& s, size_t at, int bytes, bool little_endian) {
  uint32_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | byte(s, at + (little_endian ? bytes - 1 - i : i));
  return value;
}

/// Orientation in the Exif segment's TIFF structure: the first image file directory's tag 0x0112.
int exif_orientation(const std::string& segment) {
  if (segment.compare(0, 6, std::string("Exif\0\0", 6)) != 0) return 1;
  const size_t tiff = 6;
  const bool little = byte(segment, tiff) == 'I';
  const size_t directory = tiff + number(segment, tiff + 4, 4, little);
  const uint32_t entries = number(segment, directory, 2, little);
  for (uint32_t i = 0; i < entries; ++i) {
    const size_t entry = directory + 2 + 12 * size_t{i};
    if (entry + 12 > segment.size()) break;
    if (number(segment, entry, 2, little) != 0x0112) continue;
    const uint32_t value = number(segment, entry + 8, 2, little);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace

bool is_jpeg(const std::string& bytes) {
  return bytes.compare(0, 3, "\xff\xd8\xff") == 0;
}

JpegMarkers read_jpeg_markers(const std::string& bytes) {
  JpegMarkers out;
  if (!is_jpeg(bytes)) return out;
  size_t at = 2;
  while (at + 4 <= bytes.size() && byte(bytes, at) == 0xff) {
    const uint8_t marker = byte(bytes, at + 1);
    if (marker == 0xff) {  // fill byte
      ++at;
      continue;
    }
    const size_t length = number(bytes, at + 2, 2, false);
    const bool is_frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    if (is_frame) out.components = byte(bytes, at + 9);
    if (marker == 0xe1 && out.orientation == 1) out.orientation = exif_orientation(bytes.substr(at + 4, length));
    if (marker == 0xee && bytes.compare(at + 4, 5, "Adobe") == 0) out.has_adobe_marker = true;
    at += 2 + length;
    if (marker == 0xda) {  // start of scan: inside it 0xff is escaped, so the next EOI is the image's own
      out.complete = bytes.find("\xff\xd9", at) != std::string::npos;
      break;
    }
  }
  return out;
}

}  // namespace ks

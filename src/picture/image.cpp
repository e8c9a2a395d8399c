#include "picture/image.h"

#include <stb_image.h>
#include <stb_image_write.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "picture/jpeg_markers.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace ks {

namespace {

constexpr int64_t kMaxPixels = 100'000'000;
const char* const kFormats = "give a JPEG, PNG or BMP file";

/// Formats people drop in that stb_image does not read, told apart by their first bytes.
const char* foreign_format(const std::string& bytes) {
  const auto starts = [&](size_t at, const char* magic, size_t n) { return bytes.compare(at, n, magic, n) == 0; };
  if (bytes.size() < 12) return nullptr;
  if (starts(0, "RIFF", 4) && starts(8, "WEBP", 4)) return "WebP";
  if (starts(0, "GIF8", 4)) return "GIF";
  if (starts(0, "II*\0", 4) || starts(0, "MM\0*", 4)) return "TIFF";
  if (starts(4, "ftyphei", 7) || starts(4, "ftypmif", 7)) return "HEIC";
  if (starts(4, "ftypavif", 8)) return "AVIF";
  return nullptr;
}

bool is_png(const std::string& bytes) {
  return bytes.compare(0, 8, "\x89PNG\r\n\x1a\n") == 0;
}
bool is_bmp(const std::string& bytes) {
  return bytes.size() >= 26 && bytes.compare(0, 2, "BM") == 0;
}

uint32_t little_endian_32(const std::string& s, size_t at) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = value << 8 | static_cast<uint8_t>(s[at + i]);
  return value;
}

uint32_t big_endian_32(const std::string& s, size_t at) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(s[at + i]);
  return value;
}

void check_pixel_count(int64_t width, int64_t height, const std::string& where) {
  if (width * height <= kMaxPixels) return;
  const std::string size = std::to_string(width) + "x" + std::to_string(height);
  throw Error("the image of " + size + " pixels is too large (at most 100 million)", where,
              "reduce it or cut the kernel out of it");
}

/// stb_image reads past the end of cut JPEG and BMP files as zeros, so that is looked for here.
void check_complete(const std::string& bytes, const std::string& where) {
  const bool cut_jpeg = is_jpeg(bytes) && !read_jpeg_markers(bytes).complete;
  const bool cut_bmp = is_bmp(bytes) && bytes.size() < little_endian_32(bytes, 2);
  if (cut_jpeg || cut_bmp) throw Error("the image file is cut off", where, "copy or download it again");
}

/// Puts the pixels where an Exif orientation of 1 to 8 wants them shown.
Image oriented(const Image& image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool transposed = orientation >= 5;
  Image out(transposed ? image.height : image.width, transposed ? image.width : image.height);
  const bool mirror_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirror_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      int u = transposed ? y : x, v = transposed ? x : y;
      if (mirror_x) u = image.width - 1 - u;
      if (mirror_y) v = image.height - 1 - v;
      std::memcpy(out.at(x, y), image.at(u, v), 3);
    }
  return out;
}

void append_bytes(void* context, void* data, int size) {
  static_cast<std::string*>(context)->append(static_cast<const char*>(data), static_cast<size_t>(size));
}

}  // namespace

int64_t Mask::area() const {
  return std::count_if(inside.begin(), inside.end(), [](uint8_t v) { return v != 0; });
}

Image decode_image(const std::string& bytes, const std::string& where) {
  if (bytes.empty()) throw Error("the file is empty", where, kFormats);
  if (const char* format = foreign_format(bytes))
    throw Error(std::string("this is a ") + format + " file", where, kFormats);
  if (!is_jpeg(bytes) && !is_png(bytes) && !is_bmp(bytes)) throw Error("the file is no image", where, kFormats);
  check_complete(bytes, where);

  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int length = static_cast<int>(std::min<size_t>(bytes.size(), INT32_MAX));
  const auto damaged = [&]() {
    const char* reason = stbi_failure_reason();
    if (reason && std::strcmp(reason, "outofmem") == 0)
      return Error("there is not enough memory to decode the image", where, "reduce it");
    return Error("the image file is damaged or cut off", where, "copy or download it again");
  };
  // stb_image calls a PNG of more than 2^30 bytes unknown, so its header chunk is asked first.
  if (is_png(bytes) && bytes.size() >= 24) check_pixel_count(big_endian_32(bytes, 16), big_endian_32(bytes, 20), where);
  int width = 0, height = 0, channels = 0;
  if (!stbi_info_from_memory(data, length, &width, &height, &channels)) throw damaged();
  check_pixel_count(width, height, where);

  JpegMarkers markers;
  if (is_jpeg(bytes)) {
    markers = read_jpeg_markers(bytes);
    if (markers.components == 4 && !markers.has_adobe_marker)
      throw Error("a CMYK JPEG without Adobe's marker does not say what its inks mean", where, "save it as RGB");
  }
  // A PNG's transparency may show only while decoding (tRNS), so four channels are asked of all but JPEG.
  const int wanted = is_jpeg(bytes) ? 3 : 4;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load_from_memory(data, length, &width, &height, &channels, wanted), stbi_image_free);
  if (!pixels) throw damaged();

  Image image(width, height);
  const size_t count = static_cast<size_t>(width) * height;
  if (wanted == 3) {
    std::memcpy(image.rgb.data(), pixels.get(), count * 3);
    return oriented(image, markers.orientation);
  }
  for (size_t i = 0; i < count; ++i) {
    const stbi_uc* p = pixels.get() + 4 * i;
    for (int c = 0; c < 3; ++c)
      image.rgb[3 * i + c] = static_cast<uint8_t>((p[c] * p[3] + 255 * (255 - p[3]) + 127) / 255);
  }
  return image;
}

Image load_image(const std::string& path) {
  return decode_image(read_file(path), path);
}

void check_image_size(const Image& image, int smallest, const std::string& where) {
  if (image.width >= smallest && image.height >= smallest) return;
  throw Error("the image is only " + std::to_string(image.width) + "x" + std::to_string(image.height) + " pixels",
              where, "give one of at least " + std::to_string(smallest) + "x" + std::to_string(smallest));
}

Mask decode_mask(const std::string& bytes, const std::string& where) {
  const Image image = decode_image(bytes, where);
  Mask mask(image.width, image.height);
  for (size_t i = 0; i < mask.inside.size(); ++i) {
    const uint8_t* p = image.rgb.data() + 3 * i;
    mask.inside[i] = p[0] + p[1] + p[2] > 3 * 127;
  }
  return mask;
}

std::string encode_png(const Image& image) {
  std::string out;
  if (!stbi_write_png_to_func(append_bytes, &out, image.width, image.height, 3, image.rgb.data(), image.width * 3))
    throw std::runtime_error("encoding a PNG failed");
  return out;
}

std::string encode_png(const Mask& mask) {
  std::vector<uint8_t> grey(mask.inside.size());
  std::transform(mask.inside.begin(), mask.inside.end(), grey.begin(), [](uint8_t v) { return v ? 255 : 0; });
  std::string out;
  if (!stbi_write_png_to_func(append_bytes, &out, mask.width, mask.height, 1, grey.data(), mask.width))
    throw std::runtime_error("encoding a PNG failed");
  return out;
}

std::string encode_jpeg(const Image& image, int quality) {
  std::string out;
  if (!stbi_write_jpg_to_func(append_bytes, &out, image.width, image.height, 3, image.rgb.data(), quality))
    throw std::runtime_error("encoding a JPEG failed");
  return out;
}

Tensor image_to_tensor(const Image& image, const Preprocessing& pre) {
  const bool fits = image.width == pre.width && image.height == pre.height;
  const Image resized = fits ? Image() : resize_image(image, pre.width, pre.height);
  const Image& source = fits ? image : resized;
  Tensor out({1, 3, pre.height, pre.width});
  const size_t plane = static_cast<size_t>(pre.width) * pre.height;
  for (size_t c = 0; c < 3; ++c)
    for (size_t i = 0; i < plane; ++i)
      out.data[c * plane + i] = (source.rgb[3 * i + c] / 255.0f - pre.mean[c]) / pre.deviation[c];
  return out;
}

Image tensor_to_image(const Tensor& tensor, int64_t sample, const Preprocessing& pre) {
  Image out(static_cast<int>(tensor.dim(3)), static_cast<int>(tensor.dim(2)));
  const size_t plane = static_cast<size_t>(out.width) * out.height;
  const float* values = tensor.sample(sample);
  const size_t channels = static_cast<size_t>(tensor.dim(1));  // a grey network has one
  for (size_t c = 0; c < 3; ++c)
    for (size_t i = 0; i < plane; ++i) {
      const float v = (values[std::min(c, channels - 1) * plane + i] * pre.deviation[c] + pre.mean[c]) * 255.0f;
      out.rgb[3 * i + c] = static_cast<uint8_t>(std::lround(std::clamp(v, 0.0f, 255.0f)));
    }
  return out;
}

}  // namespace ks

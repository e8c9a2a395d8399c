#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace ks {

/// 8-bit sRGB, interleaved RGB, rows from the top.
struct Image {
  int width = 0, height = 0;
  std::vector<uint8_t> rgb;  // width * height * 3

  Image() = default;
  Image(int w, int h) : width(w), height(h), rgb(static_cast<size_t>(w) * h * 3) {}
  uint8_t* at(int x, int y) { return rgb.data() + (static_cast<size_t>(y) * width + x) * 3; }
  const uint8_t* at(int x, int y) const { return rgb.data() + (static_cast<size_t>(y) * width + x) * 3; }
};

/// One byte a pixel: 0 outside, 1 inside. An annotation, a damage mask, a kernel's outline.
struct Mask {
  int width = 0, height = 0;
  std::vector<uint8_t> inside;

  Mask() = default;
  Mask(int w, int h) : width(w), height(h), inside(static_cast<size_t>(w) * h) {}
  uint8_t& at(int x, int y) { return inside[static_cast<size_t>(y) * width + x]; }
  uint8_t at(int x, int y) const { return inside[static_cast<size_t>(y) * width + x]; }
  int64_t area() const;
};

/// How a network wants its pictures: size, and (value / 255 - mean) / deviation per channel.
struct Preprocessing {
  int width = 224, height = 224;
  std::array<float, 3> mean{0.485f, 0.456f, 0.406f};
  std::array<float, 3> deviation{0.229f, 0.224f, 0.225f};
};

/// Decodes JPEG (grey, RGB, CMYK), PNG (8 and 16 bit, palette, alpha over white) and BMP by content, not by name.
/// JPEG orientation tags are honoured. Throws Error for what is no image, is damaged, or has more than 100 million
/// pixels; `where` names it in the message.
Image decode_image(const std::string& bytes, const std::string& where);
Image load_image(const std::string& path);

/// Sides that a picture must have to show anything to a network, in pixels.
constexpr int smallest_picture_side = 8;

/// Throws Error, naming `where`, for an image with a side shorter than `smallest` pixels: a 1x1 image decodes, but
/// shows nothing.
void check_image_size(const Image& image, int smallest, const std::string& where);

/// A mask from an image: inside where the pixel is brighter than half.
Mask decode_mask(const std::string& bytes, const std::string& where);

std::string encode_png(const Image& image);
std::string encode_png(const Mask& mask);  // 0 and 255, grey
std::string encode_jpeg(const Image& image, int quality);

/// Resamples with a Catmull-Rom kernel widened by the reduction factor (so that shrinking does not alias), in linear
/// light off (plain sRGB values, as the networks' training does).
Image resize_image(const Image& image, int width, int height);
Mask resize_mask(const Mask& mask, int width, int height);

/// [1,3,height,width], resized to the network's input where it differs.
Tensor image_to_tensor(const Image& image, const Preprocessing& preprocessing);
/// The picture a normalised tensor sample stands for (values clipped).
Image tensor_to_image(const Tensor& tensor, int64_t sample, const Preprocessing& preprocessing);

}  // namespace ks

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdlib>

#include "picture/image.h"
#include "picture/jpeg_markers.h"
#include "picture/morphology.h"
#include "support.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/random.h"

namespace ks::picture_test {

namespace {

std::string fixture(const std::string& name) {
  return read_file(test::path("tests/data/pictures/" + name));
}

/// Largest difference of a channel from the 32x16 fixtures' quadrants: red, green above blue, grey.
int quadrant_error(const Image& image) {
  const std::array<std::array<int, 3>, 4> colours{{{220, 30, 30}, {40, 200, 60}, {30, 60, 210}, {128, 128, 128}}};
  if (image.width != 32 || image.height != 16) return 1000;
  int worst = 0;
  for (int q = 0; q < 4; ++q) {
    const uint8_t* p = image.at(q % 2 ? 26 : 5, q / 2 ? 12 : 3);
    for (int c = 0; c < 3; ++c) worst = std::max(worst, std::abs(p[c] - colours[q][c]));
  }
  return worst;
}

std::string message_of(const std::string& bytes) {
  try {
    decode_image(bytes, "f.img");
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Image noise_image(int width, int height, uint64_t seed) {
  Image image(width, height);
  Random random(seed);
  for (uint8_t& v : image.rgb) v = static_cast<uint8_t>(random.below(256));
  return image;
}

}  // namespace

TEST_SUITE_BEGIN("picture");

TEST_CASE("every kind of JPEG decodes to the same picture, upright") {
  CHECK(quadrant_error(decode_image(fixture("quadrants.jpg"), "f")) <= 3);
  CHECK(quadrant_error(decode_image(fixture("progressive.jpg"), "f")) <= 3);
  CHECK(quadrant_error(decode_image(fixture("cmyk.jpg"), "f")) <= 6);
  for (int o = 2; o <= 8; ++o) {
    CAPTURE(o);
    const std::string bytes = fixture("orientation-" + std::to_string(o) + ".jpg");
    CHECK(read_jpeg_markers(bytes).orientation == o);
    CHECK(quadrant_error(decode_image(bytes, "f")) <= 3);
  }
  const Image grey = decode_image(fixture("grey.jpg"), "f");
  CHECK(grey.width == 32);
  CHECK(std::abs(grey.at(26, 12)[0] - 128) <= 3);
  CHECK(grey.at(5, 3)[0] == grey.at(5, 3)[2]);
}

TEST_CASE("PNG with 16 bits, alpha and a transparent palette colour") {
  CHECK(quadrant_error(decode_image(fixture("deep-16-bit.png"), "f")) == 0);
  const Image alpha = decode_image(fixture("alpha.png"), "f");
  const std::array<std::array<int, 3>, 4> over_white{{{255, 0, 0}, {255, 127, 127}, {255, 255, 255}, {204, 204, 204}}};
  for (int x = 0; x < 4; ++x)
    for (int c = 0; c < 3; ++c) CHECK(alpha.at(x, 0)[c] == over_white[x][c]);
  const Image palette = decode_image(fixture("palette.png"), "f");
  CHECK(palette.at(0, 0)[2] == 30);
  CHECK(palette.at(1, 0)[0] == 255);
}

TEST_CASE("bad input gets one sentence that names the file") {
  CHECK(contains(message_of("this is a text, not a picture"), "f.img: the file is no image"));
  CHECK(contains(message_of(""), "empty"));
  CHECK(contains(message_of("RIFF\x10\x10\x10\x10WEBPVP8 "), "WebP"));
  CHECK(contains(message_of(fixture("huge-20000x20000.png")), "20000x20000 pixels is too large"));
  CHECK(contains(message_of(fixture("large-12000x12000.png")), "12000x12000"));
  CHECK(contains(message_of(fixture("cmyk-without-adobe.jpg")), "CMYK"));
}

TEST_CASE("a file cut off anywhere is refused, not half shown") {
  for (const char* name : {"quadrants.jpg", "progressive.jpg", "orientation-6.jpg", "cmyk.jpg", "deep-16-bit.png"}) {
    const std::string bytes = fixture(name);
    for (size_t keep = 0; keep + 12 < bytes.size(); keep += 7) {
      CAPTURE(name);
      CAPTURE(keep);
      CHECK(!message_of(bytes.substr(0, keep)).empty());
    }
  }
}

TEST_CASE("one pixel decodes; whether it is enough is the caller's question") {
  const Image image = decode_image(fixture("one-pixel.png"), "f");
  CHECK(image.width == 1);
  CHECK(image.at(0, 0)[0] == 9);
  CHECK_THROWS_WITH_AS(check_image_size(image, 32, "f"), "f: the image is only 1x1 pixels; give one of at least 32x32",
                       Error);
  CHECK_NOTHROW(check_image_size(image, 1, "f"));
}

TEST_CASE("PNG loses nothing and JPEG little") {
  const Image image = noise_image(37, 21, 5);
  CHECK(decode_image(encode_png(image), "f").rgb == image.rgb);
  Mask mask(9, 5);
  for (size_t i = 0; i < mask.inside.size(); i += 3) mask.inside[i] = 1;
  CHECK(decode_mask(encode_png(mask), "f").inside == mask.inside);
  CHECK(mask.area() == 15);
  const Image quadrants = decode_image(fixture("quadrants.jpg"), "f");
  CHECK(quadrant_error(decode_image(encode_jpeg(quadrants, 92), "f")) <= 4);
}

TEST_CASE("resizing keeps flat colours, straight ramps and the mean") {
  Image flat(10, 7);
  for (size_t i = 0; i < flat.rgb.size(); ++i) flat.rgb[i] = static_cast<uint8_t>(60 + 70 * (i % 3));
  for (const auto& [w, h] : {std::pair{23, 31}, std::pair{3, 2}, std::pair{1, 1}}) {
    const Image out = resize_image(flat, w, h);
    for (size_t i = 0; i < out.rgb.size(); ++i) REQUIRE(out.rgb[i] == 60 + 70 * (i % 3));
  }
  Image ramp(64, 4);
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 64; ++x) ramp.at(x, y)[0] = static_cast<uint8_t>(4 * x);
  const Image half = resize_image(ramp, 32, 4);
  for (int x = 4; x < 28; ++x) CHECK(std::abs(half.at(x, 1)[0] - (8 * x + 2)) <= 1);
  // Shrinking noise sixteen-fold must average it, not pick single pixels.
  const Image noise = resize_image(noise_image(256, 256, 9), 16, 16);
  double squares = 0;
  for (uint8_t v : noise.rgb) squares += (v - 127.5) * (v - 127.5);
  CHECK(std::sqrt(squares / noise.rgb.size()) < 10);
}

TEST_CASE("a mask keeps its shape and share when resized") {
  Mask mask(40, 40);
  for (int y = 10; y < 30; ++y)
    for (int x = 10; x < 30; ++x) mask.at(x, y) = 1;
  const Mask twice = resize_mask(mask, 80, 80), half = resize_mask(mask, 20, 20);
  CHECK(twice.area() == 1600);
  CHECK(half.area() == 100);
  CHECK(half.at(5, 5) == 1);
  CHECK(half.at(4, 5) == 0);
}

TEST_CASE("a network's input and back") {
  const Image image = noise_image(32, 24, 3);
  Preprocessing pre;
  pre.width = 32;
  pre.height = 24;
  const Tensor tensor = image_to_tensor(image, pre);
  CHECK(tensor.shape == Shape{1, 3, 24, 32});
  CHECK(tensor.data[0] == doctest::Approx((image.rgb[0] / 255.0 - 0.485) / 0.229));
  CHECK(tensor.data[2 * 24 * 32 + 33] == doctest::Approx((image.rgb[33 * 3 + 2] / 255.0 - 0.406) / 0.225));
  CHECK(tensor_to_image(tensor, 0, pre).rgb == image.rgb);
  CHECK(image_to_tensor(image, Preprocessing{}).shape == Shape{1, 3, 224, 224});
}

TEST_CASE("regions grow and shrink by a disc, move, and have a box") {
  Mask mask(9, 7);
  mask.at(4, 3) = 1;
  const Mask disc = dilate(mask, 2);
  CHECK(disc.area() == 13);  // the points of the lattice within 2 of the middle
  CHECK(disc.at(4, 1) == 1);
  CHECK(disc.at(5, 2) == 1);
  CHECK(disc.at(6, 2) == 0);
  CHECK(erode(disc, 2).inside == mask.inside);
  CHECK(erode(disc, 3).area() == 0);
  Mask full(5, 5);
  for (uint8_t& v : full.inside) v = 1;
  CHECK(erode(full, 2).inside == full.inside);  // the picture's border is none of the region's
  CHECK(dilate(Mask(5, 5), 2).area() == 0);

  mask.at(8, 6) = 1;
  const Mask moved = shift(mask, -2, 1);
  CHECK(moved.area() == 1);  // the other left the picture
  CHECK(moved.at(2, 4) == 1);
  CHECK(bounding_box(mask).area() == 5 * 4);
  CHECK(bounding_box(mask).at(8, 3) == 1);
  CHECK(bounding_box(Mask(3, 3)).area() == 0);
}

TEST_SUITE_END();

}  // namespace ks::picture_test

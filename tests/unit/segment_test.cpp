#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <set>

#include "picture/lab.h"
#include "segment/segments.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace ks::segment_test {

namespace {

/// A bright disc on a dark ground, with a little noise.
Image disc(int size, double radius, uint64_t seed) {
  Image out(size, size);
  Random random(seed);
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) {
      const bool inside = std::hypot(x - size / 2.0, y - size / 2.0) < radius;
      for (int c = 0; c < 3; ++c)
        out.at(x, y)[c] = static_cast<uint8_t>((inside ? 190 : 60) + static_cast<int>(random.below(9)));
    }
  return out;
}

/// Labels 0 ... count-1 all occur, and each is one 4-connected piece.
bool connected(const Segments& s) {
  std::vector<bool> seen(s.labels.size());
  std::set<int32_t> started;
  for (size_t start = 0; start < seen.size(); ++start) {
    if (seen[start]) continue;
    if (!started.insert(s.labels[start]).second) return false;  // a second piece
    std::vector<size_t> stack{start};
    seen[start] = true;
    while (!stack.empty()) {
      const size_t i = stack.back();
      stack.pop_back();
      const int x = static_cast<int>(i) % s.width, y = static_cast<int>(i) / s.width;
      for (const auto& [dx, dy] : {std::pair{1, 0}, {-1, 0}, {0, 1}, {0, -1}}) {
        if (x + dx < 0 || y + dy < 0 || x + dx >= s.width || y + dy >= s.height) continue;
        const size_t j = static_cast<size_t>(y + dy) * s.width + (x + dx);
        if (seen[j] || s.labels[j] != s.labels[i]) continue;
        seen[j] = true;
        stack.push_back(j);
      }
    }
  }
  return static_cast<int>(started.size()) == s.count && *started.begin() == 0 && *started.rbegin() == s.count - 1;
}

}  // namespace

TEST_SUITE_BEGIN("segment");

TEST_CASE("CIELAB of known colours, and back") {
  const auto red = srgb_to_lab({1, 0, 0});
  CHECK(red[0] == doctest::Approx(53.24).epsilon(0.001));
  CHECK(red[1] == doctest::Approx(80.09).epsilon(0.001));
  CHECK(red[2] == doctest::Approx(67.20).epsilon(0.001));
  const auto white = srgb_to_lab({1, 1, 1});
  CHECK(white[0] == doctest::Approx(100));
  CHECK(std::fabs(white[1]) < 0.01);
  const auto back = lab_to_srgb(srgb_to_lab({0.2, 0.5, 0.9}));
  CHECK(back[0] == doctest::Approx(0.2).epsilon(0.001));
  CHECK(back[1] == doctest::Approx(0.5).epsilon(0.001));
  CHECK(back[2] == doctest::Approx(0.9).epsilon(0.001));
}

TEST_CASE("a grid cuts at floor(y rows / H)") {
  const Segments s = segment("grid", {{"rows", 3}, {"columns", 2}}, Image(5, 7));
  CHECK(s.count == 6);
  CHECK(s.at(0, 0) == 0);
  CHECK(s.at(2, 0) == 0);
  CHECK(s.at(3, 0) == 1);
  CHECK(s.at(0, 2) == 0);
  CHECK(s.at(0, 3) == 2);
  CHECK(s.at(4, 6) == 5);
  CHECK(connected(s));
  const Segments more_cells_than_pixels = segment("grid", {{"rows", 100}, {"columns", 100}}, Image(8, 9));
  CHECK(more_cells_than_pixels.count == 72);
}

TEST_CASE("SLIC: connected, about as many as wanted, no small pieces") {
  for (const uint64_t seed : {1, 2, 3}) {
    const Image picture = disc(96, 30, seed);
    const Segments s = segment("slic", {}, picture);
    CHECK(connected(s));
    CHECK(s.count >= 50);
    CHECK(s.count <= 150);
    std::vector<int> sizes(static_cast<size_t>(s.count));
    for (const int32_t label : s.labels) ++sizes[static_cast<size_t>(label)];
    CHECK(*std::min_element(sizes.begin(), sizes.end()) >= 96 * 96 / 100 / 2);
    CHECK(segment("slic", {}, picture).labels == s.labels);
  }
}

TEST_CASE("SLIC follows an edge that a grid crosses") {
  const Image picture = disc(96, 30, 5);
  const auto mixed = [&](const Segments& s) {  // share of pixels that lie on the wrong side of the disc's edge
    std::vector<int> in(static_cast<size_t>(s.count)), all(static_cast<size_t>(s.count));
    for (int y = 0; y < 96; ++y)
      for (int x = 0; x < 96; ++x) {
        ++all[static_cast<size_t>(s.at(x, y))];
        in[static_cast<size_t>(s.at(x, y))] += picture.at(x, y)[0] > 128;
      }
    int wrong = 0;
    for (size_t k = 0; k < all.size(); ++k) wrong += std::min(in[k], all[k] - in[k]);
    return wrong / (96.0 * 96);
  };
  CHECK(mixed(segment("slic", {}, picture)) < 0.002);
  CHECK(mixed(segment("grid", {}, picture)) > 0.03);
}

TEST_CASE("SLIC on a picture without edges, on noise, and on tiny pictures") {
  CHECK(segment("slic", {}, Image(100, 100)).count == 100);
  Image noise(64, 48);
  Random random(4);
  for (uint8_t& v : noise.rgb) v = static_cast<uint8_t>(random.below(256));
  CHECK(connected(segment("slic", {}, noise)));
  CHECK(connected(segment("slic", {{"compactness", 0.01}}, noise)));
  for (const auto& [w, h] : {std::pair{8, 8}, {1, 20}, {3, 1}, {1, 1}})
    CHECK(connected(segment("slic", {}, Image(w, h))));
}

TEST_CASE("borders are drawn between segments only") {
  Image picture(10, 10);
  draw_borders(picture, grid_segments(10, 10, 1, 2), {255, 0, 0});
  int red = 0;
  for (int y = 0; y < 10; ++y)
    for (int x = 0; x < 10; ++x) {
      red += picture.at(x, y)[0] == 255;
      if (x == 4) CHECK(picture.at(x, y)[0] == 255);
    }
  CHECK(red == 10);
}

TEST_CASE("an unknown segmentation and a parameter out of range are told") {
  CHECK_THROWS_AS(segment("slick", {}, Image(8, 8)), Error);
  CHECK_THROWS_AS(segment("grid", {{"rows", 0}}, Image(8, 8)), Error);
}

TEST_SUITE_END();

}  // namespace ks::segment_test

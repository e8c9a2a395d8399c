#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "segment/pieces.h"
#include "segment/segments.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace ks::superpixel_test {

namespace {

Image painted(int width, int height, const std::function<std::array<int, 3>(int, int)>& colour, int noise = 0,
              uint64_t seed = 1) {
  Image out(width, height);
  Random random(seed);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        out.at(x, y)[c] = static_cast<uint8_t>(std::clamp(
            colour(x, y)[static_cast<size_t>(c)] + (noise ? static_cast<int>(random.below(2 * noise + 1)) - noise : 0),
            0, 255));
  return out;
}

/// Red to the left of a slanted edge, green of another brightness to the right.
bool left_of_edge(int x, int y) {
  return x < 30 + y / 4;
}
Image two_colours(int noise = 0) {
  return painted(
      80, 60,
      [](int x, int y) {
        return left_of_edge(x, y) ? std::array{170, 60, 50} : std::array{90, 180, 120};
      },
      noise);
}

Image noise_picture(int width, int height, uint64_t seed) {
  return painted(
      width, height,
      [](int, int) {
        return std::array{128, 128, 128};
      },
      127, seed);
}

std::vector<int> sizes(const Segments& s) {
  std::vector<int> out(static_cast<size_t>(s.count));
  for (const int32_t label : s.labels) ++out.at(static_cast<size_t>(label));
  return out;
}

/// Share of pixels that are on the other side of the edge than most of their segment.
double crossing(const Segments& s) {
  std::vector<int> left(static_cast<size_t>(s.count)), all(left);
  for (int y = 0; y < s.height; ++y)
    for (int x = 0; x < s.width; ++x) {
      ++all[static_cast<size_t>(s.at(x, y))];
      left[static_cast<size_t>(s.at(x, y))] += left_of_edge(x, y);
    }
  int wrong = 0;
  for (size_t k = 0; k < all.size(); ++k) wrong += std::min(left[k], all[k] - left[k]);
  return wrong / static_cast<double>(s.labels.size());
}

/// Number of pieces, with neighbours in four or eight directions.
int pieces(const Segments& s, bool diagonal) {
  std::vector<bool> seen(s.labels.size());
  int count = 0;
  for (size_t start = 0; start < seen.size(); ++start) {
    if (seen[start]) continue;
    ++count;
    std::vector<size_t> stack{start};
    seen[start] = true;
    while (!stack.empty()) {
      const int x = static_cast<int>(stack.back()) % s.width, y = static_cast<int>(stack.back()) / s.width;
      stack.pop_back();
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx) {
          if ((!diagonal && dx && dy) || x + dx < 0 || y + dy < 0 || x + dx >= s.width || y + dy >= s.height) continue;
          const size_t j = static_cast<size_t>(y + dy) * s.width + (x + dx);
          if (seen[j] || s.labels[j] != s.at(x, y)) continue;
          seen[j] = true;
          stack.push_back(j);
        }
    }
  }
  return count;
}

/// Labels 0 ... count-1, all of them used, numbered in raster order.
void check_labels(const Segments& s, int width, int height) {
  CHECK(s.width == width);
  CHECK(s.height == height);
  REQUIRE(s.labels.size() == static_cast<size_t>(width) * height);
  int32_t next = 0;
  for (const int32_t label : s.labels) {
    REQUIRE(label >= 0);
    REQUIRE(label <= next);
    if (label == next) ++next;
  }
  CHECK(next == s.count);
}

}  // namespace

TEST_SUITE_BEGIN("segment");

TEST_CASE("every segmentation labels every pixel, the same way twice") {
  for (const Segmentation& segmentation : segmentations()) {
    CAPTURE(segmentation.name);
    for (const Image& picture : {two_colours(6), noise_picture(61, 47, 3)}) {
      const Segments s = segment(segmentation.name, {}, picture);
      check_labels(s, picture.width, picture.height);
      CHECK(segment(segmentation.name, {}, picture).labels == s.labels);
    }
  }
}

TEST_CASE("every segmentation takes tiny pictures and such without any edge") {
  for (const Segmentation& segmentation : segmentations()) {
    CAPTURE(segmentation.name);
    for (const auto& item : {std::pair{1, 1}, {1, 2}, {1, 37}, {41, 1}, {2, 2}, {3, 2}, {9, 9}}) {
      const auto& w = item.first;
      const auto& h = item.second;
      CAPTURE(w);
      CAPTURE(h);
      check_labels(segment(segmentation.name, {}, Image(w, h)), w, h);
      check_labels(segment(segmentation.name, {}, noise_picture(w, h, 5)), w, h);
    }
    check_labels(segment(segmentation.name, {}, Image(50, 40)), 50, 40);
  }
}

TEST_CASE("segments that the algorithm promises to be connected are") {
  for (const Image& picture : {two_colours(6), noise_picture(61, 47, 3), Image(40, 50)}) {
    for (const char* name : {"grid", "hexagon", "slic", "watershed"}) {
      CAPTURE(name);
      const Segments s = segment(name, {}, picture);
      CHECK(pieces(s, false) == s.count);
    }
    const Segments s = segment("felzenszwalb", {}, picture);
    CHECK(pieces(s, true) == s.count);
  }
}

TEST_CASE("superpixels do not cross an edge between two colours") {
  const Image clean = two_colours(), noisy = two_colours(4);
  for (const auto& item : {std::pair<const char*, json>{"felzenszwalb", {}},
                           {"quickshift", {}},
                           {"slic", {}},
                           {"watershed", {{"markers", 60}}}}) {
    const auto& name = item.first;
    const auto& params = item.second;
    CAPTURE(name);
    CHECK(crossing(segment(name, params, clean)) < 0.02);
    CHECK(crossing(segment(name, params, noisy)) < 0.02);
  }
  CHECK(crossing(segment("hexagon", {{"segments", 40}}, clean)) > 0.03);  // knows nothing of the picture
}

TEST_CASE("hexagons: about as many as wanted, of nearly equal size, with six neighbours inside") {
  for (const int wanted : {7, 50, 100, 400}) {
    const Segments s = segment("hexagon", {{"segments", wanted}}, Image(224, 160));
    CAPTURE(wanted);
    CHECK(s.count > 0.75 * wanted);
    CHECK(s.count < 1.3 * wanted);
    const std::vector<int> size = sizes(s);
    CHECK(*std::max_element(size.begin(), size.end()) < 2 * *std::min_element(size.begin(), size.end()));
  }
  const Segments s = hexagon_segments(200, 200, 100);
  std::vector<std::set<int32_t>> neighbours(static_cast<size_t>(s.count));
  std::vector<bool> outer(static_cast<size_t>(s.count));
  for (int y = 0; y < 200; ++y)
    for (int x = 0; x < 200; ++x) {
      if (x == 0 || y == 0 || x == 199 || y == 199) outer[static_cast<size_t>(s.at(x, y))] = true;
      for (const auto& [dx, dy] : {std::pair{1, 0}, {0, 1}})
        if (x + dx < 200 && y + dy < 200 && s.at(x, y) != s.at(x + dx, y + dy)) {
          neighbours[static_cast<size_t>(s.at(x, y))].insert(s.at(x + dx, y + dy));
          neighbours[static_cast<size_t>(s.at(x + dx, y + dy))].insert(s.at(x, y));
        }
    }
  int inner = 0;
  for (size_t k = 0; k < neighbours.size(); ++k)
    if (!outer[k]) {
      CHECK(neighbours[k].size() == 6);
      ++inner;
    }
  CHECK(inner > 40);
}

TEST_CASE(
    "Felzenszwalb: two flat colours are two segments, scale and min_size act, and nothing smaller than min_size "
    "stays") {
  CHECK(segment("felzenszwalb", {{"sigma", 0}}, two_colours()).count == 2);
  CHECK(segment("felzenszwalb", {}, Image(30, 20)).count == 1);
  const Image noise = noise_picture(64, 64, 9);
  int before = 64 * 64 + 1;
  for (const double scale : {1.0, 100.0, 1000.0, 20000.0}) {
    const int count = segment("felzenszwalb", {{"scale", scale}, {"min_size", 1}}, noise).count;
    CHECK(count < before);
    before = count;
  }
  CHECK(before < 10);
  for (const int smallest : {10, 50, 300}) {
    const std::vector<int> size = sizes(segment("felzenszwalb", {{"scale", 1}, {"min_size", smallest}}, noise));
    CHECK(*std::min_element(size.begin(), size.end()) >= smallest);
  }
  // A smooth ramp is one segment though its ends differ by far more than any two neighbours (the paper's figure 1).
  const Image ramp = painted(100, 20, [](int x, int) { return std::array{2 * x, 2 * x, 2 * x}; });
  CHECK(segment("felzenszwalb", {}, ramp).count == 1);
  // By hand: with k = 1, sigma 0, single pixels join over an edge of at most 1.
  const Image steps = painted(4, 1, [](int x, int) { return std::array{x < 2 ? 100 : 102, 100, 100}; });
  const Segments s = segment("felzenszwalb", {{"scale", 1}, {"sigma", 0}, {"min_size", 1}}, steps);
  CHECK(s.labels == std::vector<int32_t>{0, 0, 1, 1});
}

TEST_CASE("quick shift: kernel width, longest link and the weight of colour act as they should") {
  const Image picture = two_colours(10);
  CHECK(segment("quickshift", {{"kernel_size", 2}}, picture).count >
        segment("quickshift", {{"kernel_size", 6}}, picture).count);
  CHECK(segment("quickshift", {{"max_dist", 3}}, picture).count >
        segment("quickshift", {{"max_dist", 20}}, picture).count);
  CHECK(crossing(segment("quickshift", {{"ratio", 0}}, picture)) > 0.05);  // without colour, the edge is not seen
  CHECK(segment("quickshift", {{"ratio", 0}, {"max_dist", 1000}}, picture).labels ==
        segment("quickshift", {{"ratio", 0}, {"max_dist", 1000}}, Image(80, 60)).labels);
  // Links no longer than a pixel in colour and position join nothing across a step.
  const Image steps = painted(6, 1, [](int x, int) { return std::array{x < 3 ? 0 : 255, 0, 0}; });
  CHECK(segment("quickshift", {}, steps).labels == std::vector<int32_t>{0, 0, 0, 1, 1, 1});
}

TEST_CASE("watershed: about as many segments as markers, borders on the crest, compactness evens them out") {
  const Image picture = noise_picture(120, 90, 2);
  for (const int markers : {1, 30, 250}) {
    const int count = segment("watershed", {{"markers", markers}}, picture).count;
    CHECK(count > 0.8 * markers);
    CHECK(count < 1.25 * markers);
  }
  const auto spread = [&](double compactness) {
    const std::vector<int> size = sizes(segment("watershed", {{"markers", 48}, {"compactness", compactness}}, picture));
    return static_cast<double>(*std::max_element(size.begin(), size.end())) /
           *std::min_element(size.begin(), size.end());
  };
  CHECK(spread(10) < 2.5);
  CHECK(spread(0) > 2 * spread(10));
  // Two markers, one crest: the border follows it exactly, up to the Sobel kernel's width.
  const Image bands = painted(40, 10, [](int x, int) {
    return x < 12 ? std::array{0, 0, 0} : std::array{255, 255, 255};
  });
  const Segments s = segment("watershed", {{"markers", 2}, {"compactness", 0}}, bands);
  CHECK(s.count >= 2);
  for (int y = 0; y < 10; ++y) CHECK(s.at(10, y) != s.at(13, y));
}

TEST_CASE("parameters of the segmentations are checked") {
  const Image picture(20, 20);
  CHECK_THROWS_AS(segment("felzenszwalb", {{"scale", 0}}, picture), Error);
  CHECK_THROWS_AS(segment("quickshift", {{"kernel_size", 0}}, picture), Error);
  CHECK_THROWS_AS(segment("quickshift", {{"segments", 10}}, picture), Error);
  CHECK_THROWS_AS(segment("watershed", {{"markers", 0.5}}, picture), Error);
  CHECK_THROWS_AS(segment("hexagon", {{"segments", 0}}, picture), Error);
}

TEST_SUITE_END();

}  // namespace ks::superpixel_test

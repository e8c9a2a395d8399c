#include <doctest/doctest.h>

#include <algorithm>
#include <numbers>
#include <numeric>
#include <vector>

#include "picture/recolour.h"
#include "picture/warp.h"

namespace ks::warp_test {

TEST_SUITE_BEGIN("picture");

TEST_CASE("a warp and its inverse lead back, whatever the sizes") {
  Placement place{0.7, 1.3, 2.5, -1.25, true, false};
  const Warp there = warp_of(place, 40, 30, 24, 20), back = there.inverse();
  for (const double x : {0.0, 7.5, 23.0})
    for (const double y : {0.0, 3.0, 19.0}) {
      const double sx = there.x(x, y), sy = there.y(x, y);
      CHECK(back.x(sx, sy) == doctest::Approx(x));
      CHECK(back.y(sx, sy) == doctest::Approx(y));
    }
}

TEST_CASE("resampling: nothing, mirroring, a quarter turn and a shift are exact, and edges are repeated") {
  const int side = 5;
  std::vector<float> picture(side * side);
  std::iota(picture.begin(), picture.end(), 1.0f);
  const auto warped = [&](const Placement& place) {
    std::vector<float> out(picture.size());
    resample(picture.data(), 1, side * side, 1, side, side, warp_of(place, side, side, side, side), side, side,
             out.data());
    return out;
  };
  CHECK(warped({}) == picture);
  const auto mirrored = warped({.flip_x = true}), moved = warped({.shift_x = 2}),
             turned = warped({.angle = std::numbers::pi / 2});
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x) {
      const size_t at = static_cast<size_t>(y * side + x);
      CHECK(mirrored[at] == picture[static_cast<size_t>(y * side + side - 1 - x)]);
      CHECK(moved[at] == picture[static_cast<size_t>(y * side + std::max(0, x - 2))]);
      // What was on the right is now above: counterclockwise, as one sees it.
      CHECK(turned[at] == doctest::Approx(picture[static_cast<size_t>(x * side + side - 1 - y)]));
    }
  // Twice as large: the middle stays, its neighbours are halfway.
  CHECK(warped({.scale = 2})[12] == 13);
  CHECK(warped({.scale = 2})[13] == doctest::Approx(13.5));
}

TEST_CASE("colour matrices keep grey and the mean of the channels, as far as each promises to") {
  std::vector<float> colours = {0.5f, 0.2f, 0.5f, 0.6f, 0.5f, 0.1f};  // grey, then (0.2, 0.6, 0.1)
  recolour(hue_matrix(1.1), 0, 2, colours.data());
  for (int c = 0; c < 3; ++c) CHECK(colours[static_cast<size_t>(2 * c)] == doctest::Approx(0.5));
  CHECK(colours[1] + colours[3] + colours[5] == doctest::Approx(0.9));
  CHECK(colours[1] != doctest::Approx(0.2));
  recolour(hue_matrix(-1.1), 0, 2, colours.data());
  CHECK(colours[1] == doctest::Approx(0.2));
  CHECK(colours[3] == doctest::Approx(0.6));
  recolour(saturation_matrix(0), 0.1, 2, colours.data());
  for (int c = 0; c < 3; ++c) {
    CHECK(colours[static_cast<size_t>(2 * c)] == doctest::Approx(0.6));
    CHECK(colours[static_cast<size_t>(2 * c + 1)] == doctest::Approx(0.299 * 0.2 + 0.587 * 0.6 + 0.114 * 0.1 + 0.1));
  }
}

TEST_SUITE_END();

}  // namespace ks::warp_test

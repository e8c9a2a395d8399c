#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "picture/contour.h"

namespace ks::contour_test {

namespace {

// The shoelace formula: positive or negative by the line's direction.
double signed_area(const Contour& line) {
  double sum = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const ContourPoint &a = line[i], &b = line[(i + 1) % line.size()];
    sum += static_cast<double>(a.x) * b.y - static_cast<double>(b.x) * a.y;
  }
  return sum / 2;
}

Mask disc(int size, double radius) {
  Mask mask(size, size);
  const double c = size / 2.0;
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) mask.at(x, y) = std::hypot(x + 0.5 - c, y + 0.5 - c) < radius;
  return mask;
}

}  // namespace

TEST_SUITE("picture") {
  TEST_CASE("the contour of one pixel is the diamond around its centre") {
    Mask mask(5, 5);
    mask.at(2, 1) = 1;
    const std::vector<Contour> contours = trace_contours(mask, 0);
    REQUIRE(contours.size() == 1);
    REQUIRE(contours[0].size() == 4);
    for (const ContourPoint& p : contours[0])
      CHECK(std::fabs(p.x - 2.5f) + std::fabs(p.y - 1.5f) == doctest::Approx(0.5));
  }

  TEST_CASE("a region at the image's border is closed, diagonal neighbours are apart") {
    Mask mask(4, 4);
    mask.at(0, 0) = mask.at(1, 0) = mask.at(2, 1) = 1;
    CHECK(trace_contours(mask, 0).size() == 2);
    CHECK(trace_contours(Mask(4, 4)).empty());
  }

  TEST_CASE("a ring has an outer and an inner line of opposite direction") {
    Mask mask = disc(64, 28);
    const Mask hole = disc(64, 12);
    for (size_t i = 0; i < mask.inside.size(); ++i) mask.inside[i] &= !hole.inside[i];
    const std::vector<Contour> contours = trace_contours(mask);
    REQUIRE(contours.size() == 2);
    CHECK(signed_area(contours[0]) * signed_area(contours[1]) < 0);
  }

  TEST_CASE("thinning keeps the area of a disc and most of its points go") {
    const Mask mask = disc(200, 80);
    const Contour full = trace_contours(mask, 0).at(0), thin = trace_contours(mask).at(0);
    const double area = 3.14159265 * 80 * 80;
    CHECK(std::fabs(signed_area(full)) == doctest::Approx(area).epsilon(0.01));
    CHECK(std::fabs(signed_area(thin)) == doctest::Approx(area).epsilon(0.01));
    CHECK(thin.size() * 3 < full.size());
  }
}

}  // namespace ks::contour_test

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>

#include "picture/colormap.h"
#include "picture/histogram.h"
#include "picture/normalisation.h"
#include "picture/overlay.h"
#include "picture/pooling.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace ks::heatmap_test {

namespace {

Tensor noise(Shape shape, uint64_t seed) {
  Tensor out(std::move(shape));
  Random random(seed);
  for (float& v : out.data) v = static_cast<float>(random.normal());
  return out;
}

double luminance(const std::array<uint8_t, 3>& c) {
  return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
}

}  // namespace

TEST_SUITE_BEGIN("picture");

TEST_CASE("poolings of known channels") {
  const Tensor a({1, 3, 1, 2}, {1, -3, -4, 2, 2, -5});  // pixels (1,-4,2) and (-3,2,-5)
  const auto pooled = [&](const char* name) { return pool_channels(a, poolings().at(name)).data; };
  CHECK(pooled("sum") == std::vector<float>{-1, -6});
  CHECK(pooled("mean") == std::vector<float>{-1.0f / 3, -2});
  CHECK(pooled("max") == std::vector<float>{2, 2});
  CHECK(pooled("strongest") == std::vector<float>{-4, -5});
  CHECK(pooled("abs-sum") == std::vector<float>{7, 10});
  CHECK(pooled("abs-mean") == std::vector<float>{7.0f / 3, 10.0f / 3});
  CHECK(pooled("abs-max") == std::vector<float>{4, 5});
}

TEST_CASE("every pooling says truly whether it keeps the sign, and pools each sample by itself") {
  const Tensor a = noise({3, 3, 4, 5}, 1), one_channel = noise({2, 1, 4, 5}, 2);
  for (const Pooling& p : poolings()) {
    CAPTURE(p.name);
    const Tensor all = pool_channels(a, p);
    CHECK(all.shape == Shape{3, 1, 4, 5});
    CHECK(pool_channels(a.slice(1, 2), p).data == all.slice(1, 2).data);
    const bool has_negative = *std::min_element(all.data.begin(), all.data.end()) < 0;
    CHECK(has_negative == p.keeps_sign);
    Tensor expected = one_channel;
    if (!p.keeps_sign)
      for (float& v : expected.data) v = std::fabs(v);
    CHECK(pool_channels(one_channel, p).data == expected.data);
  }
}

TEST_CASE("quantiles as NumPy's") {
  std::vector<float> v{3, 1, 2, 5, 4, std::numeric_limits<float>::quiet_NaN()};
  CHECK(quantile(v, 0.5) == 3);
  CHECK(quantile(v, 0) == 1);
  CHECK(quantile(v, 1) == 5);
  CHECK(quantile(v, 0.9) == doctest::Approx(4.6));
  std::vector<float> none;
  CHECK(std::isnan(quantile(none, 0.5)));
}

TEST_CASE("the four normalisations of Fig 6 choose their limits") {
  Tensor a({1, 1, 1, 101}), b({1, 1, 1, 101});
  for (int i = 0; i <= 100; ++i) {
    a.data[i] = static_cast<float>(i % 2 ? i : -i);
    b.data[i] = static_cast<float>(10 * i);
  }
  CHECK(display_limit("max-abs", {}, {&a}) == 100);
  CHECK(display_limit("percentile", {}, {&a}) == doctest::Approx(99));
  CHECK(display_limit("percentile", {{"percentile", 50}}, {&a}) == doctest::Approx(50));
  CHECK(display_limit("max-abs-study", {}, {&a, &b}) == 1000);
  CHECK(display_limit("percentile-study", {}, {&a, &b}) ==
        doctest::Approx(979.9));  // numpy.percentile of both together
  int studies = 0;
  for (const Normalisation& n : normalisations()) studies += n.whole_study;
  CHECK(studies == 2);
  CHECK(normalisations().size() == 4);
}

TEST_CASE("a normalisation survives maps of zeros, sparse maps and NaN") {
  const Tensor zeros({1, 1, 8, 8});
  Tensor sparse({1, 1, 20, 20});
  sparse.data[7] = -3;
  sparse.data[8] = std::numeric_limits<float>::quiet_NaN();
  for (const Normalisation& n : normalisations()) {
    CAPTURE(n.name);
    CHECK(display_limit(n.name, {}, {&zeros}) == 0);
    CHECK(display_limit(n.name, {}, {&sparse}) == 3);
  }
  CHECK(display_value(1, 0) == 0);
  CHECK(display_value(std::numeric_limits<float>::quiet_NaN(), 1) == 0);
  CHECK(display_value(-9, 3) == -1);
  CHECK(display_value(1.5f, 3) == 0.5f);
}

TEST_CASE("a map times 1000 looks the same under every normalisation") {
  const Tensor map = noise({1, 1, 16, 16}, 3);
  Tensor large = map;
  for (float& v : large.data) v *= 1000;
  const Colormap& colormap = colormaps().at("seismic");
  for (const Normalisation& n : normalisations()) {
    const Image a = heatmap(map, 0, display_limit(n.name, {}, {&map}), colormap);
    const Image b = heatmap(large, 0, display_limit(n.name, {}, {&large}), colormap);
    int worst = 0;
    for (size_t i = 0; i < a.rgb.size(); ++i) worst = std::max(worst, std::abs(a.rgb[i] - b.rgb[i]));
    CHECK(worst <= 8);  // rounding may move a value to the next colour
  }
}

TEST_CASE(
    "colormaps: middle of the diverging ones is neutral, sequential ones do not turn back, published colours are met") {
  for (const Colormap& c : colormaps()) {
    CAPTURE(c.name);
    CHECK(colour_index(0, c.diverging) == (c.diverging ? 128 : 0));
    CHECK(colour_index(1, c.diverging) == 255);
    CHECK(colour_index(-1, c.diverging) == 0);
    int largest_step = 0;
    for (size_t i = 1; i < 256; ++i)
      for (size_t k = 0; k < 3; ++k) largest_step = std::max(largest_step, std::abs(c.table[i][k] - c.table[i - 1][k]));
    CHECK(largest_step <= 16);  // no bands
    if (c.diverging) {
      const auto& middle = c.table[128];
      CHECK(std::max({middle[0], middle[1], middle[2]}) - std::min({middle[0], middle[1], middle[2]}) <= 6);
    } else if (c.name != "turbo") {
      for (size_t i = 8; i < 256; i += 8) CHECK(luminance(c.table[i]) >= luminance(c.table[i - 8]));
    }
  }
  const auto near = [](const char* name, size_t i, std::array<int, 3> wanted, int tolerance) {
    for (size_t k = 0; k < 3; ++k)
      if (std::abs(colormaps().at(name).table[i][k] - wanted[k]) > tolerance) return false;
    return true;
  };
  CHECK(near("viridis", 0, {68, 1, 84}, 5));
  CHECK(near("viridis", 255, {253, 231, 37}, 5));
  CHECK(near("inferno", 128, {188, 55, 84}, 6));
  CHECK(near("magma", 128, {183, 55, 121}, 6));
  CHECK(near("coolwarm", 0, {59, 76, 192}, 2));
  CHECK(near("coolwarm", 128, {221, 221, 221}, 3));
  CHECK(near("coolwarm", 255, {180, 4, 38}, 2));
  CHECK(near("seismic", 255, {128, 0, 0}, 1));
}

TEST_CASE("an overlay mixes, fades where there is no evidence, and scales the map without smoothing") {
  Image picture(4, 4);
  std::fill(picture.rgb.begin(), picture.rgb.end(), uint8_t{100});
  const Tensor map({1, 1, 2, 2}, {1, 0, -1, 0.5f});
  const Colormap& bwr = colormaps().at("blue-white-red");
  CHECK(overlay(picture, map, 0, 1, bwr, {0, false}).rgb == picture.rgb);
  const Image full = overlay(picture, map, 0, 1, bwr, {1, false});
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 4; ++x)
      for (int c = 0; c < 3; ++c) CHECK(full.at(x, y)[c] == heatmap(map, 0, 1, bwr).at(x / 2, y / 2)[c]);
  const Image half = overlay(picture, map, 0, 1, bwr, {0.5, false});
  CHECK(static_cast<int>(half.at(0, 0)[0]) == 178);  // (100 + 255) / 2, rounded
  CHECK(static_cast<int>(half.at(0, 0)[2]) == 50);
  const Image faded = overlay(picture, map, 0, 1, bwr, {1, true});
  CHECK(static_cast<int>(faded.at(3, 0)[0]) == 100);  // value 0: the picture alone
  CHECK(static_cast<int>(faded.at(0, 0)[0]) == 255);
}

TEST_CASE("an outline lies on the inner border of the mask") {
  Image picture(9, 9);
  Mask mask(9, 9);
  for (int y = 2; y < 7; ++y)
    for (int x = 2; x < 7; ++x) mask.at(x, y) = 1;
  draw_outline(picture, mask);
  int drawn = 0, outside = 0;
  for (int y = 0; y < 9; ++y)
    for (int x = 0; x < 9; ++x) {
      const bool green = picture.at(x, y)[1] == annotation_green[1];
      drawn += green;
      outside += green && !mask.at(x, y);
    }
  CHECK(drawn == 16);
  CHECK(outside == 0);
  CHECK(picture.at(4, 4)[1] == 0);
}

TEST_CASE("histograms count every value once") {
  Tensor v({1, 1, 1, 7}, {-2, -1, -0.1f, 0, 0.1f, 1, std::numeric_limits<float>::quiet_NaN()});
  const Histogram h = histogram(v, 4, -1, 1);
  CHECK(h.counts == std::vector<int64_t>{1, 1, 2, 1});
  CHECK(h.below == 1);
  CHECK(h.above == 0);
  CHECK(h.undefined == 1);
  const Histogram s = symmetric_histogram(v, 5);
  CHECK(s.low == -2);
  CHECK(s.high == 2);
  CHECK(s.counts == std::vector<int64_t>{1, 1, 3, 1, 0});
  const Histogram constant = histogram(Tensor({1, 1, 1, 3}, 2.0f), 3, 2, 2);
  CHECK(constant.counts == std::vector<int64_t>{0, 3, 0});
}

TEST_SUITE_END();

}  // namespace ks::heatmap_test

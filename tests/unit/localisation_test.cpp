#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "metric/explainer.h"
#include "metric/metric.h"
#include "metric/prepare.h"
#include "networks.h"
#include "picture/distance_transform.h"
#include "tensor/error.h"

namespace ks::localisation_test {

namespace {

constexpr int kWidth = 24, kHeight = 20, kArea = kWidth * kHeight;

Tensor rectangle(int left, int top, int width, int height, float inside = 1, float outside = 0) {
  Tensor map({1, 1, kHeight, kWidth}, outside);
  for (int y = top; y < top + height; ++y)
    for (int x = left; x < left + width; ++x) map.data[static_cast<size_t>(y * kWidth + x)] = inside;
  return map;
}

Tensor noise(uint64_t seed, int64_t channels = 1) {
  Random random(seed);
  return test::random_tensor(random, {1, channels, kHeight, kWidth});
}

Tensor scaled(Tensor map, float factor) {
  for (float& v : map.data) v *= factor;
  return map;
}

MetricResult measured(const std::string& metric, const Tensor& map, const Tensor& mask,
                      const json& params = json::object()) {
  MetricRequest request{.attributions = map};
  request.masks = &mask;
  return measure(metric, params, request);
}

double score(const std::string& metric, const Tensor& map, const Tensor& mask, const json& params = json::object()) {
  return measured(metric, map, mask, params).scores.at(0);
}

/// All metrics that compare a map with a mask, and the score of a map that is the mask.
struct Perfect {
  const char* metric;
  double score;
  json params = json::object();
};
const Tensor annotation = rectangle(5, 4, 8, 6);
const std::vector<Perfect> all_masked = {{"relevance-mass-accuracy", 1},
                                         {"relevance-rank-accuracy", 1},
                                         {"pointing-game", 1},
                                         {"top-k-intersection", 1, {{"k", 48}}},
                                         {"attribution-localisation", 1},
                                         {"auc", 1},
                                         {"iou", 1},
                                         {"iou", 1, {{"threshold", "otsu"}}},
                                         {"boundary-distance", 0}};

/// By trying all thresholds and all pixels.
double best_overlap_by_hand(const Tensor& map, const Tensor& mask) {
  double best = 0;
  for (const float threshold : map.data) {
    int both = 0, either = 0;
    for (size_t i = 0; i < map.data.size(); ++i) {
      const bool above = std::fabs(map.data[i]) >= std::fabs(threshold), inside = mask.data[i] > 0;
      both += above && inside;
      either += above || inside;
    }
    best = std::max(best, static_cast<double>(both) / either);
  }
  return best;
}

}  // namespace

TEST_SUITE_BEGIN("metric");

TEST_CASE("the mask itself is a perfect map for every localisation metric, its inverse a bad one") {
  const Tensor inverse = rectangle(5, 4, 8, 6, 0, 1);
  for (const Perfect& p : all_masked) {
    CAPTURE(p.metric);
    CHECK(score(p.metric, annotation, annotation, p.params) == doctest::Approx(p.score));
    const double bad = score(p.metric, inverse, annotation, p.params);
    if (std::string(p.metric) == "iou" && p.params.empty())
      CHECK(bad == doctest::Approx(48.0 / kArea));  // the threshold below everything
    else if (std::string(p.metric) == "boundary-distance")
      CHECK(bad > 0.05);
    else
      CHECK(bad == doctest::Approx(0));
  }
}

TEST_CASE("scaling a map by 1000 changes no localisation or complexity score, permuting its pixels does") {
  const Tensor map = noise(3, 3), blob = rectangle(6, 4, 8, 6, 3, 0.5f);
  Tensor shuffled = blob;
  Random random(4);
  random.shuffle(shuffled.data);
  std::vector<Perfect> all = all_masked;
  for (const char* name : {"sparseness", "complexity"}) all.push_back({name, 0});
  all.push_back({"effective-complexity", 0, {{"eps", 0.3}}});
  all.push_back({"focus", 0, {{"quadrants", {{1, 0, 0, 0}}}}});
  for (const Perfect& p : all) {
    CAPTURE(p.metric);
    const double own = score(p.metric, map, annotation, p.params);
    CHECK(std::isfinite(own));
    CHECK(score(p.metric, scaled(map, 1000), annotation, p.params) == doctest::Approx(own).epsilon(1e-6));
    const double difference =
        std::fabs(score(p.metric, blob, annotation, p.params) - score(p.metric, shuffled, annotation, p.params));
    if (metrics().at(p.metric).family == "complexity")
      CHECK(difference < 1e-9);  // they look at the values alone
    else if (std::string(p.metric) != "pointing-game")
      CHECK(difference > 0.01);
  }
}

TEST_CASE("a constant map, a map of zeros, NaN, an empty mask and a full one are told") {
  const Tensor constant({1, 1, kHeight, kWidth}, 2), zero({1, 1, kHeight, kWidth}), full({1, 1, kHeight, kWidth}, 1);
  Tensor broken = noise(1);
  broken.data[5] = std::nanf("");
  for (const Perfect& p : all_masked) {
    CAPTURE(p.metric);
    CHECK(measured(p.metric, constant, annotation, p.params).warnings.at(0).find("constant") != std::string::npos);
    CHECK(std::isfinite(score(p.metric, constant, annotation, p.params)));
    CHECK(std::isnan(score(p.metric, zero, annotation, p.params)));
    CHECK(std::isnan(score(p.metric, broken, annotation, p.params)));
    CHECK(std::isnan(score(p.metric, noise(1), zero, p.params)));
    CHECK(measured(p.metric, noise(1), full, p.params).warnings.at(0).find("whole image") != std::string::npos);
  }
  CHECK(score("iou", constant, annotation) == doctest::Approx(48.0 / kArea));
  CHECK(score("iou", constant, annotation, {{"threshold", "otsu"}}) == doctest::Approx(48.0 / kArea));
}

TEST_CASE("intersection over union: known rectangles, and the best of all thresholds tried one by one") {
  // 8x6 against the same moved by 4: 24 pixels in both, 72 in either.
  CHECK(score("iou", rectangle(9, 4, 8, 6), annotation) == doctest::Approx(24.0 / 72));
  CHECK(score("iou", rectangle(9, 4, 8, 6), annotation, {{"threshold", "otsu"}}) == doctest::Approx(24.0 / 72));
  // Two levels: above the higher one 12 pixels, all inside; above the lower one the whole annotation and 48 beside it.
  Tensor levels = rectangle(5, 4, 16, 6, 1);
  for (int x = 5; x < 17 && x < 9; ++x)
    for (int y = 4; y < 7; ++y) levels.data[static_cast<size_t>(y * kWidth + x)] = 5;
  CHECK(score("iou", levels, annotation) == doctest::Approx(0.5));
  CHECK(score("iou", levels, annotation, {{"threshold", "otsu"}}) == doctest::Approx(12.0 / 48));
  for (uint64_t seed = 0; seed < 5; ++seed) {
    Tensor map = noise(seed);
    for (float& v : map.data) v = std::round(4 * v) / 4;  // with ties
    CHECK(score("iou", map, annotation) == doctest::Approx(best_overlap_by_hand(map, annotation)));
  }
}

TEST_CASE("distances to a set of pixels are exact") {
  Random random(9);
  for (const double share : {0.002, 0.05, 0.6}) {
    std::vector<uint8_t> points(kArea), asked(kArea);
    for (uint8_t& v : points) v = random.chance(share);
    points[37] = 1;
    for (int i = 3 * kWidth; i < 5 * kWidth; ++i) asked[static_cast<size_t>(i)] = 1;
    const std::vector<int> all = squared_distances(points, kWidth, kHeight);
    const std::vector<int> some = squared_distances(points, kWidth, kHeight, &asked);
    int wrong = 0;
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) {
        int nearest = 1 << 30;
        for (int v = 0; v < kHeight; ++v)
          for (int u = 0; u < kWidth; ++u)
            if (points[static_cast<size_t>(v * kWidth + u)])
              nearest = std::min(nearest, (x - u) * (x - u) + (y - v) * (y - v));
        const size_t i = static_cast<size_t>(y * kWidth + x);
        wrong += all[i] != nearest || (asked[i] && some[i] != nearest);
      }
    CHECK(wrong == 0);
  }
  CHECK(squared_distances(std::vector<uint8_t>(12), 4, 3)[7] == no_distance);
  CHECK(squared_distances({0, 0, 1}, 1, 3) == std::vector<int>{4, 1, 0});
}

TEST_CASE("boundary distance: known distances, and one that grows as the map moves away") {
  const double diagonal = std::hypot(kWidth, kHeight);
  // One pixel each: the distance between them.
  CHECK(score("boundary-distance", rectangle(7, 9, 1, 1), rectangle(4, 5, 1, 1)) == doctest::Approx(5 / diagonal));
  // Rows of the height of the image side by side: every border pixel is 3 from the other line.
  CHECK(score("boundary-distance", rectangle(10, 0, 1, kHeight), rectangle(7, 0, 1, kHeight)) ==
        doctest::Approx(3 / diagonal));
  double before = 0;
  for (int shift = 1; shift < 10; ++shift) {
    const double now = score("boundary-distance", rectangle(5 + shift, 4, 8, 6), annotation);
    CHECK(now > before);
    before = now;
  }
  CHECK(score("boundary-distance", noise(5), annotation) >
        score("boundary-distance", rectangle(6, 4, 8, 6), annotation));
  CHECK_THROWS_AS(score("boundary-distance", noise(5, 3), annotation, {{"pooling", "none"}}), Error);
}

TEST_CASE("focus of given quadrants: signs, sides of odd images, wrong lists") {
  Tensor map({1, 1, 5, 5});
  map.data[0] = 3;      // top left
  map.data[2] = 1;      // top right: the first half of five is two
  map.data[2 * 5] = 2;  // bottom left
  map.data[24] = -9;    // negative values do not count
  const auto focus = [&](const json& four) { return score("focus", map, Tensor(), {{"quadrants", {four}}}); };
  CHECK(focus({1, 0, 0, 0}) == doctest::Approx(0.5));
  CHECK(focus({0, 1, 0, 0}) == doctest::Approx(1.0 / 6));
  CHECK(focus({0, 0, 1, 1}) == doctest::Approx(2.0 / 6));
  CHECK(focus({1, 1, 1, 1}) == doctest::Approx(1));
  CHECK_THROWS_AS(focus({1, 0, 0}), Error);
  CHECK_THROWS_AS(focus({1, 0, 0, 2}), Error);
  CHECK_THROWS_AS(score("focus", map, Tensor(), {{"quadrants", 3}}), Error);
}

namespace {

/// Two classes told apart by the first channel's mean, so that each pixel's evidence is its own value.
struct TwoClasses {
  Classifier classifier;
  Tensor inputs{{6, 3, 8, 8}};
  std::vector<int> targets = {0, 0, 0, 1, 1, 1};

  TwoClasses()
      : classifier(graph::write([] {
                     Tensor weights({2, 3 * 64});
                     for (int i = 0; i < 64; ++i) weights.sample(0)[i] = 1, weights.sample(1)[i] = -1;
                     return test::linear_network(3, 8, 8, weights);
                   }()),
                   "two classes") {
    for (int64_t n = 0; n < 6; ++n)
      for (int i = 0; i < 64; ++i) inputs.sample(n)[i] = n < 3 ? 0.5f : -0.25f;
  }
};

}  // namespace

TEST_CASE("focus builds mosaics: an explanation that sees the class scores 1, one that does not a half") {
  TwoClasses s;
  const Tensor map = explain("input-x-gradient", {}, {s.classifier, s.inputs, s.targets});
  MetricRequest request{&s.classifier, &s.inputs, &s.targets, map};
  request.seed = 3;
  MetricResult result = measure("focus", {{"explanation", "input-x-gradient"}, {"mosaics", 3}}, request);
  CHECK(result.warnings.empty());
  for (const double v : result.scores) CHECK(v == doctest::Approx(1));
  // The gradient is the same everywhere: half of it lies in the two of the class. Of the second class it is negative.
  result = measure("focus", {{"explanation", "gradient"}}, request);
  for (size_t n = 0; n < 3; ++n) CHECK(result.scores[n] == doctest::Approx(0.5));
  for (size_t n = 3; n < 6; ++n) CHECK(result.scores[n] == 0);
  result = measure("focus", {{"explanation", "random"}, {"mosaics", 16}}, request);
  for (const double v : result.scores) CHECK(std::fabs(v - 0.5) < 0.15);
  CHECK(measure("focus", {{"explanation", "random"}}, request).scores ==
        measure("focus", {{"explanation", "random"}}, request).scores);
}

TEST_CASE("focus without enough images says so") {
  TwoClasses s;
  const Tensor one = s.inputs.slice(0, 1), map({1, 1, 8, 8}, 1);
  const std::vector<int> target = {0};
  const MetricResult result = measure("focus", {{"explanation", "gradient"}}, {&s.classifier, &one, &target, map});
  CHECK(std::isnan(result.scores.at(0)));
  CHECK(result.warnings.at(0).find("mosaic") != std::string::npos);
  // Three of one class and one of the other: the one has no partner, and the others too few of another class.
  const Tensor four = s.inputs.slice(0, 4), maps({4, 1, 8, 8}, 1);
  const std::vector<int> targets = {0, 0, 0, 1};
  CHECK(measure("focus", {{"explanation", "gradient"}}, {&s.classifier, &four, &targets, maps}).warnings.size() == 4);
  const Metric& focus = metrics().at("focus");
  CHECK(focus.compares_images(check_parameters(focus, {})));
  CHECK_FALSE(focus.compares_images(check_parameters(focus, {{"quadrants", {{1, 0, 0, 0}}}})));
}

TEST_CASE("effective complexity: as many features as a linear network uses") {
  // Only the first ten pixels of the first channel count, each the same.
  Tensor weights({2, 3 * 64});
  for (int i = 0; i < 10; ++i) weights.data[static_cast<size_t>(i)] = 1;
  Classifier classifier(graph::write(test::linear_network(3, 8, 8, weights)), "ten pixels");
  Tensor x({2, 3, 8, 8}, 1);
  const std::vector<int> targets = {0, 0};
  Tensor good({2, 1, 8, 8}), bad({2, 1, 8, 8});
  for (int64_t n = 0; n < 2; ++n)
    for (int i = 0; i < 64; ++i) {
      good.sample(n)[i] = static_cast<float>(64 - i);
      bad.sample(n)[i] = static_cast<float>(1 + i);
    }
  const json params = {{"output", "logits"}, {"tolerance", 0.001}, {"features_in_step", 1}, {"baseline", 0}};
  CHECK(measure("effective-complexity", params, {&classifier, &x, &targets, good}).scores ==
        std::vector<double>{10, 10});
  CHECK(measure("effective-complexity", params, {&classifier, &x, &targets, bad}).scores ==
        std::vector<double>{64, 64});
  json loose = params;
  loose["tolerance"] = 3.5;  // three of the ten may be missing
  CHECK(measure("effective-complexity", loose, {&classifier, &x, &targets, good}).scores == std::vector<double>{7, 7});
  CHECK(measure("effective-complexity", loose, {&classifier, &x, &targets, bad}).scores == std::vector<double>{61, 61});
  loose["features_in_step"] = 4;
  CHECK(measure("effective-complexity", loose, {&classifier, &x, &targets, good}).scores == std::vector<double>{8, 8});

  // An image of one colour is what replaces it, so that nothing is needed, and that is told.
  json noisy = params;
  for (const char* baseline : {"pixel", "uniform"}) {
    noisy["baseline"] = baseline;
    const MetricResult nothing = measure("effective-complexity", noisy, {&classifier, &x, &targets, bad});
    CHECK(nothing.scores == std::vector<double>{0, 0});
    CHECK(nothing.warnings.at(1).find("image 2: the network answers the same") == 0);
  }
  Random random(8);
  x = test::random_tensor(random, {2, 3, 8, 8});
  const MetricRequest request{&classifier, &x, &targets, good};
  for (const char* baseline : {"uniform", "pixel"}) {
    noisy["baseline"] = baseline;
    CHECK(measure("effective-complexity", noisy, request).scores == std::vector<double>{10, 10});
  }
  const Tensor second = x.slice(0, 1), second_map = good.slice(0, 1);
  const std::vector<int> one = {0};
  noisy["tolerance"] = 1.0;
  const std::vector<double> both = measure("effective-complexity", noisy, request).scores;
  CHECK(measure("effective-complexity", noisy, {&classifier, &second, &one, second_map}).scores.at(0) == both[0]);
}

TEST_CASE("effective complexity asks the network only where it must, and each input about once") {
  const Tensor map = scaled(rectangle(2, 2, 3, 4), 7);
  CHECK(score("effective-complexity", map, Tensor(), {{"eps", 0.5}}) == 12);
  CHECK(score("effective-complexity", map, Tensor(), {{"compat", "quantus"}}) == 12);
  CHECK_THROWS_AS(score("effective-complexity", map, Tensor()), Error);
  CHECK_THROWS_AS(score("effective-complexity", map, Tensor(), {{"eps", "much"}}), Error);
  CHECK_THROWS_AS(score("effective-complexity", map, Tensor(), {{"eps", -1}}), Error);

  TwoClasses s;
  const Tensor maps = explain("input-x-gradient", {}, {s.classifier, s.inputs, s.targets});
  const int64_t before = s.classifier.forward_count();
  measure("effective-complexity", {{"output", "logits"}, {"tolerance", 0}, {"baseline", 0}, {"features_in_step", 1}},
          {&s.classifier, &s.inputs, &s.targets, maps});
  CHECK(s.classifier.forward_count() - before <= 6 * 65);  // none to 63 pixels, and the image itself
}

TEST_CASE("metrics that share a preparation give the same scores as alone") {
  const Tensor map = noise(6, 3);
  PreparationMemo memo;
  MetricRequest request{.attributions = map};
  request.masks = &annotation;
  request.preparations = &memo;
  for (int again = 0; again < 2; ++again)
    for (const Perfect& p : all_masked)
      for (const bool magnitudes : {true, false}) {
        CAPTURE(p.metric);
        json params = p.params;
        params["abs"] = magnitudes;
        const double shared = measure(p.metric, params, request).scores.at(0),
                     alone = score(p.metric, map, annotation, params);
        CHECK((shared == alone || (std::isnan(shared) && std::isnan(alone))));
      }
}

TEST_CASE("orders and selections of many values, close ones too, are those of a comparison sort") {
  Random random(12);
  for (int kind = 0; kind < 4; ++kind) {
    std::vector<double> values(5000);
    for (double& v : values) {
      v = random.normal();
      if (kind == 1) v = std::round(3 * v);               // ties
      if (kind == 2) v = 1 + 1e-13 * std::round(99 * v);  // equal in their upper halves
      if (kind == 3 && random.chance(0.3)) v = random.chance(0.5) ? 0.0 : -0.0;
    }
    std::vector<int64_t> wanted(values.size());
    for (size_t i = 0; i < wanted.size(); ++i) wanted[i] = static_cast<int64_t>(i);
    std::stable_sort(wanted.begin(), wanted.end(), [&](int64_t a, int64_t b) {
      return values[static_cast<size_t>(a)] > values[static_cast<size_t>(b)];
    });
    CHECK(descending_order(values.data(), 5000) == wanted);
    for (const int64_t k : {0, 1, 777, 2500, 4999, 5000}) {
      std::vector<int64_t> top = top_features(values.data(), 5000, k), first(wanted.begin(), wanted.begin() + k);
      std::sort(top.begin(), top.end());
      std::sort(first.begin(), first.end());
      CHECK(top == first);
    }
  }
}

TEST_SUITE_END();

}  // namespace ks::localisation_test

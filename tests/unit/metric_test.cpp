#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "metric/metric.h"
#include "metric/perturb.h"
#include "metric/prepare.h"
#include "networks.h"
#include "picture/pooling.h"
#include "tensor/error.h"

namespace ks::metric_test {

namespace {

constexpr int kSide = 12, kPixels = kSide * kSide, kSize = 3 * kPixels;

/// A linear classifier with images whose every feature's contribution is known: weight times value.
struct Scene {
  Tensor weights, inputs, contributions;
  Classifier classifier;
  std::vector<int> targets{0, 1};

  explicit Scene(uint64_t seed)
      : weights(random({2, kSize}, seed, 0.2)),
        inputs(random({2, 3, kSide, kSide}, seed + 1, 1)),
        contributions(inputs),
        classifier(graph::write(test::linear_network(3, kSide, kSide, weights)), "linear") {
    for (int n = 0; n < 2; ++n)
      for (int i = 0; i < kSize; ++i) contributions.sample(n)[i] *= weights.sample(targets[static_cast<size_t>(n)])[i];
  }

  static Tensor random(const Shape& shape, uint64_t seed, double scale) {
    Random generator(seed);
    return test::random_tensor(generator, shape, scale);
  }
  MetricResult measure(const std::string& metric, const Tensor& map, const json& params = {},
                       const Tensor* masks = nullptr) {
    return ks::measure(metric, params, {&classifier, &inputs, &targets, map, masks});
  }
};

Tensor times(Tensor map, float factor) {
  for (float& v : map.data) v *= factor;
  return map;
}

/// A square annotation in each of n images.
Tensor square_masks(int n) {
  Tensor masks({n, 1, kSide, kSide});
  for (int k = 0; k < n; ++k)
    for (int y = 3; y < 7; ++y)
      for (int x = 4; x < 9; ++x) masks.sample(k)[y * kSide + x] = 1;
  return masks;
}

bool mentions(const MetricResult& result, const std::string& word) {
  return std::any_of(result.warnings.begin(), result.warnings.end(),
                     [&](const std::string& w) { return w.find(word) != std::string::npos; });
}

}  // namespace

TEST_SUITE_BEGIN("metric");

TEST_CASE("ranking: descending, ties by lowest index, NaN last") {
  const double nan = std::nan("");
  const std::vector<double> v{1, 3, nan, 3, -2, 1};
  CHECK(descending_order(v.data(), 6) == std::vector<int64_t>{1, 3, 0, 5, 4, 2});
  for (int64_t k = 0; k <= 6; ++k) {
    std::vector<int64_t> top = top_features(v.data(), 6, k), first = descending_order(v.data(), 6);
    first.resize(static_cast<size_t>(k));
    std::sort(top.begin(), top.end());
    std::sort(first.begin(), first.end());
    CHECK(top == first);
  }
}

TEST_CASE("removal: black, white, a number, and a mean that drifts or does not") {
  const std::vector<float> x{4, -2, 1, 5};
  const std::vector<int64_t> features{3, 0};
  const auto after = [&](const Baseline& baseline) {
    Removal removal(x.data(), 4, baseline);
    removal.remove(features.data(), features.data() + 1);
    removal.remove(features.data() + 1, features.data() + 2);
    return removal.values();
  };
  CHECK(after({Baseline::Kind::black}) == std::vector<float>{-2, -2, 1, -2});
  CHECK(after({Baseline::Kind::white}) == std::vector<float>{5, -2, 1, 5});
  CHECK(after({Baseline::Kind::number, 7}) == std::vector<float>{7, -2, 1, 7});
  CHECK(after({Baseline::Kind::mean, 0, false}) == std::vector<float>{2, -2, 1, 2});
  CHECK(after({Baseline::Kind::mean, 0, true}) == std::vector<float>{1.25f, -2, 1, 2});
}

TEST_CASE("pixel flipping of a linear network falls by what is removed") {
  Scene s(1);
  const MetricResult result = s.measure(
      "pixel-flipping", s.contributions,
      {{"pooling", "none"}, {"baseline", 0}, {"output", "logits"}, {"features_in_step", 10}, {"return", "curve"}});
  CHECK(result.curve_is_score);
  for (size_t n = 0; n < 2; ++n) {
    std::vector<float> c(s.contributions.sample(static_cast<int64_t>(n)),
                         s.contributions.sample(static_cast<int64_t>(n)) + kSize);
    std::sort(c.begin(), c.end(), std::greater<>());
    const auto& curve = result.curves[n];
    REQUIRE(curve.size() == (kSize + 9) / 10);
    double left = std::accumulate(c.begin(), c.end(), 0.0);
    for (size_t i = 0; i < curve.size(); ++i) {
      for (size_t k = 10 * i; k < std::min<size_t>(10 * i + 10, kSize); ++k) left -= c[k];
      CHECK(curve[i] == doctest::Approx(left).epsilon(1e-4));
    }
    CHECK(std::fabs(curve.back()) < 1e-4);
    CHECK(result.scores[n] == doctest::Approx(trapezoid(curve)));
  }
}

TEST_CASE("pixel flipping: the true map beats noise, noise beats the inverted map") {
  Scene s(2);
  const Tensor noise = Scene::random(s.inputs.shape, 77, 1);
  const json params = {{"baseline", 0}};
  const auto right = s.measure("pixel-flipping", s.contributions, params).scores;
  const auto middle = s.measure("pixel-flipping", noise, params).scores;
  const auto wrong = s.measure("pixel-flipping", times(s.contributions, -1), params).scores;
  for (size_t n = 0; n < 2; ++n) {
    CHECK(right[n] < middle[n]);
    CHECK(middle[n] < wrong[n]);
  }
  CHECK(metrics().at("pixel-flipping").direction == Direction::lower);
}

TEST_CASE("pixel flipping left to itself takes about fifty steps of whole pixels, in full batches") {
  Scene s(3);
  const int64_t before = s.classifier.forward_count();
  const MetricResult result = s.measure("pixel-flipping", s.contributions);
  CHECK(result.curves[0].size() == 48);  // 144 pixels in steps of 3
  CHECK(s.classifier.forward_count() - before == 96);
  // A pooled map removes pixels whole: with one pixel a step the images between have whole pixels only, so that
  // removing by pixel equals removing by three features.
  const MetricResult by_pixel =
      s.measure("pixel-flipping", pool_channels(s.contributions, poolings().at("sum")), {{"features_in_step", 9}});
  for (size_t i = 0; i < 48; ++i) CHECK(by_pixel.curves[0][i] == doctest::Approx(result.curves[0][i]));
}

TEST_CASE("a map times 1000 has the same scores, and a batch the scores of its images") {
  Scene s(4);
  const Tensor masks = square_masks(2), large = times(s.contributions, 1000);
  const Method& method = methods().at("input-x-gradient");
  for (const Metric& m : metrics()) {
    CAPTURE(m.name);
    if (m.compares_images) continue;  // two images are too few for them
    json params = m.family == "robustness" ? json{{"normalise", "max"}} : json::object();
    // Sums of channels that nearly cancel are not the same to a share of themselves in float32.
    if (m.name.rfind("relative-", 0) == 0) params["pooling"] = "none";
    if (m.name == "relative-representation-stability")
      params["layer"] = s.classifier.original().nodes.at(0).outputs.at(0);
    const auto with = [&](const Tensor& inputs, const std::vector<int>& targets, const Tensor& map,
                          const Tensor& mask) {
      return measure(m.name, params, {&s.classifier, &inputs, &targets, map, &mask, &method, nullptr, 3}).scores;
    };
    const auto scores = with(s.inputs, s.targets, s.contributions, masks);
    REQUIRE(scores.size() == 2);
    const auto scaled = with(s.inputs, s.targets, large, masks);
    for (size_t n = 0; n < 2 && m.name != "completeness"; ++n)  // whose sum is what it measures
      CHECK(scaled[n] == doctest::Approx(scores[n]).epsilon(1e-5));
    if (m.compares_images && m.compares_images(check_parameters(m, params))) continue;  // one image alone has no score
    const auto first = with(s.inputs.slice(0, 1), {0}, s.contributions.slice(0, 1), masks.slice(0, 1));
    CHECK(first[0] == doctest::Approx(scores[0]).epsilon(1e-5));
  }
}

TEST_CASE("metrics that look at the map alone do not see where its pixels are") {
  Scene s(5);
  std::vector<int> order(kPixels);
  std::iota(order.begin(), order.end(), 0);
  Random(9).shuffle(order);
  const Tensor masks = square_masks(2);
  Tensor map = s.contributions, mask = masks;
  for (int n = 0; n < 2; ++n)
    for (int i = 0; i < kPixels; ++i) {
      for (int c = 0; c < 3; ++c)
        map.sample(n)[c * kPixels + i] = s.contributions.sample(n)[c * kPixels + order[static_cast<size_t>(i)]];
      mask.sample(n)[i] = masks.sample(n)[order[static_cast<size_t>(i)]];
    }
  for (const char* name : {"sparseness", "complexity", "relevance-mass-accuracy", "relevance-rank-accuracy"}) {
    CAPTURE(name);
    const auto before = s.measure(name, s.contributions, {}, &masks).scores,
               after = s.measure(name, map, {}, &mask).scores;
    for (size_t n = 0; n < 2; ++n) CHECK(after[n] == doctest::Approx(before[n]).epsilon(1e-6));
  }
}

TEST_CASE("sparseness and complexity of known maps") {
  Tensor one({1, 1, kSide, kSide}), half = one;
  one.data[5] = -3;
  for (int i = 0; i < kPixels / 2; ++i) half.data[static_cast<size_t>(i)] = 2;
  const auto score = [](const char* name, const Tensor& map) {
    return measure(name, {}, {nullptr, nullptr, nullptr, map});
  };
  CHECK(score("sparseness", one).scores[0] == doctest::Approx(1 - 1.0 / kPixels));
  CHECK(score("complexity", one).scores[0] == doctest::Approx(0));
  CHECK(score("sparseness", half).scores[0] == doctest::Approx(0.5));
  CHECK(score("complexity", half).scores[0] == doctest::Approx(std::log(kPixels / 2)));
  const MetricResult constant = score("complexity", Tensor({1, 1, kSide, kSide}, 0.3f));
  CHECK(constant.scores[0] == doctest::Approx(std::log(kPixels)));
  CHECK(mentions(constant, "constant"));
  CHECK(score("sparseness", Tensor({1, 1, kSide, kSide}, 0.3f)).scores[0] == doctest::Approx(0));
  for (const char* name : {"sparseness", "complexity"}) {
    const MetricResult zero = score(name, Tensor({1, 1, kSide, kSide}));
    CHECK(std::isnan(zero.scores[0]));
    CHECK(mentions(zero, "zero"));
  }
}

TEST_CASE(
    "localisation: the annotation itself is perfect, its inverse is worst, an even map has the annotation's share") {
  const Tensor masks = square_masks(1);
  Tensor inverse = masks;
  for (float& v : inverse.data) v = 1 - v;
  for (const char* name :
       {"relevance-mass-accuracy", "relevance-rank-accuracy", "pointing-game", "attribution-localisation"}) {
    CAPTURE(name);
    const auto score = [&](const Tensor& map, const Tensor& mask) {
      return measure(name, {}, {nullptr, nullptr, nullptr, map, &mask});
    };
    CHECK(score(masks, masks).scores[0] == doctest::Approx(1));
    CHECK(score(inverse, masks).scores[0] == doctest::Approx(0));
    const MetricResult empty = score(masks, Tensor({1, 1, kSide, kSide}));
    CHECK(std::isnan(empty.scores[0]));
    CHECK(mentions(empty, "empty"));
    const MetricResult whole = score(masks, Tensor({1, 1, kSide, kSide}, 1.0f));
    CHECK(whole.scores[0] == doctest::Approx(1));
    CHECK(mentions(whole, "covers the whole image"));
    const MetricResult zero = score(Tensor({1, 1, kSide, kSide}), masks);
    CHECK(std::isnan(zero.scores[0]));
    CHECK(mentions(zero, "zero"));
    Tensor broken = masks;
    broken.data[3] = std::nanf("");
    CHECK(std::isnan(score(broken, masks).scores[0]));
    CHECK(mentions(score(broken, masks), "NaN"));
    CHECK(mentions(score(Tensor({1, 1, kSide, kSide}, 1.0f), masks), "constant"));
  }
  const Tensor even({1, 1, kSide, kSide}, 2.0f), none({1, 1, kSide, kSide});
  const auto area = [&](const Tensor& map) {
    return measure("auc", {}, {nullptr, nullptr, nullptr, map, &masks}).scores[0];
  };
  CHECK(area(masks) == doctest::Approx(1));
  CHECK(area(inverse) == doctest::Approx(0));
  CHECK(area(even) == doctest::Approx(0.5));
  CHECK(std::isnan(measure("auc", {}, {nullptr, nullptr, nullptr, masks, &even}).scores[0]));
  Tensor peak = masks;
  for (float& v : peak.data) v = v * 0.5f + 0.1f;
  peak.data[0] = 1;  // the strongest pixel lies outside
  CHECK(measure("pointing-game", {}, {nullptr, nullptr, nullptr, peak, &masks}).scores[0] == 0);
  const auto top = [&](int k, bool concept_influence) {
    return measure("top-k-intersection", {{"k", k}, {"concept_influence", concept_influence}},
                   {nullptr, nullptr, nullptr, peak, &masks})
        .scores[0];
  };
  CHECK(top(1, false) == 0);
  CHECK(top(5, false) == doctest::Approx(0.8));
  CHECK(top(5, true) == doctest::Approx(0.8 * kPixels / 20));
  CHECK(top(1000000, false) == doctest::Approx(20.0 / kPixels));
  CHECK(measure("relevance-mass-accuracy", {}, {nullptr, nullptr, nullptr, even, &masks}).scores[0] ==
        doctest::Approx(20.0 / kPixels));
}

TEST_CASE(
    "max-sensitivity: none for the gradient of a linear network, bounded for its contributions, large for noise") {
  Scene s(6);
  std::string metric = "max-sensitivity";
  const auto score = [&](const char* method, const json& params, uint64_t seed) {
    const ExplainRequest request{s.classifier, s.inputs, s.targets, seed};
    const Tensor map = explain(method, {}, request);
    return measure(metric, params,
                   {&s.classifier, &s.inputs, &s.targets, map, nullptr, &methods().at(method), nullptr, seed})
        .scores;
  };
  const json params = {{"pooling", "none"}, {"r", 0.3}, {"nr_samples", 20}};
  const auto linear = score("gradient", params, 1), contributions = score("input-x-gradient", params, 1),
             more = score("input-x-gradient", {{"pooling", "none"}, {"r", 0.6}, {"nr_samples", 20}}, 1),
             noise = score("random", params, 1);
  for (size_t n = 0; n < 2; ++n) {
    CHECK(linear[n] < 1e-5);
    // a' - a = e w with |e| <= r: its root mean square is r / sqrt 3 of the weights'.
    CHECK(contributions[n] > 0.3 / std::sqrt(3.0) * 0.85);
    CHECK(contributions[n] < 0.3 / std::sqrt(3.0) * 1.3);
    CHECK(more[n] == doctest::Approx(2 * contributions[n]).epsilon(1e-3));  // the same draws, twice as large
    CHECK(noise[n] > 1.3);                                                  // independent draws: sqrt 2
  }
  CHECK(score("input-x-gradient", params, 1) == contributions);
  CHECK(score("input-x-gradient", params, 2) != contributions);

  metric = "avg-sensitivity";
  const auto mean = score("input-x-gradient", params, 1);
  for (size_t n = 0; n < 2; ++n) {
    CHECK(mean[n] < contributions[n]);
    CHECK(mean[n] > 0.8 * contributions[n]);
  }
  metric = "local-lipschitz-estimate";
  const json unscaled = {{"pooling", "none"}, {"normalise", "none"}};
  const auto slope = score("input-x-gradient", unscaled, 1), flat = score("gradient", unscaled, 1);
  for (size_t n = 0; n < 2; ++n) {
    CHECK(flat[n] < 1e-4);
    CHECK(slope[n] == doctest::Approx(0.2).epsilon(0.15));  // the root mean square of the weights
  }
}

TEST_CASE("requests that lack something end in a sentence") {
  Scene s(7);
  const Tensor masks = square_masks(2);
  const auto request = [&](const Tensor& map) {
    return MetricRequest{&s.classifier, &s.inputs, &s.targets, map, &masks};
  };
  const Tensor small({2, 3, 4, 4}), one_image({1, 3, kSide, kSide});
  CHECK_THROWS_AS(measure("pixel-flipping", {}, request(small)), Error);
  CHECK_THROWS_AS(measure("pixel-flipping", {}, request(one_image)), Error);
  CHECK_THROWS_AS(measure("relevance-mass-accuracy", {}, request(small)), Error);
  CHECK_THROWS_AS(measure("relevance-mass-accuracy", {}, {nullptr, nullptr, nullptr, s.inputs}), Error);
  CHECK_THROWS_AS(measure("pixel-flipping", {}, {nullptr, nullptr, nullptr, s.inputs}), Error);
  CHECK_THROWS_AS(measure("max-sensitivity", {}, request(s.inputs)), Error);  // no method known
  CHECK_THROWS_AS(measure("max-sensitivity", {{"explanation", "nonsense"}}, request(s.inputs)), Error);
  for (const json& noise : {json(1), json{{"kind", "uniform"}}, json{{"kind", "uniform"}, {"low", 1}, {"high", -1}},
                            json{{"kind", "gaussian"}, {"std", "x"}}})
    CHECK_THROWS_AS(measure("max-sensitivity", {{"explanation", "gradient"}, {"noise", noise}}, request(s.inputs)),
                    Error);
  CHECK_THROWS_AS(measure("pixel-flipping", {{"baseline", "grey"}}, request(s.inputs)), Error);
  CHECK_THROWS_AS(measure("pixel-flipping", {{"steps", 3}}, request(s.inputs)), Error);
}

TEST_CASE("every metric says what it is") {
  for (const Metric& m : metrics()) {
    CAPTURE(m.name);
    CHECK(!m.title.empty());
    CHECK(!m.citation.empty());
    CHECK(m.description.size() > 60);
    for (const Parameter& p : m.parameters) CHECK(!p.help.empty());
    CHECK_NOTHROW(check_parameters(m, check_parameters(m, {}).all()));  // the defaults are in range
  }
}

TEST_SUITE_END();

}  // namespace ks::metric_test

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "difference.h"
#include "explain/reference.h"
#include "networks.h"
#include "tensor/error.h"

namespace ks::gradients_test {

namespace {

constexpr int kSide = 16;

/// A smooth network, so that integrals of its gradient converge fast, and three inputs.
struct Smooth {
  Classifier classifier{graph::write([] {
                          test::Network n(11, 3, kSide, kSide);
                          n.convolution(6, 3, 2, true);
                          n.add("Tanh");
                          n.convolution(8, 3, 2, true);
                          n.add("Sigmoid");
                          return n.finish(true);
                        }()),
                        "smooth"};
  Tensor inputs = [] {
    Random random(12);
    return test::random_tensor(random, {3, 3, kSide, kSide});
  }();
  std::vector<int> targets = {0, 2, 1};

  ExplainRequest request(uint64_t seed = 5) {
    return {classifier, inputs, targets, seed, nullptr, [this](const std::string&) { return inputs.slice(0, 1); }};
  }
  double logit(const Tensor& x, int target) { return classifier.logits(x).data[static_cast<size_t>(target)]; }
};

/// logits = W x: [2, 3 * side * side].
struct Linear {
  Tensor weights = [] {
    Random random(13);
    return test::random_tensor(random, {2, 3 * kSide * kSide});
  }();
  Classifier classifier{graph::write(test::linear_network(3, kSide, kSide, weights)), "linear"};
  Tensor inputs = [] {
    Random random(14);
    return test::random_tensor(random, {2, 3, kSide, kSide});
  }();
  std::vector<int> targets = {1, 0};
  ExplainRequest request(uint64_t seed = 5) { return {classifier, inputs, targets, seed}; }
};

double sum(const Tensor& map, int64_t sample) {
  return std::accumulate(map.sample(sample), map.sample(sample) + map.stride(), 0.0);
}

/// Largest difference, as a share of b's largest value.
double difference(const Tensor& a, const Tensor& b) {
  return test::share_of_peak(b, a);
}

/// How far the map of sample 1 is from summing to f(x) - f(b), as a share of the map's sum of absolute values.
double incompleteness(Smooth& s, const Tensor& map, const Tensor& baseline) {
  const double change = s.logit(s.inputs.slice(1, 2), s.targets[1]) - s.logit(baseline, s.targets[1]);
  const double mass = std::accumulate(map.sample(1), map.sample(1) + map.stride(), 0.0,
                                      [](double so_far, float v) { return so_far + std::fabs(v); });
  return std::fabs(sum(map, 1) - change) / mass;
}

}  // namespace

TEST_SUITE_BEGIN("explain");

TEST_CASE("integrated gradients sum to the logit's change, for every baseline and quadrature") {
  Smooth s;
  for (const json& baseline : {json(0.0), json(-1.5), json("mean"), json("blur"), json("noise"), json("image:first")}) {
    CAPTURE(baseline.dump());
    const Tensor b = reference_input(
        s.request(), 1,
        check_parameters({.name = "b", .parameters = reference_parameters()}, {{"baseline", baseline}}));
    const auto error = [&](const char* rule, int steps) {
      const json params = {{"baseline", baseline}, {"quadrature", rule}, {"steps", steps}};
      return incompleteness(s, explain("integrated-gradients", params, s.request()), b);
    };
    CHECK(error("gauss-legendre", 16) < 2e-6);
    for (const char* rule : {"trapezoid", "midpoint"}) {
      CAPTURE(rule);
      const double coarse = error(rule, 5), fine = error(rule, 40);
      CHECK(coarse > 1e-5);
      CHECK(fine < coarse / 20);  // both are of second order
    }
  }
}

TEST_CASE("integrated gradients of an image that is its own baseline are zero") {
  Smooth s;
  const Tensor map = explain("integrated-gradients", {{"baseline", "image:first"}, {"steps", 3}}, s.request());
  CHECK(std::all_of(map.sample(0), map.sample(0) + map.stride(), [](float v) { return v == 0; }));
  CHECK(std::any_of(map.sample(1), map.sample(1) + map.stride(), [](float v) { return v != 0; }));
}

TEST_CASE("blur integrated gradients sum to the logit's change up to the blurred image, the better the more steps") {
  Smooth s;
  const Tensor end = reference_input(s.request(), 1,
                                     check_parameters({.name = "b", .parameters = reference_parameters()},
                                                      {{"baseline", "blur"}, {"baseline_sigma", 8}}));
  for (const char* spacing : {"linear", "quadratic"}) {
    CAPTURE(spacing);
    const auto error = [&](int steps) {
      const json params = {{"sigma", 8}, {"steps", steps}, {"spacing", spacing}};
      return incompleteness(s, explain("blur-integrated-gradients", params, s.request()), end);
    };
    const double coarse = error(4), fine = error(64);
    CHECK(coarse > 1e-5);
    CHECK(fine < coarse / 30);
    CHECK(fine < 2e-4);
  }
}

TEST_CASE("blur integrated gradients give a plain image nothing") {
  Smooth s;
  s.inputs = Tensor(s.inputs.shape, 0.7f);
  const Tensor map = explain("blur-integrated-gradients", {{"steps", 4}}, s.request());
  for (float v : map.data) CHECK(std::fabs(v) < 1e-6);
}

TEST_CASE("smoothgrad and its kin without noise are the gradient, its square and zero") {
  Smooth s;
  const json none = {{"noise", 0}, {"samples", 7}};
  const Tensor g = explain("gradient", {}, s.request());
  Tensor squared = g;
  for (float& v : squared.data) v *= v;
  CHECK(difference(explain("smoothgrad", none, s.request()), g) < 1e-6);
  CHECK(difference(explain("smoothgrad-squared", none, s.request()), squared) < 1e-6);
  const Tensor variance = explain("vargrad", none, s.request());
  const float peak = *std::max_element(squared.data.begin(), squared.data.end());
  for (float v : variance.data) CHECK(std::fabs(v) <= 1e-10f * peak);
}

TEST_CASE("vargrad is the mean square less the squared mean of the same draws") {
  Smooth s;
  const json params = {{"noise", 0.2}, {"samples", 21}};
  const Tensor mean = explain("smoothgrad", params, s.request()),
               square = explain("smoothgrad-squared", params, s.request());
  Tensor wanted = square;
  for (size_t i = 0; i < wanted.data.size(); ++i)
    wanted.data[i] =
        static_cast<float>(static_cast<double>(square.data[i]) - static_cast<double>(mean.data[i]) * mean.data[i]);
  CHECK(difference(explain("vargrad", params, s.request()), wanted) < 1e-5);
  CHECK(difference(explain("vargrad", params, s.request(6)), wanted) > 1e-2);
}

TEST_CASE("the noise has the asked share of the image's range") {
  // logits = W (x * x), so that the gradient is 2 W x: over the noise it has mean 2 W x and variance 4 W^2 sigma^2.
  Linear l;
  graph::Model model;
  model.inputs.push_back({"input", graph::Type::f32, {{-1, "N"}, {3, ""}, {kSide, ""}, {kSide, ""}}});
  graph::Builder b(model);
  b.fresh("input");
  b.add_named("Gemm", {b.add("Flatten", {b.add("Mul", {"input", "input"})}), b.constant(graph::Array::of(l.weights))},
              "logits", {{"transB", int64_t{1}}});
  model.outputs.push_back({"logits", graph::Type::f32, {{-1, "N"}, {2, ""}}});
  Classifier square(graph::write(model), "square");
  const json params = {{"noise", 0.3}, {"samples", 400}};
  const ExplainRequest request{square, l.inputs, l.targets, 3};
  const Tensor variance = explain("vargrad", params, request);
  for (int64_t n = 0; n < 2; ++n) {
    const float* x = l.inputs.sample(n);
    const auto [low, high] = std::minmax_element(x, x + l.inputs.stride());
    const double sigma = 0.3 * (*high - *low);
    double ratio = 0;
    for (int64_t i = 0; i < l.inputs.stride(); ++i) {
      const double w = l.weights.sample(l.targets[static_cast<size_t>(n)])[i];
      ratio += variance.sample(n)[i] / (4 * w * w * sigma * sigma) / static_cast<double>(l.inputs.stride());
    }
    CHECK(ratio == doctest::Approx(1).epsilon(0.02));
  }
}

TEST_CASE("gradient shap of a linear network is weight times distance from the mean baseline") {
  Linear l;
  const Tensor map = explain("gradient-shap", {{"samples", 6}, {"baselines", {0.5, "mean", -2}}}, l.request());
  Tensor wanted(map.shape);
  const int64_t plane = kSide * kSide;
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t c = 0; c < 3; ++c) {
      const float* x = l.inputs.sample(n) + c * plane;
      const double mean = std::accumulate(x, x + plane, 0.0) / static_cast<double>(plane);
      for (int64_t i = 0; i < plane; ++i)
        wanted.sample(n)[c * plane + i] = static_cast<float>(
            l.weights.sample(l.targets[static_cast<size_t>(n)])[c * plane + i] * (x[i] - (0.5 + mean - 2) / 3));
    }
  CHECK(difference(map, wanted) < 1e-6);
  CHECK(difference(explain("gradient-shap", {{"samples", 6}, {"baselines", {0.5, "mean", -2}}}, l.request(99)),
                   wanted) < 1e-6);

  // Noise on the image moves the distance: its mean over many draws stays, one draw's does not.
  const auto noisy = [&](int samples) {
    return difference(
        explain("gradient-shap", {{"samples", samples}, {"noise_deviation", 0.5}, {"baselines", {0.5, "mean", -2}}},
                l.request()),
        wanted);
  };
  CHECK(noisy(3) > 0.1);
  CHECK(noisy(1500) < 0.03);
}

TEST_CASE("gradient shap sums, in the mean, to the logit less its mean over the baselines") {
  Smooth s;
  const Tensor x = s.inputs.slice(1, 2), first = s.inputs.slice(0, 1);
  const double change = s.logit(x, 2) - (s.logit(first, 2) + s.logit(Tensor(x.shape, -1.0f), 2)) / 2;
  const Tensor map = explain("gradient-shap", {{"samples", 1000}, {"baselines", {-1, "image:first"}}}, s.request());
  CHECK(sum(map, 1) == doctest::Approx(change).epsilon(0.03));
}

TEST_CASE("image i of a batch is reproduced alone, and the seed decides what is drawn") {
  Smooth s;
  struct Case {
    std::string method;
    json params;
    bool draws;
  };
  const std::vector<Case> all = {
      {"gradient", {}, false},
      {"integrated-gradients", {{"baseline", "noise"}, {"steps", 7}}, true},
      {"blur-integrated-gradients", {{"steps", 7}}, false},
      {"smoothgrad", {{"samples", 7}}, true},
      {"smoothgrad-squared", {{"samples", 7}}, true},
      {"vargrad", {{"samples", 7}}, true},
      {"gradient-shap", {{"samples", 7}, {"noise_deviation", 0.2}, {"baselines", {"noise", 0}}}, true},
      {"random", {}, true},
      {"sobel", {}, false},
      {"centre", {}, false}};
  for (const Case& item : all) {
    const auto& method = item.method;
    const auto& params = item.params;
    const bool draws = item.draws;
    CAPTURE(method);
    const Tensor map = explain(method, params, s.request());
    CHECK(explain(method, params, s.request()).data == map.data);
    for (int64_t n = 0; n < 3; ++n) {
      const Tensor x = s.inputs.slice(n, n + 1);
      const std::vector<int> target = {s.targets[static_cast<size_t>(n)]};
      ExplainRequest alone{s.classifier, x, target, 5};
      alone.first_sample = static_cast<uint64_t>(n);
      CHECK(difference(explain(method, params, alone), map.slice(n, n + 1)) < 1e-5);
    }
    CHECK((explain(method, params, s.request(6)).data != map.data) == draws);
  }
}

TEST_CASE("images and copies share the runs, and a run is where work can be stopped") {
  Smooth s;
  for (const auto& item : std::vector<std::pair<std::string, json>>{{"integrated-gradients", {{"steps", 11}}},
                                                                    {"smoothgrad", {{"samples", 11}}},
                                                                    {"gradient-shap", {{"samples", 11}}},
                                                                    {"blur-integrated-gradients", {{"steps", 11}}}}) {
    const auto& method = item.first;
    const auto& params = item.second;
    CAPTURE(method);
    std::vector<double> reported;
    ExplainRequest request = s.request();
    request.progress = [&](double done) { reported.push_back(done); };
    explain(method, params, request);
    const int batch = s.classifier.batch_size();
    CHECK(static_cast<int>(reported.size()) == (3 * 11 + batch - 1) / batch);
    CHECK(std::is_sorted(reported.begin(), reported.end()));
    CHECK(reported.back() == 1);

    int calls = 0;
    request.progress = [&](double) {
      ++calls;
      throw Cancelled();
    };
    CHECK_THROWS_AS(explain(method, params, request), Cancelled);
    CHECK(calls == 1);
  }
}

TEST_CASE("sobel finds a step edge and its height") {
  Linear l;
  const Preprocessing& pre = l.classifier.preprocessing();
  const auto normalised = [&](int c, float v) {
    return (v - pre.mean[static_cast<size_t>(c)]) / pre.deviation[static_cast<size_t>(c)];
  };
  // Image 0: black left of column 5, white from there. Image 1: only red steps, at row 9.
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x) {
        const size_t at = static_cast<size_t>((c * kSide + y) * kSide + x);
        l.inputs.sample(0)[at] = normalised(c, x < 5 ? 0.0f : 1.0f);
        l.inputs.sample(1)[at] = normalised(c, c == 0 && y >= 9 ? 1.0f : 0.3f);
      }
  const Tensor map = explain("sobel", {}, l.request());
  REQUIRE(map.shape == Shape{2, 1, kSide, kSide});
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x) {
      CHECK(map.sample(0)[y * kSide + x] == doctest::Approx(x == 4 || x == 5 ? 0.5 : 0.0).scale(1).epsilon(1e-5));
      CHECK(map.sample(1)[y * kSide + x] ==
            doctest::Approx(y == 8 || y == 9 ? 0.7 * 0.2126 / 2 : 0.0).scale(1).epsilon(1e-5));
    }
}

TEST_CASE("centre is symmetric and falls by e^-1/2 within sigma") {
  Linear l;
  const Tensor map = explain("centre", {{"sigma", 0.25}}, l.request());
  REQUIRE(map.shape == Shape{2, 1, kSide, kSide});
  const auto at = [&](int y, int x) { return map.sample(1)[y * kSide + x]; };
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x) {
      CHECK(at(y, x) == doctest::Approx(at(kSide - 1 - y, x)).epsilon(1e-6));
      CHECK(at(y, x) == doctest::Approx(at(x, y)).epsilon(1e-6));
      CHECK(at(y, x) <= at(kSide / 2, kSide / 2));
    }
  // Pixel centres half a pixel and four pixels further, a quarter of the side, from the middle.
  const double near = 0.5 / kSide, far = 4.5 / kSide;
  CHECK(at(8, 12) / at(8, 8) == doctest::Approx(std::exp(-(far * far - near * near) / (2 * 0.0625))).epsilon(1e-5));
}

TEST_SUITE_END();

}  // namespace ks::gradients_test

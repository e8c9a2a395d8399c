#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "contribution_scene.h"
#include "even_network.h"
#include "explain/evaluate.h"
#include "metric/explainer.h"
#include "metric/metric.h"
#include "metric/representation.h"
#include "tensor/error.h"

namespace ks::robustness_test {
using test::even_network;
using test::measure_even;
using test::soft_pictures;
using test::warns;

namespace {

constexpr int kWidth = test::LinearClassifier::side, kPlane = kWidth * kWidth;

/// A linear network with three images, and its explanations measured.
struct Bench {
  test::LinearClassifier linear{11};
  Classifier& classifier = linear.classifier;
  Tensor inputs = linear.inputs;
  std::vector<int> targets{0, 1, 1};
  ExplanationMemo* explanations = nullptr;
  ForwardMemo* forwards = nullptr;

  Tensor explain(const std::string& method, uint64_t seed = 5) {
    return ks::explain(method, {}, {classifier, inputs, targets, seed});
  }
  MetricResult measure(const std::string& metric, const std::string& method, const json& params = json::object()) {
    return measure_map(metric, method, params, explain(method));
  }
  MetricResult measure_map(const std::string& metric, const std::string& method, const json& params,
                           const Tensor& map) {
    MetricRequest request{&classifier, &inputs, &targets, map, nullptr, &methods().at(method), nullptr, 5};
    request.explanations = explanations;
    request.forwards = forwards;
    return ks::measure(metric, params, request);
  }
  /// The same for the first image alone.
  MetricResult measure_first(const std::string& metric, const std::string& method,
                             const json& params = json::object()) {
    const Tensor image = inputs.slice(0, 1);
    const std::vector<int> target{targets[0]};
    const Tensor map = explain(method).slice(0, 1);
    return ks::measure(metric, params, {&classifier, &image, &target, map, nullptr, &methods().at(method), nullptr, 5});
  }
};

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return std::string(e.what()) + " " + e.hint();
  }
  return "";
}

const std::vector<std::string> kNoiseMetrics = {"max-sensitivity",           "avg-sensitivity",
                                                "local-lipschitz-estimate",  "relative-input-stability",
                                                "relative-output-stability", "relative-representation-stability"};

}  // namespace

TEST_SUITE_BEGIN("metric");

TEST_CASE("metrics that add noise explain the same noisy images once, and the network sees each once") {
  for (const char* method : {"input-x-gradient", "random"}) {
    CAPTURE(method);
    Bench b;
    ExplanationMemo explanations;
    ForwardMemo forwards;
    b.explanations = &explanations;
    b.forwards = &forwards;
    const std::string inner = b.classifier.original().nodes.at(0).outputs.at(0);
    int64_t expected = 0;
    for (const std::string& name : kNoiseMetrics) {
      CAPTURE(name);
      json params = json::object();
      if (name == "relative-representation-stability") params["layer"] = inner;
      const int64_t before = b.classifier.forward_count();
      b.measure(name, method, params);
      CHECK(explanations.hits() == expected);
      expected += 30;  // 10 draws of 3 images
      // What relative-input-stability asked of the network, relative-output-stability knows.
      if (name == "relative-input-stability") CHECK(b.classifier.forward_count() - before == 33);
      if (name == "relative-output-stability") CHECK(b.classifier.forward_count() == before);
    }
    CHECK(forwards.hits() == 33);
  }
}

TEST_CASE("robustness metrics: a batch has the scores of its images, and the seed fixes them") {
  Bench b;
  for (const Metric& m : metrics()) {
    if (m.family != "robustness" || m.compares_images) continue;
    CAPTURE(m.name);
    for (const char* method : {"input-x-gradient", "sobel", "random"}) {
      CAPTURE(method);
      json params = json::object();
      if (m.name == "relative-representation-stability")
        params["layer"] = b.classifier.original().nodes.at(0).outputs.at(0);
      const MetricResult all = b.measure(m.name, method, params), again = b.measure(m.name, method, params),
                         first = b.measure_first(m.name, method, params);
      REQUIRE(all.scores.size() == 3);
      CHECK(all.scores == again.scores);
      CHECK(std::isfinite(all.scores[0]));
      CHECK(first.scores[0] == doctest::Approx(all.scores[0]).epsilon(1e-5));
      if (all.curves.empty()) continue;
      REQUIRE(first.curves[0].size() == all.curves[0].size());
      for (size_t i = 0; i < all.curves[0].size(); ++i)
        CHECK(first.curves[0][i] == doctest::Approx(all.curves[0][i]).epsilon(1e-4));
    }
  }
}

TEST_CASE("robustness metrics speak of maps that are zero, constant or not finite") {
  Bench b;
  const Tensor zero({3, 1, kWidth, kWidth}), constant({3, 1, kWidth, kWidth}, 0.5f);
  Tensor broken = constant;
  broken.data[7] = std::nanf("");
  for (const Metric& m : metrics()) {
    if (m.family != "robustness" || m.compares_images) continue;
    CAPTURE(m.name);
    json params = {{"explanation", "centre"}};
    if (m.name == "relative-representation-stability")
      params["layer"] = b.classifier.original().nodes.at(0).outputs.at(0);
    const auto with = [&](const Tensor& map) { return b.measure_map(m.name, "centre", params, map); };
    CHECK(warns(with(zero),
                m.name == "continuity" || m.name == "local-lipschitz-estimate" || m.name == "augmentation-robustness"
                    ? "same everywhere"
                    : "zero everywhere"));
    CHECK(warns(with(constant), "same everywhere"));
    const MetricResult lost = with(broken);
    CHECK(std::isnan(lost.scores[0]));
    CHECK(!std::isnan(with(b.explain("centre")).scores[0]));
    CHECK(warns(lost, "image 1: the map holds NaN"));
  }
  // A changed copy's map that is broken: a network that meets infinity.
  b.inputs.sample(1)[3] = 1e38f;
  for (const char* metric : {"max-sensitivity", "avg-sensitivity", "continuity"}) {
    CAPTURE(metric);
    const json params = metric == std::string("continuity")
                            ? json{{"baseline", 3e38}}
                            : json{{"noise", {{"kind", "uniform"}, {"low", 3e38}, {"high", 3.3e38}}}};
    const MetricResult lost = b.measure_map(metric, "input-x-gradient", params, b.explain("input-x-gradient"));
    CHECK(std::isnan(lost.scores[1]));
    CHECK(!lost.warnings.empty());
  }
}

TEST_CASE(
    "max-sensitivity without the norm is that of Yeh et al.; compat=quantus is Gaussian noise where it is Quantus'") {
  Bench b;
  const Tensor map = b.explain("input-x-gradient");
  const json raw = {{"pooling", "none"}};
  const auto relative = b.measure("max-sensitivity", "input-x-gradient", raw).scores,
             plain =
                 b.measure("max-sensitivity", "input-x-gradient", {{"pooling", "none"}, {"relative", false}}).scores;
  for (int64_t n = 0; n < 3; ++n) {
    double norm = 0;
    for (int64_t i = 0; i < map.stride(); ++i) norm += static_cast<double>(map.sample(n)[i]) * map.sample(n)[i];
    CHECK(plain[static_cast<size_t>(n)] == doctest::Approx(relative[static_cast<size_t>(n)] * std::sqrt(norm)));
  }
  const char* const slope = "local-lipschitz-estimate";
  const auto quantus = b.measure(slope, "sobel", {{"compat", "quantus"}}).scores;
  CHECK(quantus == b.measure(slope, "sobel", {{"noise", {{"kind", "gaussian"}, {"std", 0.1}}}}).scores);
  CHECK(quantus != b.measure(slope, "sobel").scores);
  CHECK_THROWS_AS(b.measure(slope, "sobel", {{"noise", {{"kind", "gaussian"}, {"std", 1}, {"mean", "x"}}}}), Error);
}

TEST_CASE("continuity: what the picture itself changes by, and nothing for maps that do not see it") {
  Classifier even = even_network(3);
  const Tensor inputs = soft_pictures(3);
  for (const char* direction : {"x", "y"}) {
    CAPTURE(direction);
    const json params = {{"pooling", "none"}, {"abs", false},           {"normalise", "none"},
                         {"nr_steps", 10},    {"direction", direction}, {"baseline", 0.25}};
    const MetricResult result = measure_even(even, inputs, "input-x-gradient", params, "continuity");
    for (int n = 0; n < 2; ++n) {
      const auto& curve = result.curves[static_cast<size_t>(n)];
      REQUIRE(curve.size() == 10);
      for (int i = 0; i < 10; ++i) {
        const int shift = -kWidth + 4 * (i + 1);
        double moved = 0, squares = 0;
        for (int c = 0; c < 3; ++c)
          for (int y = 0; y < kWidth; ++y)
            for (int x = 0; x < kWidth; ++x) {
              const auto value = [&](int yy, int xx) {
                return yy < 0 || xx < 0 || yy >= kWidth || xx >= kWidth
                           ? 0.25
                           : static_cast<double>(inputs.sample(n)[(c * kWidth + yy) * kWidth + xx]);
              };
              const double d =
                  value(y, x) - (direction == std::string("x") ? value(y, x - shift) : value(y - shift, x));
              moved += std::fabs(d) * (n == 0 ? 1 : 0.5) * (0.4 + 0.3 * c);
              squares += d * d;
            }
        CHECK(curve[static_cast<size_t>(i)] ==
              doctest::Approx(shift == 0 ? 0 : moved / std::sqrt(squares)).epsilon(1e-4));
      }
      CHECK(result.scores[static_cast<size_t>(n)] == *std::max_element(curve.begin(), curve.end()));
    }
  }
  for (const char* blind : {"centre", "gradient"})
    for (const double score : measure_even(even, inputs, blind, {}, "continuity").scores) CHECK(score < 1e-4);
  // More steps than positions: each position once.
  CHECK(measure_even(even, inputs, "centre", {{"nr_steps", 1000}}, "continuity").curves[0].size() == 2 * kWidth);
}

TEST_CASE("consistency: the share of the images explained alike that are classified alike") {
  Bench b;
  Tensor inputs({4, 3, kWidth, kWidth});
  const std::vector<int> classes{0, 0, 1, 1}, targets{0, 0, 0, 0};
  for (int n = 0; n < 4; ++n)
    for (int64_t i = 0; i < inputs.stride(); ++i)
      inputs.sample(n)[i] = b.linear.weights.sample(classes[static_cast<size_t>(n)])[i] * 0.1f;
  REQUIRE(b.classifier.predict(inputs) == classes);
  Tensor maps({4, 1, kWidth, kWidth});
  const auto set = [&](int n, int y, int x, float v) { maps.sample(n)[y * kWidth + x] = v; };
  for (int n = 0; n < 4; ++n) {
    set(n, 0, n, 0.1f);  // small: not among the two largest
    set(n, 5, 6, n == 3 ? -2.0f : 2.0f + 0.1f * static_cast<float>(n));
    set(n, 9, 9, -1);
  }
  const auto measured = [&](const Tensor& map, json params) {
    return measure("consistency", params, {&b.classifier, &inputs, &targets, map});
  };
  const json two = {{"n", 2}};
  // Images 0, 1 and 2 have one label, image 3 the other sign.
  const MetricResult result = measured(maps, two);
  CHECK(result.scores == std::vector<double>{0.5, 0.5, 0, 0});
  CHECK(warns(result, "image 4: no other image is explained like this one"));
  CHECK(!warns(result, "image 3"));
  Tensor large = maps;
  for (float& v : large.data) v *= 1000;
  CHECK(measured(large, two).scores == result.scores);
  // Without the sign all four agree: each has one of its class among three others.
  CHECK(measured(maps, {{"n", 2}, {"abs", true}}).scores == std::vector<double>(4, 1.0 / 3));
  // The first three features are empty but for 0 to 2.
  CHECK(measured(maps, {{"n", 3}, {"discretise", "first-n-sign"}}).scores == std::vector<double>(4, 0));
  CHECK(measured(maps, {{"n", 3}, {"discretise", "first-n-sign"}, {"cells", 2}}).scores ==
        std::vector<double>{0.5, 0.5, 0, 0});
  // A kernel that lies a little differently is explained alike in coarse cells.
  Tensor shifted = maps;
  shifted.sample(1)[5 * kWidth + 6] = 0;
  shifted.sample(1)[6 * kWidth + 7] = 2;
  CHECK(measured(shifted, two).scores[1] == 0);
  CHECK(measured(shifted, {{"n", 1}, {"cells", 3}}).scores == std::vector<double>{0.5, 0.5, 0, 0});
  // What cannot be read is like nothing and has no score.
  Tensor broken = maps;
  broken.sample(1)[0] = std::nanf("");
  const MetricResult lost = measured(broken, two);
  CHECK(std::isnan(lost.scores[1]));
  CHECK(lost.scores[0] == 0);
  CHECK(warns(lost, "image 2: the map holds NaN"));
  const Tensor one = inputs.slice(0, 1), map = maps.slice(0, 1);
  const std::vector<int> target{0};
  const MetricResult alone = measure("consistency", {}, {&b.classifier, &one, &target, map});
  CHECK(std::isnan(alone.scores[0]));
  CHECK(warns(alone, "one only"));
}

TEST_CASE("relative stability: gradient x input of a linear network moves as its image does") {
  Bench b;
  const std::string flat = b.classifier.original().nodes.at(0).outputs.at(0);
  // (w x − w x') / (w x) = (x − x') / x, and the network's first tensor is the image.
  for (const json& params : {json{{"pooling", "none"}}, json{{"pooling", "none"}, {"compat", "quantus"}}}) {
    for (const double score : b.measure("relative-input-stability", "input-x-gradient", params).scores)
      CHECK(score == doctest::Approx(1).epsilon(1e-3));
    json with_layer = params;
    with_layer["layer"] = flat;
    for (const double score : b.measure("relative-representation-stability", "input-x-gradient", with_layer).scores)
      CHECK(score == doctest::Approx(1).epsilon(1e-3));
  }
  // The gradient does not move at all.
  for (const char* metric : {"relative-input-stability", "relative-output-stability"})
    for (const double score : b.measure(metric, "gradient", {{"pooling", "none"}}).scores) CHECK(score < 1e-4);
  // Twice the noise moves map and logits twice as far.
  const auto output = [&](json params) {
    params["pooling"] = "none", params["neighbours"] = "all";
    return b.measure("relative-output-stability", "input-x-gradient", params).scores;
  };
  const auto once = output({}), twice = output({{"r", 0.2}}), probabilities = output({{"output", "softmax"}});
  for (size_t n = 0; n < 3; ++n) {
    CHECK(twice[n] == doctest::Approx(once[n]).epsilon(1e-2));
    CHECK(probabilities[n] > once[n]);  // probabilities move less than logits
  }
  // A floor under the denominator.
  const json small = {{"pooling", "none"}, {"r", 1e-4}, {"eps_min", 1}};
  json exact = small;
  exact["denominator"] = "eps-for-zero";
  const auto floored = b.measure("relative-input-stability", "input-x-gradient", small).scores,
             free = b.measure("relative-input-stability", "input-x-gradient", exact).scores;
  for (size_t n = 0; n < 3; ++n) {
    CHECK(free[n] == doctest::Approx(1).epsilon(1e-2));
    CHECK(floored[n] <= free[n]);
  }
  CHECK(*std::min_element(floored.begin(), floored.end()) < 0.9);
}

TEST_CASE("relative stability: copies of another class are no neighbours") {
  Classifier even = even_network(3);  // class 0 for positive sums
  Tensor inputs({2, 3, kWidth, kWidth}, -0.5f);
  inputs.sample(0)[0] = -0.4f;
  for (int64_t i = 0; i < inputs.stride(); ++i) inputs.sample(1)[i] = -2;
  const json over = {{"noise", {{"kind", "uniform"}, {"low", 1}, {"high", 1}}}};
  for (const char* metric : {"relative-input-stability", "relative-output-stability"}) {
    CAPTURE(metric);
    const MetricResult result = measure_even(even, inputs, "input-x-gradient", over, metric);
    CHECK(std::isnan(result.scores[0]));
    CHECK(warns(result, "image 1: the network puts every noisy copy into another class"));
    CHECK(std::isfinite(result.scores[1]));
    json all = over;
    all["neighbours"] = "all";
    const auto scores = measure_even(even, inputs, "input-x-gradient", all, metric).scores;
    CHECK(scores[0] > 0);
    CHECK(scores[1] == result.scores[1]);
  }
}

TEST_CASE("representation: a tensor by its name, the last feature map, and what is said of others") {
  test::Network net(3, 3, 16, 16);
  net.convolution(4, 3, 1, true);
  net.add("BatchNormalization", {net.constant({4}), net.constant({4}), net.constant({4}, 0.1),
                                 net.builder.constant(graph::Array::of(Tensor({4}, 0.7f)))});
  const std::string normed = net.top;
  net.add("Relu");
  const std::string relu = net.top;
  net.add("GlobalAveragePool");
  const std::string pooled = net.top;
  Classifier classifier(graph::write(net.finish(true)), "net");
  Random random(8);
  const Tensor inputs = test::random_tensor(random, {19, 3, 16, 16});  // more than a batch
  const Representation last(classifier, ""), before(classifier, normed), after(classifier, relu),
      head(classifier, pooled), logits(classifier, "logits");
  CHECK(last.layer() == relu);
  const auto values = last(inputs);
  const Tensor expected = classifier.logits(inputs), of_norm = before(inputs).inner, of_relu = after(inputs).inner,
               of_pool = head(inputs).inner;
  CHECK(values.inner.shape == Shape{19, 4, 16, 16});
  REQUIRE(values.logits.shape == Shape{19, 3});
  for (size_t i = 0; i < expected.data.size(); ++i) {
    CHECK(values.logits.data[i] == doctest::Approx(expected.data[i]).epsilon(1e-4));
    CHECK(logits(inputs).inner.data[i] == doctest::Approx(expected.data[i]).epsilon(1e-4));
  }
  for (size_t i = 0; i < of_relu.data.size(); ++i) {
    CHECK(of_relu.data[i] == doctest::Approx(std::max(0.0f, of_norm.data[i])).epsilon(1e-4));
    CHECK(of_relu.data[i] == doctest::Approx(values.inner.data[i]).epsilon(1e-4));
  }
  for (int64_t n = 0; n < 19; ++n)
    for (int64_t c = 0; c < 4; ++c) {
      double sum = 0;
      for (int64_t i = 0; i < 256; ++i) sum += of_relu.sample(n)[c * 256 + i];
      CHECK(of_pool.sample(n)[c] == doctest::Approx(sum / 256).epsilon(1e-4));
    }
  const std::string unknown = error_of([&] { Representation(classifier, relu + "x"); });
  CHECK(unknown.find("no inner tensor '" + relu + "x'") != std::string::npos);
  CHECK(unknown.find("'" + relu + "'") != std::string::npos);
  Bench flat;
  CHECK(error_of([&] { Representation(flat.classifier, ""); }).find("no feature map") != std::string::npos);
}

TEST_SUITE_END();

}  // namespace ks::robustness_test

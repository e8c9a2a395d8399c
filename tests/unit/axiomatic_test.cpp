#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "linear_classifier.h"
#include "metric/input_shift.h"
#include "metric/metric.h"
#include "tensor/error.h"

namespace ks::axiomatic_test {

namespace {

constexpr int kSide = 16;

/// A convolution that pads unevenly, a ReLU and a dense layer; three images.
struct Padded {
  Classifier classifier;
  Tensor inputs = [] {
    Random random(32);
    return test::random_tensor(random, {3, 3, kSide, kSide});
  }();
  std::vector<int> targets = {0, 2, 1};

  explicit Padded(bool bias = true, const char* auto_pad = nullptr) : classifier(network(bias, auto_pad), "padded") {}

  static std::string network(bool bias, const char* auto_pad) {
    test::Network n(31, 3, kSide, kSide);
    n.convolution(4, 3, 2, bias);
    graph::Node& convolution = n.model.nodes.back();
    if (auto_pad) {
      convolution.attributes.erase("pads");
      convolution.attributes["auto_pad"] = std::string(auto_pad);
    } else {
      convolution.attributes["pads"] = std::vector<int64_t>{2, 1, 0, 1};
    }
    n.add("Relu");
    return graph::write(n.finish(true));
  }

  MetricResult measure(const std::string& metric, const std::string& method, const json& params = json::object(),
                       const json& of_method = json::object()) {
    const Method& m = methods().at(method);
    const Params checked = check_parameters(m, of_method);
    const Tensor map = explain(method, of_method, {classifier, inputs, targets, 5});
    MetricRequest r{&classifier, &inputs, &targets, map};
    r.method = &m;
    r.method_parameters = &checked;
    r.seed = 5;
    return ks::measure(metric, params, r);
  }
};

bool mentions(const MetricResult& result, const std::string& word) {
  return std::any_of(result.warnings.begin(), result.warnings.end(),
                     [&](const std::string& w) { return w.find(word) != std::string::npos; });
}

}  // namespace

TEST_SUITE_BEGIN("metric");

TEST_CASE("completeness: integrated gradients add up against their own reference, the gradient does not") {
  Padded s;
  for (const json& baseline : {json(0.0), json(0.7), json("blur")}) {
    CAPTURE(baseline.dump());
    const json method = {{"baseline", baseline}, {"steps", 200}};
    for (const double residual : s.measure("completeness", "integrated-gradients", {}, method).scores)
      CHECK(std::fabs(residual) < 0.02);
    for (const double holds :
         s.measure("completeness", "integrated-gradients", {{"return", "holds"}, {"tolerance", 0.02}}, method).scores)
      CHECK(holds == 1);
  }
  // Against another reference they do not.
  const MetricResult other =
      s.measure("completeness", "integrated-gradients", {{"baseline", 0.7}, {"return", "holds"}});
  CHECK(std::count(other.scores.begin(), other.scores.end(), 0.0) == 3);
  const MetricResult gradient = s.measure("completeness", "gradient", {{"return", "holds"}});
  CHECK(std::count(gradient.scores.begin(), gradient.scores.end(), 0.0) == 3);
}

TEST_CASE("completeness of a linear network's contributions is exact; its direction follows what is returned") {
  test::LinearClassifier s(8);
  const std::vector<int> targets = {0, 1, 1};
  Tensor map = s.inputs;
  for (int64_t n = 0; n < 3; ++n)
    for (int64_t i = 0; i < map.stride(); ++i) map.sample(n)[i] *= s.weights.sample(targets[static_cast<size_t>(n)])[i];
  const auto residuals = [&](const Tensor& given, const json& params) {
    return measure("completeness", params, {&s.classifier, &s.inputs, &targets, given}).scores;
  };
  const Tensor logits = s.classifier.logits(s.inputs);
  for (const double residual : residuals(map, {})) CHECK(std::fabs(residual) < 1e-3);
  Tensor doubled = map;
  for (float& v : doubled.data) v *= 2;
  for (size_t n = 0; n < 3; ++n)
    CHECK(residuals(doubled, {})[n] ==
          doctest::Approx(logits.sample(static_cast<int64_t>(n))[targets[n]]).epsilon(1e-3));
  // black: the smallest value everywhere; f(x0) is that value times the sum of the weights.
  for (size_t n = 0; n < 3; ++n) {
    const int64_t i = static_cast<int64_t>(n);
    const float low = *std::min_element(s.inputs.sample(i), s.inputs.sample(i) + s.inputs.stride());
    double sum = 0;
    for (int64_t k = 0; k < s.weights.stride(); ++k) sum += s.weights.sample(targets[n])[k];
    CHECK(residuals(map, {{"baseline", "black"}})[n] == doctest::Approx(low * sum).epsilon(1e-3));
  }
  const Metric& metric = metrics().at("completeness");
  CHECK(direction_of(metric, {}) == Direction::zero);
  CHECK(direction_of(metric, {{"return", "holds"}}) == Direction::higher);
  CHECK(direction_of(metric, {{"compat", "quantus"}}) == Direction::higher);
  Tensor broken = map;
  broken.sample(1)[0] = INFINITY;
  CHECK(std::isnan(residuals(broken, {})[1]));
  CHECK_THROWS_AS(residuals(map, {{"baseline", "grey"}}), Error);
}

TEST_CASE("non-sensitivity counts the features whose zero is wrong") {
  // Only the left half is used; pixel (0, 0) is of no use either.
  constexpr int side = 8, pixels = side * side, size = 3 * pixels;
  Random random(5);
  Tensor weights({2, size}), inputs = test::random_tensor(random, {2, 3, side, side});
  const auto used = [](int i) { return i % side < side / 2 && i % pixels != 0; };
  for (int k = 0; k < 2; ++k)
    for (int i = 0; i < size; ++i)
      weights.sample(k)[i] = used(i) ? static_cast<float>(1 + random.uniform()) * (k ? -1.0f : 1.0f) : 0;
  Classifier classifier(graph::write(test::linear_network(3, side, side, weights)), "half");
  const std::vector<int> targets = {0, 1};
  const auto scores = [&](const Tensor& map, const json& more = json::object()) {
    json params = {{"pooling", "none"}, {"features_in_step", 1}, {"output", "logits"}};
    params.update(more);
    return measure("non-sensitivity", params, {&classifier, &inputs, &targets, map});
  };
  Tensor right(inputs.shape);
  for (int n = 0; n < 2; ++n)
    for (int i = 0; i < size; ++i) right.sample(n)[i] = used(i) ? 0.5f : 0;
  CHECK(scores(right).scores == std::vector<double>{0, 0});
  CHECK(scores(right, {{"baseline", "mean"}}).scores == std::vector<double>{0, 0});
  Tensor wrong = right;  // one used feature gets nothing, two unused ones get something
  wrong.sample(0)[1] = 0;
  wrong.sample(0)[0] = wrong.sample(0)[7] = 1;
  CHECK(scores(wrong).scores == std::vector<double>{3, 0});
  const int unused = size - 3 * (pixels / 2 - 1);
  CHECK(scores(Tensor(inputs.shape, 1.0f)).scores[0] == unused);
  CHECK(mentions(scores(Tensor(inputs.shape, 1.0f)), "constant"));
  CHECK(scores(Tensor(inputs.shape)).scores[1] == size - unused);
  CHECK(mentions(scores(Tensor(inputs.shape)), "zero"));
  CHECK(mentions(scores(right, {{"eps", 1e5}}), "too large"));
  // Groups of zeros hold zeros only, so whole pixels at once tell the same where a pixel's channels agree.
  CHECK(scores(right, {{"features_in_step", 0}}).scores == std::vector<double>{0, 0});
  CHECK(scores(right, {{"features_in_step", 1000000}}).scores == std::vector<double>{0, 0});
  // A pooled map stands for all channels of a pixel.
  CHECK(scores(right, {{"pooling", "sum"}}).scores == std::vector<double>{0, 0});
  const int64_t before = classifier.forward_count();
  scores(right, {{"features_in_step", 0}, {"nr_samples", 2}});
  CHECK(classifier.forward_count() - before <= 2 * (1 + 2 * 51));
}

TEST_CASE("the shifted network gives the same answers, with and without bias, whatever its padding") {
  for (const float shift : {-1.0f, 0.5f, 3.0f})
    for (const bool bias : {false, true})
      for (const char* auto_pad : {static_cast<const char*>(nullptr), "SAME_UPPER", "SAME_LOWER", "VALID"}) {
        CAPTURE(shift);
        CAPTURE(auto_pad);
        Padded s(bias, auto_pad);
        Classifier shifted(graph::write(shifted_network(s.classifier.original(), shift, "", "", "test")), "shifted");
        Tensor x = s.inputs;
        for (float& v : x.data) v += shift;
        const Tensor wanted = s.classifier.logits(s.inputs), got = shifted.logits(x);
        for (int64_t i = 0; i < wanted.size(); ++i)
          CHECK(got.data[static_cast<size_t>(i)] == doctest::Approx(wanted.data[static_cast<size_t>(i)]).epsilon(1e-3));
      }
}

TEST_CASE("the shifted network: dense layers, a Pad node in front, and networks that have no one first layer") {
  const auto equal = [](const graph::Model& model, const char* what) {
    CAPTURE(what);
    Random random(7);
    Tensor x = test::random_tensor(random, {2, 3, kSide, kSide});
    Classifier original(graph::write(model), what),
        shifted(graph::write(shifted_network(original.original(), 1.5f, "", "", what)), what);
    const Tensor wanted = original.logits(x);
    for (float& v : x.data) v += 1.5f;
    const Tensor got = shifted.logits(x);
    for (int64_t i = 0; i < wanted.size(); ++i)
      CHECK(std::fabs(got.data[static_cast<size_t>(i)] - wanted.data[static_cast<size_t>(i)]) < 1e-3);
  };
  {
    test::Network n(41, 3, kSide, kSide);
    equal(n.finish(true), "dense");
  }
  {
    test::Network n(42, 3, kSide, kSide);
    n.add("Flatten");
    n.add("MatMul", {n.constant({3 * kSide * kSide, 5}, 0.1)});
    n.add("Relu");
    equal(n.finish(false), "product");
  }
  {
    test::Network n(43, 3, kSide, kSide);
    n.add("Pad", {n.builder.ints({0, 0, 1, 2, 0, 0, 1, 0})});
    n.convolution(4, 3, 2, false);
    n.add("Relu");
    equal(n.finish(true), "pad");
  }
  test::Network n(44, 3, kSide, kSide);
  n.add("Relu");
  n.convolution(4, 3, 2, true);
  Classifier relu(graph::write(n.finish(true)), "relu");
  CHECK_THROWS_WITH_AS(shifted_network(relu.original(), 1, "", "", "test"), doctest::Contains("Relu"), Error);
  Padded s;
  CHECK_THROWS_WITH_AS(shifted_network(s.classifier.original(), 1, "conv9.weight", "", "test"),
                       doctest::Contains("conv9.weight"), Error);
}

TEST_CASE("input invariance: the gradient has it, input times gradient has not") {
  Padded s;
  for (const double shift : {-1.0, 0.5})
    for (const char* method : {"gradient", "guided-backprop", "sobel"}) {
      CAPTURE(method);
      const MetricResult result = s.measure("input-invariance", method, {{"input_shift", shift}});
      CHECK(result.scores == std::vector<double>{1, 1, 1});
      CHECK(result.warnings.empty());
    }
  for (const char* method : {"input-x-gradient", "integrated-gradients"}) {
    CAPTURE(method);
    CHECK(s.measure("input-invariance", method).scores == std::vector<double>{0, 0, 0});
  }
}

TEST_SUITE_END();

}  // namespace ks::axiomatic_test

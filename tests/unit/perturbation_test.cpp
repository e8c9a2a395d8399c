#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "explain/cut.h"
#include "explain/evaluate.h"
#include "explain/linear_fit.h"
#include "explain/method.h"
#include "linear_classifier.h"
#include "segment/segments.h"
#include "support.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/npy.h"

namespace ks::perturbation_test {

namespace {

using Linear = test::LinearClassifier;
constexpr int kSide = Linear::side;

}  // namespace

TEST_SUITE_BEGIN("explain");

TEST_CASE("the evaluator gives each input its own output, however batches fall") {
  Linear m(1);
  for (const Output output : {Output::logits, Output::softmax}) {
    const int count = 2 * m.classifier.batch_size() + 3;
    std::vector<double> results(static_cast<size_t>(count), -1);
    Evaluator evaluator(m.classifier, output);
    for (int i = 0; i < count; ++i) {
      float* x = evaluator.next(i % 2, &results[static_cast<size_t>(i)]);
      for (int64_t k = 0; k < m.inputs.stride(); ++k) x[k] = m.inputs.sample(i % 3)[k] * static_cast<float>(i);
    }
    evaluator.finish();
    for (int i = 0; i < count; ++i) {
      double z[2] = {0, 0};
      for (int t = 0; t < 2; ++t)
        for (int c = 0; c < 3; ++c)
          for (int p = 0; p < kSide * kSide; ++p) z[t] += i * m.contribution(i % 3, t, c, p);
      const double wanted = output == Output::logits ? z[i % 2] : 1 / (1 + std::exp(z[1 - i % 2] - z[i % 2]));
      CHECK(results[static_cast<size_t>(i)] == doctest::Approx(wanted).epsilon(1e-3));
    }
  }
}

TEST_CASE("occlusion of a linear network is the sum of the contributions under the window") {
  Linear m(2);
  const Tensor map = explain("occlusion", {{"window", json::array({6, 4})}, {"stride", json::array({6, 4})}},
                             {m.classifier, m.inputs, {1, 0, 1}});
  REQUIRE(map.shape == m.inputs.shape);
  for (const auto& [n, target] : {std::pair{0, 1}, {1, 0}, {2, 1}})
    for (const auto& [top, left] : {std::pair{0, 0}, {6, 8}, {18, 20}}) {
      double wanted = 0;
      for (int y = top; y < top + 6; ++y)
        for (int x = left; x < left + 4; ++x)
          for (int c = 0; c < 3; ++c) wanted += m.contribution(n, target, c, y * kSide + x);
      for (int c = 0; c < 3; ++c)
        CHECK(map.sample(n)[(c * kSide + top + 5) * kSide + left] == doctest::Approx(wanted).epsilon(1e-3));
    }
}

TEST_CASE("occlusion: pixels no window reaches get 0, and a window that does not fit is told") {
  Linear m(3);
  const Tensor map = explain("occlusion", {{"window", 10}, {"stride", 10}}, {m.classifier, m.inputs, {0, 0, 0}});
  CHECK(map.data[23] == 0);
  CHECK(map.data[0] != 0);
  CHECK(explain("occlusion", {{"window", kSide}}, {m.classifier, m.inputs, {0, 0, 0}}).data[0] != 0);
  for (const json& window : {json(25), json(0), json("8"), json::array({8}), json::array({8, 25}), json(2.5)})
    CHECK_THROWS_AS(explain("occlusion", {{"window", window}}, {m.classifier, m.inputs, {0, 0, 0}}), Error);
}

TEST_CASE("ridge regression recovers a plane, and weights and penalty act as they should") {
  Random random(5);
  const int samples = 200, features = 7;
  std::vector<uint8_t> z;
  std::vector<double> y, w;
  const double c[] = {1, -2, 3, 0, 0.5, -0.25, 4};
  for (int s = 0; s < samples; ++s) {
    double sum = 10;
    for (int k = 0; k < features; ++k) {
      z.push_back(random.chance(0.5));
      sum += c[k] * z.back();
    }
    const bool spoilt = s % 4 == 0;
    y.push_back(spoilt ? 100 * random.normal() : sum);
    w.push_back(spoilt ? 0 : 0.5 + random.uniform());
  }
  const std::vector<double> fit = fit_ridge(z, y, w, features, 0);
  for (int k = 0; k < features; ++k) CHECK(fit[static_cast<size_t>(k)] == doctest::Approx(c[k]).epsilon(1e-9));
  const std::vector<double> stiff = fit_ridge(z, y, w, features, 1e9);
  for (const double v : stiff) CHECK(std::fabs(v) < 1e-5);
  // Features that are always the same say nothing: no division by zero.
  std::fill(z.begin(), z.end(), uint8_t{1});
  for (const double v : fit_ridge(z, y, w, features, 0)) CHECK(std::fabs(v) < 1e-6);
}

TEST_CASE("LIME of a linear network with a constant behind hidden segments: the contribution of each segment") {
  Linear m(6);
  const json params = {
      {"segmentation", "grid"}, {"segments", 16}, {"samples", 300}, {"hidden", "constant"}, {"ridge", 1e-6}};
  const Tensor map = explain("lime", params, {m.classifier, m.inputs, {1, 0, 1}, 9});
  REQUIRE(map.shape == Shape{3, 1, kSide, kSide});
  const Segments cells = grid_segments(kSide, kSide, 4, 4);
  for (int n = 0; n < 3; ++n) {
    std::vector<double> wanted(16);
    for (int c = 0; c < 3; ++c)
      for (int p = 0; p < kSide * kSide; ++p)
        wanted[static_cast<size_t>(cells.labels[static_cast<size_t>(p)])] += m.contribution(n, n == 1 ? 0 : 1, c, p);
    for (int p = 0; p < kSide * kSide; ++p)
      CHECK(std::fabs(map.sample(n)[p] - wanted[static_cast<size_t>(cells.labels[static_cast<size_t>(p)])]) < 2e-3);
  }
}

TEST_CASE("LIME: the same seed gives the same map, another seed another; segments of one colour hide nothing") {
  Linear m(7);
  const json params = {{"segments", 20}, {"samples", 60}, {"hidden", "segment-mean"}};
  const Tensor a = explain("lime", params, {m.classifier, m.inputs, {0, 0, 0}, 1});
  CHECK(explain("lime", params, {m.classifier, m.inputs, {0, 0, 0}, 1}).data == a.data);
  CHECK(explain("lime", params, {m.classifier, m.inputs, {0, 0, 0}, 2}).data != a.data);
  const Tensor flat({1, 3, kSide, kSide}, 0.5f);
  const Tensor nothing = explain("lime", params, {m.classifier, flat, {0}, 1});
  for (const float v : nothing.data) CHECK(std::fabs(v) < 1e-4);
}

TEST_CASE("random: Gaussian, its own for each image, the same for the same seed") {
  Linear m(8);
  const ExplainRequest request{m.classifier, m.inputs, {0, 0, 0}, 5};
  const Tensor a = explain("random", {}, request);
  CHECK(a.shape == m.inputs.shape);
  CHECK(explain("random", {}, request).data == a.data);
  CHECK(a.slice(0, 1).data != a.slice(1, 2).data);
  const Tensor one = explain("random", {}, {m.classifier, m.inputs.slice(0, 1), {0}, 5});
  CHECK(one.data == a.slice(0, 1).data);  // an image's noise does not depend on what else is in the batch
  double squares = 0;
  for (const float v : a.data) squares += static_cast<double>(v) * v;
  CHECK(squares / static_cast<double>(a.size()) == doctest::Approx(1).epsilon(0.05));
}

TEST_CASE("images are cut once for all who cut them alike") {
  Linear m(11);
  const std::vector<int> targets = {0, 1, 0};
  SegmentsMemo memo;
  ExplainRequest with{m.classifier, m.inputs, targets, 1}, without = with;
  with.segments = &memo;
  const auto same = [&](const char* method, const json& params) {
    return explain(method, params, with).data == explain(method, params, without).data;
  };
  CHECK(same("lime", {{"segments", 20}, {"samples", 60}}));
  CHECK(memo.hits() == 0);
  CHECK(same("kernel-shap", {{"segments", 20}, {"samples", 60}}));
  CHECK(memo.hits() == 3);
  CHECK(same("lime", {{"segments", 8}, {"samples", 60}}));
  CHECK(same("lime", {{"segments", 20}, {"samples", 60}, {"compactness", 3}}));
  CHECK(memo.hits() == 3);
}

TEST_CASE("long perturbation runs can be stopped") {
  Linear m(9);
  const auto stop = [](double fraction) {
    if (fraction > 0.3) throw Cancelled();
  };
  for (const char* method : {"lime", "occlusion"}) {
    const json params = std::string(method) == "lime" ? json{{"samples", 400}} : json{{"window", 2}, {"stride", 1}};
    const int64_t before = m.classifier.forward_count();
    CHECK_THROWS_AS(explain(method, params, {m.classifier, m.inputs, {0, 0, 0}, 1, stop}), Cancelled);
    CHECK(m.classifier.forward_count() > before);
  }
}

TEST_SUITE_END();

}  // namespace ks::perturbation_test

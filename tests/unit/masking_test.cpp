#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "explain/cut.h"
#include "explain/method.h"
#include "explain/switched_image.h"
#include "linear_classifier.h"
#include "tensor/error.h"

namespace ks::masking_test {

namespace {

constexpr int kSide = test::LinearClassifier::side;

struct Linear : test::LinearClassifier {
  using test::LinearClassifier::LinearClassifier;

  /// What a pixel adds to the target's logit, all channels together, against `baseline`.
  double contribution(int64_t n, int target, int pixel, double baseline = 0) const {
    double sum = 0;
    for (int c = 0; c < 3; ++c) sum += test::LinearClassifier::contribution(n, target, c, pixel, baseline);
    return sum;
  }
};

std::vector<double> sums(const Linear& m, int64_t n, int target, const Segments& s, double baseline = 0) {
  std::vector<double> out(static_cast<size_t>(s.count));
  for (int p = 0; p < kSide * kSide; ++p)
    out[static_cast<size_t>(s.labels[static_cast<size_t>(p)])] += m.contribution(n, target, p, baseline);
  return out;
}

/// Two classes; logit 0 is `gain` times the mean brightness of a square off the middle, less half of that, logit 1
/// nothing.
constexpr int kTop = 4, kLeft = 12, kSquare = 8;
bool planted(int pixel) {
  const int y = pixel / kSide, x = pixel % kSide;
  return y >= kTop && y < kTop + kSquare && x >= kLeft && x < kLeft + kSquare;
}
Classifier planted_network(float gain) {
  Tensor weights({2, 3 * kSide * kSide});
  for (int i = 0; i < 3 * kSide * kSide; ++i)
    if (planted(i % (kSide * kSide))) weights.data[static_cast<size_t>(i)] = gain / (3 * kSquare * kSquare);
  graph::Model model = test::linear_network(3, kSide, kSide, weights);
  graph::Builder builder(model);
  model.nodes.back().inputs.push_back(builder.constant(graph::Array::floats({2}, {-gain / 2, 0})));
  return Classifier(graph::write(model), "planted");
}

std::pair<double, double> means_inside_and_outside(const Tensor& map, int64_t n) {
  double in = 0, out = 0;
  for (int p = 0; p < kSide * kSide; ++p) (planted(p) ? in : out) += map.sample(n)[p];
  return {in / (kSquare * kSquare), out / (kSide * kSide - kSquare * kSquare)};
}

}  // namespace

TEST_SUITE_BEGIN("explain");

TEST_CASE("a switched image shows the reference where segments are off, however it was switched") {
  Random random(3);
  const Tensor x = test::random_tensor(random, {1, 3, 7, 9}), reference = test::random_tensor(random, {1, 3, 7, 9});
  Segments s{9, 7, 0, {}};
  for (int i = 0; i < 63; ++i) s.labels.push_back(static_cast<int32_t>(random.below(5)));
  s.count = 5;
  const SwitchedImage image(x.data.data(), reference, s);
  REQUIRE(image.count() == 5);
  for (unsigned set = 0; set < 32; ++set) {
    uint8_t on[5];
    for (int k = 0; k < 5; ++k) on[k] = (set >> k) & 1;
    std::vector<float> written(x.data.size()), switched = reference.data;
    image.write(on, written.data());
    for (int k = 0; k < 5; ++k) {
      image.set(k, true, switched.data());
      if (!on[k]) image.set(k, false, switched.data());
    }
    CHECK(written == switched);
    bool right = true;
    for (size_t i = 0; i < written.size(); ++i) right &= written[i] == (on[s.labels[i % 63]] ? x : reference).data[i];
    CHECK(right);
  }
}

TEST_CASE("feature ablation of a linear network is the sum of each segment's contributions, with every segmentation") {
  Linear m(31);
  const std::vector<int> targets = {1, 0, 1};
  for (const Segmentation& segmentation : segmentations()) {
    CAPTURE(segmentation.name);
    const json params = {{"segmentation", segmentation.name}, {"baseline", 0.5}};
    const ExplainRequest request{m.classifier, m.inputs, targets};
    const Tensor map = explain("feature-ablation", params, request);
    REQUIRE(map.shape == m.inputs.shape);
    for (int n = 0; n < 3; ++n) {
      const Segments s = cut(request, n, check_parameters(methods().at("feature-ablation"), params));
      const std::vector<double> wanted = sums(m, n, targets[static_cast<size_t>(n)], s, 0.5);
      for (int c = 0; c < 3; ++c)
        for (int p = 0; p < kSide * kSide; ++p)
          REQUIRE(std::fabs(map.sample(n)[c * kSide * kSide + p] -
                            wanted[static_cast<size_t>(s.labels[static_cast<size_t>(p)])]) < 2e-3);
    }
  }
}

TEST_CASE("grid cuts squares of so many pixels, the last ones smaller; grid_cells rows and columns") {
  Linear m(32);
  const Tensor map = explain("feature-ablation", {{"grid", 10}}, {m.classifier, m.inputs.slice(0, 1), {0}});
  double corner = 0;
  for (int y = 20; y < 24; ++y)
    for (int x = 20; x < 24; ++x) corner += m.contribution(0, 0, y * kSide + x);
  CHECK(map.data[23 * kSide + 23] == doctest::Approx(corner).epsilon(1e-3));
  CHECK(map.data[19 * kSide + 19] == map.data[10 * kSide + 10]);
  CHECK(map.data[19 * kSide + 19] != map.data[20 * kSide + 19]);
  const Tensor shap =
      explain("kernel-shap", {{"grid_cells", {1, 3}}, {"samples", "all"}}, {m.classifier, m.inputs.slice(0, 1), {0}});
  const std::vector<double> wanted = sums(m, 0, 0, grid_segments(kSide, kSide, 1, 3));
  for (int x = 0; x < kSide; ++x)
    CHECK(std::fabs(shap.data[static_cast<size_t>(x)] - wanted[static_cast<size_t>(x / 8)]) < 2e-3);
}

TEST_CASE("segmentation_params reach the segmentation, win over the shorthands, and are checked") {
  Linear m(33);
  const std::vector<int> targets = {0, 0, 0};
  const ExplainRequest request{m.classifier, m.inputs, targets};
  const auto count = [&](const json& params) {
    return cut(request, 0, check_parameters(methods().at("lime"), params)).count;
  };
  CHECK(count({{"segmentation", "grid"}, {"segments", 16}}) == 16);
  CHECK(count({{"segmentation", "grid"}, {"segmentation_params", {{"rows", 2}, {"columns", 3}}}}) == 6);
  CHECK(count({{"segmentation", "grid"}, {"segments", 16}, {"segmentation_params", {{"rows", 2}}}}) == 8);
  CHECK(count({{"segmentation", "hexagon"}, {"segments", 9}}) < count({{"segmentation", "hexagon"}, {"segments", 60}}));
  CHECK(count({{"segmentation", "watershed"}, {"segments", 9}}) == 9);
  CHECK(count({{"segmentation", "felzenszwalb"}, {"segmentation_params", {{"scale", 1e5}, {"min_size", 2}}}}) <
        count({{"segmentation", "felzenszwalb"}, {"segmentation_params", {{"scale", 0.01}, {"min_size", 2}}}}));
  const Params square = check_parameters(methods().at("lime"), {{"segments", 20}, {"compactness", 1000}});
  CHECK(cut(request, 0, square).labels == segment("slic", {{"segments", 20}, {"compactness", 1000}},
                                                  tensor_to_image(m.inputs, 0, m.classifier.preprocessing()))
                                              .labels);
  const auto fails = [&](const std::string& method, const json& params, const char* word) {
    CHECK_THROWS_WITH_AS(explain(method, params, request), doctest::Contains(word), Error);
  };
  for (const std::string method : {"lime", "feature-ablation", "kernel-shap", "shapley-sampling", "rise"}) {
    fails(method, {{"segmentation", "slic"}, {"segmentation_params", {{"scale", 1}}}}, "scale");
    fails(method, {{"segmentation", "quickshift"}, {"segmentation_params", {{"ratio", 2}}}}, "ratio");
    fails(method, {{"segmentation", "felzenszwalb"}, {"segmentation_params", 3}}, "segmentation_params");
    fails(method, {{"segmentation", "voronoi"}}, "segmentation");
  }
}

TEST_CASE("shapley-sampling of a linear network gives each segment its contribution from one order on") {
  Linear m(34);
  const Tensor map = explain("shapley-sampling", {{"grid_cells", {4, 4}}, {"permutations", 1}},
                             {m.classifier, m.inputs, {1, 0, 1}, 2});
  REQUIRE(map.shape == Shape{3, 1, kSide, kSide});
  const Segments cells = grid_segments(kSide, kSide, 4, 4);
  for (int n = 0; n < 3; ++n) {
    const std::vector<double> wanted = sums(m, n, n == 1 ? 0 : 1, cells);
    for (int p = 0; p < kSide * kSide; ++p)
      CHECK(std::fabs(map.sample(n)[p] - wanted[static_cast<size_t>(cells.labels[static_cast<size_t>(p)])]) < 2e-3);
  }
}

TEST_CASE(
    "RISE: a linear output gives its expectation by segment, a constant one the same everywhere, but for sampling") {
  // By segments: E[f on_k] / p = f(all at p) + (1 - p) c_k, exactly computable.
  Linear m(35);
  const double p = 0.4;
  const Segments cells = grid_segments(kSide, kSide, 2, 2);
  const json params = {
      {"segmentation", "grid"}, {"segments", 4}, {"samples", 20000}, {"probability", p}, {"output", "logits"}};
  const Tensor map = explain("rise", params, {m.classifier, m.inputs.slice(0, 1), {1}, 5});
  REQUIRE(map.shape == Shape{1, 1, kSide, kSide});
  const std::vector<double> c = sums(m, 0, 1, cells);
  double all = 0, spread = 0;
  for (const double v : c) all += p * v, spread += v * v;
  for (int y : {0, 23})
    for (int x : {0, 23}) {
      const double own = c[static_cast<size_t>(cells.at(x, y))];
      CHECK(std::fabs(map.data[static_cast<size_t>(y * kSide + x)] - (all + (1 - p) * own)) < 0.05 * std::sqrt(spread));
    }
  // Smooth masks: every pixel is let through with the same expectation, so a constant network gives a flat map.
  const Tensor weights({2, 3 * kSide * kSide});
  Classifier constant(graph::write(test::linear_network(3, kSide, kSide, weights)), "constant");
  const Tensor even = explain("rise", {{"samples", 3000}, {"cells", 4}}, {constant, m.inputs.slice(0, 1), {0}, 6});
  for (const float v : even.data) CHECK(v == doctest::Approx(0.5).epsilon(0.06));
}

TEST_CASE("RISE finds a planted region; images of a batch have masks of their own") {
  Classifier network = planted_network(4);
  const Tensor x({2, 3, kSide, kSide}, 1.0f);
  const Tensor map = explain("rise", {{"samples", 2000}, {"cells", 6}}, {network, x, {0, 0}, 1});
  for (int n = 0; n < 2; ++n) {
    const auto [in, out] = means_inside_and_outside(map, n);
    CHECK(in > out + 0.03);
  }
  CHECK(map.slice(0, 1).data != map.slice(1, 2).data);
}

TEST_CASE("meaningful perturbation hides a planted region and little else") {
  Classifier network = planted_network(8);
  Random random(4);
  Tensor x({2, 3, kSide, kSide}, 1.0f);
  for (float& v : x.data) v += static_cast<float>(0.1 * random.normal());
  // The square is four cells, each 16 of its 64 pixels; a neighbouring cell reaches two of them. With the square
  // hidden, the probability falls by 0.018 * 8 / 64 per pixel, the logit by 8 / 64: the prices lie between what a cell
  // of the square and a neighbour are worth.
  for (const auto& item : {std::pair<std::string, double>{"softmax", 0.015}, {"logits", 0.5}}) {
    const auto& output = item.first;
    const auto& price = item.second;
    CAPTURE(output);
    const json params = {{"baseline", 0}, {"cell", 4}, {"jitter", 0}, {"l1", price}, {"tv", 0.001}, {"output", output}};
    const Tensor map = explain("meaningful-perturbation", params, {network, x, {0, 0}, 1});
    REQUIRE(map.shape == Shape{2, 1, kSide, kSide});
    for (int n = 0; n < 2; ++n) {
      const auto [in, out] = means_inside_and_outside(map, n);
      CHECK(in > 0.7);
      CHECK(out < 0.1);
    }
    for (const float v : map.data) CHECK((v >= 0 && v <= 1));
  }
  // A high price of hiding hides nothing.
  const Tensor dear =
      explain("meaningful-perturbation", {{"baseline", 0}, {"cell", 4}, {"l1", 10}}, {network, x, {0, 0}, 1});
  for (const float v : dear.data) CHECK(v < 0.01);
}

TEST_CASE("perturbation methods: a batch equals its images one by one, the seed decides, and progress ends at 1") {
  Linear m(36);
  const std::vector<int> targets = {1, 0, 1};
  const std::pair<std::string, json> cases[] = {
      {"lime", {{"samples", 40}, {"segments", 9}}},
      {"feature-ablation", {{"segments", 9}}},
      {"kernel-shap", {{"samples", 30}, {"segments", 9}}},
      {"shapley-sampling", {{"permutations", 3}, {"segments", 9}}},
      {"rise", {{"samples", 30}}},
      {"rise", {{"samples", 30}, {"segmentation", "hexagon"}}},
      {"meaningful-perturbation", {{"iterations", 5}}},
  };
  for (const auto& item : cases) {
    const auto& method = item.first;
    const auto& params = item.second;
    CAPTURE(method);
    double last = 0;
    const Progress progress = [&](double fraction) {
      CHECK(fraction >= last);
      CHECK(fraction <= 1);
      last = fraction;
    };
    const Tensor together = explain(method, params, {m.classifier, m.inputs, targets, 8, progress});
    CHECK(last > 0.3);
    CHECK(together.dim(0) == 3);
    for (int n = 0; n < 3; ++n) {
      const Tensor alone = explain(method, params,
                                   {m.classifier,
                                    m.inputs.slice(n, n + 1),
                                    {targets[static_cast<size_t>(n)]},
                                    8,
                                    nullptr,
                                    nullptr,
                                    static_cast<uint64_t>(n)});
      double largest = 0, difference = 0;
      for (int64_t i = 0; i < alone.size(); ++i) {
        largest = std::max(largest, std::fabs(static_cast<double>(alone.data[static_cast<size_t>(i)])));
        difference = std::max(
            difference, std::fabs(static_cast<double>(alone.data[static_cast<size_t>(i)]) - together.sample(n)[i]));
      }
      CHECK(largest > 0);
      CHECK(difference <= 1e-4 * largest);
    }
    const bool random = method != "feature-ablation";
    CHECK((explain(method, params, {m.classifier, m.inputs, targets, 9}).data == together.data) != random);
    const auto stop = [](double) { throw Cancelled(); };
    CHECK_THROWS_AS(explain(method, params, {m.classifier, m.inputs, targets, 8, stop}), Cancelled);
  }
}

TEST_SUITE_END();

}  // namespace ks::masking_test

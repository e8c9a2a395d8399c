#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "contribution_scene.h"
#include "metric/subsets.h"
#include "tensor/error.h"

namespace ks::faithfulness_correlation_test {
using test::ContributionScene;
using test::scaled;
using test::warns;

namespace {

constexpr int kPixels = ContributionScene::pixels, kSize = ContributionScene::size;

std::vector<std::string> faithfulness_names() {
  std::vector<std::string> names;
  for (const Metric& m : metrics())
    if (m.family == "faithfulness") names.push_back(m.name);
  return names;
}

}  // namespace

TEST_SUITE_BEGIN("metric");

TEST_CASE("correlations with a linear network's output: 1 for its contributions, -1 for their opposite") {
  ContributionScene s(7);
  const Tensor wrong = scaled(s.contributions, -1), noise = ContributionScene::noise_map(8);
  for (const char* name : {"faithfulness-estimate", "faithfulness-correlation", "sensitivity-n"}) {
    CAPTURE(name);
    json params = ContributionScene::exact();
    if (std::string(name) != "faithfulness-estimate") params["nr_runs"] = 40;
    const auto right = s.measure(name, s.contributions, params).scores,
               opposite = s.measure(name, wrong, params).scores, middle = s.measure(name, noise, params).scores;
    for (size_t n = 0; n < 3; ++n) {
      CHECK(right[n] > 0.9999);
      CHECK(opposite[n] < -0.9999);
      CHECK(std::fabs(middle[n]) < 0.6);
    }
  }
  // Magnitudes: the opposite is as good, and the change is that of the group's sum.
  const auto right = s.measure("monotonicity-correlation", s.contributions, ContributionScene::exact()).scores;
  for (size_t n = 0; n < 3; ++n) CHECK(right[n] > 0.99);
  const auto curve = s.measure("sensitivity-n", s.contributions,
                               ContributionScene::exact({{"shares", {0.2, 0.5}}, {"return", "curve"}}));
  CHECK(curve.curve_is_score);
  CHECK(curve.curves[1].size() == 2);
  CHECK(curve.curves[1][0] > 0.9999);
  CHECK(s.measure("faithfulness-correlation", noise, ContributionScene::exact(), nullptr, 1).scores !=
        s.measure("faithfulness-correlation", noise, ContributionScene::exact(), nullptr, 2).scores);
}

TEST_CASE("monotonicity correlation over a uniform baseline: more draws, less noise") {
  ContributionScene s(8);
  const auto spread = [&](int draws) {
    const json params = ContributionScene::exact({{"baseline", "uniform"}, {"nr_samples", draws}});
    const double a = s.measure("monotonicity-correlation", s.contributions, params, nullptr, 1).scores[0],
                 b = s.measure("monotonicity-correlation", s.contributions, params, nullptr, 2).scores[0];
    return std::fabs(a - b);
  };
  CHECK(spread(1) > 0);
  CHECK(spread(60) < 0.25);
}

TEST_CASE("sensitivity-n across images: one curve for all, undefined for one") {
  ContributionScene s(9);
  const json params = ContributionScene::exact(
      {{"variant", "across-samples"}, {"features_in_step", 48}, {"normalise", "none"}, {"return", "curve"}});
  const auto all = s.measure("sensitivity-n", s.contributions, params);
  CHECK(all.scores.size() == 3);
  CHECK(all.scores[0] == all.scores[2]);
  REQUIRE(all.curves.size() == 1);
  CHECK(all.curves[0].size() == 9);  // int(0.8 * 576) / 48
  CHECK(all.curves[0][0] > 0.9999);  // the first step's fall is what the map gives to it
  const Tensor x = s.inputs.slice(0, 1), map = s.contributions.slice(0, 1);
  const std::vector<int> target{0};
  const auto one = measure("sensitivity-n", params, {&s.classifier, &x, &target, map});
  CHECK(std::isnan(one.scores[0]));
  CHECK(warns(one, "one image"));
  const Metric& metric = metrics().at("sensitivity-n");
  CHECK(metric.compares_images(check_parameters(metric, params)));
  CHECK_FALSE(metric.compares_images(check_parameters(metric, json::object())));
  CHECK(metric.compares_images(check_parameters(metric, {{"compat", "quantus"}})));
}

TEST_CASE("infidelity of a linear network's gradient is nothing, whatever perturbs") {
  ContributionScene s(10);
  const Tensor noise = ContributionScene::noise_map(11);
  for (const json& params : {json{{"n_samples", 20}}, json{{"n_samples", 20}, {"scale", "none"}},
                             json{{"variant", "gaussian"}, {"n_samples", 20}},
                             json{{"variant", "sequential-patches"}, {"patch_sizes", {4, 7}}}}) {
    CAPTURE(params.dump());
    const auto right = s.measure("infidelity", s.gradient, params).scores,
               wrong = s.measure("infidelity", noise, params).scores,
               opposite = s.measure("infidelity", scaled(s.gradient, -1), params).scores;
    for (size_t n = 0; n < 3; ++n) {
      CHECK(right[n] < 1e-6);
      CHECK(wrong[n] > 1e-3);
      CHECK(opposite[n] > 1e-3);
    }
  }
  // Gaussian noise of deviation s: the expected error of the map b is s^2 |b - w|^2.
  double expected = 0;
  for (int i = 0; i < kSize; ++i)
    expected += std::pow(0.1 * (noise.data[static_cast<size_t>(i)] - s.gradient.data[static_cast<size_t>(i)]), 2);
  CHECK(s.measure("infidelity", noise, {{"variant", "gaussian"}, {"n_samples", 600}}).scores[0] ==
        doctest::Approx(expected).epsilon(0.25));
  const Tensor large = scaled(s.gradient, 1000);
  CHECK(s.measure("infidelity", large, {{"n_samples", 5}}).scores[0] < 1e-6);
  CHECK(s.measure("infidelity", large, {{"n_samples", 5}, {"scale", "none"}}).scores[0] > 1);
}

TEST_CASE("sufficiency: equal maps and equal classes agree, equal maps of different classes do not") {
  ContributionScene s(13);
  const std::vector<int> predicted = s.classifier.predict(s.inputs);
  Tensor maps = ContributionScene::noise_map(14);
  std::copy(maps.sample(0), maps.sample(1), maps.sample(1));  // images 1 and 2 are explained alike
  const auto result = s.measure("sufficiency", maps, {{"distance", "euclidean"}});
  const double agree = predicted[0] == predicted[1];
  CHECK(result.scores == std::vector<double>{agree, agree, 0});
  CHECK(warns(result, "image 3: no other image"));
  const auto all = s.measure("sufficiency", maps, {{"distance", "euclidean"}, {"threshold", 1}});
  for (size_t n = 0; n < 3; ++n) {
    double same = 0;
    for (size_t m = 0; m < 3; ++m) same += m != n && predicted[m] == predicted[n];
    CHECK(all.scores[n] == doctest::Approx(same / 2));
  }
  const Tensor x = s.inputs.slice(0, 1), map = maps.slice(0, 1);
  const std::vector<int> target{0};
  const auto one = measure("sufficiency", {}, {&s.classifier, &x, &target, map});
  CHECK(std::isnan(one.scores[0]));
  CHECK(warns(one, "one image"));
}

TEST_CASE("faithfulness of maps without differences or with NaN: a warning, and no number where there is none") {
  ContributionScene s(15);
  Tensor map = s.contributions;
  std::fill(map.sample(0), map.sample(1), 0.1f);
  map.sample(1)[3] = std::nanf("");
  for (const std::string& name : faithfulness_names()) {
    CAPTURE(name);
    json params = json::object();
    if (name == "sensitivity-n" || name == "faithfulness-correlation") params["nr_runs"] = 5;
    if (name == "infidelity") params["n_samples"] = 5;
    const auto result = s.measure(name, map, params);
    CHECK(warns(result, "image 1: the map is constant"));
    CHECK(warns(result, "image 2: the map holds NaN"));
    const std::string& correlated = name;
    const bool needs_differences = correlated.find("correlation") != std::string::npos ||
                                   correlated == "faithfulness-estimate" || correlated == "sensitivity-n";
    CHECK(std::isnan(result.scores[0]) == needs_differences);
    CHECK(std::isnan(result.scores[1]));
    CHECK(std::isfinite(result.scores[2]));
  }
}

TEST_CASE("metrics of faithfulness share their forward passes") {
  ContributionScene s(16);
  const auto cost = [&](const std::string& name, const Tensor& map, ForwardMemo* memo) {
    const int64_t before = s.classifier.forward_count();
    s.measure(name, map, json::object(), memo, 4);
    return s.classifier.forward_count() - before;
  };
  ForwardMemo memo;
  int64_t alone = 0, together = 0;
  std::map<std::string, int64_t> first, second;
  const Tensor other = ContributionScene::noise_map(17);
  for (const std::string& name : faithfulness_names()) {
    alone += cost(name, s.contributions, nullptr);
    together += first[name] = cost(name, s.contributions, &memo);
  }
  MESSAGE("forward passes one by one ", alone, ", together ", together);
  CHECK(static_cast<double>(together) < 0.6 * static_cast<double>(alone));
  CHECK(first.at("deletion") == 3);  // the images themselves: pixel flipping saw all the others
  CHECK(first.at("monotonicity") == 0);
  CHECK(first.at("selectivity") == 0);
  CHECK(first.at("monotonicity-correlation") == 0);
  CHECK(first.at("sensitivity-n") == 3 * 4 * usual_draws);  // of five sizes, faithfulness correlation removed one
  CHECK(first.at("infidelity") == 0);
  // Another method's map of the same images asks for the same random subsets.
  for (const std::string& name : faithfulness_names()) second[name] = cost(name, other, &memo);
  for (const char* name : {"faithfulness-correlation", "sensitivity-n", "infidelity", "sufficiency"})
    CHECK(second.at(name) == 0);
  CHECK(second.at("insertion") <= 3 * 47);  // both ends are known
  // What is shared changes no score.
  for (const std::string& name : faithfulness_names()) {
    CAPTURE(name);
    const auto with = s.measure(name, other, json::object(), &memo, 4).scores,
               without = s.measure(name, other, json::object(), nullptr, 4).scores;
    for (size_t n = 0; n < 3; ++n) CHECK(with[n] == doctest::Approx(without[n]).epsilon(1e-4));
  }
}

TEST_CASE("parameters of faithfulness that make no sense end in a sentence") {
  ContributionScene s(18);
  const auto fails = [&](const char* name, const json& params) {
    CAPTURE(params.dump());
    CHECK_THROWS_AS(s.measure(name, s.contributions, params), Error);
  };
  fails("irof", {{"segments", {1, 2, 3}}});
  fails("irof", {{"segments", "slic"}});
  fails("irof", {{"segmentation", "squares"}});
  fails("irof", {{"segments", json(std::vector<double>(kPixels, 0.5))}});
  fails("road", {{"percentages", json::array()}});
  fails("road", {{"percentages", {0}}});
  fails("road", {{"percentages", {100}}});
  fails("road", {{"percentages", {"all"}}});
  fails("sensitivity-n", {{"shares", {0.5, 1}}});
  fails("sensitivity-n", {{"shares", json::array()}});
  fails("infidelity", {{"shares", {0}}});
  fails("infidelity", {{"variant", "sequential-patches"}, {"patch_sizes", json::array()}});
  fails("infidelity", {{"variant", "sequential-patches"}, {"patch_sizes", {2.5}}});
  fails("faithfulness-correlation", {{"subset_size", kPixels}});
  fails("insertion", {{"baseline", "grey"}});
  fails("region-perturbation", {{"order", "random"}});
}

TEST_SUITE_END();

}  // namespace ks::faithfulness_correlation_test

#include "explain/aggregate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "explain/aggregation.h"
#include "explain/reference.h"
#include "linear_classifier.h"
#include "metric/metric.h"
#include "tensor/error.h"

namespace ks::aggregate_test {

namespace {

using Map = std::vector<float>;
using MembersFunction = void (*)(const Members&, int64_t, float*);

Map aggregated_by(MembersFunction statistic, const std::vector<Map>& maps) {
  Members members;
  for (const Map& map : maps) members.push_back(map.data());
  Map out(maps[0].size());
  statistic(members, static_cast<int64_t>(out.size()), out.data());
  return out;
}

void check_near(const Map& got, const std::vector<double>& wanted) {
  REQUIRE(got.size() == wanted.size());
  for (size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(wanted[i]).epsilon(1e-6));
}

Map random_map(uint64_t seed, int size = 400) {
  Random random(seed);
  Map out(static_cast<size_t>(size));
  for (float& v : out) v = static_cast<float>(random.normal());
  return out;
}

Map times(Map map, float factor) {
  for (float& v : map) v *= factor;
  return map;
}

const std::vector<MembersFunction> all_functions = {mean_of_members,      median_of_members,
                                                    strongest_of_members, variance_weighted_mean_of_members,
                                                    rank_mean_of_members, aligned_mean_of_members};
const std::vector<std::string> all_names = {"aggregate-mean",      "aggregate-median",
                                            "aggregate-max",       "aggregate-variance-weighted",
                                            "aggregate-rank-mean", "aggregate-distribution-aligned"};

}  // namespace

TEST_SUITE_BEGIN("explain");

TEST_CASE("aggregates of maps: known answers") {
  const std::vector<Map> maps = {{1, -2, 0, 4}, {3, -2, 0, -8}, {2, 1, 0, 1}};
  check_near(aggregated_by(mean_of_members, maps), {2, -1, 0, -1});
  check_near(aggregated_by(median_of_members, maps), {2, -2, 0, 1});
  check_near(aggregated_by(median_of_members, {maps[0], maps[1]}), {2, -2, 0, -2});
  check_near(aggregated_by(strongest_of_members, maps), {3, -2, 0, -8});
  // Deviations over the members: sqrt(2/3), sqrt(2), 0, sqrt(26); their mean is added.
  const double s0 = std::sqrt(2.0 / 3), s1 = std::sqrt(2.0), s3 = std::sqrt(26.0), usual = (s0 + s1 + s3) / 4;
  check_near(aggregated_by(variance_weighted_mean_of_members, maps),
             {2 / (s0 + usual), -1 / (s1 + usual), 0, -1 / (s3 + usual)});
  // Ranks of magnitudes of four: 2,3,1,4; 3,2,1,4; 4,2.5,1,2.5.
  check_near(aggregated_by(rank_mean_of_members, maps),
             {(2 + 3 + 4) / 12.0, (-3 - 2 + 2.5) / 12, 0, (4 - 4 + 2.5) / 12});
  // In units of their medians 2, 3, 1: 0, .5, 1, 2; 0, 2/3, 1, 8/3; 0, 1, 1, 2: the common one is 0, 2/3, 1, 2.
  check_near(aggregated_by(aligned_mean_of_members, maps),
             {(2.0 / 3 + 1 + 2) / 3, (-1 - 2.0 / 3 + 5.0 / 6) / 3, 0, (2 - 2 + 5.0 / 6) / 3});
}

TEST_CASE("aggregates keep zero at zero and the sign of members that agree; one member is itself up to its scale") {
  Map map = random_map(1);
  for (size_t i = 0; i < 50; ++i) map[i] = 0;
  const Map other = times(map, 3);
  for (const MembersFunction f : all_functions) {
    const Map both = aggregated_by(f, {map, other}), alone = aggregated_by(f, {map});
    int wrong = 0;
    for (size_t i = 0; i < map.size(); ++i) {
      wrong += (both[i] > 0) != (map[i] > 0) || (both[i] < 0) != (map[i] < 0);
      wrong += (alone[i] > 0) != (map[i] > 0) || (alone[i] < 0) != (map[i] < 0);
    }
    CHECK(wrong == 0);
    std::vector<size_t> order(map.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return map[a] < map[b]; });
    int falls = 0;
    for (size_t k = 1; k < order.size(); ++k) falls += alone[order[k]] < alone[order[k - 1]];
    CHECK(falls == 0);
    for (const float v : aggregated_by(f, {Map(9), Map(9)})) CHECK(v == 0);
  }
}

TEST_CASE("one member a million times larger changes nothing for ranks and aligned distributions") {
  const std::vector<Map> maps = {random_map(1), random_map(2), random_map(3)};
  const std::vector<Map> larger = {maps[0], times(maps[1], 1e6f), maps[2]};
  CHECK(aggregated_by(rank_mean_of_members, maps) == aggregated_by(rank_mean_of_members, larger));
  const Map before = aggregated_by(aligned_mean_of_members, maps),
            after = aggregated_by(aligned_mean_of_members, larger);
  for (size_t i = 0; i < before.size(); ++i) CHECK(std::fabs(before[i] - after[i]) < 1e-5);
  CHECK(std::fabs(aggregated_by(mean_of_members, larger)[0]) > 100);
}

TEST_CASE("an outlier of one member reaches the mean, but neither median, ranks nor aligned distributions") {
  std::vector<Map> maps = {random_map(1), random_map(2), random_map(3)};
  const std::vector<Map> clean = maps;
  maps[1][7] = 1e6f;
  const auto change = [&](MembersFunction f) {
    const Map a = aggregated_by(f, clean), b = aggregated_by(f, maps);
    double worst = 0;
    for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, static_cast<double>(std::fabs(a[i] - b[i])));
    return worst;
  };
  CHECK(change(mean_of_members) > 1e5);
  CHECK(change(median_of_members) < 3);
  CHECK(change(rank_mean_of_members) < 0.7);
  CHECK(change(aligned_mean_of_members) < 3);
  CHECK(aggregated_by(aligned_mean_of_members, maps)[8] ==
        doctest::Approx(aggregated_by(aligned_mean_of_members, clean)[8]).epsilon(0.05));
}

TEST_CASE("aligned members of different shape weigh alike") {
  // The second member is the first one's order with values that grow exponentially: aligned, they are the same map.
  const Map map = random_map(4);
  Map steep = map;
  for (float& v : steep) v = std::copysign(std::exp(4 * std::fabs(v)) - 1, v);
  const Map both = aggregated_by(aligned_mean_of_members, {map, steep, map}),
            alone = aggregated_by(aligned_mean_of_members, {map});
  for (size_t i = 0; i < both.size(); ++i) CHECK(both[i] == doctest::Approx(alone[i]).epsilon(1e-4));
}

TEST_CASE(
    "every aggregate is a method: a batch is its images, channels are added up, known maps are not computed again") {
  test::LinearClassifier l(5);
  const std::vector<int> targets = {0, 1, 0};
  const json members = {{"members", {"gradient", "input-x-gradient", {{"name", "random"}}, "grad-cam", "sobel"}}};
  const json usable = {{"members", {"gradient", "input-x-gradient", {{"name", "random"}}, "sobel"}}};
  for (const std::string& name : all_names) {
    CAPTURE(name);
    CHECK(methods().at(name).family == "aggregation");
    const Tensor all = explain(name, usable, {l.classifier, l.inputs, targets, 7});
    CHECK(all.shape == Shape{3, 1, l.side, l.side});
    for (int64_t n = 0; n < 3; ++n) {
      const Tensor one = explain(name, usable,
                                 {l.classifier,
                                  l.inputs.slice(n, n + 1),
                                  {targets[static_cast<size_t>(n)]},
                                  7,
                                  nullptr,
                                  nullptr,
                                  static_cast<uint64_t>(n)});
      double worst = 0;
      for (int64_t i = 0; i < one.size(); ++i)
        worst = std::max(worst, static_cast<double>(std::fabs(one.data[static_cast<size_t>(i)] - all.sample(n)[i])));
      CHECK(worst < 1e-4);
    }
  }
  // A linear network has no convolution to look at: the member's own sentence is told.
  CHECK_THROWS_AS(explain("aggregate-mean", members, {l.classifier, l.inputs, targets}), Error);

  const Tensor sum = explain("aggregate-mean", {{"members", {"gradient"}}, {"member_scale", "none"}},
                             {l.classifier, l.inputs, targets});
  const size_t plane = static_cast<size_t>(l.side) * l.side;
  for (size_t i = 0; i < plane; ++i)
    CHECK(sum.data[i] ==
          doctest::Approx(l.weights.data[i] + l.weights.data[plane + i] + l.weights.data[2 * plane + i]).epsilon(1e-4));

  int asked = 0;
  const Tensor known({3, 3, l.side, l.side}, 2);
  ExplainRequest request{l.classifier, l.inputs, targets, 7};
  request.known = [&](const std::string& name, const json& parameters) -> const Tensor* {
    ++asked;
    CHECK(parameters == check_parameters(methods().at(name), {}).all());
    return name == "gradient" ? &known : nullptr;
  };
  const Tensor with_known =
      explain("aggregate-max", {{"members", {"gradient", "centre"}}, {"member_scale", "none"}}, request);
  CHECK(asked == 2);
  for (const float v : with_known.data) CHECK(v == 6);
}

TEST_CASE("members are checked: nested aggregates, unknown names, empty lists; defaults are filled in") {
  const auto sentence = [](const json& members) -> std::string {
    try {
      check_parameters(methods().at("aggregate-mean"), {{"members", members}});
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  CHECK(sentence({"gradient", "aggregate-median"}) ==
        "aggregate-mean: 'aggregate-median' is an aggregate itself and cannot be a member; list its members instead");
  CHECK(sentence({"gradeint"}).find("did you mean 'gradient'") != std::string::npos);
  CHECK(sentence(json::array()).find("0 members") != std::string::npos);
  CHECK(sentence({3}).find("a member is 3") != std::string::npos);
  CHECK(sentence({{{"name", "lime"}, {"samples", 3}}}).find("'samples'") != std::string::npos);
  CHECK(sentence({{{"name", "lime"}, {"params", {{"samples", -3}}}}}).find("lime: 'samples' is -3") !=
        std::string::npos);

  const Method& mean = methods().at("aggregate-mean");
  const Params short_form = check_parameters(mean, {{"members", {"integrated-gradients"}}}),
               long_form = check_parameters(
                   mean, {{"members", {{{"name", "integrated-gradients"}, {"params", {{"steps", 9}}}}}}});
  CHECK(short_form.value("members")[0].at("params") ==
        check_parameters(methods().at("integrated-gradients"), {}).all());
  CHECK(short_form.all() != long_form.all());
  CHECK(check_parameters(mean, short_form.all()).all() == short_form.all());
  CHECK(members_of(long_form).at(0).params.integer("steps") == 9);
  CHECK(reference_pictures(check_parameters(
            mean, {{"members", {"gradient", {{"name", "deeplift"}, {"params", {{"baseline", "image:healthy"}}}}}}})) ==
        std::vector<std::string>{"healthy"});
}

TEST_SUITE_END();

}  // namespace ks::aggregate_test

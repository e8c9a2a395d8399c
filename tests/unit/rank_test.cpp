#include "rank/rank.h"

#include <doctest/doctest.h>

#include <cmath>

#include "rank/score_table.h"
#include "tensor/error.h"

namespace ks::rank_test {

namespace {

const double kNan = std::nan("");

/// The sentence that reading a table ends in; "" when it reads.
std::string sentence(const std::string& csv) {
  try {
    read_scores_csv(csv, "s.csv");
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

bool same(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i)
    if (!(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])))) return false;
  return true;
}

}  // namespace

TEST_SUITE_BEGIN("rank");

TEST_CASE("ranks honour the direction, share ties and put the undefined last") {
  CHECK(same(rank_values({3, 1, 2}, Direction::higher), {1, 3, 2}));
  CHECK(same(rank_values({3, 1, 2}, Direction::lower), {3, 1, 2}));
  CHECK(same(rank_values({-3, 0.5, 1}, Direction::zero), {3, 1, 2}));
  CHECK(same(rank_values({5, 7, 5, 1}, Direction::higher), {2.5, 1, 2.5, 4}));
  CHECK(same(rank_values({2, 2, 2}, Direction::lower), {2, 2, 2}));
  CHECK(same(rank_values({kNan, 1, kNan, 2}, Direction::higher), {3.5, 2, 3.5, 1}));
  CHECK(same(rank_values({-INFINITY, INFINITY, 0}, Direction::higher), {3, 1, 2}));
  CHECK(same(rank_values({kNan, kNan}, Direction::higher), {kNan, kNan}));
  CHECK(same(rank_values({1, 2}, Direction::none), {kNan, kNan}));
  CHECK(same(rank_values({}, Direction::higher), {}));
}

TEST_CASE("overall order of three methods by hand") {
  ScoreTable t;
  t.methods = {"a", "b", "c"};
  t.metrics = {"up", "down", "none"};
  t.directions = {Direction::higher, Direction::lower, Direction::none};
  t.scores = {{{1, 3}, {4, 4}, {0, 1}}, {{5, kNan}, {6, 8}, {7, 1}}, {{1, 1}, {2, 2}, {3, 3}}};
  const RankTable means = rank_methods(t);
  CHECK(same(means.means[0], {2, 4, 0.5}));
  CHECK(same(means.means[1], {5, 7, 4}));
  CHECK(same(means.ranks[0], {2, 1, 3}));
  CHECK(same(means.ranks[1], {2, 3, 1}));
  CHECK(same(means.ranks[2], {kNan, kNan, kNan}));
  CHECK(same(means.overall, {2, 2, 2}));
  CHECK(means.order == std::vector<size_t>{0, 1, 2});
  CHECK(means.overall_title == "Mean rank");

  // By image: "up" ranks 2,1,3 on both; "down" 1,2,3 on the first and 3 (undefined),2,1 on the second.
  const RankTable images = rank_methods(t, {.of = RankOf::images});
  CHECK(same(images.ranks[0], {2, 1, 3}));
  CHECK(same(images.ranks[1], {2, 2, 2}));
  CHECK(same(images.overall, {2, 1.5, 2.5}));
  CHECK(images.order == std::vector<size_t>{1, 0, 2});
  CHECK_THROWS_AS(rank_methods(t, {.overall = "best-rank"}), Error);
}

TEST_CASE("a median is not sunk by one metric, a method without any score comes last") {
  ScoreTable t;
  t.methods = {"nothing", "a", "b"};
  t.metrics = {"m1", "m2", "m3"};
  t.directions.assign(3, Direction::higher);
  t.scores = {{{kNan}, {3}, {2}}, {{kNan}, {3}, {2}}, {{kNan}, {1}, {2}}};
  const RankTable mean = rank_methods(t), median = rank_methods(t, {.overall = "median-rank"});
  CHECK(mean.overall[1] == doctest::Approx(4.0 / 3));
  CHECK(median.overall[1] == 1);
  CHECK(median.overall[2] == 2);
  CHECK(mean.order.back() == 0);
}

TEST_CASE("a category counts by its weight, however many metrics it has") {
  ScoreTable t;
  t.methods = {"a", "b"};
  t.metrics = {"f1", "f2", "f3", "c1", "nothing"};
  t.families = {"faithfulness", "faithfulness", "faithfulness", "complexity", "complexity"};
  t.directions.assign(5, Direction::higher);
  t.scores = {{{2}, {1}}, {{2}, {1}}, {{1}, {2}}, {{1}, {2}}, {{kNan}, {kNan}}};
  RankTable r = rank_methods(t);
  CHECK(r.overall[0] == 1.5);  // four votes, two each
  REQUIRE(r.categories.size() == 2);
  CHECK(r.categories[1].metrics == std::vector<size_t>{3, 4});
  CHECK(r.category_ranks[0][0] == doctest::Approx(4.0 / 3));
  CHECK(r.category_ranks[1][0] == 2);
  // 3 x (1 + 1 + 2) / 3 for faithfulness and 1 x 2 for the complexity metric that says something.
  r = rank_methods(t, {.weights = {{"faithfulness", 3}}});
  CHECK(r.overall[0] == doctest::Approx((4.0 + 2.0) / 4));
  r = rank_methods(t, {.weights = {{"faithfulness", 0}}});
  CHECK(r.overall[0] == 2);
  CHECK(r.overall[1] == 1);
  // The weighted median: half of the weight lies at rank 1, half at rank 2; then more than half at 1.
  r = rank_methods(t, {.overall = "median-rank", .weights = {{"faithfulness", 3}}});
  CHECK(r.overall[0] == 1.5);
  r = rank_methods(t, {.overall = "median-rank", .weights = {{"faithfulness", 4}}});
  CHECK(r.overall[0] == 1);
}

TEST_CASE("weights that mean nothing are refused") {
  CHECK_NOTHROW(check_rank_options({.weights = {{"faithfulness", 0}}}));
  CHECK_THROWS_AS(check_rank_options({.weights = {{"faithfullness", 1}}}), Error);
  CHECK_THROWS_AS(check_rank_options({.weights = {{"faithfulness", -1}}}), Error);
  CHECK_THROWS_AS(check_rank_options({.overall = "best"}), Error);
  RankOptions none;
  for (const Metric& metric : metrics()) none.weights[metric.family] = 0;
  CHECK_THROWS_AS(check_rank_options(none), Error);
}

TEST_CASE("scores.csv: columns in any order, quotes, undefined scores, directions of known metrics") {
  const ScoreTable t = read_scores_csv(
      "method,score,image,metric\r\n\"a, \"\"new\"\"\",0.5,1,sparseness\r\nb,nan,1,sparseness\r\nb,2e-3,2,complexity",
      "s.csv");
  CHECK(t.methods == std::vector<std::string>{"a, \"new\"", "b"});
  CHECK(t.metrics == std::vector<std::string>{"sparseness", "complexity"});
  CHECK(t.directions[0] == Direction::higher);
  CHECK(t.directions[1] == Direction::lower);
  CHECK(same(t.scores[0][0], {0.5, kNan}));
  CHECK(same(t.scores[0][1], {kNan, kNan}));
  CHECK(same(t.scores[1][0], {kNan, kNan}));
  CHECK(same(t.scores[1][1], {kNan, 2e-3}));
}

TEST_CASE("broken tables of scores are told with their record") {
  const std::string head = "image,method,metric,score,direction\n";
  CHECK(sentence(head + "1,a,m,1,higher\n") == "");
  CHECK(sentence("") != "");
  CHECK(sentence(head) != "");
  CHECK(sentence("image,method,metric\n1,a,m\n").find("'score'") != std::string::npos);
  CHECK(sentence(head + "1,a,m,1,higher\n1,a,m,x,higher\n").find("record 3") != std::string::npos);
  CHECK(sentence(head + "1,a,m,1\n").find("4 fields instead of 5") != std::string::npos);
  CHECK(sentence(head + "1,a,m,1,up\n").find("'up'") != std::string::npos);
  CHECK(sentence(head + "1,a,m,1,higher\n2,a,m,1,lower\n").find("two directions") != std::string::npos);
  CHECK(sentence(head + "1,a,m,1,higher\n1,a,m,2,higher\n").find("two scores") != std::string::npos);
  CHECK(sentence(head + "1,\"a,m,1,higher\n").find("not closed") != std::string::npos);
  CHECK(sentence("image,method,metric,score\n1,a,my-own,1\n").find("'my-own'") != std::string::npos);
}

TEST_CASE("results.json gives the same table") {
  const ScoreTable t = read_results_scores(
      R"({"metrics": [{"id": "sparseness", "direction": "higher", "scores": {"a": [1, null], "b": [2, 3]}}]})",
      "r.json");
  CHECK(t.methods == std::vector<std::string>{"a", "b"});
  CHECK(same(t.scores[0][0], {1, kNan}));
  CHECK(same(t.scores[0][1], {2, 3}));
  for (const char* text : {"{", "[]", "{}", R"({"metrics": []})", R"({"metrics": [{"id": 3}]})",
                           R"({"metrics": [{"id": "m", "direction": "higher", "scores": {"a": ["x"]}}]})"})
    CHECK_THROWS_AS(read_results_scores(text, "r.json"), Error);
}

TEST_SUITE_END();

}  // namespace ks::rank_test

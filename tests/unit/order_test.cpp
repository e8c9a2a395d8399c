// How far an order of methods can be trusted: redraws, Friedman and Nemenyi, agreement of metrics, controls.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <numeric>

#include "rank/certainty.h"
#include "rank/distributions.h"
#include "rank/score_table.h"
#include "tensor/random.h"

namespace ks::order_test {
using doctest::Approx;

namespace {

const double kNan = std::nan("");

/// Methods m0 ... with scores value(metric, method, image), higher is better.
template <class F>
ScoreTable table_of(size_t metrics, size_t methods, size_t images, const F& value) {
  ScoreTable t;
  for (size_t m = 0; m < methods; ++m) t.methods.push_back("m" + std::to_string(m));
  for (size_t k = 0; k < metrics; ++k) t.metrics.push_back("k" + std::to_string(k));
  t.directions.assign(metrics, Direction::higher);
  t.scores.assign(metrics, std::vector(methods, std::vector<double>(images)));
  for (size_t k = 0; k < metrics; ++k)
    for (size_t m = 0; m < methods; ++m)
      for (size_t i = 0; i < images; ++i) t.scores[k][m][i] = value(k, m, i);
  return t;
}

/// Independent standard normal noise for each cell.
double noise(size_t k, size_t m, size_t i) {
  return Random(99, (k * 1000 + m) * 1000 + i).normal();
}

double sum(const std::vector<double>& v) {
  return std::accumulate(v.begin(), v.end(), 0.0);
}

}  // namespace

TEST_SUITE_BEGIN("rank");

TEST_CASE("redraws: who is best everywhere is first in every draw") {
  for (const MetricDraw how : {MetricDraw::one_per_category, MetricDraw::random_weights, MetricDraw::all})
    for (const RankOf of : {RankOf::means, RankOf::images}) {
      const ScoreTable t =
          table_of(3, 4, 12, [](size_t k, size_t m, size_t i) { return m == 2 ? 100 : noise(k, m, i); });
      const MonteCarloOrder r = monte_carlo_order(t, {.of = of}, {.draws = 400, .metrics = how}, 7);
      REQUIRE(r.draws == 400);
      CHECK(r.order[0] == 2);
      CHECK(r.first[2] == 1);
      CHECK(r.best_three[2] == 1);
      CHECK(r.mean_rank[2] == 1);
      CHECK(r.low[2] == 1);
      CHECK(r.high[2] == 1);
      CHECK(sum(r.first) == Approx(1));
      CHECK(sum(r.best_three) == Approx(3));
      CHECK(sum(r.mean_rank) == Approx(10));
      for (size_t a = 0; a < 4; ++a)
        for (size_t b = 0; b < 4; ++b) CHECK(r.better[a][b] + r.better[b][a] == Approx(1));
      CHECK(r.better[2][0] == 1);
    }
}

TEST_CASE("redraws: two methods that differ by chance alone share the first place") {
  // Each image favours one of the two by the same amount, as many the one as the other.
  const ScoreTable t =
      table_of(1, 3, 40, [](size_t, size_t m, size_t i) { return m == 2 ? -5.0 : (m == i % 2 ? 1.0 : 0.0); });
  const MonteCarloOrder r = monte_carlo_order(t, {}, {.draws = 10000}, 1);
  CHECK(std::fabs(r.first[0] - 0.5) < 0.02);  // the deviation of a share of 10000 draws is 0.005
  CHECK(std::fabs(r.better[0][1] - 0.5) < 0.02);
  CHECK(r.first[2] == 0);
  CHECK(r.better[2][0] == 0);
  CHECK(r.low[0] == 1);
  CHECK(r.high[0] == 2);
}

TEST_CASE("redraws: exact ties share places, whatever is drawn") {
  const ScoreTable t = table_of(2, 4, 9, [](size_t k, size_t m, size_t i) { return m < 3 ? noise(k, 0, i) : -9.0; });
  const MonteCarloOrder r = monte_carlo_order(t, {}, {.draws = 300}, 3);
  for (size_t m = 0; m < 3; ++m) {
    CHECK(r.mean_rank[m] == 2);
    CHECK(r.first[m] == Approx(1.0 / 3));
    CHECK(r.best_three[m] == Approx(1));
  }
  CHECK(r.better[0][1] == 0.5);
  CHECK(r.mean_rank[3] == 4);
}

TEST_CASE("redraws: one metric of each category, so that many of one kind do not outvote the rest") {
  // Nine metrics of one category prefer m0, one of another prefers m1.
  ScoreTable t = table_of(10, 2, 5, [](size_t k, size_t m, size_t) { return (m == 0) == (k < 9) ? 1.0 : 0.0; });
  for (size_t k = 0; k < 10; ++k) t.families.push_back(k < 9 ? "faithfulness" : "complexity");
  CHECK(monte_carlo_order(t, {}, {.draws = 100}, 1).first[0] == 0.5);
  CHECK(monte_carlo_order(t, {}, {.draws = 100, .metrics = MetricDraw::all}, 1).first[0] == 1);
  CHECK(monte_carlo_order(t, {.weights = {{"complexity", 2}}}, {.draws = 100}, 1).first[0] == 0);
  const double drawn = monte_carlo_order(t, {}, {.draws = 4000, .metrics = MetricDraw::random_weights}, 1).first[0];
  CHECK(drawn == Approx(1 - 1.0 / 512).epsilon(0.005));  // P(sum of nine exponentials > a tenth) = 1 - 2^-9
}

TEST_CASE("redraws: undefined scores, one image, one method, directions none, nothing at all") {
  // m0 has no score at all: it is last in every draw. Image 0 says nothing.
  ScoreTable t =
      table_of(1, 3, 6, [](size_t, size_t m, size_t i) { return m == 0 || i == 0 ? kNan : static_cast<double>(m); });
  t.scores[0][1][3] = kNan;
  MonteCarloOrder r = monte_carlo_order(t, {}, {.draws = 200}, 1);
  CHECK(r.mean_rank[0] == 3);
  CHECK(r.mean_rank[2] == 1);

  const ScoreTable one_image = table_of(2, 3, 1, [](size_t, size_t m, size_t) { return static_cast<double>(m); });
  r = monte_carlo_order(one_image, {}, {.draws = 50}, 1);
  CHECK(r.first[2] == 1);

  const ScoreTable one_method = table_of(2, 1, 4, noise);
  r = monte_carlo_order(one_method, {}, {.draws = 50}, 1);
  CHECK(r.first[0] == 1);
  CHECK(r.best_three[0] == 1);
  CHECK(order_certainty(one_method, {}, {.draws = 10}, 1).over_images.groups.empty());

  ScoreTable none = table_of(2, 3, 4, noise);
  none.directions.assign(2, Direction::none);
  CHECK(monte_carlo_order(none, {}, {}, 1).draws == 0);
  CHECK(monte_carlo_order(table_of(0, 0, 0, noise), {}, {}, 1).draws == 0);
  CHECK(monte_carlo_order(t, {}, {.draws = 0}, 1).draws == 0);
  // Only one of many draws hits the single image that says something: the others are not counted as ties.
  const ScoreTable rare =
      table_of(1, 2, 30, [](size_t, size_t m, size_t i) { return i == 0 ? static_cast<double>(m) : kNan; });
  r = monte_carlo_order(rare, {}, {.draws = 500}, 1);
  CHECK(r.draws < 400);
  CHECK(r.draws > 250);
  CHECK(r.first[1] == 1);
}

TEST_CASE("redraws follow the seed") {
  const ScoreTable t = table_of(4, 5, 8, noise);
  const MonteCarloOrder a = monte_carlo_order(t, {}, {.draws = 500}, 1),
                        b = monte_carlo_order(t, {}, {.draws = 500}, 1),
                        c = monte_carlo_order(t, {}, {.draws = 500}, 2);
  CHECK(a.mean_rank == b.mean_rank);
  CHECK(a.mean_rank != c.mean_rank);
  CHECK(a.better == b.better);
}

TEST_CASE("tails of distributions at known values") {
  const double e = 1e-8;
  CHECK(std::fabs(chi_squared_tail(2, 2) - std::exp(-1.0)) < e);  // two degrees: exp(-x / 2)
  CHECK(std::fabs(chi_squared_tail(3.841458820694124, 1) - 0.05) < e);
  CHECK(std::fabs(chi_squared_tail(0.1, 4) - std::exp(-0.05) * 1.05) < e);  // four: exp(-x / 2) (1 + x / 2)
  CHECK(std::fabs(chi_squared_tail(124.342113404, 100) - 0.05) < e);
  CHECK(chi_squared_tail(0, 3) == 1);
  CHECK(std::fabs(f_tail(1, 5, 5) - 0.5) < e);                              // its own reciprocal
  CHECK(std::fabs(f_tail(3, 2, 10) - std::pow(1 + 2 * 3.0 / 10, -5)) < e);  // (1 + 2 x / d)^(-d / 2)
  CHECK(std::fabs(f_tail(161.4476387975881, 1, 1) - 0.05) < e);
  CHECK(std::fabs(f_tail(0.1, 2, 4) - std::pow(1.05, -2)) < e);
  CHECK(f_tail(INFINITY, 3, 4) == 0);
  CHECK(std::isnan(f_tail(1, 3, 0)));
  CHECK(std::fabs(normal_tails(-1.959963984540054) - 0.05) < e);
  // The range of two normals is half normal with deviation sqrt 2.
  for (const double q : {0.3, 1.0, 2.7718, 5.0}) CHECK(std::fabs(studentised_range(q, 2) - std::erf(q / 2)) < e);
}

TEST_CASE("Nemenyi's values as printed by Demšar (Table 5)") {
  const auto value = [](double level, int k) { return studentised_range_quantile(level, k) / std::sqrt(2.0); };
  const double at5[] = {1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164};
  const double at10[] = {1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920};
  for (int k = 2; k <= 10; ++k) {
    CHECK(std::fabs(value(0.05, k) - at5[k - 2]) < 0.0015);  // the table is rounded from one of two decimals
    CHECK(std::fabs(value(0.10, k) - at10[k - 2]) < 0.0015);
  }
  CHECK(studentised_range(studentised_range_quantile(0.05, 64), 64) == Approx(0.95));
  CHECK(value(0.05, 64) > value(0.05, 63));
}

TEST_CASE("Friedman's test: four classifiers on fourteen data sets (Demšar 2006, Table 6)") {
  const FriedmanTest test = friedman_test({{4, 3, 2, 1},
                                           {1, 2, 3, 4},
                                           {4, 1, 2, 3},
                                           {4, 1, 3, 2},
                                           {4, 2, 3, 1},
                                           {1, 2.5, 4, 2.5},
                                           {3, 2, 4, 1},
                                           {2.5, 2.5, 4, 1},
                                           {4, 3, 2, 1},
                                           {2.5, 2.5, 2.5, 2.5},
                                           {4, 2.5, 1, 2.5},
                                           {3, 2, 4, 1},
                                           {4, 1, 2, 3},
                                           {3, 1, 4, 2}});
  CHECK(test.blocks == 14);
  const double ranks[] = {44.0 / 14, 28.0 / 14, 40.5 / 14, 27.5 / 14};  // printed: 3.143, 2.000, 2.893, 1.964
  for (size_t m = 0; m < 4; ++m) CHECK(test.mean_ranks[m] == Approx(ranks[m]));
  // Without a correction for ties the paper has 9.28. Sum of (R - 35)^2: 81 + 49 + 30.25 + 56.25 = 216.5; all squared
  // ranks: 10 blocks of 30 without ties, 3 of 29.5 with one tie of two, one of 25: 413.5 - 14 x 25 = 63.5 -> 3 x 216.5
  // / 63.5.
  CHECK(test.chi_squared == Approx(3 * 216.5 / 63.5));
  CHECK(std::fabs(test.chi_squared * 63.5 / 70 - 9.28) < 0.005);
  CHECK(test.f == Approx(13 * test.chi_squared / (14 * 3 - test.chi_squared)));
  CHECK(test.f_p < 0.05);
  CHECK(test.differs());
  CHECK(std::fabs(test.critical_difference - 1.25) < 0.005);
  // No pair of the four is further apart than 1.25.
  REQUIRE(test.groups.size() == 1);
  CHECK(test.groups[0] == std::vector<size_t>{3, 1, 2, 0});
}

TEST_CASE("Friedman's test: all blocks alike, all tied, one block, no block") {
  FriedmanTest test = friedman_test({{1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}});
  CHECK(test.chi_squared == Approx(8));  // n (k - 1)
  CHECK(std::isinf(test.f));
  CHECK(test.f_p == 0);
  // CD = 2.343 sqrt(12 / 24) = 1.657: first and third differ, neighbours do not.
  REQUIRE(test.groups.size() == 2);
  CHECK(test.groups[0] == std::vector<size_t>{0, 1});
  CHECK(test.groups[1] == std::vector<size_t>{1, 2});
  test = friedman_test({{2, 2, 2}, {2, 2, 2}});
  CHECK(test.chi_squared == 0);
  CHECK(test.p == 1);
  CHECK_FALSE(test.differs());
  CHECK(test.groups.size() == 1);
  test = friedman_test({{1, 2}});
  CHECK(test.chi_squared == Approx(1));
  CHECK(std::isnan(test.f));
  CHECK_FALSE(test.differs());
  test = friedman_test({});
  CHECK(std::isnan(test.p));
  CHECK_FALSE(test.differs());
}

TEST_CASE("the blocks of a study combine the metrics on each image") {
  // m0 wins under two metrics, m1 under one; on the last image nothing is defined; one metric ranks nothing.
  ScoreTable t = table_of(4, 2, 3, [](size_t k, size_t m, size_t i) {
    return i == 2 ? kNan : (m == 0) == (k < 2) ? 1.0 : 0.0;
  });
  t.directions[3] = Direction::none;
  CHECK(blocks_of_study(t, {}) == std::vector<std::vector<double>>{{1, 2}, {1, 2}});
  t.families = {"a", "a", "b", "b"};
  CHECK(blocks_of_study(t, {.weights = {{"b", 2}}}) == std::vector<std::vector<double>>{{2, 1}, {2, 1}});
  CHECK(blocks_of_metric(t, 3).empty());
}

TEST_CASE("metrics that agree stand together, those that contradict are named") {
  // k0, k2, k4 prefer later methods; k1, k3 the opposite; k5 has a direction under which it agrees with k0; k6 ranks
  // nothing.
  ScoreTable t = table_of(7, 8, 3, [](size_t k, size_t m, size_t) {
    const double x = static_cast<double>(m);
    return k == 5 ? -10 + x : k == 6 ? x : k % 2 == 1 ? -x * x : std::exp(x);
  });
  t.directions[5] = Direction::zero;
  t.directions[6] = Direction::none;
  const Agreement a = metric_agreement(t);
  CHECK(a.tau[0][2] == Approx(1));
  CHECK(a.tau[0][1] == Approx(-1));
  CHECK(a.tau[0][5] == Approx(1));  // -10 ... -3: the last is nearest to 0
  CHECK(std::isnan(a.tau[0][6]));
  CHECK(a.contradictions.size() == 8);  // {k0, k2, k4, k5} x {k1, k3}
  for (const Contradiction& c : a.contradictions) CHECK(c.tau == Approx(-1));
  std::vector<size_t> place(7);
  for (size_t i = 0; i < 7; ++i) place[a.order[i]] = i;
  CHECK(std::abs(static_cast<int>(place[1]) - static_cast<int>(place[3])) == 1);
  std::vector<size_t> alike = {place[0], place[2], place[4], place[5]};
  std::sort(alike.begin(), alike.end());
  CHECK(alike.back() - alike.front() == 3);

  // By hand: 1 2 3 4 against 1 3 2 4 has five pairs alike and one not. Four methods are too few to call it anything.
  const double x[] = {1, 2, 3, 4}, y[] = {1, 3, 2, 4};
  const Agreement b = metric_agreement(table_of(2, 4, 2, [&](size_t k, size_t m, size_t) { return k ? y[m] : x[m]; }));
  CHECK(b.tau[0][1] == Approx(4.0 / 6));
  const Agreement opposite = metric_agreement(
      table_of(2, 3, 2, [](size_t k, size_t m, size_t) { return (k ? 1.0 : -1.0) * static_cast<double>(m); }));
  CHECK(opposite.tau[0][1] == Approx(-1));
  CHECK(opposite.contradictions.empty());  // three methods: one in three such pairs is so by chance
}

TEST_CASE("a metric that rates random maps like the methods cannot tell") {
  ScoreTable t = table_of(4, 6, 30, [](size_t k, size_t m, size_t i) {
    const double z = 0.1 * noise(k, m, i);
    if (m == 5) return k == 1 ? 1.0 + z : z;  // random: as good under k1
    if (m == 4) return k == 2 ? 3.0 + z : z;  // sobel: better under k2
    return 1.0 + z;
  });
  t.methods = {"gradient", "lime", "lime-2", "occlusion", "sobel", "random"};
  t.directions[3] = Direction::lower;  // and random is lower: it does better
  std::vector<ControlVerdict> v = check_controls(t, 1);
  CHECK(v[0].verdict == Verdict::tells);
  CHECK(v[0].better_than_random == 4);
  CHECK(v[0].methods == 4);
  REQUIRE(v[0].checks.size() == 2);
  CHECK(v[0].checks[1].difference == Approx(1).epsilon(0.1));
  CHECK(v[0].checks[1].low > 0.9);
  CHECK(v[1].verdict == Verdict::cannot_tell);
  CHECK(v[1].checks[1].low < 0);
  CHECK(v[2].verdict == Verdict::tells);
  CHECK_FALSE(v[2].checks[0].worse);
  CHECK(v[2].sentence.find("edges") != std::string::npos);
  CHECK(v[3].verdict == Verdict::cannot_tell);
  CHECK(v[3].sentence ==
        "Cannot tell on this data: random maps do no worse than the median method; it rates edges, which know "
        "nothing of the network, no worse than the median method.");

  t.directions[0] = Direction::none;
  CHECK(check_controls(t, 1)[0].verdict == Verdict::unchecked);
  t = table_of(1, 3, 5, noise);
  t.methods = {"gradient", "lime", "occlusion"};
  CHECK(check_controls(t, 1)[0].sentence.find("add the method random") != std::string::npos);
  t.methods = {"sobel", "random", "centre"};
  CHECK(check_controls(t, 1)[0].verdict == Verdict::unchecked);
  t = table_of(1, 2, 1, noise);
  t.methods = {"gradient", "random"};
  CHECK(check_controls(t, 1)[0].sentence.find("one image") != std::string::npos);
}

TEST_CASE("ids of tables lead to registry entries") {
  CHECK(method_name("lime-2") == "lime");
  CHECK(method_name("lime") == "lime");
  CHECK(method_name("my-own-2") == "my-own-2");
  CHECK(metric_name("max-sensitivity-12") == "max-sensitivity");
  CHECK(is_control("random-3"));
  CHECK_FALSE(is_control("gradient"));
  ScoreTable t;
  t.metrics = {"sparseness-2", "mine"};
  fill_families(t);
  CHECK(t.families == std::vector<std::string>{"complexity", "other"});
}

TEST_CASE("all of it as JSON, whatever the table") {
  for (const size_t images : {size_t{0}, size_t{1}, size_t{4}}) {
    ScoreTable t = table_of(3, 3, images, noise);
    t.methods[2] = "random";
    t.directions[1] = Direction::none;
    const json j = certainty_json(t, order_certainty(t, {}, {.draws = 20}, 1));
    CHECK(j.at("controls").size() == 3);
    CHECK(j.at("monte_carlo").at("draws") == (images == 0 ? 0 : 20));
    CHECK(json::parse(j.dump()) == j);
  }
}

TEST_SUITE_END();

}  // namespace ks::order_test

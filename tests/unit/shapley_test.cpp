#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "explain/coalitions.h"
#include "explain/cut.h"
#include "explain/method.h"
#include "networks.h"
#include "tensor/error.h"

namespace ks::shapley_test {

namespace {

constexpr int kSide = 12;

/// A network with strong interactions between the image's parts: convolution, ReLU, pooling, dense.
struct Small {
  Classifier classifier;
  Tensor inputs;

  explicit Small(uint64_t seed)
      : classifier(
            [&] {
              test::Network n(seed, 3, kSide, kSide);
              n.convolution(6, 3, 1, true);
              n.add("Relu");
              n.add("MaxPool", {},
                    {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
              n.convolution(6, 3, 1, true);
              n.add("Relu");
              return graph::write(n.finish(true));
            }(),
            "small"),
        inputs([&] {
          Random random(seed, 1);
          return test::random_tensor(random, {3, 3, kSide, kSide});
        }()) {}

  double logit(const Tensor& x, int target) { return classifier.logits(x).data[static_cast<size_t>(target)]; }
};

/// Sample n with the cells of a grid that are not in `set` at 0.25.
Tensor partial(const Tensor& inputs, int64_t n, const Segments& cells, unsigned set) {
  Tensor x = inputs.slice(n, n + 1);
  for (int c = 0; c < 3; ++c)
    for (size_t i = 0; i < cells.labels.size(); ++i)
      if (!((set >> cells.labels[i]) & 1)) x.data[static_cast<size_t>(c) * cells.labels.size() + i] = 0.25f;
  return x;
}

/// The Shapley value by its definition: the mean over all orders of what a player adds when its turn comes.
std::vector<double> by_all_orders(const std::function<double(unsigned)>& value, int players) {
  std::map<unsigned, double> known;
  const auto v = [&](unsigned set) {
    const auto it = known.find(set);
    return it != known.end() ? it->second : known.emplace(set, value(set)).first->second;
  };
  std::vector<int> order(static_cast<size_t>(players));
  std::iota(order.begin(), order.end(), 0);
  std::vector<double> sum(order.size());
  int orders = 0;
  do {
    unsigned set = 0;
    for (const int k : order) {
      sum[static_cast<size_t>(k)] += v(set | 1u << k) - v(set);
      set |= 1u << k;
    }
    ++orders;
  } while (std::next_permutation(order.begin(), order.end()));
  for (double& s : sum) s /= orders;
  return sum;
}

/// Values of a grid's cells, read from a map at their first pixels.
std::vector<double> of_cells(const Tensor& map, int64_t n, const Segments& cells) {
  std::vector<double> out(static_cast<size_t>(cells.count));
  for (size_t i = cells.labels.size(); i-- > 0;) out[static_cast<size_t>(cells.labels[i])] = map.sample(n)[i];
  return out;
}

double largest(const std::vector<double>& values) {
  double out = 0;
  for (const double v : values) out = std::max(out, std::fabs(v));
  return out;
}

/// A game with pairwise and triple interactions; player 5 is a dummy, 0 and 1 are symmetric.
double game(const uint8_t* on) {
  return 2.0 * (on[0] + on[1]) - 1.5 * on[0] * on[1] + on[2] * (on[0] + on[1]) + 3.0 * on[3] * on[4] * on[2] - on[4] +
         0.75;
}

std::vector<double> outputs_of(const Coalitions& c) {
  std::vector<double> out;
  for (size_t s = 0; s < c.weights.size(); ++s) out.push_back(game(c.on.data() + s * static_cast<size_t>(c.features)));
  return out;
}

std::vector<double> game_by_all_orders() {
  return by_all_orders(
      [](unsigned set) {
        uint8_t on[6];
        for (int k = 0; k < 6; ++k) on[k] = (set >> k) & 1;
        return game(on);
      },
      6);
}

}  // namespace

TEST_SUITE_BEGIN("explain");

TEST_CASE("Shapley values of a game: subset formula and full regression equal the mean over all orders") {
  const std::vector<double> wanted = game_by_all_orders();
  std::vector<double> outputs;
  for (unsigned set = 0; set < 64; ++set) {
    uint8_t on[6];
    for (int k = 0; k < 6; ++k) on[k] = (set >> k) & 1;
    outputs.push_back(game(on));
  }
  const std::vector<double> exact = exact_shapley(outputs, 6);
  const Coalitions all = draw_coalitions(6, 62, 1);
  CHECK(all.weights.size() == 62);
  const std::vector<double> fitted = fit_shapley(all, outputs_of(all), outputs.front(), outputs.back());
  for (size_t k = 0; k < 6; ++k) {
    CHECK(exact[k] == doctest::Approx(wanted[k]).epsilon(1e-12));
    CHECK(std::fabs(fitted[k] - wanted[k]) < 1e-7);
  }
  CHECK(std::fabs(exact[5]) < 1e-12);
  CHECK(exact[0] == doctest::Approx(exact[1]));
}

TEST_CASE(
    "coalitions: pairs with their complements, outer sizes in full, weights by the Shapley kernel, the budget kept") {
  for (const int budget : {2, 10, 40, 200, 400, 5000}) {
    const int n = 11;
    const Coalitions c = draw_coalitions(n, budget, 3);
    CAPTURE(budget);
    CHECK(static_cast<int>(c.weights.size()) <= budget);
    CHECK(c.on.size() == c.weights.size() * n);
    CHECK(std::accumulate(c.weights.begin(), c.weights.end(), 0.0) == doctest::Approx(1));
    std::map<int, double> mass;
    std::map<std::vector<uint8_t>, int> times;
    for (size_t s = 0; s < c.weights.size(); ++s) {
      const std::vector<uint8_t> set(c.on.begin() + static_cast<std::ptrdiff_t>(s * n),
                                     c.on.begin() + static_cast<std::ptrdiff_t>((s + 1) * n));
      const int size = static_cast<int>(std::count(set.begin(), set.end(), 1));
      CHECK(size > 0);
      CHECK(size < n);
      mass[size] += c.weights[s];
      CHECK(++times[set] == 1);
      if (s % 2 == 1)
        for (int k = 0; k < n; ++k) CHECK(set[static_cast<size_t>(k)] != c.on[(s - 1) * n + static_cast<size_t>(k)]);
    }
    // Sizes taken in full have their exact share of (n - 1) / (s (n - s)): of 100 pairs 11 cover sizes 1 and 10, and of
    // 200 the 63 that fall to sizes 2 and 9 cover their 55.
    double total = 0;
    for (int s = 1; s < n; ++s) total += (n - 1.0) / (s * (n - s));
    for (const int s : {1, 10, 2, 9}) {
      const bool in_full = s == 1 || s == 10 ? budget >= 200 : budget >= 400;
      if (in_full) CHECK(mass[s] == doctest::Approx((n - 1.0) / (s * (n - s)) / total));
    }
    if (budget == 5000) CHECK(c.weights.size() == 2046);
  }
  CHECK(draw_coalitions(1, 100, 0).weights.empty());
  CHECK(draw_coalitions(2, 100, 0).weights.size() == 2);
  CHECK(draw_coalitions(40, 60, 7).on == draw_coalitions(40, 60, 7).on);
  CHECK(draw_coalitions(40, 60, 7).on != draw_coalitions(40, 60, 8).on);
}

TEST_CASE("a sampled regression meets the sum exactly, whatever the budget, and finds additive games exactly") {
  for (const int budget : {2, 6, 20, 40}) {
    const Coalitions c = draw_coalitions(6, budget, 5);
    const std::vector<double> fitted = fit_shapley(c, outputs_of(c), 0.75, 7.25);
    CHECK(std::accumulate(fitted.begin(), fitted.end(), 0.0) == doctest::Approx(6.5).epsilon(1e-12));
  }
  const int n = 30;
  const Coalitions c = draw_coalitions(n, 200, 6);
  std::vector<double> outputs;
  for (size_t s = 0; s < c.weights.size(); ++s) {
    double sum = 4;
    for (int k = 0; k < n; ++k) sum += (k - 7) * c.on[s * n + static_cast<size_t>(k)];
    outputs.push_back(sum);
  }
  const std::vector<double> fitted = fit_shapley(c, outputs, 4, 4 + n * (n - 1) / 2 - 7 * n);
  for (int k = 0; k < n; ++k) CHECK(std::fabs(fitted[static_cast<size_t>(k)] - (k - 7)) < 1e-5);
}

TEST_CASE("kernel-shap over all coalitions equals the mean over all orders, with interactions") {
  Small m(21);
  const Segments cells = grid_segments(kSide, kSide, 2, 3);
  const std::vector<int> targets = {2, 0, 1};
  const json params = {{"grid_cells", {2, 3}}, {"samples", "all"}, {"baseline", 0.25}};
  const int64_t before = m.classifier.forward_count();
  const Tensor map = explain("kernel-shap", params, {m.classifier, m.inputs, targets});
  CHECK(m.classifier.forward_count() - before == 3 * 64);
  REQUIRE(map.shape == m.inputs.shape);
  for (int n = 0; n < 3; ++n) {
    const std::vector<double> wanted = by_all_orders(
        [&](unsigned set) { return m.logit(partial(m.inputs, n, cells, set), targets[static_cast<size_t>(n)]); }, 6);
    const std::vector<double> got = of_cells(map, n, cells);
    for (size_t k = 0; k < 6; ++k) CHECK(std::fabs(got[k] - wanted[k]) < 1e-4 * largest(wanted));
  }
  // All 62 coalitions in the regression: the same values on another way.
  json sampled = params;
  sampled["samples"] = 62;
  const Tensor fitted = explain("kernel-shap", sampled, {m.classifier, m.inputs, targets});
  for (int64_t i = 0; i < map.size(); ++i)
    CHECK(std::fabs(fitted.data[static_cast<size_t>(i)] - map.data[static_cast<size_t>(i)]) < 1e-4);
}

TEST_CASE("kernel-shap and shapley-sampling: efficiency, and convergence to the exact values") {
  Small m(22);
  const Segments cells = grid_segments(kSide, kSide, 3, 3);
  const std::vector<int> targets = {0, 1, 2};
  const json exact_params = {{"grid_cells", {3, 3}}, {"samples", "all"}, {"baseline", 0.25}};
  const Tensor exact = explain("kernel-shap", exact_params, {m.classifier, m.inputs, targets});
  const auto worst = [&](const char* method, const json& params) {
    const Tensor map = explain(method, params, {m.classifier, m.inputs, targets, 4});
    double out = 0;
    for (int n = 0; n < 3; ++n) {
      const std::vector<double> got = of_cells(map, n, cells), wanted = of_cells(exact, n, cells);
      const int target = targets[static_cast<size_t>(n)];
      const double sum = m.logit(m.inputs.slice(n, n + 1), target) - m.logit(partial(m.inputs, n, cells, 0), target);
      CHECK(std::accumulate(got.begin(), got.end(), 0.0) == doctest::Approx(sum).epsilon(1e-5));
      for (size_t k = 0; k < got.size(); ++k) out = std::max(out, std::fabs(got[k] - wanted[k]) / largest(wanted));
    }
    return out;
  };
  json p = {{"grid_cells", {3, 3}}, {"baseline", 0.25}};
  p["samples"] = 20;
  const double few = worst("kernel-shap", p);
  p["samples"] = 300;
  const double many = worst("kernel-shap", p);
  CHECK(many < few);
  CHECK(many < 0.05);
  p.erase("samples");
  p["permutations"] = 1;
  CHECK(worst("shapley-sampling", p) > 0.01);
  p["permutations"] = 200;
  CHECK(worst("shapley-sampling", p) < 0.1);
  p["antithetic"] = false;
  CHECK(worst("shapley-sampling", p) < 0.2);
}

TEST_CASE("Shapley methods: a dummy segment gets 0, equal segments get equal values") {
  // Logit 0 looks at the left third and the middle third alike (their product through a ReLU), not at the right third.
  graph::Model model;
  model.inputs.push_back({"input", graph::Type::f32, {{-1, "N"}, {3, ""}, {kSide, ""}, {kSide, ""}}});
  graph::Builder builder(model);
  builder.fresh("input");
  Tensor weights({2, 3 * kSide * kSide});
  for (int i = 0; i < 3 * kSide * kSide; ++i) weights.data[static_cast<size_t>(i)] = i % kSide < 8 ? 0.05f : 0.0f;
  const std::string flat = builder.add("Flatten", {"input"});
  const std::string linear = builder.add(
      "Gemm", {flat, builder.constant(graph::Array::of(weights)), builder.constant(graph::Array::floats({2}, {-9, 0}))},
      {{"transB", int64_t{1}}});
  builder.add_named("Relu", {linear}, "logits");
  model.outputs.push_back({"logits", graph::Type::f32, {{-1, "N"}, {2, ""}}});
  Classifier classifier(graph::write(model), "symmetric");
  const Tensor x({1, 3, kSide, kSide}, 1.0f);
  const Segments cells = grid_segments(kSide, kSide, 1, 3);
  // Together 288 * 0.05 - 9 = 5.4, each alone 7.2 - 9 < 0: each gets half.
  for (const auto& item : {std::pair<const char*, json>{"kernel-shap", {{"samples", "all"}}},
                           {"kernel-shap", {{"samples", 6}}},
                           {"shapley-sampling", {{"permutations", 2}}}}) {
    const auto& method = item.first;
    const auto& params = item.second;
    json p = params;
    p["grid_cells"] = {1, 3};
    const std::vector<double> got = of_cells(explain(method, p, {classifier, x, {0}, 3}), 0, cells);
    CAPTURE(method);
    CHECK(std::fabs(got[2]) < 1e-5);
    CHECK(got[0] == doctest::Approx(2.7).epsilon(1e-4));
    CHECK(got[1] == doctest::Approx(2.7).epsilon(1e-4));
  }
}

TEST_CASE("Shapley methods refuse what cannot be computed, in a sentence") {
  Small m(23);
  const auto run = [&](const char* method, const json& params) {
    explain(method, params, {m.classifier, m.inputs, {0, 0, 0}});
  };
  CHECK_THROWS_WITH_AS(run("kernel-shap", {{"samples", "all"}, {"grid_cells", {6, 6}}}),
                       doctest::Contains("36 segments"), Error);
  for (const json& samples : {json("many"), json(1), json(2.5), json(nullptr)})
    CHECK_THROWS_WITH_AS(run("kernel-shap", {{"samples", samples}}), doctest::Contains("samples"), Error);
  for (const json& cells : {json{3}, json{0, 2}, json{2, 13}, json{"a", "b"}})
    CHECK_THROWS_WITH_AS(run("shapley-sampling", {{"grid_cells", cells}}), doctest::Contains("grid_cells"), Error);
  CHECK_THROWS_AS(run("shapley-sampling", {{"permutations", 0}}), Error);
}

TEST_SUITE_END();

}  // namespace ks::shapley_test

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "linear_classifier.h"
#include "metric/explainer.h"
#include "metric/metric.h"
#include "metric/random_weights.h"
#include "metric/similarity.h"
#include "tensor/error.h"

namespace ks::randomisation_test {

namespace {

constexpr int kSide = 16;

/// Two convolutions, a batch norm between them, and a dense layer; three images.
struct Small {
  Classifier classifier{graph::write([] {
                          test::Network n(21, 3, kSide, kSide);
                          n.convolution(4, 3, 2, true);
                          Tensor ones({4}, 1.5f), half({4}, 0.5f);
                          n.add(
                              "BatchNormalization",
                              {n.builder.constant(graph::Array::of(ones)), n.builder.constant(graph::Array::of(half)),
                               n.builder.constant(graph::Array::of(half)), n.builder.constant(graph::Array::of(ones))});
                          n.add("Relu");
                          n.convolution(5, 3, 2, false);
                          n.add("Relu");
                          return n.finish(true);
                        }()),
                        "small"};
  Tensor inputs = [] {
    Random random(22);
    return test::random_tensor(random, {3, 3, kSide, kSide});
  }();
  std::vector<int> targets = {0, 2, 1};

  MetricResult measure(const std::string& metric, const std::string& method, const json& params = json::object(),
                       uint64_t seed = 5) {
    const Tensor map = explain(method, {}, {classifier, inputs, targets, seed});
    return ks::measure(metric, params, request(map, method, seed));
  }
  MetricRequest request(const Tensor& map, const std::string& method, uint64_t seed) {
    MetricRequest r{&classifier, &inputs, &targets, map};
    r.method = &methods().at(method);
    r.seed = seed;
    return r;
  }
};

bool mentions(const MetricResult& result, const std::string& word) {
  return std::any_of(result.warnings.begin(), result.warnings.end(),
                     [&](const std::string& w) { return w.find(word) != std::string::npos; });
}

}  // namespace

TEST_SUITE_BEGIN("metric");

TEST_CASE("similarities of known maps") {
  const std::vector<double> up{1, 2, 3, 4, 5}, down{9, 7, 5, 3, 1}, bent{1, 4, 9, 16, 25}, flat(5, 2.0),
      swapped{1, 3, 2, 4, 5};
  CHECK(average_ranks(std::vector<double>{3, 1, 3, 0}.data(), 4) == std::vector<double>{3.5, 2, 3.5, 1});
  CHECK(spearman(up.data(), bent.data(), 5) == doctest::Approx(1));
  CHECK(spearman(up.data(), swapped.data(), 5) == doctest::Approx(0.9));  // 1 - 6 * 2 / (5 * 24)
  CHECK(pearson(up.data(), down.data(), 5) == doctest::Approx(-1));
  CHECK(pearson(up.data(), bent.data(), 5) == doctest::Approx(60 / std::sqrt(10.0 * 374)));
  CHECK(kendall_tau(up.data(), swapped.data(), 5) == doctest::Approx(0.8));  // 9 pairs agree, 1 does not
  CHECK(kendall_tau(up.data(), down.data(), 5) == doctest::Approx(-1));
  CHECK(cosine(up.data(), flat.data(), 5) == doctest::Approx(15 / std::sqrt(55.0 * 5)));
  for (const auto measure : {spearman, pearson, kendall_tau}) CHECK(std::isnan(measure(up.data(), flat.data(), 5)));
  const std::vector<double> zero(5);
  CHECK(std::isnan(cosine(up.data(), zero.data(), 5)));
  CHECK(ssim(up.data(), up.data(), 1, 5, 3) == doctest::Approx(1));
  CHECK(ssim(up.data(), down.data(), 1, 5, 3) < 0);
  CHECK_THROWS_AS(ssim(up.data(), down.data(), 1, 5, 7), Error);
}

TEST_CASE("layers with weights are found in the network's order, with PyTorch's bounds") {
  Small s;
  const graph::Model& model = s.classifier.original();
  const std::vector<WeightedLayer> layers = weighted_layers(model);
  const auto resets = weight_resets(model);
  REQUIRE(layers.size() == 4);
  CHECK(layers[0].initializers.size() == 2);
  CHECK(layers[1].initializers.size() == 4);
  CHECK(layers[2].initializers.size() == 1);
  CHECK(layers[3].initializers.size() == 2);
  for (const std::string& name : layers[0].initializers)
    CHECK(resets.at(name).bound == doctest::Approx(1 / std::sqrt(27.0)));
  CHECK(resets.at(layers[2].initializers[0]).bound == doctest::Approx(1 / std::sqrt(36.0)));
  for (const std::string& name : layers[3].initializers)
    CHECK(resets.at(name).bound == doctest::Approx(1 / std::sqrt(80.0)));
  std::vector<float> values;
  for (const std::string& name : layers[1].initializers) {
    CHECK(resets.at(name).bound == 0);
    values.push_back(resets.at(name).constant);
  }
  CHECK(values == std::vector<float>{1, 0, 0, 1});
}

TEST_CASE("random weights: of one stream, within their bounds, cascading or one layer at a time") {
  Small s;
  const graph::Model original = s.classifier.original();
  const std::vector<WeightedLayer> layers = weighted_layers(original);
  const Params params(json{{"layers", nullptr}, {"initializers", nullptr}});
  const auto changed = [&](LayerOrder order, size_t step, uint64_t seed = 7) {
    RandomisedNetworks networks(s.classifier, params, order, seed, "test");
    REQUIRE(networks.size() == 4);
    return networks.network(step);
  };
  const auto differs = [&](const Classifier& network, size_t layer) {
    const std::string& name = layers[layer].initializers[0];
    return network.original().constant(name)->to_floats() != original.constant(name)->to_floats();
  };
  const auto last = changed(LayerOrder::top_down, 0), all = changed(LayerOrder::top_down, 3),
             first = changed(LayerOrder::bottom_up, 0), third = changed(LayerOrder::independent, 2);
  for (size_t layer = 0; layer < 4; ++layer) {
    CHECK(differs(*last, layer) == (layer == 3));
    CHECK(differs(*all, layer));
    CHECK(differs(*first, layer) == (layer == 0));
    CHECK(differs(*third, layer) == (layer == 2));
  }
  const std::vector<float> weights = all->original().constant(layers[0].initializers[0])->to_floats();
  const float bound = 1 / std::sqrt(27.0f), largest = *std::max_element(weights.begin(), weights.end());
  CHECK(largest <= bound);
  CHECK(largest > 0.9f * bound);
  // Kept by seed, layers and order; the same draw in whatever order networks are asked for; another seed is another
  // network.
  CHECK(changed(LayerOrder::top_down, 3) == all);
  CHECK(changed(LayerOrder::independent, 0) == first);
  CHECK(changed(LayerOrder::top_down, 3, 8) != all);
  CHECK(changed(LayerOrder::top_down, 3, 8)->hash() != all->hash());
  Small again;
  RandomisedNetworks networks(again.classifier, params, LayerOrder::top_down, 7, "test");
  CHECK(networks.network(3)->logits(again.inputs).data == all->logits(s.inputs).data);
}

TEST_CASE("layers of equal shape get different weights, and can be named") {
  test::Network n(3, 3, kSide, kSide);
  n.convolution(3, 3, 1, false);
  n.convolution(3, 3, 1, false);
  Classifier classifier(graph::write(n.finish(false)), "twins");
  const auto layers = weighted_layers(classifier.original());
  const auto networks = [&](const json& given, LayerOrder order = LayerOrder::bottom_up) {
    json values = {{"layers", nullptr}, {"initializers", nullptr}};
    values.update(given);
    return RandomisedNetworks(classifier, Params(values), order, 1, "mprt");
  };
  const auto all = networks(json::object()).network(2);
  const auto weights = [&](size_t layer) {
    return all->original().constant(layers[layer].initializers[0])->to_floats();
  };
  CHECK(weights(0) != weights(1));
  CHECK(networks({{"layers", {layers[1].name}}}).size() == 1);
  const json both = {{"b", layers[1].initializers}, {"a", layers[0].initializers}};
  CHECK(networks({{"initializers", both}}).network(0) ==
        networks({{"layers", {"a"}}, {"initializers", both}}).network(0));
  CHECK(networks({{"initializers", both}}, LayerOrder::top_down).network(0) ==
        networks({{"layers", {"b"}}, {"initializers", both}}).network(0));
  CHECK_THROWS_WITH_AS(networks({{"layers", {"conv9"}}}), doctest::Contains("conv9"), Error);
  CHECK_THROWS_AS(networks({{"layers", 3}}), Error);
  CHECK_THROWS_AS(networks({{"layers", json::array()}}), Error);
  CHECK_THROWS_AS(networks({{"initializers", {{"a", {"nothing"}}}}}), Error);
  CHECK_THROWS_AS(networks({{"initializers", 1}}), Error);
}

TEST_CASE("controls do not look at the weights: mprt 1, no rise of complexity; random logit 1") {
  Small s;
  for (const char* control : {"sobel", "centre", "random"}) {
    CAPTURE(control);
    for (const double score : s.measure("mprt", control).scores) CHECK(score == doctest::Approx(1));
    for (const double score : s.measure("efficient-mprt", control).scores) CHECK(score == doctest::Approx(0));
    for (const double score : s.measure("random-logit", control).scores) CHECK(score == doctest::Approx(1));
  }
  for (const double score : s.measure("smooth-mprt", "centre", {{"nr_samples", 3}}).scores)
    CHECK(score == doctest::Approx(1));
}

TEST_CASE("mprt of the gradient falls with the layers; orders, rows and the original's share are as said") {
  Small s;
  const MetricResult mean = s.measure("mprt", "gradient");
  const MetricResult rows = s.measure("mprt", "gradient", {{"return", "per-layer"}});
  CHECK(!mean.curve_is_score);
  CHECK(scores_as_json(mean).size() == 3);
  const json table = scores_as_json(rows);
  REQUIRE(table.size() == 4);  // layers
  REQUIRE(table[0].size() == 3);
  const MetricResult with = s.measure("mprt", "gradient", {{"include_original", true}});
  for (size_t n = 0; n < 3; ++n) {
    double sum = 0;
    for (size_t layer = 0; layer < 4; ++layer) sum += table[layer][n].get<double>();
    CHECK(mean.scores[n] == doctest::Approx(sum / 4));
    CHECK(with.scores[n] == doctest::Approx((sum + 1) / 5));
    CHECK(mean.scores[n] < 0.9);
  }
  CHECK(s.measure("mprt", "gradient").scores == mean.scores);
  CHECK(s.measure("mprt", "gradient", {}, 6).scores != mean.scores);
  CHECK(s.measure("mprt", "gradient", {{"layer_order", "bottom_up"}}).scores != mean.scores);
  CHECK(s.measure("mprt", "gradient", {{"compat", "quantus"}}).scores[0] > mean.scores[0]);
}

TEST_CASE("randomised networks are made once, and shared by images and methods of one common seed") {
  Small s;
  const uint64_t common = 77;
  const auto measure_one = [&](int64_t n, const std::string& method) {
    const Tensor input = s.inputs.slice(n, n + 1);
    const std::vector<int> target = {s.targets[static_cast<size_t>(n)]};
    const Tensor map = explain(method, {}, {s.classifier, input, target, 0});
    MetricRequest r{&s.classifier, &input, &target, map};
    r.method = &methods().at(method);
    r.seed = static_cast<uint64_t>(n);  // each image its own
    r.common_seed = &common;
    return ks::measure("mprt", {}, r).scores[0];
  };
  RandomisedNetworks networks(s.classifier, Params(json{{"layers", nullptr}, {"initializers", nullptr}}),
                              LayerOrder::top_down, common, "test");
  const auto first = networks.network(0);
  measure_one(0, "gradient");
  CHECK(first->session_count() == 1);  // the gradient's: no session of the network itself
  measure_one(1, "gradient");
  CHECK(first->session_count() == 1);
  measure_one(1, "guided-backprop");
  CHECK(first->session_count() == 2);
}

TEST_CASE("randomisation: a batch has the scores of its images") {
  Small s;
  for (const char* metric : {"mprt", "smooth-mprt", "efficient-mprt"})
    for (const char* method : {"gradient", "smoothgrad"}) {
      CAPTURE(metric);
      CAPTURE(method);
      const json params = std::string(metric) == "smooth-mprt" ? json{{"nr_samples", 4}} : json::object();
      const auto together = s.measure(metric, method, params).scores;
      const Tensor input = s.inputs.slice(0, 1);
      const std::vector<int> target = {s.targets[0]};
      const Tensor map = explain(method, {}, {s.classifier, input, target, 5});
      MetricRequest r{&s.classifier, &input, &target, map};
      r.method = &methods().at(method);
      r.seed = 5;
      CHECK(ks::measure(metric, params, r).scores[0] == doctest::Approx(together[0]).epsilon(1e-5));
    }
}

TEST_CASE("smooth mprt with one sample is mprt; complexity of a histogram is as counted") {
  Small s;
  const json same = {{"layer_order", "bottom_up"}, {"normalise", "max"}};
  json one = same;
  one["nr_samples"] = 1;
  const auto plain = s.measure("mprt", "gradient", same).scores,
             smooth = s.measure("smooth-mprt", "gradient", one).scores;
  for (size_t n = 0; n < 3; ++n) CHECK(smooth[n] == doctest::Approx(plain[n]));
  one["nr_samples"] = 8;
  CHECK(s.measure("smooth-mprt", "gradient", one).scores != plain);

  // Half of the map's values are 0 and half are 1: ln 2. What the random network's map has is told by the definition.
  Tensor map({3, 3, kSide, kSide});
  for (int64_t i = 0; i < map.size(); i += 2) map.data[static_cast<size_t>(i)] = 1;
  const auto rise =
      ks::measure("efficient-mprt", {{"explanation", "sobel"}, {"n_bins", 2}}, s.request(map, "sobel", 5)).scores;
  const Tensor edges = explain("sobel", {}, {s.classifier, s.inputs, s.targets, 5});
  for (int64_t n = 0; n < 3; ++n) {
    const float* values = edges.sample(n);
    const auto [low, high] = std::minmax_element(values, values + edges.stride());
    const double upper =
        static_cast<double>(std::count_if(values, values + edges.stride(),
                                          [&, l = *low, h = *high](float v) {
                                            return (static_cast<double>(v) - l) / (static_cast<double>(h) - l) >= 0.5;
                                          })) /
        static_cast<double>(edges.stride());
    const double entropy = -upper * std::log(upper) - (1 - upper) * std::log(1 - upper);
    CHECK(rise[static_cast<size_t>(n)] == doctest::Approx(entropy / std::log(2.0) - 1));
  }
}

TEST_CASE("random logit of a linear network's gradient is the similarity of its rows of weights") {
  test::LinearClassifier s(4);
  const std::vector<int> targets = {0, 1, 0};
  const Tensor map = explain("gradient", {}, {s.classifier, s.inputs, targets, 1});
  const json params = {{"pooling", "none"}, {"similarity", "cosine"}, {"normalise", "none"}};
  MetricRequest r{&s.classifier, &s.inputs, &targets, map};
  r.method = &methods().at("gradient");
  const MetricResult result = ks::measure("random-logit", params, r);
  double aa = 0, bb = 0, ab = 0;
  for (int64_t i = 0; i < s.weights.stride(); ++i) {
    const double a = s.weights.sample(0)[i], b = s.weights.sample(1)[i];
    aa += a * a;
    bb += b * b;
    ab += a * b;
  }
  for (const double score : result.scores) CHECK(score == doctest::Approx(ab / std::sqrt(aa * bb)).epsilon(1e-5));
}

TEST_CASE("random logit: the other class is given, or drawn from the seed among the others") {
  Small s;
  const auto with = [&](const json& params, uint64_t seed = 5) {
    return s.measure("random-logit", "gradient", params, seed).scores;
  };
  const auto drawn = with({});
  CHECK(with({}) == drawn);
  std::vector<std::vector<double>> by_class;
  for (const std::vector<int>& other : {std::vector<int>{1, 0, 0}, std::vector<int>{2, 1, 2}})
    by_class.push_back(with({{"other", other}}));
  for (size_t n = 0; n < 3; ++n)
    CHECK((drawn[n] == doctest::Approx(by_class[0][n]) || drawn[n] == doctest::Approx(by_class[1][n])));
  bool both = false;
  for (int seed = 0; seed < 12; ++seed) both = both || with({{"seed", seed}}) != with({{"seed", 0}});
  CHECK(both);
  CHECK(with({{"seed", 3}}, 1) == with({{"seed", 3}}, 2));
  CHECK_THROWS_AS(with({{"other", {0, 0, 0}}}), Error);  // image 0's own target
  CHECK_THROWS_AS(with({{"other", {1, 0}}}), Error);
  CHECK_THROWS_AS(with({{"other", {1, 0, 3}}}), Error);
  CHECK_THROWS_AS(with({{"num_classes", 4}}), Error);
  CHECK(with({{"num_classes", 3}}) == drawn);
}

TEST_CASE("randomisation: maps that say nothing have no score, and a warning says why") {
  Small s;
  Tensor map({3, 3, kSide, kSide});
  std::fill(map.sample(1), map.sample(2), 0.5f);
  map.sample(2)[7] = std::nanf("");
  for (const char* metric : {"mprt", "efficient-mprt", "random-logit"}) {  // smooth-mprt explains anew
    CAPTURE(metric);
    const MetricResult result = ks::measure(metric, {}, s.request(map, "gradient", 5));
    for (const double score : result.scores) CHECK(std::isnan(score));
    CHECK(mentions(result, "image 1: the map is zero"));
    CHECK(mentions(result, "image 2: the map is constant"));
    CHECK(mentions(result, "image 3: the map holds NaN"));
  }
  const Tensor one({3, 1, kSide, kSide},
                   std::vector<float>(s.inputs.data.begin(), s.inputs.data.begin() + 3 * kSide * kSide));
  CHECK_THROWS_WITH_AS(ks::measure("mprt", {{"pooling", "none"}}, s.request(one, "gradient", 5)),
                       doctest::Contains("channels"), Error);
}

TEST_SUITE_END();

}  // namespace ks::randomisation_test

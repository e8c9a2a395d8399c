#include "backward/deeplift.h"

#include "explain/method.h"
#include "network_methods.h"

namespace ks::deeplift_test {
using backward::Backend;

TEST_SUITE_BEGIN("backward");

namespace {

/// Attributions sum to the difference of the logits, on both backends, with one baseline for all and with one for each.
void check_complete(const graph::Model& model, const Shape& shape, double tolerance) {
  Random random(77);
  Shape two = shape, one = shape;
  two[0] = 2;
  one[0] = 1;
  const Tensor x = test::random_tensor(random, two), seed = test::class_seeds(2);
  for (const Tensor& baseline : {test::random_tensor(random, one), test::random_tensor(random, two)}) {
    Tensor both_backends[2];
    for (const Backend backend : {Backend::cpu, Backend::webgpu}) {
      const graph::Model lift = backward::deeplift_model(model, shape, backend, "t");
      const auto got = test::run_explainer(lift, x, seed, &baseline);
      Tensor wide = baseline.dim(0) == 2 ? baseline : concatenate({baseline, baseline});
      const Tensor reference = test::run_explainer(lift, wide, seed, &baseline).logits;
      for (int64_t n = 0; n < 2; ++n) {
        const double wanted = got.logits.sample(n)[n] - reference.sample(n)[n];
        CHECK(test::sum_of(got.attribution, n) == doctest::Approx(wanted).epsilon(tolerance));
      }
      both_backends[backend == Backend::webgpu] = got.attribution;
    }
    CHECK(test::difference(both_backends[1], both_backends[0]) < 1e-4);
  }
}

}  // namespace

TEST_CASE("deeplift is complete for every kind of layer") {
  for (const char* activation : {"Relu", "Sigmoid", "Tanh"}) {
    CAPTURE(activation);
    check_complete(test::mixed_network(31, true, activation), test::mixed_shape, 2e-4);
  }
}

TEST_CASE("deeplift is complete through every other kind of node") {
  for (const auto& item : test::special_layers()) {
    const auto& name = item.first;
    const auto& layer = item.second;
    CAPTURE(name);
    check_complete(test::network_around(layer, true), {-1, 3, 8, 8}, 5e-4);
  }
}

TEST_CASE("deeplift: a baseline with hardly any contrast does not blow up what passes a normalisation") {
  // In the middle x - mean and one over the deviation are far apart for image and baseline: 1 and 1e4 against 1e-4
  // and 1.
  for (const bool taken_apart : {false, true}) {
    test::Network net(47, 3, 8, 8);
    if (taken_apart) {
      const graph::Builder::Attributes over = {{"axes", std::vector<int64_t>{1, 2, 3}}, {"keepdims", int64_t{1}}};
      const std::string centred = net.builder.add("Sub", {net.top, net.builder.add("ReduceMean", {net.top}, over)});
      const std::string variance =
          net.builder.add("ReduceMean", {net.builder.add("Pow", {centred, net.builder.scalar(2)})}, over);
      net.top = net.builder.add(
          "Div", {centred, net.builder.add("Sqrt", {net.builder.add("Add", {variance, net.builder.scalar(1e-12f)})})});
    } else {
      net.add("LayerNormalization", {net.builder.constant(graph::Array::of(Tensor({3, 8, 8}, 1.0f)))},
              {{"axis", int64_t{1}}, {"epsilon", 1e-12f}});
    }
    const graph::Model model = net.finish(true);
    Random random(8);
    const Tensor x = test::random_tensor(random, {1, 3, 8, 8}), seed({1, 3}, {1, 0, 0});
    const Tensor baseline = test::random_tensor(random, {1, 3, 8, 8}, 1e-4);
    const auto got =
        test::run_explainer(backward::deeplift_model(model, net.input_shape, Backend::cpu, "t"), x, seed, &baseline);
    const Tensor reference = test::run_explainer(backward::deeplift_model(model, net.input_shape, Backend::cpu, "t"),
                                                 baseline, seed, &baseline)
                                 .logits;
    CHECK(test::sum_of(got.attribution, 0) == doctest::Approx(got.logits.data[0] - reference.data[0]).epsilon(1e-3));
    CHECK(test::size_of(got.attribution) < 5);
  }
}

TEST_CASE("deeplift sends a max-pool's difference to the maximum of the image or, where that falls, of the baseline") {
  test::Network net(5, 1, 2, 2);
  net.add("MaxPool", {}, {{"kernel_shape", std::vector<int64_t>{2, 2}}});
  const graph::Model model = net.finish(false);
  const Tensor high({1, 1, 2, 2}, {1, 5, 2, 0}), low({1, 1, 2, 2}, {3, 1, 0, 2}), seed({1, 3}, {1, 0, 0});
  for (const Backend backend : {Backend::cpu, Backend::webgpu}) {
    const graph::Model lift = backward::deeplift_model(model, net.input_shape, backend, "t");
    const auto up = test::run_explainer(lift, high, seed, &low), down = test::run_explainer(lift, low, seed, &high);
    const float whole = up.logits.data[0] - down.logits.data[0];
    for (int i = 0; i < 4; ++i) {
      CHECK(up.attribution.data[i] == doctest::Approx(i == 1 ? whole : 0).epsilon(1e-5));
      CHECK(down.attribution.data[i] == doctest::Approx(i == 1 ? -whole : 0).epsilon(1e-5));
    }
  }
}

TEST_CASE("deeplift and deeplift-shap: the image as its own baseline gives nothing; a batch of n equals n times one") {
  Classifier c(graph::write(test::mixed_network(33, true)), "mixed");
  Random random(6);
  const Tensor x = test::random_tensor(random, {3, 3, 16, 16});
  const std::vector<int> targets = {2, 0, 1};
  for (const auto& item : {std::pair<const char*, json>{"deeplift", {{"baseline", "blur"}}},
                           {"deeplift", {{"baseline", 0.25}}},
                           {"deeplift-shap", {{"draws", 5}}}}) {
    const auto& method = item.first;
    const auto& params = item.second;
    CAPTURE(params.dump());
    const Tensor all = explain(method, params, {c, x, targets, 4});
    for (int64_t n = 0; n < 3; ++n) {
      const Tensor image = x.slice(n, n + 1);
      const std::vector<int> target = {targets[static_cast<size_t>(n)]};
      const Tensor alone = explain(method, params, {c, image, target, 4, nullptr, nullptr, static_cast<uint64_t>(n)});
      CHECK(test::difference(alone, all.slice(n, n + 1)) < 1e-5);
    }
  }
  const Tensor flat({1, 3, 16, 16}, 0.25f);
  for (float v : explain("deeplift", {{"baseline", 0.25}}, {c, flat, {1}}).data) CHECK(v == 0);
}

TEST_SUITE_END();

}  // namespace ks::deeplift_test

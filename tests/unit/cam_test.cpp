#include "backward/cam.h"

#include "backward/fullgrad.h"
#include "backward/upsample.h"
#include "explain/export.h"
#include "explain/method.h"
#include "network_methods.h"
#include "tensor/error.h"

namespace ks::cam_test {
using backward::Backend;

TEST_SUITE_BEGIN("explain");

namespace {

/// Convolution, ReLU, global average, dense: Grad-CAM is the dense layer's weights over the activation, as in CAM
/// itself.
struct Cam {
  test::Network net{51, 3, 12, 12};
  graph::Model model;
  std::string layer;
  Tensor x, weights;

  Cam() {
    net.convolution(5, 3, 2, true);
    net.add("Relu");
    layer = net.top;
    net.add("GlobalAveragePool");
    model = net.finish(true);
    weights = model.constant(model.nodes.back().inputs[1])->to_tensor();
    Random random(9);
    x = test::random_tensor(random, {2, 3, 12, 12});
  }
  Tensor activation() const {
    graph::Model m = model;
    m.outputs = {{layer, graph::Type::f32, {{-1, "N"}, {5, ""}, {6, ""}, {6, ""}}}};
    graph::remove_unused(m);
    Session session(graph::write(m), {}, "t");
    return session.run({{"input", &x}}, {layer})[0];
  }
  /// Weighted sum over channels, enlarged 6 to 12: half-pixel bilinear by hand.
  Tensor enlarged(const std::vector<float>& map) const {
    Tensor out({1, 1, 12, 12});
    const auto at = [&](int o, int& low, int& high, double& share) {
      const double s = std::min(std::max((o + 0.5) / 2 - 0.5, 0.0), 5.0);
      low = static_cast<int>(s);
      high = std::min(low + 1, 5);
      share = s - low;
    };
    for (int y = 0; y < 12; ++y)
      for (int x = 0; x < 12; ++x) {
        int y0, y1, x0, x1;
        double sy, sx;
        at(y, y0, y1, sy);
        at(x, x0, x1, sx);
        out.data[y * 12 + x] = static_cast<float>((1 - sy) * ((1 - sx) * map[y0 * 6 + x0] + sx * map[y0 * 6 + x1]) +
                                                  sy * ((1 - sx) * map[y1 * 6 + x0] + sx * map[y1 * 6 + x1]));
      }
    return out;
  }
};

}  // namespace

TEST_CASE("bilinear matrices: rows sum to one, symmetric, exact at doubling") {
  const Tensor m = backward::bilinear_matrix(2, 4);
  const std::vector<float> wanted = {1, 0, 0.75f, 0.25f, 0.25f, 0.75f, 0, 1};
  CHECK(m.data == wanted);
  for (const auto& [from, to] : {std::pair<int64_t, int64_t>{7, 224}, {14, 33}, {9, 5}, {1, 8}}) {
    const Tensor b = backward::bilinear_matrix(from, to);
    for (int64_t o = 0; o < to; ++o) {
      double sum = 0;
      for (int64_t i = 0; i < from; ++i) {
        sum += b.data[o * from + i];
        CHECK(b.data[o * from + i] == doctest::Approx(b.data[(to - 1 - o) * from + (from - 1 - i)]).epsilon(1e-5));
      }
      CHECK(sum == doctest::Approx(1));
    }
  }
}

TEST_CASE("maps of a network with global average pooling by hand, on both backends") {
  const Cam cam;
  Classifier c(graph::write(cam.model), "cam");
  const Tensor a = cam.activation();
  const std::vector<int> targets = {2, 0};
  const Tensor seed = [&] {
    Tensor s({2, 3});
    s.sample(0)[2] = s.sample(1)[0] = 1;
    return s;
  }();
  const auto from_library = [&](const char* method, const json& params) {
    return explain(method, params, {c, cam.x, targets});
  };
  const Tensor grad = from_library("grad-cam", {}), signed_grad = from_library("grad-cam", {{"relu", false}}),
               layer = from_library("layer-cam", {}), plus = from_library("grad-cam-plus-plus", {});
  for (int n = 0; n < 2; ++n) {
    std::vector<float> g(36), l(36), p(36);
    for (int k = 0; k < 5; ++k) {
      const double slope = cam.weights.sample(targets[n])[k] / 36.0;  // of the logit by each value of the channel
      double sum = 0;
      for (int i = 0; i < 36; ++i) sum += a.sample(n)[k * 36 + i];
      const double plus_weight = 36 * std::max(slope, 0.0) / (2 + slope * sum);
      for (int i = 0; i < 36; ++i) {
        g[i] += static_cast<float>(slope * a.sample(n)[k * 36 + i]);
        l[i] += static_cast<float>(std::max(slope, 0.0) * a.sample(n)[k * 36 + i]);
        p[i] += static_cast<float>(plus_weight * a.sample(n)[k * 36 + i]);
      }
    }
    CHECK(test::difference(signed_grad.slice(n, n + 1), cam.enlarged(g)) < 1e-5);
    for (float& v : g) v = std::max(v, 0.0f);
    CHECK(test::difference(grad.slice(n, n + 1), cam.enlarged(g)) < 1e-5);
    CHECK(test::difference(layer.slice(n, n + 1), cam.enlarged(l)) < 1e-5);
    CHECK(test::difference(plus.slice(n, n + 1), cam.enlarged(p)) < 1e-5);
  }
  for (const auto kind : {backward::CamKind::grad_cam, backward::CamKind::grad_cam_plus_plus,
                          backward::CamKind::layer_cam, backward::CamKind::eigen_cam})
    for (const bool guided : {false, true}) {
      const backward::CamOptions options{kind, cam.layer, true, guided};
      const auto run = [&](Backend b) {
        return test::run_explainer(backward::cam_model(cam.model, cam.net.input_shape, options, b, "t"), cam.x, seed)
            .attribution;
      };
      CHECK(test::difference(run(Backend::webgpu), run(Backend::cpu)) < 1e-5);
    }
}

TEST_CASE("eigen-cam is the best map of rank one, whatever the shape of the activation") {
  for (const int64_t channels : {5, 50}) {  // fewer and more than the 36 positions
    test::Network net(60, 3, 12, 12);
    net.convolution(channels, 3, 2, true);
    net.add("Relu");
    const std::string layer = net.top;
    net.add("GlobalAveragePool");
    const graph::Model model = net.finish(true);
    graph::Model front = model;
    front.outputs = {{layer, graph::Type::f32, {{-1, "N"}, {channels, ""}, {6, ""}, {6, ""}}}};
    graph::remove_unused(front);
    Random random(3);
    const Tensor x = test::random_tensor(random, {1, 3, 12, 12});
    const Tensor a = Session(graph::write(front), {}, "t").run({{"input", &x}}, {layer})[0];
    // Power iteration in double precision.
    std::vector<double> v(static_cast<size_t>(channels), 1), u(36);
    for (int iteration = 0; iteration < 2000; ++iteration) {
      double norm = 0;
      for (int i = 0; i < 36; ++i) {
        u[i] = 0;
        for (int64_t k = 0; k < channels; ++k) u[i] += a.data[k * 36 + i] * v[k];
      }
      for (int64_t k = 0; k < channels; ++k) {
        v[k] = 0;
        for (int i = 0; i < 36; ++i) v[k] += a.data[k * 36 + i] * u[i];
        norm += v[k] * v[k];
      }
      for (double& e : v) e /= std::sqrt(norm);
    }
    Cam cam;
    std::vector<float> map(36);
    for (int i = 0; i < 36; ++i)
      for (int64_t k = 0; k < channels; ++k) map[i] += static_cast<float>(a.data[k * 36 + i] * v[k]);
    Classifier c(graph::write(model), "eigen");
    CHECK(test::difference(explain("eigen-cam", {}, {c, x, {0}}), cam.enlarged(map)) < 1e-4);
  }
}

TEST_CASE("score-cam: weights are the softmax of the masked images' logits; constant channels have none") {
  const Cam cam;
  Classifier c(graph::write(cam.model), "cam");
  const Tensor a = cam.activation();
  const Tensor got = explain("score-cam", {}, {c, cam.x, {2, 0}});
  for (int n = 0; n < 2; ++n) {
    std::vector<double> score;
    for (int k = 0; k < 5; ++k) {
      const Tensor mask = cam.enlarged(std::vector<float>(a.sample(n) + k * 36, a.sample(n) + (k + 1) * 36));
      const auto [low, high] = std::minmax_element(mask.data.begin(), mask.data.end());
      Tensor masked = cam.x.slice(n, n + 1);
      for (int64_t i = 0; i < masked.size(); ++i) masked.data[i] *= (mask.data[i % 144] - *low) / (*high - *low);
      score.push_back(c.logits(masked).data[n == 0 ? 2 : 0]);
    }
    double whole = 0;
    for (double s : score) whole += std::exp(s);
    std::vector<float> map(36);
    for (int k = 0; k < 5; ++k)
      for (int i = 0; i < 36; ++i) map[i] += static_cast<float>(std::exp(score[k]) / whole * a.sample(n)[k * 36 + i]);
    CHECK(test::difference(got.slice(n, n + 1), cam.enlarged(map)) < 1e-4);
  }
}

TEST_CASE("feature maps by name, and the default one") {
  Classifier c(graph::write(test::mixed_network(71, true)), "mixed");
  const Tensor x({1, 3, 16, 16}, 0.5f);
  const graph::Shapes shapes = graph::infer_shapes(c.model(), c.input_shape(), "t");
  const std::string last = backward::last_feature_map(c.model(), shapes);
  CHECK(c.model().producer(last)->op == "Relu");
  CHECK(shapes.at(last) == Shape{-1, 8, 4, 4});
  const Tensor standard = explain("layer-cam", {}, {c, x, {0}});
  CHECK(explain("layer-cam", {{"layer", last}}, {c, x, {0}}).data == standard.data);
  CHECK(explain("layer-cam", {{"tensor", last}}, {c, x, {0}}).data == standard.data);
  for (const char* method : {"grad-cam", "score-cam", "eigen-cam"}) {
    try {
      explain(method, {{"layer", last + "x"}}, {c, x, {0}});
      FAIL("an unknown layer passed");
    } catch (const Error& e) {
      CHECK(std::string(e.what()).find("'" + last + "'") != std::string::npos);
    }
  }
  CHECK_THROWS_AS(explain("grad-cam", {{"layer", "logits"}}, {c, x, {0}}), Error);
}

TEST_CASE("fullgrad: the signed map sums to the logit, smooth activations and products included") {
  for (const char* activation : {"Relu", "Sigmoid", "Tanh"}) {
    CAPTURE(activation);
    const graph::Model model = test::mixed_network(81, true, activation);
    Random random(12);
    const Tensor x = test::random_tensor(random, {2, 3, 16, 16}), seed = test::class_seeds(2);
    Tensor results[2];
    for (const Backend backend : {Backend::cpu, Backend::webgpu}) {
      const auto got = test::run_explainer(
          backward::fullgrad_model(model, test::mixed_shape, backward::FullGradMap::signed_, backend, "t"), x, seed);
      REQUIRE(got.attribution.shape == Shape{2, 1, 16, 16});
      for (int64_t n = 0; n < 2; ++n)
        CHECK(test::sum_of(got.attribution, n) == doctest::Approx(got.logits.sample(n)[n]).epsilon(2e-4));
      results[backend == Backend::webgpu] = got.attribution;
    }
    CHECK(test::difference(results[1], results[0]) < 1e-4);
  }
}

TEST_CASE("fullgrad: the signed map sums to the logit through every other kind of node") {
  Random random(14);
  const Tensor x = test::random_tensor(random, {2, 3, 8, 8}), seed = test::class_seeds(2);
  for (const auto& item : test::special_layers()) {
    const auto& name = item.first;
    const auto& layer = item.second;
    CAPTURE(name);
    const auto got = test::run_explainer(backward::fullgrad_model(test::network_around(layer, true), {-1, 3, 8, 8},
                                                                  backward::FullGradMap::signed_, Backend::cpu, "t"),
                                         x, seed);
    for (int64_t n = 0; n < 2; ++n)
      CHECK(test::sum_of(got.attribution, n) == doctest::Approx(got.logits.sample(n)[n]).epsilon(1e-3));
  }
}

TEST_CASE("fullgrad: absolute and rescaled maps of one convolution by hand") {
  test::Network net(91, 1, 8, 8);
  net.convolution(2, 3, 1, true);
  net.add("Relu");
  const std::string layer = net.top;
  net.add("GlobalAveragePool");
  const graph::Model model = net.finish(false);
  const Tensor w = model.constant(model.nodes.back().inputs[1])->to_tensor();
  const Tensor bias = model.constant(model.nodes[0].inputs[2])->to_tensor();
  Random random(1);
  const Tensor x = test::random_tensor(random, {1, 1, 8, 8});
  Classifier c(graph::write(model), "one");
  const Tensor ixg = explain("input-x-gradient", {}, {c, x, {1}});
  graph::Model front = model;
  front.outputs = {{layer, graph::Type::f32, {{-1, "N"}, {2, ""}, {8, ""}, {8, ""}}}};
  graph::remove_unused(front);
  const Tensor a = Session(graph::write(front), {}, "t").run({{"input", &x}}, {layer})[0];
  Tensor terms({1, 2, 8, 8});
  for (int k = 0; k < 2; ++k)
    for (int i = 0; i < 64; ++i)
      terms.data[k * 64 + i] = a.data[k * 64 + i] > 0 ? std::fabs(bias.data[k] * w.sample(1)[k] / 64) : 0;
  const auto peak = [](const Tensor& t) { return static_cast<float>(test::size_of(t)); };
  float low = 1e9f;
  for (float v : ixg.data) low = std::min(low, std::fabs(v));
  Tensor absolute({1, 1, 8, 8}), rescaled({1, 1, 8, 8});
  const float bottom = *std::min_element(terms.data.begin(), terms.data.end());
  for (int i = 0; i < 64; ++i) {
    absolute.data[i] = std::fabs(ixg.data[i]) + terms.data[i] + terms.data[64 + i];
    rescaled.data[i] = (std::fabs(ixg.data[i]) - low) / (peak(ixg) - low) +
                       (terms.data[i] + terms.data[64 + i] - 2 * bottom) / (peak(terms) - bottom);
  }
  CHECK(test::difference(explain("fullgrad", {{"map", "absolute"}}, {c, x, {1}}), absolute) < 1e-5);
  CHECK(test::difference(explain("fullgrad", {}, {c, x, {1}}), rescaled) < 1e-5);
}

TEST_CASE("a batch of n equals n times one for every method that is a graph") {
  Classifier c(graph::write(test::mixed_network(95, true)), "mixed");
  Random random(6);
  const Tensor x = test::random_tensor(random, {3, 3, 16, 16});
  const std::vector<int> targets = {2, 0, 1};
  for (const Method& m : methods()) {
    if (!m.network && m.family != "cam") continue;
    CAPTURE(m.name);
    const Tensor all = explain(m.name, {}, {c, x, targets});
    for (int64_t n = 0; n < 3; ++n) {
      const Tensor one = explain(m.name, {}, {c, x.slice(n, n + 1), {targets[static_cast<size_t>(n)]}});
      CHECK(test::difference(one, all.slice(n, n + 1)) < 1e-4);
    }
  }
}

TEST_SUITE_END();

}  // namespace ks::cam_test

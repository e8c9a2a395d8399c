#include "backward/relevance.h"

#include "explain/layers.h"
#include "explain/method.h"
#include "network_methods.h"
#include "tensor/error.h"

namespace ks::relevance_test {
using backward::Backend;
using backward::Composite;
using backward::Rule;
using backward::RuleKind;

TEST_SUITE_BEGIN("backward");

namespace {

Rule rule(RuleKind kind, bool use_bias = false) {
  Rule r;
  r.kind = kind;
  r.stabilizer = 1e-9f;
  r.use_bias = use_bias;
  return r;
}

Composite composite(RuleKind first, RuleKind convolution) {
  return {rule(first),          rule(convolution),    rule(RuleKind::epsilon),  rule(RuleKind::pass),
          rule(RuleKind::norm), rule(RuleKind::norm), rule(RuleKind::gradient), rule(RuleKind::norm),
          rule(RuleKind::norm)};
}

}  // namespace

TEST_CASE("relevance without biases is conserved through residuals, gates, concatenations and depthwise convolutions") {
  Random random(3);
  const Tensor x = test::random_tensor(random, {2, 3, 16, 16}), seed = test::class_seeds(2);
  for (const bool bias : {false, true}) {
    const graph::Model model = test::mixed_network(21, bias);
    // Not alpha-beta, which conserves only where a unit has contributions of both signs, nor flat and w-square beyond
    // the first layer: they give relevance to zeros, which a sum behind them cannot share by value.
    for (RuleKind convolution : {RuleKind::epsilon, RuleKind::z_plus, RuleKind::gamma, RuleKind::generalised_gamma})
      for (RuleKind first : {RuleKind::z_box, RuleKind::w_square, RuleKind::flat, convolution}) {
        CAPTURE(bias);
        CAPTURE(static_cast<int>(convolution));
        Tensor results[2];
        for (Backend backend : {Backend::cpu, Backend::webgpu}) {
          const Tensor r = test::run_explainer(backward::relevance_model(model, test::mixed_shape,
                                                                         composite(first, convolution), backend, "t"),
                                               x, seed)
                               .attribution;
          for (int n = 0; n < 2; ++n) {
            double size = 0;
            for (int64_t i = 0; i < r.stride(); ++i) size += std::fabs(r.sample(n)[i]);
            CHECK(std::fabs(test::sum_of(r, n) - 1) < 1e-4 * (1 + size));
          }
          results[backend == Backend::webgpu] = r;
        }
        CHECK(test::difference(results[1], results[0]) < 1e-4);
      }
  }
}

TEST_CASE("relevance without biases is conserved by every other kind of node") {
  Random random(13);
  const Tensor x = test::random_tensor(random, {2, 3, 8, 8}), seed = test::class_seeds(2);
  for (const auto& item : test::special_layers()) {
    const auto& name = item.first;
    const auto& layer = item.second;
    CAPTURE(name);
    const graph::Model model = test::network_around(layer, true);
    Tensor results[2];
    for (Backend backend : {Backend::cpu, Backend::webgpu}) {
      const Tensor r =
          test::run_explainer(backward::relevance_model(model, {-1, 3, 8, 8},
                                                        composite(RuleKind::epsilon, RuleKind::epsilon), backend, "t"),
                              x, seed)
              .attribution;
      for (int n = 0; n < 2; ++n) {
        double size = 0;
        for (int64_t i = 0; i < r.stride(); ++i) size += std::fabs(r.sample(n)[i]);
        CHECK(std::fabs(test::sum_of(r, n) - 1) < 1e-4 * (1 + size));
      }
      results[backend == Backend::webgpu] = r;
    }
    CHECK(test::difference(results[1], results[0]) < 1e-3);
  }
}

TEST_CASE("rule epsilon of a ReLU network without biases is input x gradient") {
  test::Network net(8, 3, 12, 12);
  net.convolution(5, 3, 2, false);
  net.add("Relu");
  net.convolution(4, 3, 1, false);
  net.add("Relu");
  const graph::Model model = net.finish(false);
  Random random(4);
  const Tensor x = test::random_tensor(random, {2, 3, 12, 12}), seed = test::class_seeds(2);
  const Tensor wanted =
      test::run_explainer(
          backward::gradient_model(model, net.input_shape, backward::ReluRule::gradient, true, Backend::cpu, "t"), x,
          seed)
          .attribution;
  for (RuleKind kind : {RuleKind::zero, RuleKind::epsilon}) {
    const Tensor got =
        test::run_explainer(backward::relevance_model(model, net.input_shape, composite(kind, kind), Backend::cpu, "t"),
                            x, seed)
            .attribution;
    // Relevance starts at 1, the gradient times the input at the logit.
    Tensor scaled = got;
    for (int64_t n = 0; n < 2; ++n) {
      const double logit = test::sum_of(wanted, n);
      for (int64_t i = 0; i < got.stride(); ++i) scaled.sample(n)[i] = static_cast<float>(got.sample(n)[i] * logit);
    }
    CHECK(test::difference(scaled, wanted) < 1e-3);
  }
}

TEST_CASE("one dense layer by hand: every rule's formula") {
  // Inputs 2, -1, 3; weights 1, 2, -1 and bias 0.5 for class 0: contributions 2, -2, -3, z = -2.5.
  Tensor weights({3, 3});
  weights.data = {1, 2, -1, 0, 0, 0, 0, 0, 0};
  graph::Model model;
  model.inputs.push_back({"input", graph::Type::f32, {{-1, "N"}, {3, ""}, {1, ""}, {1, ""}}});
  graph::Builder builder(model);
  builder.fresh("input");
  const std::string flat = builder.add("Flatten", {"input"});
  const std::string bias = builder.constant(graph::Array::floats({3}, {0.5f, 0, 0}));
  builder.add_named("Gemm", {flat, builder.constant(graph::Array::of(weights)), bias}, "logits",
                    {{"transB", int64_t{1}}});
  model.outputs.push_back({"logits", graph::Type::f32, {{-1, "N"}, {3, ""}}});
  const Tensor x({1, 3, 1, 1}, {2, -1, 3}), seed({1, 3}, {1, 0, 0});
  const auto explained = [&](Rule r) {
    Composite c = composite(RuleKind::epsilon, RuleKind::epsilon);
    c.dense = c.first = r;
    return test::run_explainer(backward::relevance_model(model, {-1, 3, 1, 1}, c, Backend::cpu, "t"), x, seed)
        .attribution.data;
  };
  const auto check = [&](RuleKind kind, bool use_bias, std::vector<double> wanted) {
    CAPTURE(static_cast<int>(kind));
    Rule r = rule(kind, use_bias);
    r.gamma = 0.5f;
    r.low = -2;
    r.high = 4;
    const std::vector<float> got = explained(r);
    for (size_t i = 0; i < 3; ++i) CHECK(got[i] == doctest::Approx(wanted[i]).epsilon(1e-5));
  };
  check(RuleKind::zero, true, {2 / -2.5, -2 / -2.5, -3 / -2.5});
  check(RuleKind::epsilon, false, {2 / -3.0, -2 / -3.0, -3 / -3.0});
  check(RuleKind::z_plus, true, {2 / 2.5, 0, 0});
  check(RuleKind::alpha_beta, false, {2.0, -2 / 5.0, -3 / 5.0});
  // gamma: weights 1.5, 3, -1, bias 0.75: contributions 3, -3, -3.
  check(RuleKind::gamma, true, {3 / -2.25, -3 / -2.25, -3 / -2.25});
  // generalised, z < 0: negative contributions count 1.5 times: 2, -3, -4.5; the bias is positive and counts once.
  check(RuleKind::generalised_gamma, true, {2 / -5.0, -3 / -5.0, -4.5 / -5.0});
  // box: x w - l w+ - h w-: 2 + 2, -2 + 4, -3 + 4.
  check(RuleKind::z_box, true, {4 / 7.0, 2 / 7.0, 1 / 7.0});
  check(RuleKind::w_square, true, {1 / 6.0, 4 / 6.0, 1 / 6.0});
  check(RuleKind::flat, true, {1 / 3.0, 1 / 3.0, 1 / 3.0});
  check(RuleKind::gradient, true, {1, 2, -1});
}

TEST_CASE("generalised gamma below a ReLU, by hand: whether or not relevance can arrive at inactive units") {
  // w-square gives relevance to inactive units, z-plus does not: the layer below is computed in two ways.
  constexpr int inputs = 5, units = 12, explained = 1;
  test::Network net(31, inputs, 1, 1);
  net.convolution(units, 1, 1, true);
  net.add("Relu");
  const graph::Model model = net.finish(true);
  const auto values = [&](size_t node, size_t input) {
    return model.constant(model.nodes[node].inputs[input])->to_floats();
  };
  REQUIRE(model.nodes.front().op == "Conv");
  REQUIRE(model.nodes.back().op == "Gemm");
  const size_t last = model.nodes.size() - 1;
  const std::vector<float> w = values(0, 1), b = values(0, 2), v = values(last, 1), c = values(last, 2);
  Random random(32);
  const Tensor x = test::random_tensor(random, {1, inputs, 1, 1});
  Tensor seed({1, 3});
  seed.data[explained] = 1;

  for (const RuleKind above : {RuleKind::z_plus, RuleKind::w_square}) {
    CAPTURE(static_cast<int>(above));
    Composite chosen = composite(RuleKind::generalised_gamma, RuleKind::generalised_gamma);
    chosen.dense = rule(above, true);
    chosen.first.use_bias = true;
    const double gamma = chosen.first.gamma = 0.7f;

    std::vector<double> z(units), share(units), wanted(inputs);
    double total = above == RuleKind::z_plus ? std::max(c[explained], 0.0f) : 0;
    int inactive = 0;
    for (int j = 0; j < units; ++j) {
      z[j] = b[j];
      for (int i = 0; i < inputs; ++i) z[j] += static_cast<double>(w[j * inputs + i]) * x.data[i];
      inactive += z[j] < 0;
      const double weight = v[explained * units + j];
      share[j] = above == RuleKind::z_plus ? std::max(z[j], 0.0) * std::max(weight, 0.0) : weight * weight;
      total += share[j];
    }
    REQUIRE(inactive > 0);
    for (int j = 0; j < units; ++j) {
      const auto favoured = [&](double contribution) {
        return contribution * (contribution * z[j] > 0 ? 1 + gamma : 1);
      };
      double whole = favoured(b[j]);
      for (int i = 0; i < inputs; ++i) whole += favoured(static_cast<double>(w[j * inputs + i]) * x.data[i]);
      for (int i = 0; i < inputs; ++i)
        wanted[i] += favoured(static_cast<double>(w[j * inputs + i]) * x.data[i]) / whole * share[j] / total;
    }
    for (const Backend backend : {Backend::cpu, Backend::webgpu}) {
      const Tensor got =
          test::run_explainer(backward::relevance_model(model, {-1, inputs, 1, 1}, chosen, backend, "t"), x, seed)
              .attribution;
      for (int i = 0; i < inputs; ++i) CHECK(got.data[i] == doctest::Approx(wanted[i]).epsilon(1e-4));
    }
  }
}

TEST_CASE("a gate gets no relevance, the signal all of it; products of equals get half each") {
  const std::vector<std::pair<const char*, std::function<void(test::Network&)>>> signals = {
      {"squeeze and excitation", [](test::Network& n) { test::squeeze_and_excitation(n); }},
      {"x sigmoid(x)", [](test::Network& n) { n.add("Mul", {n.builder.add("Sigmoid", {n.top})}); }},
      {"x tanh(x)",
       [](test::Network& n) {
         n.top = n.builder.add("Mul", {n.builder.add("Tanh", {n.top}), n.top});
       }},
      {"scaled",
       [](test::Network& n) {
         n.add("Mul", {n.constant({4, 1, 1})});
       }},
      {"x x", [](test::Network& n) { n.add("Mul", {n.top}); }}};
  for (const auto& item : signals) {
    const auto& name = item.first;
    const auto& layer = item.second;
    CAPTURE(name);
    test::Network net(9, 4, 6, 6);
    net.add("Relu");
    layer(net);
    const graph::Model model = net.finish(false);
    Random random(5);
    const Tensor x = test::random_tensor(random, {2, 4, 6, 6}), seed = test::class_seeds(2);
    const auto c = composite(RuleKind::epsilon, RuleKind::epsilon);
    const Tensor r =
        test::run_explainer(backward::relevance_model(model, net.input_shape, c, Backend::cpu, "t"), x, seed)
            .attribution;
    // The same as at the product's output: that is the share of each value in the dense layer.
    const std::string top = net.top;
    Session session(graph::write([&] {
                      graph::Model m = model;
                      m.outputs.push_back({top, graph::Type::f32, {}});
                      for (int64_t d : net.shape()) m.outputs.back().dimensions.push_back({d, d < 0 ? "N" : ""});
                      return m;
                    }()),
                    {}, "t");
    const auto forward = session.run({{"input", &x}}, {"logits", top});
    const Tensor w = model.constant(model.nodes.back().inputs[1])->to_tensor();
    for (int64_t n = 0; n < 2; ++n)
      for (int64_t i = 0; i < r.stride(); ++i) {
        const double wanted = forward[1].sample(n)[i] * w.sample(n)[i] / forward[0].sample(n)[n];
        CHECK(r.sample(n)[i] == doctest::Approx(wanted).epsilon(1e-3));
      }
  }
}

TEST_CASE("a dead network has relevance zero, not NaN") {
  test::Network net(10, 3, 8, 8);
  net.convolution(4, 3, 1, false);
  net.add("Mul", {net.builder.scalar(0)});
  net.add("Relu");
  net.convolution(4, 3, 1, false);
  net.add("Relu");
  net.add("GlobalAveragePool");
  Classifier c(graph::write(net.finish(false)), "dead");
  Random random(1);
  const Tensor x = test::random_tensor(random, {2, 3, 8, 8});
  for (const Method& m : methods()) {
    if (!m.network && m.name != "score-cam" && m.name != "deeplift-shap") continue;
    CAPTURE(m.name);
    bool all_finite = true;
    for (float v : explain(m.name, {}, {c, x, {0, 1}}).data)
      all_finite = all_finite && std::isfinite(v) && std::fabs(v) < 1;
    CHECK(all_finite);
    if (m.name.rfind("grad-cam", 0) == 0 || m.name.find("-cam") != std::string::npos)
      for (float v : explain(m.name, {}, {c, x, {0, 1}}).data) CHECK(v == 0);
  }
}

TEST_CASE("lrp-custom: tables equal to built-in composites give their maps, names go before kinds") {
  Classifier c(graph::write(test::mixed_network(23, true)), "mixed");
  Random random(2);
  const Tensor x = test::random_tensor(random, {2, 3, 16, 16});
  const std::vector<int> targets = {0, 2};
  const auto custom = [&](const json& rules) { return explain("lrp-custom", {{"rules", rules}}, {c, x, targets}); };
  const auto built_in = [&](const char* name) { return explain(name, {}, {c, x, targets}); };
  CHECK(test::difference(custom(json::object()), built_in("lrp-epsilon")) < 1e-6);
  CHECK(test::difference(custom({{"convolution", "z-plus"}}), built_in("lrp-epsilon-plus")) < 1e-6);
  CHECK(test::difference(custom({{"convolution", "z-plus"}, {"first", "flat"}}), built_in("lrp-epsilon-plus-flat")) <
        1e-6);
  CHECK(test::difference(custom({{"convolution", {{"rule", "alpha-beta"}, {"alpha", 2}, {"beta", 1}}}}),
                         built_in("lrp-epsilon-alpha2-beta1")) < 1e-6);
  CHECK(test::difference(custom(json::array({{{"layer", "convolution"}, {"rule", "generalised-gamma"}, {"gamma", 0.25}},
                                             {{"layer", "dense"}, {"rule", "generalised-gamma"}}})),
                         built_in("lrp-gamma")) < 1e-6);
  json by_name = {{"convolution", "w-square"}};
  for (const graph::Node& node : c.model().nodes)
    if (node.op == "Conv") by_name[node.outputs[0]] = "z-plus";
  CHECK(test::difference(custom(by_name), built_in("lrp-epsilon-plus")) < 1e-6);
}

TEST_CASE("lrp-custom: every mistake is one sentence that names the entry") {
  Classifier c(graph::write(test::mixed_network(23, true)), "mixed");
  const Tensor x({1, 3, 16, 16});
  const auto message = [&](const json& rules) -> std::string {
    try {
      explain("lrp-custom", {{"rules", rules}}, {c, x, {0}});
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  const auto has = [&](const json& rules, const char* part) {
    const std::string text = message(rules);
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  has(5, "must be an object or a list");
  has(json::array({5}), "an entry of the list");
  has({{"convolution", "z-pluss"}}, "did you mean 'z-plus'");
  has({{"convolution", 3}}, "the rules are");
  has({{"convolution", {{"gamma", 3}}}}, "has no rule");
  has({{"convolution", {{"rule", "z-plus"}, {"gamma", 3}}}}, "parameter 'gamma'");
  has({{"convolution", {{"rule", "gamma"}, {"gamma", -1}}}}, "must be from 0 to 100");
  has({{"convolution", {{"rule", "gamma"}, {"gamma", "x"}}}}, "must be a number");
  has({{"convolution", {{"rule", "alpha-beta"}, {"alpha", 2}, {"beta", 2}}}}, "alpha - beta must be 1");
  has({{"first", {{"rule", "z-box"}, {"low", 2}, {"high", 1}}}}, "low not below high");
  has({{"activation", "z-plus"}}, "cannot take the rule 'z-plus'");
  has({{"convolution", "pass"}}, "it can take");
  has({{"convolutions", "z-plus"}}, "did you mean 'convolution'");
  has({{"no such thing at all", "z-plus"}}, "is no kind of layer");
}

TEST_CASE("relevance of every layer from one run: totals are conserved, each node's error is what is lost") {
  for (const bool bias : {false, true}) {
    Classifier c(graph::write(test::mixed_network(27, bias)), "mixed");
    Random random(2);
    const Tensor x = test::random_tensor(random, {3, 3, 16, 16});
    const std::vector<int> targets = {0, 2, 1};
    const json params = {{"zero_params", bias ? "none" : "bias"}};
    const auto layers = explain_layers("lrp-epsilon-plus", params, {c, x, targets});
    REQUIRE(layers.front().name == "logits");
    REQUIRE(layers.back().name == "input");
    CHECK(layers.front().total == std::vector<double>{1, 1, 1});
    const Tensor whole = explain("lrp-epsilon-plus", params, {c, x, targets});
    double lost = 0;
    for (const LayerAttribution& layer : layers) {
      CAPTURE(layer.name);
      for (size_t n = 0; n < 3; ++n) {
        if (!layer.map.empty())
          CHECK(test::sum_of(layer.map, static_cast<int64_t>(n)) == doctest::Approx(layer.total[n]).epsilon(1e-4));
        if (!bias && !layer.conservation_error.empty()) CHECK(std::fabs(layer.conservation_error[n]) < 1e-4);
      }
      if (!layer.conservation_error.empty()) lost += layer.conservation_error[0];
    }
    CHECK(layers.back().map.shape == Shape{3, 1, 16, 16});
    for (int64_t n = 0; n < 3; ++n)
      CHECK(layers.back().total[static_cast<size_t>(n)] == doctest::Approx(test::sum_of(whole, n)).epsilon(1e-4));
    // What all nodes lose together is what is missing at the image.
    CHECK(layers.back().total[0] == doctest::Approx(1 + lost).epsilon(1e-3));
    if (bias) CHECK(std::fabs(lost) > 1e-3);
  }
}

TEST_CASE("layers of gradient methods and deeplift") {
  Classifier c(graph::write(test::mixed_network(28, false)), "mixed");
  Random random(2);
  const Tensor x = test::random_tensor(random, {2, 3, 16, 16});
  const std::vector<int> targets = {0, 2};
  for (const char* method : {"gradient", "guided-backprop", "deconvolution", "input-x-gradient", "deeplift"}) {
    CAPTURE(method);
    const auto layers = explain_layers(method, {}, {c, x, targets});
    const Tensor whole = explain(method, {}, {c, x, targets});
    REQUIRE(layers.back().name == "input");
    for (int64_t n = 0; n < 2; ++n)
      CHECK(layers.back().total[static_cast<size_t>(n)] == doctest::Approx(test::sum_of(whole, n)).epsilon(1e-4));
    if (std::string(method) == "deeplift")
      for (const LayerAttribution& layer : layers)
        for (double e : layer.conservation_error) CHECK(std::fabs(e) < 1e-4);
  }
  CHECK_THROWS_AS(explain_layers("lime", {}, {c, x, targets}), Error);
}

TEST_SUITE_END();

}  // namespace ks::relevance_test

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "backward/explainer.h"
#include "networks.h"
#include "runtime/session.h"

using namespace ks;
using backward::Backend;

TEST_SUITE_BEGIN("backward");

namespace {

/// Values all apart by at least `gap`: a small step changes the winner of no max-pool window and the sign of nothing.
Tensor distinct_values(Random& random, const Shape& shape, float gap) {
  Tensor t(shape);
  std::vector<int> order(t.data.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  random.shuffle(order);
  for (size_t i = 0; i < order.size(); ++i)
    t.data[i] = gap * (static_cast<float>(order[i]) - 0.5f * static_cast<float>(order.size()) + 0.25f);
  return t;
}

struct Explained {
  Tensor logits, attribution;
};

Explained run(const graph::Model& model, const Tensor& x, const Tensor& seed) {
  Session session(graph::write(model), {}, "test");
  auto out = session.run({{"input", &x}, {backward::seed_input, &seed}}, {"logits", backward::attribution_output});
  return {out[0], out[1]};
}

/// The generated gradient against central differences along random directions, and both backends against each other.
void check_gradient(test::Network& net, double tolerance) {
  const graph::Model model = net.finish(true);
  Shape shape = net.input_shape;
  shape[0] = 2;
  const Tensor x = distinct_values(net.random, shape, 0.02f);
  const Tensor seed = test::random_tensor(net.random, {2, 3});
  const Explained cpu = run(backward::gradient_model(model, net.input_shape, backward::ReluRule::gradient, false, Backend::cpu, "t"), x, seed);
  const Explained gpu =
      run(backward::gradient_model(model, net.input_shape, backward::ReluRule::gradient, false, Backend::webgpu, "t"), x, seed);
  REQUIRE(cpu.attribution.shape == x.shape);
  double peak = 1e-6;
  for (float v : cpu.attribution.data) peak = std::max(peak, std::fabs(static_cast<double>(v)));
  for (int64_t i = 0; i < x.size(); ++i)
    REQUIRE(std::fabs(cpu.attribution.data[i] - gpu.attribution.data[i]) < 1e-5 * peak);

  Session forward(graph::write(model), {}, "forward");
  const auto value = [&](const Tensor& at) {
    const Tensor z = forward.run({{"input", &at}}, {"logits"})[0];
    double sum = 0;
    for (int64_t i = 0; i < z.size(); ++i) sum += static_cast<double>(z.data[i]) * seed.data[i];
    return sum;
  };
  const double h = 4e-3;
  for (int direction = 0; direction < 3; ++direction) {
    Tensor up = x, down = x;
    double expected = 0, scale = 0;
    for (int64_t i = 0; i < x.size(); ++i) {
      const float d = net.random.chance(0.5) ? 1.0f : -1.0f;
      up.data[i] += static_cast<float>(h) * d;
      down.data[i] -= static_cast<float>(h) * d;
      expected += static_cast<double>(cpu.attribution.data[i]) * d;
      scale += std::pow(cpu.attribution.data[i], 2);
    }
    const double found = (value(up) - value(down)) / (2 * h);
    CHECK(std::fabs(found - expected) < tolerance * (std::sqrt(scale) + 1e-3));
  }
}

}  // namespace

TEST_CASE("gradient of convolutions of every geometry") {
  Random random(1);
  for (int i = 0; i < 40; ++i) {
    CAPTURE(i);
    const int64_t groups = i % 4 == 0 ? 2 : 1, size = 9 + random.below(6);
    test::Network net(100 + i, 2 * groups, size, size + 1);
    std::vector<int64_t> kernel, strides, dilations, pads;
    for (int a = 0; a < 2; ++a) {
      kernel.push_back(1 + random.below(4));
      strides.push_back(1 + random.below(3));
      dilations.push_back(1 + random.below(2));
    }
    for (int p = 0; p < 4; ++p) pads.push_back(random.below(3));
    net.add("Conv", {net.constant({4 * groups, 2, kernel[0], kernel[1]}), net.constant({4 * groups})},
            {{"group", groups}, {"strides", strides}, {"dilations", dilations}, {"pads", pads}});
    check_gradient(net, 5e-3);
  }
}

TEST_CASE("gradient of pooling of every geometry") {
  Random random(2);
  for (int i = 0; i < 40; ++i) {
    CAPTURE(i);
    test::Network net(200 + i, 3, 8 + random.below(6), 8 + random.below(6));
    std::vector<int64_t> kernel, strides, pads;
    for (int a = 0; a < 2; ++a) {
      kernel.push_back(1 + random.below(3));
      strides.push_back(1 + random.below(3));
    }
    for (int p = 0; p < 4; ++p) pads.push_back(random.below(static_cast<uint32_t>(kernel[p % 2])));
    const bool max = i % 2 == 0;
    bool overhangs = false;  // ceil_mode windows that start in the padding: ONNX's shape inference and its runtime disagree
    for (int a = 0; a < 2; ++a) {
      const int64_t size = net.input_shape[2 + a], span = size + pads[a] + pads[a + 2] - kernel[a];
      overhangs = overhangs || (span + strides[a] - 1) / strides[a] * strides[a] >= size + pads[a];
    }
    graph::Builder::Attributes a = {{"kernel_shape", kernel}, {"strides", strides}, {"pads", pads}};
    if (max && !overhangs) a["ceil_mode"] = int64_t{random.below(2)};
    if (!max) a["count_include_pad"] = int64_t{random.below(2)};
    net.add(max ? "MaxPool" : "AveragePool", {}, a);
    check_gradient(net, 5e-3);
  }
}

TEST_CASE("gradient of element-wise ops, joins and broadcasts") {
  const std::vector<std::function<void(test::Network&)>> layers = {
      [](test::Network& n) { n.add("Relu"); },
      [](test::Network& n) { n.add("Sigmoid"); },
      [](test::Network& n) { n.add("Tanh"); },
      [](test::Network& n) { n.add("GlobalAveragePool"); },
      [](test::Network& n) { n.add("Add", {n.constant({3, 1, 1})}); },
      [](test::Network& n) { n.add("Mul", {n.constant({3, 1, 1})}); },
      [](test::Network& n) { n.add("Mul", {n.top}); },
      [](test::Network& n) { n.add("Sub", {n.builder.add("GlobalAveragePool", {n.top})}); },
      [](test::Network& n) { n.add("Mul", {n.builder.add("Sigmoid", {n.builder.add("GlobalAveragePool", {n.top})})}); },
      [](test::Network& n) { n.add("Concat", {n.builder.add("Tanh", {n.top}), n.top}, {{"axis", int64_t{1}}}); },
      [](test::Network& n) { n.add("Reshape", {n.builder.ints({0, -1})}); },
      [](test::Network& n) {
        const std::string positive = n.builder.constant(graph::Array::floats({3}, {0.5f, 1.5f, 2.0f}));
        n.add("BatchNormalization", {n.constant({3}), n.constant({3}), n.constant({3}), positive});
      }};
  for (size_t i = 0; i < layers.size(); ++i) {
    CAPTURE(i);
    test::Network net(300 + i, 3, 5, 4);
    layers[i](net);
    check_gradient(net, 2e-2);
  }
}

TEST_CASE("max-pool ties go to the first position, on both backends") {
  for (Backend backend : {Backend::cpu, Backend::webgpu}) {
    test::Network net(4, 1, 4, 4);
    net.add("MaxPool", {}, {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
    const graph::Model model = net.finish(false);
    const Tensor x({1, 1, 4, 4}), seed({1, 3}, 1.0f);
    const Tensor g = run(backward::gradient_model(model, net.input_shape, backward::ReluRule::gradient, false, backend, "t"), x, seed).attribution;
    for (int i = 0; i < 16; ++i) CHECK((g.data[i] != 0) == (i % 2 == 0 && (i / 4) % 2 == 0));
  }
}

TEST_CASE("relevance is conserved without biases") {
  using backward::Rule;
  using backward::RuleKind;
  const auto rule = [](RuleKind kind) {
    Rule r;
    r.kind = kind;
    r.stabilizer = 1e-9f;
    return r;
  };
  for (RuleKind convolution : {RuleKind::epsilon, RuleKind::z_plus, RuleKind::alpha_beta, RuleKind::gamma}) {
    for (RuleKind first : {RuleKind::epsilon, RuleKind::flat, RuleKind::z_box}) {
      for (Backend backend : {Backend::cpu, Backend::webgpu}) {
        test::Network net(17, 3, 16, 16);
        net.convolution(6, 5, 2, false);
        net.add("Relu");
        net.add("MaxPool", {}, {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
        const std::string skip = net.top;
        net.convolution(6, 3, 1, false);
        net.add("Relu");
        net.add("Add", {skip});
        net.convolution(6, 3, 2, false);
        net.add("Relu");
        net.add("GlobalAveragePool");
        const graph::Model model = net.finish(false);
        Random random(3);
        const Tensor x = test::random_tensor(random, {2, 3, 16, 16});
        Tensor seed({2, 3});
        seed.data[0] = seed.data[4] = 1;
        const backward::Composite composite{rule(first), rule(convolution), rule(RuleKind::epsilon),
                                            rule(RuleKind::pass), rule(RuleKind::norm), rule(RuleKind::norm)};
        const Tensor r = run(backward::relevance_model(model, net.input_shape, composite, backend, "t"), x, seed).attribution;
        for (int n = 0; n < 2; ++n) {
          double sum = 0, size = 0;
          for (int64_t i = 0; i < r.stride(); ++i) {
            sum += r.sample(n)[i];
            size += std::fabs(r.sample(n)[i]);
          }
          CAPTURE(static_cast<int>(convolution));
          CAPTURE(static_cast<int>(first));
          CHECK(std::fabs(sum - 1) < 1e-4 * (1 + size));
        }
      }
    }
  }
}

TEST_SUITE_END();

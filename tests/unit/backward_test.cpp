#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "gradient_check.h"

namespace ks::backward_test {
using backward::Backend;

TEST_SUITE_BEGIN("backward");

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
    test::check_gradient(net, 5e-3);
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
    bool overhangs =
        false;  // ceil_mode windows that start in the padding: ONNX's shape inference and its runtime disagree
    for (int a = 0; a < 2; ++a) {
      const int64_t size = net.input_shape[2 + a], span = size + pads[a] + pads[a + 2] - kernel[a];
      overhangs = overhangs || (span + strides[a] - 1) / strides[a] * strides[a] >= size + pads[a];
    }
    graph::Builder::Attributes a = {{"kernel_shape", kernel}, {"strides", strides}, {"pads", pads}};
    if (max && !overhangs) a["ceil_mode"] = int64_t{random.below(2)};
    if (!max) a["count_include_pad"] = int64_t{random.below(2)};
    net.add(max ? "MaxPool" : "AveragePool", {}, a);
    test::check_gradient(net, 5e-3);
  }
}

TEST_CASE("gradient of element-wise ops, joins and broadcasts") {
  const std::vector<std::function<void(test::Network&)>> layers = {
      [](test::Network& n) { n.add("Relu"); },
      [](test::Network& n) { n.add("Sigmoid"); },
      [](test::Network& n) { n.add("Tanh"); },
      [](test::Network& n) { n.add("GlobalAveragePool"); },
      [](test::Network& n) {
        n.add("Add", {n.constant({3, 1, 1})});
      },
      [](test::Network& n) {
        n.add("Mul", {n.constant({3, 1, 1})});
      },
      [](test::Network& n) { n.add("Mul", {n.top}); },
      [](test::Network& n) { n.add("Sub", {n.builder.add("GlobalAveragePool", {n.top})}); },
      [](test::Network& n) { n.add("Mul", {n.builder.add("Sigmoid", {n.builder.add("GlobalAveragePool", {n.top})})}); },
      [](test::Network& n) {
        n.add("Concat", {n.builder.add("Tanh", {n.top}), n.top}, {{"axis", int64_t{1}}});
      },
      [](test::Network& n) {
        n.add("Reshape", {n.builder.ints({0, -1})});
      },
      [](test::Network& n) {
        const std::string positive = n.builder.constant(graph::Array::floats({3}, {0.5f, 1.5f, 2.0f}));
        n.add("BatchNormalization", {n.constant({3}), n.constant({3}), n.constant({3}), positive});
      }};
  for (size_t i = 0; i < layers.size(); ++i) {
    CAPTURE(i);
    test::Network net(300 + i, 3, 5, 4);
    layers[i](net);
    test::check_gradient(net, 2e-2);
  }
}

TEST_CASE("max-pool ties go to the first position, on both backends") {
  for (Backend backend : {Backend::cpu, Backend::webgpu}) {
    test::Network net(4, 1, 4, 4);
    net.add("MaxPool", {}, {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"strides", std::vector<int64_t>{2, 2}}});
    const graph::Model model = net.finish(false);
    const Tensor x({1, 1, 4, 4}), seed({1, 3}, 1.0f);
    const Tensor g = test::run_explainer(test::gradient_of(model, net.input_shape, backend), x, seed).attribution;
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
        const backward::Composite composite{rule(first),          rule(convolution),    rule(RuleKind::epsilon),
                                            rule(RuleKind::pass), rule(RuleKind::norm), rule(RuleKind::norm)};
        const Tensor r =
            test::run_explainer(backward::relevance_model(model, net.input_shape, composite, backend, "t"), x, seed)
                .attribution;
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

}  // namespace ks::backward_test

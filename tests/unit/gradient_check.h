#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "network_methods.h"

namespace ks::test {

/// Values all apart by at least `gap`: a small step changes the winner of no max-pool window and the sign of nothing.
inline Tensor distinct_values(Random& random, const Shape& shape, float gap) {
  Tensor t(shape);
  std::vector<int> order(t.data.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  random.shuffle(order);
  for (size_t i = 0; i < order.size(); ++i)
    t.data[i] = gap * (static_cast<float>(order[i]) - 0.5f * static_cast<float>(order.size()) + 0.25f);
  return t;
}

/// The network that computes logits and gradient, in the form for one kind of provider.
inline graph::Model gradient_of(const graph::Model& model, const Shape& input_shape, backward::Backend backend) {
  return backward::gradient_model(model, input_shape, backward::ReluRule::gradient, false, backend, "test");
}

/// The gradient of the simplified network against central differences of the original along random directions, and both
/// backends against each other. Input values are multiples of `gap` apart, which must be above 0.016. Returns what was
/// checked.
inline graph::Model check_gradient(Network& net, double tolerance, float gap = 0.02f) {
  const graph::Model original = net.finish(true), model = graph::simplify(original);
  Shape shape = net.input_shape;
  shape[0] = 2;
  const Tensor x = distinct_values(net.random, shape, gap);
  const Tensor seed = random_tensor(net.random, {2, 3});
  const graph::Model checked = gradient_of(model, net.input_shape, backward::Backend::cpu);
  const Explained cpu = run_explainer(checked, x, seed);
  const Explained gpu = run_explainer(gradient_of(model, net.input_shape, backward::Backend::webgpu), x, seed);
  REQUIRE(cpu.attribution.shape == x.shape);
  double peak = 1e-6;
  for (float v : cpu.attribution.data) peak = std::max(peak, std::fabs(static_cast<double>(v)));
  for (int64_t i = 0; i < x.size(); ++i)
    REQUIRE(std::fabs(cpu.attribution.data[i] - gpu.attribution.data[i]) < 1e-5 * peak);

  Session forward(graph::write(original), {}, "forward");
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
  return checked;
}

}  // namespace ks::test

#include <algorithm>
#include <cmath>

#include "explain/gradients.h"
#include "explain/reference.h"

// M. Sundararajan, A. Taly, Q. Yan: Axiomatic attribution for deep networks, ICML 2017.
namespace ks {

namespace {

struct Quadrature {
  std::vector<double> points, weights;  // on [0,1], weights sum to 1
};

/// Roots of the Legendre polynomial of degree n by Newton's method, moved to [0,1].
Quadrature gauss_legendre(int n) {
  Quadrature q{std::vector<double>(n), std::vector<double>(n)};
  for (int i = 0; i < n; ++i) {
    double x = std::cos(3.141592653589793 * (i + 0.75) / (n + 0.5)), slope = 1;
    for (int iteration = 0; iteration < 100; ++iteration) {
      double p0 = 1, p1 = x;
      for (int k = 2; k <= n; ++k) {
        const double p2 = ((2 * k - 1) * x * p1 - (k - 1) * p0) / k;
        p0 = p1;
        p1 = p2;
      }
      slope = n * (x * p1 - p0) / (x * x - 1);
      const double step = p1 / slope;
      x -= step;
      if (std::fabs(step) < 1e-15) break;
    }
    q.points[n - 1 - i] = (1 + x) / 2;
    q.weights[n - 1 - i] = 1 / ((1 - x * x) * slope * slope);
  }
  return q;
}

Quadrature quadrature(const std::string& name, int steps) {
  if (name == "gauss-legendre") return gauss_legendre(steps);
  Quadrature q;
  for (int i = 0; i < steps; ++i) {
    const bool trapezoid = name == "trapezoid" && steps > 1;
    q.points.push_back(trapezoid ? static_cast<double>(i) / (steps - 1) : (i + 0.5) / steps);
    q.weights.push_back(trapezoid ? (i == 0 || i == steps - 1 ? 0.5 : 1.0) / (steps - 1) : 1.0 / steps);
  }
  return q;
}

Tensor integrated_gradients(const ExplainRequest& r, const Params& p) {
  const Quadrature q = quadrature(p.text("quadrature"), p.integer("steps"));
  const int64_t points = static_cast<int64_t>(q.points.size()), size = r.inputs.stride();
  Tensor out(r.inputs.shape);  // x - b until the sample's gradients are complete
  std::vector<double> mean(static_cast<size_t>(size));
  gradients_at(
      r, points,
      [&](const GradientPoint& at, float* point) {
        const float* x = r.inputs.sample(at.sample);
        float* change = out.sample(at.sample);
        if (at.copy == 0) {
          const Tensor reference = reference_input(r, at.sample, p);
          for (int64_t i = 0; i < size; ++i) change[i] = x[i] - reference.data[static_cast<size_t>(i)];
        }
        const float left = static_cast<float>(1 - q.points[static_cast<size_t>(at.copy)]);
        for (int64_t i = 0; i < size; ++i) point[i] = x[i] - left * change[i];
      },
      [&](const GradientPoint& at, const float* gradient) {
        if (at.copy == 0) std::fill(mean.begin(), mean.end(), 0.0);
        const double weight = q.weights[static_cast<size_t>(at.copy)];
        for (int64_t i = 0; i < size; ++i) mean[static_cast<size_t>(i)] += weight * gradient[i];
        if (at.copy + 1 < points) return;
        float* map = out.sample(at.sample);
        for (int64_t i = 0; i < size; ++i) map[i] = static_cast<float>(map[i] * mean[static_cast<size_t>(i)]);
      });
  return out;
}

}  // namespace

std::vector<Method> integrated_methods() {
  Method m;
  m.name = "integrated-gradients";
  m.title = "Integrated gradients";
  m.family = "gradient";
  m.citation = "M. Sundararajan, A. Taly, Q. Yan: Axiomatic attribution for deep networks, ICML 2017";
  m.description =
      "The difference from a baseline image times the mean gradient on the straight line from there to the image. The "
      "values sum to the difference of the two logits.";
  m.misleads =
      "The baseline decides what counts as absence, and pixels that look like it get nothing: against black, a black "
      "point cannot be seen. The images on the line are half transparent, such as the network never saw.";
  m.formula = "Rᵢ = (xᵢ − bᵢ) · ∫₀¹ ∂f_c(b + t (x − b)) / ∂xᵢ dt\nΣᵢ Rᵢ = f_c(x) − f_c(b)";
  m.parameters = {{"steps", ParameterType::integer, 32, "Points on the line", 1, 1000, "points"}};
  for (Parameter& parameter : reference_parameters()) m.parameters.push_back(std::move(parameter));
  m.parameters.push_back({"quadrature",
                          ParameterType::choice,
                          "gauss-legendre",
                          "How the mean over the line is taken",
                          {},
                          {},
                          "",
                          {"gauss-legendre", "trapezoid", "midpoint"}});
  m.explain = integrated_gradients;
  return {m};
}

}  // namespace ks

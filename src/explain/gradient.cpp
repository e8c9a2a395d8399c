#include <algorithm>
#include <cmath>

#include "backward/explainer.h"
#include "explain/method.h"
#include "explain/network.h"
#include "explain/reference.h"

// Gradient family: what a small change of each pixel does to the target's logit, and modifications of that.
namespace ks {

namespace {

using backward::ReluRule;

template <ReluRule rule, bool times_input = false>
graph::Model network(const Classifier& c, const Params&) {
  return backward::gradient_model(c.model(), c.input_shape(), rule, times_input, c.backend(), c.where());
}

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
  const int64_t points = static_cast<int64_t>(q.points.size()), batch = r.classifier.batch_size();
  Session& session = network_session(r.classifier, methods().at("gradient"), Params());
  Tensor out(r.inputs.shape);
  const int64_t stride = r.inputs.stride(), samples = r.inputs.dim(0);
  for (int64_t n = 0; n < samples; ++n) {
    const float* x = r.inputs.sample(n);
    const Tensor reference = reference_input(r, n, p);
    const float* b = reference.data.data();
    std::vector<double> sum(stride, 0.0);
    for (int64_t begin = 0; begin < points; begin += batch) {
      const int64_t end = std::min(points, begin + batch);
      Shape shape = r.inputs.shape;
      shape[0] = end - begin;
      Tensor path(shape);
      for (int64_t k = begin; k < end; ++k)
        for (int64_t i = 0; i < stride; ++i)
          path.sample(k - begin)[i] = static_cast<float>(b[i] + q.points[k] * (static_cast<double>(x[i]) - b[i]));
      const Tensor g = run_explainer(r.classifier, session, path, std::vector<int>(end - begin, r.targets[n]));
      for (int64_t k = begin; k < end; ++k)
        for (int64_t i = 0; i < stride; ++i) sum[i] += q.weights[k] * g.sample(k - begin)[i];
      if (r.progress) r.progress((static_cast<double>(n) + static_cast<double>(end) / static_cast<double>(points)) /
                                 static_cast<double>(samples));
    }
    for (int64_t i = 0; i < stride; ++i)
      out.sample(n)[i] = static_cast<float>((static_cast<double>(x[i]) - b[i]) * sum[i]);
  }
  return out;
}

Method method(const char* name, const char* title, const char* citation, const char* description,
              std::vector<Parameter> parameters, NetworkFunction network, MethodFunction explain = nullptr) {
  Method m;
  m.name = name;
  m.title = title;
  m.family = "gradient";
  m.citation = citation;
  m.description = description;
  m.parameters = std::move(parameters);
  m.network = network;
  m.explain = explain;
  return m;
}

}  // namespace

std::vector<Method> gradient_methods() {
  return {
      method("gradient", "Gradient",
             "K. Simonyan, A. Vedaldi, A. Zisserman: Deep inside convolutional networks, ICLR workshop 2014",
             "df/dx: how the target's logit answers a small change of each pixel. Noisy, and blind to features that are "
             "saturated: a strong, certain cause can have gradient zero.",
             {}, network<ReluRule::gradient>),
      method("input-x-gradient", "Input x gradient",
             "A. Shrikumar, P. Greenside, A. Shcherbina, A. Kundaje: Not just a black box, arXiv 1605.01713, 2016",
             "x * df/dx. Pixels at the input's zero (the mean colour after normalisation) get nothing, whatever they mean.", {},
             network<ReluRule::gradient, true>),
      method("integrated-gradients", "Integrated gradients",
             "M. Sundararajan, A. Taly, Q. Yan: Axiomatic attribution for deep networks, ICML 2017",
             "(x - b) times the mean gradient on the straight line from the baseline b to x; sums to f(x) - f(b). The choice of "
             "baseline decides what counts as absence, and pixels that look like it get nothing.",
             {{"steps", ParameterType::integer, 32, "Points on the line", 1, 1000, "points"},
              reference_parameters()[0], reference_parameters()[1],
              {"quadrature", ParameterType::choice, "gauss-legendre", "How the mean over the line is taken", {}, {}, "",
               {"gauss-legendre", "trapezoid", "midpoint"}}},
             nullptr, integrated_gradients),
      method("guided-backprop", "Guided backpropagation",
             "J. Springenberg, A. Dosovitskiy, T. Brox, M. Riedmiller: Striving for simplicity, ICLR workshop 2015",
             "The gradient with negative values cut off at every ReLU. Sharp pictures, but they show edges of the image even "
             "for a network with random weights (Adebayo et al., 2018).",
             {}, network<ReluRule::guided>),
      method("deconvolution", "Deconvolution", "M. Zeiler, R. Fergus: Visualizing and understanding convolutional networks, ECCV 2014",
             "Like guided backpropagation, but blind to which units were active: depends on the image only through max-pooling.",
             {}, network<ReluRule::deconvolution>),
  };
}

}  // namespace ks

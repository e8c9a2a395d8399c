#include <cmath>

#include "backward/gradient.h"

// Activations, arithmetic with broadcasting, and choices between operands.
namespace ks::backward {

namespace {

using graph::Node;

constexpr double pi = 3.14159265358979323846;

std::string times(Pass& pass, const std::string& a, float factor) {
  return pass.add("Mul", {a, pass.builder().scalar(factor)});
}

std::string plus(Pass& pass, const std::string& a, float term) {
  return term == 0 ? a : pass.add("Add", {a, pass.builder().scalar(term)});
}

/// Sends g times the slope to the first input.
void send_slope(Pass& pass, const Node& node, const std::string& g, const std::string& slope) {
  pass.send(node.inputs[0], pass.add("Mul", {g, slope}));
}

void identity(Pass& pass, const Node& node, const std::string& g) {
  pass.send(node.inputs[0], g);
}

void cast(Pass& pass, const Node& node, const std::string& g) {
  // What was cast to integers has steps instead of slopes.
  if (node.attribute("to", int64_t{0}) == static_cast<int64_t>(graph::Type::f32)) pass.send(node.inputs[0], g);
}

void relu(Pass& pass, const Node& node, const std::string& g) {
  // The output tells as well as the input which units are active, and leaves Conv + ReLU fusible.
  pass.send(node.inputs[0], where_active(pass, node.outputs[0], g));
}

void leaky_relu(Pass& pass, const Node& node, const std::string& g) {
  pass.send(node.inputs[0], where_positive(pass, node.inputs[0], g, times(pass, g, node.attribute("alpha", 0.01f))));
}

void parametric_relu(Pass& pass, const Node& node, const std::string& g) {
  const std::string &x = node.inputs[0], &slope = node.inputs[1];
  if (pass.wants(x)) pass.send(x, where_positive(pass, x, g, pass.add("Mul", {g, slope})));
  if (!pass.wants(slope)) return;
  const std::string below = where_positive(pass, x, pass.builder().scalar(0), x);
  pass.send(slope, unbroadcast(pass, pass.add("Mul", {g, below}), pass.shape(node.outputs[0]), slope));
}

// Below zero the exponential units are c (exp(x) - 1), so that their slope there is the output plus c.
void elu(Pass& pass, const Node& node, const std::string& g) {
  const std::string below = pass.add("Mul", {g, plus(pass, node.outputs[0], node.attribute("alpha", 1.0f))});
  pass.send(node.inputs[0], where_positive(pass, node.inputs[0], g, below));
}

void selu(Pass& pass, const Node& node, const std::string& g) {
  const float alpha = node.attribute("alpha", 1.67326319217681884765625f),
              gamma = node.attribute("gamma", 1.05070102214813232421875f);
  const std::string below = pass.add("Mul", {g, plus(pass, node.outputs[0], alpha * gamma)});
  pass.send(node.inputs[0], where_positive(pass, node.inputs[0], times(pass, g, gamma), below));
}

void celu(Pass& pass, const Node& node, const std::string& g) {
  const std::string slope = plus(pass, times(pass, node.outputs[0], 1 / node.attribute("alpha", 1.0f)), 1);
  pass.send(node.inputs[0], where_positive(pass, node.inputs[0], g, pass.add("Mul", {g, slope})));
}

void error_function(Pass& pass, const Node& node, const std::string& g) {
  const std::string square = pass.add("Mul", {node.inputs[0], node.inputs[0]});
  send_slope(pass, node, g,
             times(pass, pass.add("Exp", {pass.add("Neg", {square})}), static_cast<float>(2 / std::sqrt(pi))));
}

void clip(Pass& pass, const Node& node, const std::string& g) {
  // The output tells as well as the input what was cut, and leaves Conv + Clip fusible.
  const std::string zero = pass.builder().scalar(0);
  std::string inside = g;
  if (node.has_input(1))
    inside = pass.add("Where", {pass.add("Greater", {node.outputs[0], node.inputs[1]}), inside, zero});
  if (node.has_input(2))
    inside = pass.add("Where", {pass.add("Less", {node.outputs[0], node.inputs[2]}), inside, zero});
  pass.send(node.inputs[0], inside);
}

void sigmoid(Pass& pass, const Node& node, const std::string& g) {
  send_slope(pass, node, g,
             pass.add("Mul", {node.outputs[0], pass.add("Sub", {pass.builder().scalar(1), node.outputs[0]})}));
}

void hard_sigmoid(Pass& pass, const Node& node, const std::string& g) {
  const std::string slope = times(pass, g, node.attribute("alpha", 0.2f)), zero = pass.builder().scalar(0);
  const std::string below_one =
      pass.add("Where", {pass.add("Less", {node.outputs[0], pass.builder().scalar(1)}), slope, zero});
  pass.send(node.inputs[0], where_positive(pass, node.outputs[0], below_one, zero));
}

void hard_swish(Pass& pass, const Node& node, const std::string& g) {
  graph::Builder& b = pass.builder();
  const std::string& x = node.inputs[0];
  const std::string middle = pass.add("Mul", {g, plus(pass, times(pass, x, 1.0f / 3), 0.5f)});
  const std::string upper = pass.add("Where", {pass.add("Greater", {x, b.scalar(3)}), g, middle});
  pass.send(x, pass.add("Where", {pass.add("Less", {x, b.scalar(-3)}), b.scalar(0), upper}));
}

void hyperbolic_tangent(Pass& pass, const Node& node, const std::string& g) {
  const std::string square = pass.add("Mul", {node.outputs[0], node.outputs[0]});
  send_slope(pass, node, g, pass.add("Sub", {pass.builder().scalar(1), square}));
}

void softplus(Pass& pass, const Node& node, const std::string& g) {
  send_slope(pass, node, g, pass.add("Sigmoid", {node.inputs[0]}));
}

/// Gelu and Mish where the model keeps an opset that has them: their slopes from those of their parts.
void gelu(Pass& pass, const Node& node, const std::string& g) {
  const std::string& x = node.inputs[0];
  const std::string square = pass.add("Mul", {x, x});
  if (node.attribute("approximate", std::string("none")) == "none") {
    const std::string density =
        times(pass, pass.add("Exp", {times(pass, square, -0.5f)}), static_cast<float>(1 / std::sqrt(2 * pi)));
    const std::string share =
        times(pass, plus(pass, pass.add("Erf", {times(pass, x, static_cast<float>(std::sqrt(0.5)))}), 1), 0.5f);
    return send_slope(pass, node, g, pass.add("Add", {share, pass.add("Mul", {x, density})}));
  }
  const float c = static_cast<float>(std::sqrt(2 / pi));
  const std::string inner = pass.add("Mul", {x, plus(pass, times(pass, square, c * 0.044715f), c)});
  const std::string gate = pass.add("Tanh", {inner});
  const std::string inner_slope = plus(pass, times(pass, square, 3 * c * 0.044715f), c);
  const std::string gate_slope =
      pass.add("Mul", {pass.add("Sub", {pass.builder().scalar(1), pass.add("Mul", {gate, gate})}), inner_slope});
  const std::string total = pass.add("Add", {plus(pass, gate, 1), pass.add("Mul", {x, gate_slope})});
  send_slope(pass, node, g, times(pass, total, 0.5f));
}

void mish(Pass& pass, const Node& node, const std::string& g) {
  const std::string& x = node.inputs[0];
  const std::string gate = pass.add("Tanh", {pass.add("Softplus", {x})});
  const std::string slope = pass.add(
      "Mul", {pass.add("Sub", {pass.builder().scalar(1), pass.add("Mul", {gate, gate})}), pass.add("Sigmoid", {x})});
  send_slope(pass, node, g, pass.add("Add", {gate, pass.add("Mul", {x, slope})}));
}

void exponential(Pass& pass, const Node& node, const std::string& g) {
  send_slope(pass, node, g, node.outputs[0]);
}

void logarithm(Pass& pass, const Node& node, const std::string& g) {
  pass.send(node.inputs[0], pass.add("Div", {g, node.inputs[0]}));
}

void square_root(Pass& pass, const Node& node, const std::string& g) {
  pass.send(node.inputs[0], pass.add("Div", {times(pass, g, 0.5f), node.outputs[0]}));
}

void reciprocal(Pass& pass, const Node& node, const std::string& g) {
  send_slope(pass, node, g, pass.add("Neg", {pass.add("Mul", {node.outputs[0], node.outputs[0]})}));
}

void negative(Pass& pass, const Node& node, const std::string& g) {
  pass.send(node.inputs[0], pass.add("Neg", {g}));
}

void absolute(Pass& pass, const Node& node, const std::string& g) {
  const std::string& x = node.inputs[0];
  const std::string below = pass.add(
      "Where", {pass.add("Less", {x, pass.builder().scalar(0)}), pass.add("Neg", {g}), pass.builder().scalar(0)});
  pass.send(x, where_positive(pass, x, g, below));
}

void power(Pass& pass, const Node& node, const std::string& g) {
  if (pass.wants(node.inputs[1])) refuse(pass, node, "has an exponent that is computed, which is not supported");
  const graph::Array* exponent = pass.forward().constant(node.inputs[1]);
  const std::string& x = node.inputs[0];
  std::string slope;
  if (exponent && exponent->type == graph::Type::f32 && exponent->count() == 1) {
    const float p = exponent->to_floats()[0];
    slope = p == 2 ? times(pass, x, 2) : times(pass, pass.add("Pow", {x, pass.builder().scalar(p - 1)}), p);
  } else {
    const std::string less = pass.add("Sub", {node.inputs[1], pass.builder().scalar(1)});
    slope = pass.add("Mul", {pass.add("Pow", {x, less}), node.inputs[1]});
  }
  pass.send(x, unbroadcast(pass, pass.add("Mul", {g, slope}), pass.shape(node.outputs[0]), x));
}

void add(Pass& pass, const Node& node, const std::string& g) {
  for (const std::string& input : node.inputs)
    if (pass.wants(input)) pass.send(input, unbroadcast(pass, g, pass.shape(node.outputs[0]), input));
}

void mean_of_operands(Pass& pass, const Node& node, const std::string& g) {
  add(pass, node, times(pass, g, 1.0f / static_cast<float>(node.inputs.size())));
}

void subtract(Pass& pass, const Node& node, const std::string& g) {
  const Shape& out = pass.shape(node.outputs[0]);
  if (pass.wants(node.inputs[0])) pass.send(node.inputs[0], unbroadcast(pass, g, out, node.inputs[0]));
  if (pass.wants(node.inputs[1]))
    pass.send(node.inputs[1], pass.add("Neg", {unbroadcast(pass, g, out, node.inputs[1])}));
}

void multiply(Pass& pass, const Node& node, const std::string& g) {
  for (size_t i = 0; i < 2; ++i)
    if (pass.wants(node.inputs[i]))
      pass.send(node.inputs[i], unbroadcast(pass, pass.add("Mul", {g, node.inputs[1 - i]}), pass.shape(node.outputs[0]),
                                            node.inputs[i]));
}

void divide(Pass& pass, const Node& node, const std::string& g) {
  const Shape& out = pass.shape(node.outputs[0]);
  const std::string over = pass.add("Div", {g, node.inputs[1]});
  if (pass.wants(node.inputs[0])) pass.send(node.inputs[0], unbroadcast(pass, over, out, node.inputs[0]));
  if (pass.wants(node.inputs[1])) {
    const std::string down = pass.add("Neg", {pass.add("Mul", {over, node.outputs[0]})});
    pass.send(node.inputs[1], unbroadcast(pass, down, out, node.inputs[1]));
  }
}

/// Max and Min: to the first operand that is the result.
void extreme_of_operands(Pass& pass, const Node& node, const std::string& g) {
  const std::string zero = pass.builder().scalar(0);
  std::string open = g;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const std::string match = pass.add("Equal", {node.inputs[i], node.outputs[0]});
    if (pass.wants(node.inputs[i]))
      pass.send(node.inputs[i],
                unbroadcast(pass, pass.add("Where", {match, open, zero}), pass.shape(node.outputs[0]), node.inputs[i]));
    if (i + 1 < node.inputs.size()) open = pass.add("Where", {match, zero, open});
  }
}

void choose(Pass& pass, const Node& node, const std::string& g) {
  const std::string zero = pass.builder().scalar(0);
  for (size_t i = 1; i < 3; ++i) {
    if (!pass.wants(node.inputs[i])) continue;
    const std::string own = pass.add("Where", {node.inputs[0], i == 1 ? g : zero, i == 1 ? zero : g});
    pass.send(node.inputs[i], unbroadcast(pass, own, pass.shape(node.outputs[0]), node.inputs[i]));
  }
}

}  // namespace

GradientRules elementwise_gradients() {
  return {{"Identity", identity},
          {"Dropout", identity},
          {"Cast", cast},
          {"Relu", relu},
          {"LeakyRelu", leaky_relu},
          {"PRelu", parametric_relu},
          {"Elu", elu},
          {"Selu", selu},
          {"Celu", celu},
          {"Erf", error_function},
          {"Clip", clip},
          {"Sigmoid", sigmoid},
          {"HardSigmoid", hard_sigmoid},
          {"HardSwish", hard_swish},
          {"Tanh", hyperbolic_tangent},
          {"Softplus", softplus},
          {"Gelu", gelu},
          {"Mish", mish},
          {"Exp", exponential},
          {"Log", logarithm},
          {"Sqrt", square_root},
          {"Reciprocal", reciprocal},
          {"Neg", negative},
          {"Abs", absolute},
          {"Pow", power},
          {"Add", add},
          {"Sum", add},
          {"Mean", mean_of_operands},
          {"Sub", subtract},
          {"Mul", multiply},
          {"Div", divide},
          {"Max", extreme_of_operands},
          {"Min", extreme_of_operands},
          {"Where", choose}};
}

}  // namespace ks::backward

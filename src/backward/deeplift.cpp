#include "backward/deeplift.h"

#include <algorithm>
#include <map>
#include <set>

#include "backward/attribution.h"
#include "backward/linear.h"
#include "backward/normalise.h"
#include "tensor/error.h"

namespace ks::backward {

namespace {

using graph::Node;

/// Below these differences of an activation's input its slope is its gradient: quotients of rounding errors help
/// nobody. A piecewise linear activation has an exact quotient down to the last bit.
constexpr float nearly_zero = 1e-10f, nearly_zero_smooth = 1e-3f;

const std::set<std::string> piecewise_linear = {"Relu",        "LeakyRelu", "PRelu", "Clip",
                                                "HardSigmoid", "Abs",       "Max",   "Min"};
const std::set<std::string> smooth = {"Elu",  "Selu",     "Celu", "Gelu", "Erf", "Sigmoid", "HardSwish",
                                      "Tanh", "Softplus", "Mish", "Exp",  "Log", "Pow"};
const std::set<std::string> linear_ops = {"Conv",
                                          "ConvTranspose",
                                          "Gemm",
                                          "Add",
                                          "Sub",
                                          "Sum",
                                          "Mean",
                                          "Neg",
                                          "Concat",
                                          "Split",
                                          "Slice",
                                          "Gather",
                                          "Pad",
                                          "Tile",
                                          "Flatten",
                                          "Reshape",
                                          "Squeeze",
                                          "Unsqueeze",
                                          "Transpose",
                                          "Expand",
                                          "Resize",
                                          "Cast",
                                          "ReduceMean",
                                          "ReduceSum",
                                          "Dropout",
                                          "Identity",
                                          "AveragePool",
                                          "GlobalAveragePool",
                                          "BatchNormalization"};

/// The network a second time, on the baseline.
class Baseline {
 public:
  Baseline(Pass& pass, const std::string& image) : pass_(pass) {
    names_[pass.forward().inputs.at(0).name] = image;
    for (const Node& node : pass.forward().nodes) {
      if (std::none_of(node.inputs.begin(), node.inputs.end(), [&](const auto& i) { return names_.count(i) > 0; }))
        continue;
      std::vector<std::string> inputs;
      for (const std::string& i : node.inputs) inputs.push_back(of(i));
      const auto outputs =
          pass.builder().add_many(node.op, inputs, node.outputs.size(), node.attributes, "baseline/" + node.outputs[0]);
      for (size_t o = 0; o < outputs.size(); ++o) names_[node.outputs[o]] = outputs[o];
    }
  }

  /// The tensor's value on the baseline; constants are their own.
  const std::string& of(const std::string& tensor) const {
    const auto it = names_.find(tensor);
    return it == names_.end() ? tensor : it->second;
  }
  std::string difference(const std::string& tensor) {
    std::string& name = differences_[tensor];
    if (name.empty()) name = pass_.add("Sub", {tensor, of(tensor)});
    return name;
  }
  /// The mean of the tensor and its value on the baseline.
  std::string middle(const std::string& tensor) {
    const std::string& other = of(tensor);
    if (other == tensor) return tensor;
    return pass_.add("Mul", {pass_.add("Add", {tensor, other}), pass_.builder().scalar(0.5f)});
  }

 private:
  Pass& pass_;
  std::map<std::string, std::string> names_, differences_;
};

class Rescale {
 public:
  Rescale(Pass& pass, Baseline& baseline) : pass_(pass), baseline_(baseline) {}

  void apply(const Node& node, const std::string& m) {
    const auto computed =
        std::count_if(node.inputs.begin(), node.inputs.end(), [&](const auto& i) { return pass_.wants(i); });
    if (computed == 1 && piecewise_linear.count(node.op)) return activation(node, m, nearly_zero);
    if (is_square(node))
      return pass_.send(node.inputs[0],
                        pass_.add("Mul", {m, pass_.add("Add", {node.inputs[0], baseline_.of(node.inputs[0])})}));
    if (computed == 1 && smooth.count(node.op)) return activation(node, m, nearly_zero_smooth);
    if (node.op == "Sqrt" || node.op == "Reciprocal") return root_or_reciprocal(node, m);
    if (node.op == "MaxPool" || node.op == "GlobalMaxPool") return max_pool(node, m);
    if (node.op == "Softmax") return softmax(node, m);
    if (node.op == "LRN") return response_normalisation(node, m);
    if (Standardisation::covers(node)) return normalisation(node, m);
    const bool both = computed == 2;
    if (node.op == "Mul" && both) return product(node, m);
    if (node.op == "Div" && pass_.wants(node.inputs[1])) return quotient(node, m);
    if (linear_ops.count(node.op) || ((node.op == "Mul" || node.op == "Div" || node.op == "MatMul") && !both))
      return gradient_rule(pass_, node, m);
    throw Error("node '" + node.name + "' (" + node.op + ") has no rule in DeepLIFT", pass_.where());
  }

 private:
  /// d(y) / d(x) where d(x) is not nearly 0, else `gradient`, times m where that is not in it yet.
  std::string slope(const std::string& dx, const std::string& dy_times_m, const std::string& gradient,
                    float threshold) {
    graph::Builder& b = pass_.builder();
    const std::string near = pass_.add("Less", {pass_.add("Abs", {dx}), b.scalar(threshold)});
    const std::string quotient = pass_.add("Div", {dy_times_m, pass_.add("Where", {near, b.scalar(1), dx})});
    return pass_.add("Where", {near, gradient, quotient});
  }

  /// The gradient of a node with one computed input.
  std::string gradient(const Node& node, const std::string& m) { return pass_.gradients_of(node, m).at(0).second; }

  void activation(const Node& node, const std::string& m, float threshold) {
    const std::string& x =
        *std::find_if(node.inputs.begin(), node.inputs.end(), [&](const auto& i) { return pass_.wants(i); });
    if (pass_.shape(x) != pass_.shape(node.outputs[0]))
      throw Error(
          "node '" + node.name + "' (" + node.op + ") repeats its input along an axis, which DeepLIFT does not know",
          pass_.where());
    const std::string dy = pass_.add("Mul", {baseline_.difference(node.outputs[0]), m});
    pass_.send(x, slope(baseline_.difference(x), dy, gradient(node, m), threshold));
  }

  void max_pool(const Node& node, const std::string& m) {
    const std::string &x = node.inputs[0], &y = node.outputs[0];
    const std::string dy = baseline_.difference(y), flow = pass_.add("Mul", {dy, m}), zero = pass_.builder().scalar(0);
    const std::string below = pass_.add("Less", {dy, zero});
    Node window = node;
    if (node.op == "GlobalMaxPool")
      window.attributes["kernel_shape"] = std::vector<int64_t>{pass_.shape(x)[2], pass_.shape(x)[3]};
    const std::string up = gradient(node, pass_.add("Where", {below, zero, flow}));
    const std::string down =
        unpool(pass_, window, baseline_.of(x), baseline_.of(y), pass_.add("Where", {below, flow, zero}));
    pass_.send(x, slope(baseline_.difference(x), pass_.add("Add", {up, down}), gradient(node, m), nearly_zero));
  }

  /// Sends what a product of `factor` with the tensor `with` would, which may be of any origin.
  void send_through_product(const Node& node, const std::string& factor, const std::string& with,
                            const std::string& m) {
    Node product = node;
    product.op = "Mul";
    product.inputs = {factor, with};
    for (const auto& [input, value] : pass_.gradients_of(product, m)) pass_.send(input, value);
  }

  void product(const Node& node, const std::string& m) {
    send_through_product(node, node.inputs[0], baseline_.middle(node.inputs[1]), m);
    send_through_product(node, node.inputs[1], baseline_.middle(node.inputs[0]), m);
  }

  bool is_square(const Node& node) const {
    const graph::Array* exponent = node.op == "Pow" ? pass_.forward().constant(node.inputs.at(1)) : nullptr;
    return exponent && exponent->type == graph::Type::f32 && exponent->count() == 1 && exponent->to_floats()[0] == 2;
  }

  /// Steep near 0, where no threshold would suit: their slopes between x and x' are known, 1 / (y + y') and -y y'.
  void root_or_reciprocal(const Node& node, const std::string& m) {
    const std::string &y = node.outputs[0], &yb = baseline_.of(y);
    const std::string sent = node.op == "Sqrt" ? pass_.add("Div", {m, pass_.add("Add", {y, yb})})
                                               : pass_.add("Mul", {m, pass_.add("Neg", {pass_.add("Mul", {y, yb})})});
    pass_.send(node.inputs[0], sent);
  }

  /// a r - a' r' is r (a - a') + a' (r - r'), and as well with the dashes exchanged. Of the two the one with the
  /// smaller r, so that no small deviation of the baseline multiplies the image's differences, and the a that goes with
  /// it.
  struct Halves {
    std::string r, a;
  };
  Halves steadier(const std::string& r, const std::string& rb, const std::string& a, const std::string& ab) {
    const std::string smaller = pass_.add("Less", {pass_.add("Abs", {r}), pass_.add("Abs", {rb})});
    return {pass_.add("Where", {smaller, r, rb}), pass_.add("Where", {smaller, ab, a})};
  }

  /// a times r = 1/b, whose slope between b and b' is -r r'.
  void quotient(const Node& node, const std::string& m) {
    graph::Builder& b = pass_.builder();
    const std::string &above = node.inputs[0], &below = node.inputs[1];
    const std::string r = pass_.add("Div", {b.scalar(1), below}),
                      rb = pass_.add("Div", {b.scalar(1), baseline_.of(below)});
    const Halves h = steadier(r, rb, above, baseline_.of(above));
    if (pass_.wants(above)) send_through_product(node, above, h.r, m);
    const std::string slope = pass_.add("Neg", {pass_.add("Mul", {h.a, pass_.add("Mul", {r, rb})})});
    send_through_product(node, below, slope, m);
  }

  /// e / sum e for e = exp(z - c), with one c for input and baseline.
  void softmax(const Node& node, const std::string& m) {
    const std::string &z = node.inputs[0], &zb = baseline_.of(z);
    int64_t axis = node.attribute("axis", int64_t{-1});
    if (axis < 0) axis += static_cast<int64_t>(pass_.shape(z).size());
    graph::Builder& b = pass_.builder();
    const std::string top = pass_.reduce("ReduceMax", pass_.add("Max", {z, zb}), {axis});
    const std::string e = pass_.add("Exp", {pass_.add("Sub", {z, top})}),
                      eb = pass_.add("Exp", {pass_.add("Sub", {zb, top})});
    const std::string r = pass_.add("Div", {b.scalar(1), pass_.reduce("ReduceSum", e, {axis})});
    const std::string rb = pass_.add("Div", {b.scalar(1), pass_.reduce("ReduceSum", eb, {axis})});
    const Halves h = steadier(r, rb, e, eb);
    const std::string direct = pass_.add("Mul", {m, h.r});
    const std::string weighted = pass_.reduce("ReduceSum", pass_.add("Mul", {m, h.a}), {axis});
    const std::string me = pass_.add("Sub", {direct, pass_.add("Mul", {weighted, pass_.add("Mul", {r, rb})})});
    const std::string de = pass_.add("Mul", {me, pass_.add("Sub", {e, eb})});
    pass_.send(z, slope(baseline_.difference(z), de, pass_.add("Mul", {me, e}), nearly_zero_smooth));
  }

  /// y = d r, d = x - mean, r = v^(-1/2), v = mean(d^2) + epsilon: the slope of r between v and v' is -r^2 r'^2 / (r +
  /// r').
  void normalisation(const Node& node, const std::string& m) {
    const Standardisation s(pass_, node);
    const auto x = s.parts(node.inputs[0]), b = s.parts(baseline_.of(node.inputs[0]));
    const std::string sum_r = pass_.add("Add", {x.reciprocal, b.reciprocal}),
                      sum_d = pass_.add("Add", {x.centred, b.centred});
    const Halves h = steadier(x.reciprocal, b.reciprocal, x.centred, b.centred);
    const std::string incoming = s.scaled(m), direct = pass_.add("Mul", {incoming, h.r});
    const std::string to_r = pass_.reduce("ReduceSum", pass_.add("Mul", {incoming, h.a}), s.axes());
    const std::string rr = pass_.add("Mul", {x.reciprocal, b.reciprocal});
    const std::string to_v = pass_.add("Div", {pass_.add("Mul", {to_r, pass_.add("Mul", {rr, rr})}), sum_r});
    const std::string share = pass_.add("Mul", {to_v, pass_.builder().scalar(1.0f / static_cast<float>(s.count()))});
    const std::string to_d = pass_.add("Sub", {direct, pass_.add("Mul", {share, sum_d})});
    pass_.send(node.inputs[0], pass_.add("Sub", {to_d, pass_.reduce("ReduceMean", to_d, s.axes())}));
  }

  /// y = x s, s = u^(-beta), u = bias + alpha/n * sum of x^2 over n neighbouring channels.
  void response_normalisation(const Node& node, const std::string& m) {
    const std::string &x = node.inputs[0], &xb = baseline_.of(x);
    const int64_t channels = pass_.shape(x).at(1), size = node.attribute("size", int64_t{1});
    const float alpha = node.attribute("alpha", 1e-4f), beta = node.attribute("beta", 0.75f),
                bias = node.attribute("bias", 1.0f);
    const float share = alpha / static_cast<float>(size);
    graph::Builder& b = pass_.builder();
    const auto norm = [&](const std::string& v) {
      return channel_sum(pass_, pass_.add("Mul", {v, v}), channels, size, share, false, bias);
    };
    const std::string u = norm(x), ub = norm(xb);
    const std::string s = pass_.add("Pow", {u, b.scalar(-beta)}), sb = pass_.add("Pow", {ub, b.scalar(-beta)});
    const std::string half = pass_.add("Mul", {m, b.scalar(0.5f)}), sum_x = pass_.add("Add", {x, xb});
    const std::string to_s = pass_.add("Mul", {half, sum_x});
    const std::string tangent =
        pass_.add("Mul", {to_s, pass_.add("Mul", {b.scalar(-beta), pass_.add("Pow", {u, b.scalar(-beta - 1)})})});
    const std::string to_u = slope(pass_.add("Sub", {u, ub}), pass_.add("Mul", {to_s, pass_.add("Sub", {s, sb})}),
                                   tangent, nearly_zero_smooth);
    const std::string through = pass_.add("Mul", {channel_sum(pass_, to_u, channels, size, share, true, 0), sum_x});
    pass_.send(x, pass_.add("Add", {pass_.add("Mul", {half, pass_.add("Add", {s, sb})}), through}));
  }

  Pass& pass_;
  Baseline& baseline_;
};

}  // namespace

graph::Model deeplift_model(const graph::Model& forward, const Shape& input_shape, Backend backend,
                            const std::string& where, Layers layers) {
  Pass pass(forward, input_shape, backend, where);
  const std::string input = forward.inputs.at(0).name;
  graph::Value image = forward.inputs[0];
  image.name = baseline_input;
  image.dimensions.at(0) = {-1, "B"};
  add_seed(pass);
  pass.model().inputs.push_back(image);
  Baseline baseline(pass, baseline_input);
  Rescale rescale(pass, baseline);
  const std::string multipliers =
      pass.run(forward.outputs.at(0).name, seed_input, input, [&](const Node&) -> Pass::Rule {
        return [&](Pass&, const Node& node, const std::string& m) { rescale.apply(node, m); };
      });
  const auto value_of = [&](const std::string& tensor, const std::string& m) {
    return pass.add("Mul", {m, baseline.difference(tensor)});
  };
  if (layers == Layers::all) add_layer_outputs(pass, value_of);
  return finish(pass, value_of(input, multipliers), input_shape.at(1));
}

void fix_baseline(graph::Model& model, const Tensor& baseline) {
  model.inputs.erase(std::remove_if(model.inputs.begin(), model.inputs.end(),
                                    [](const graph::Value& v) { return v.name == baseline_input; }),
                     model.inputs.end());
  model.initializers[baseline_input] = graph::Array::of(baseline);
}

}  // namespace ks::backward

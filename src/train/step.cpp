#include "train/step.h"

#include "train/maps.h"
#include "train/stem.h"

namespace ks::train {

namespace {

using Ints = std::vector<int64_t>;

constexpr float statistics_momentum = 0.1f;

/// A convolution 3x3 with its batch norm, forward and back.
struct Convolution {
  std::string x, y;  // input, and output before the norm
  Norm norm;
};

struct StepBuilder {
  const Architecture& a;
  graph::Builder& b;
  Maps maps;
  std::vector<std::string> parameters;  // flat, in the order of the architecture
  std::vector<std::string> gradients;
  std::vector<std::string> means, variances;  // per layer; the variances unbiased

  const std::string& parameter(int index) const { return parameters[index]; }

  void split_parameters() {
    Ints sizes;
    for (const Parameter& p : a.parameters) sizes.push_back(p.count());
    parameters = b.add_many("Split", {names::parameters, b.ints(sizes)}, sizes.size(), {{"axis", int64_t{0}}}, "parameter");
    gradients.resize(sizes.size());
  }

  void note_statistics(const std::string& mean, const std::string& variance, double samples) {
    means.push_back(mean);
    variances.push_back(maps.add("Mul", {variance, b.scalar(static_cast<float>(samples / (samples - 1)))}));
  }

  Convolution forward(const std::string& x, const Layer& layer, double samples) {
    maps.set_stem(layer.name);
    Convolution c;
    c.x = x;
    c.y = maps.convolution(x, maps.filter(parameter(layer.weight), a.net.width, 3), 3, 1, {1, 1, 1, 1});
    c.norm = batch_norm(maps, maps.mean(c.y), maps.mean_product(c.y, c.y), parameter(layer.gamma), parameter(layer.beta), samples);
    note_statistics(c.norm.mean, c.norm.variance, samples);
    return c;
  }

  std::string apply(const Convolution& c, const std::string& sum = "") {
    return maps.affine(c.y, c.norm.scale, c.norm.shift, sum, true);
  }

  /// From the gradient of the norm's output to that of the convolution's input (+ sum).
  std::string backward(const Convolution& c, const Layer& layer, const std::string& g, int64_t height, int64_t width,
                       const std::string& sum) {
    maps.set_stem(layer.name + "/backward");
    const NormGradient d = batch_norm_gradient(maps, c.norm, maps.mean(g), maps.mean_product(g, c.y));
    gradients[layer.gamma] = d.gamma;
    gradients[layer.beta] = d.beta;
    const std::string dy = maps.affine(g, c.norm.scale, "", maps.affine(c.y, d.slope, d.constant));
    gradients[layer.weight] = maps.weight_gradient(c.x, dy, height, width);
    return maps.convolution(dy, maps.transposed_filter(parameter(layer.weight), 3), 3, 1, {1, 1, 1, 1}, sum);
  }

  /// The dense layer, the loss and its gradient with respect to the features [N,C].
  std::string head(const std::string& features) {
    maps.set_stem("head");
    const int64_t classes = a.net.classes;
    const float batch = static_cast<float>(maps.batch());
    const std::string weight = maps.reshape(parameter(a.dense_weight), {classes, a.net.width});
    const std::string logits =
        b.add("Gemm", {features, weight, parameter(a.dense_bias)}, {{"transB", int64_t{1}}}, "head/logits");
    const std::string log_p = maps.add("LogSoftmax", {logits}, {{"axis", int64_t{1}}});
    const std::string likelihood = maps.add("ReduceSum", {maps.add("Mul", {log_p, names::labels})}, {{"keepdims", int64_t{0}}});
    b.add_named("Mul", {likelihood, b.scalar(-1 / batch)}, names::loss);
    const auto best = [&](const std::string& scores) {
      return maps.add("ArgMax", {scores}, {{"axis", int64_t{1}}, {"keepdims", int64_t{0}}});
    };
    const std::string right = maps.add("Equal", {best(logits), best(names::labels)});
    b.add_named("ReduceSum", {maps.add("Cast", {right}, {{"to", int64_t{1}}})}, names::correct, {{"keepdims", int64_t{0}}});

    const std::string difference = maps.add("Sub", {maps.add("Exp", {log_p}), names::labels});
    const std::string d = maps.add("Mul", {difference, b.scalar(1 / batch)});
    gradients[a.dense_weight] = maps.reshape(maps.add("Gemm", {d, features}, {{"transA", int64_t{1}}}), {-1});
    gradients[a.dense_bias] = maps.add("ReduceSum", {d, b.ints({0})}, {{"keepdims", int64_t{0}}});
    return maps.add("MatMul", {d, weight});
  }

  void forward_and_backward() {
    const Layer& first = a.layers[0];
    Stem stem(maps, a.net, names::images, parameter(first.weight), parameter(first.gamma), parameter(first.beta));
    note_statistics(stem.mean(), stem.variance(), stem.samples());
    const int64_t height = stem.height(), width = stem.width();
    const double samples = static_cast<double>(maps.batch() * height * width);

    std::vector<std::string> outputs = {stem.output()};
    std::vector<Convolution> convolutions;
    for (int block = 0; block < a.net.blocks; ++block) {
      const std::string x = outputs.back();
      convolutions.push_back(forward(x, a.layers[1 + 2 * block], samples));
      const std::string inner = apply(convolutions.back());
      convolutions.push_back(forward(inner, a.layers[2 + 2 * block], samples));
      outputs.push_back(apply(convolutions.back(), x));
    }
    maps.set_stem("head");
    std::string g = head(maps.pooled(outputs.back()));
    g = maps.add("Mul", {g, b.scalar(static_cast<float>(1.0 / static_cast<double>(height * width)))});
    for (int block = a.net.blocks - 1; block >= 0; --block) {
      const std::string& z = outputs[block + 1];
      const bool last = block == a.net.blocks - 1;
      g = last ? maps.where_positive_spread(z, g, height, width) : maps.where_positive(z, g);
      const Convolution& second = convolutions[2 * block + 1];
      const std::string inner = backward(second, a.layers[2 + 2 * block], g, height, width, "");
      g = backward(convolutions[2 * block], a.layers[1 + 2 * block], maps.where_positive(second.x, inner), height, width, g);
    }
    const Stem::Gradient d = stem.backward(g);
    gradients[first.weight] = d.weight;
    gradients[first.gamma] = d.gamma;
    gradients[first.beta] = d.beta;
    b.add_named("Concat", gradients, names::gradient, {{"axis", int64_t{0}}});
  }

  void update_statistics() {
    maps.set_stem("statistics");
    std::vector<std::string> all = means;
    all.insert(all.end(), variances.begin(), variances.end());
    const std::string now = maps.add("Concat", all, {{"axis", int64_t{0}}});
    const std::string change = maps.add("Mul", {maps.add("Sub", {now, names::statistics}), b.scalar(statistics_momentum)});
    b.add_named("Add", {names::statistics, change}, names::new_statistics);
  }

  /// `decay` for the parameters that decay, 0 for the others.
  std::string decays(float decay) {
    std::vector<float> values(a.parameter_count);
    for (const Parameter& p : a.parameters)
      if (p.decays) std::fill_n(values.begin() + p.offset, p.count(), decay);
    return b.constant(graph::Array::floats({a.parameter_count}, values), "optimizer/decay");
  }

  void sgd(const Optimizer& o) {
    maps.set_stem("optimizer");
    const std::string g = maps.add("Add", {names::gradient, maps.add("Mul", {decays(o.weight_decay), names::parameters})});
    const std::string velocity = maps.add("Add", {maps.add("Mul", {names::state, b.scalar(o.momentum)}), g});  // [1,P]
    b.add_named("Identity", {velocity}, names::new_state);
    const std::string step = maps.reshape(maps.add("Mul", {velocity, names::rate}), {-1});
    b.add_named("Sub", {names::parameters, step}, names::new_parameters);
  }

  void adamw(const Optimizer& o) {
    maps.set_stem("optimizer");
    const auto moments = b.add_many("Split", {names::state, b.ints({1, 1})}, 2, {{"axis", int64_t{0}}}, "optimizer/moment");
    const auto average = [&](const std::string& old, const std::string& now, float beta) {
      return maps.add("Add", {maps.add("Mul", {old, b.scalar(beta)}), maps.add("Mul", {now, b.scalar(1 - beta)})});
    };
    const auto correction = [&](float beta) {
      return maps.add("Sub", {b.scalar(1), maps.add("Pow", {b.scalar(beta), names::count})});
    };
    const std::string m = average(moments[0], names::gradient, o.beta1);
    const std::string v = average(moments[1], maps.add("Mul", {names::gradient, names::gradient}), o.beta2);
    b.add_named("Concat", {m, v}, names::new_state, {{"axis", int64_t{0}}});
    const std::string deviation = maps.add("Sqrt", {maps.add("Div", {v, correction(o.beta2)})});
    const std::string direction = maps.add(
        "Div", {maps.add("Div", {m, correction(o.beta1)}), maps.add("Add", {deviation, b.scalar(o.epsilon)})});
    const std::string decay = maps.add("Mul", {decays(o.weight_decay), names::parameters});
    const std::string step = maps.add("Mul", {maps.add("Add", {maps.reshape(direction, {-1}), decay}), names::rate});
    b.add_named("Sub", {names::parameters, step}, names::new_parameters);
  }
};

graph::Value value(const std::string& name, const Shape& shape) {
  graph::Value v{name, graph::Type::f32, {}};
  for (int64_t size : shape) v.dimensions.push_back({size, ""});
  return v;
}

}  // namespace

graph::Model training_step(const Architecture& a, const Optimizer& optimizer, int64_t batch, int block) {
  const GrainNet& net = a.net;
  if (block > 0 && (net.width % block != 0 || net.image_width % 4 != 0 || net.image_height % 4 != 0)) block = 0;
  graph::Model model;
  model.name = "grainnet training step";
  model.opset = 17;
  const Shape state = {optimizer.state_count(), a.parameter_count};
  model.inputs = {value(names::images, {batch, 3, net.image_height, net.image_width}),
                  value(names::labels, {batch, net.classes}),
                  value(names::parameters, {a.parameter_count}),
                  value(names::statistics, {a.statistics_count}),
                  value(names::state, state),
                  value(names::rate, {})};
  if (optimizer.rule == Rule::adamw) model.inputs.push_back(value(names::count, {}));
  graph::Builder builder(model);
  StepBuilder step{a, builder, Maps(builder, batch, net.width, block), {}, {}, {}, {}};
  step.split_parameters();
  step.forward_and_backward();
  step.update_statistics();
  if (optimizer.rule == Rule::sgd) step.sgd(optimizer);
  else step.adamw(optimizer);
  model.outputs = {value(names::loss, {}),
                   value(names::correct, {}),
                   value(names::gradient, {a.parameter_count}),
                   value(names::new_parameters, {a.parameter_count}),
                   value(names::new_statistics, {a.statistics_count}),
                   value(names::new_state, state)};
  return model;
}

}  // namespace ks::train

#include "train/step.h"

#include "train/maps.h"
#include "train/stem.h"

namespace ks::train {

namespace {

using Ints = std::vector<int64_t>;

constexpr float statistics_momentum = 0.1f;

/// A convolution with its batch norm, as the forward pass left it.
struct Convolved {
  Map y;  // before the norm
  Norm norm;
};

struct BlockMaps {
  Map input, inner, output;
  Convolved first, second, shortcut;
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
    parameters =
        b.add_many("Split", {names::parameters, b.ints(sizes)}, sizes.size(), {{"axis", int64_t{0}}}, "parameter");
    gradients.resize(sizes.size());
  }

  void note_statistics(const std::string& mean, const std::string& variance, double samples) {
    means.push_back(mean);
    variances.push_back(maps.add("Mul", {variance, b.scalar(static_cast<float>(samples / (samples - 1)))}));
  }

  Convolved forward(const Map& x, const Layer& layer) {
    maps.set_stem(layer.name);
    Convolved c;
    c.y = maps.convolution(x, parameter(layer.weight), layer.outputs, layer.kernel, layer.stride);
    const double samples = static_cast<double>(maps.batch() * c.y.positions());
    c.norm = batch_norm(maps, maps.mean(c.y), maps.mean_product(c.y, c.y), parameter(layer.gamma),
                        parameter(layer.beta), samples);
    note_statistics(c.norm.mean, c.norm.variance, samples);
    return c;
  }

  BlockMaps forward(const Map& x, const Block& block) {
    BlockMaps m;
    m.input = x;
    m.first = forward(x, block.first);
    m.inner = maps.affine(m.first.y, m.first.norm.scale, m.first.norm.shift, nullptr, true);
    m.second = forward(m.inner, block.second);
    Map skip = x;
    if (block.shortcut) {
      m.shortcut = forward(x, *block.shortcut);
      skip = maps.affine(m.shortcut.y, m.shortcut.norm.scale, m.shortcut.norm.shift);
    }
    m.output = maps.affine(m.second.y, m.second.norm.scale, m.second.norm.shift, &skip, true);
    return m;
  }

  /// From the gradient of the norm's output to that of the convolution's output.
  Map norm_backward(const Convolved& c, const Layer& layer, const Map& g) {
    maps.set_stem(layer.name + "/backward");
    const NormGradient d = batch_norm_gradient(maps, c.norm, maps.mean(g), maps.mean_product(g, c.y));
    gradients[layer.gamma] = d.gamma;
    gradients[layer.beta] = d.beta;
    const Map rest = maps.affine(c.y, d.slope, d.constant);
    return maps.affine(g, c.norm.scale, "", &rest);
  }

  /// From the gradient of the block's output before its ReLU to that of its input.
  Map backward(const BlockMaps& m, const Block& block, const Map& g) {
    const Map dy2 = norm_backward(m.second, block.second, g);
    gradients[block.second.weight] = maps.weight_gradient(m.inner, dy2);
    const Map inner = maps.input_gradient(dy2, parameter(block.second.weight), m.inner.channels, nullptr);
    const Map dy1 = norm_backward(m.first, block.first, maps.where_positive(m.inner, inner));
    if (!block.shortcut) {
      gradients[block.first.weight] = maps.weight_gradient(m.input, dy1);
      return maps.input_gradient(dy1, parameter(block.first.weight), m.input.channels, &g);
    }
    const Map dys = norm_backward(m.shortcut, *block.shortcut, g);
    const Maps::HalvedGradients d = maps.weight_gradient_halved(m.input, dy1, dys);
    gradients[block.first.weight] = d.weights;
    gradients[block.shortcut->weight] = d.shortcut_weights;
    return maps.input_gradient_halved(dy1, parameter(block.first.weight), dys, parameter(block.shortcut->weight),
                                      m.input);
  }

  /// The dense layer, the loss and its gradient with respect to the features [N,C].
  std::string head(const std::string& features) {
    maps.set_stem("head");
    const int64_t classes = a.net.classes;
    const float batch = static_cast<float>(maps.batch());
    const std::string weight = maps.reshape(parameter(a.dense_weight), {classes, a.features});
    const std::string logits =
        b.add("Gemm", {features, weight, parameter(a.dense_bias)}, {{"transB", int64_t{1}}}, "head/logits");
    const std::string log_p = maps.add("LogSoftmax", {logits}, {{"axis", int64_t{1}}});
    const std::string likelihood = maps.add("ReduceSum", {maps.add("Mul", {log_p, names::labels})});  // [1,1]
    b.add_named("Mul", {maps.reshape(likelihood, {1}), b.scalar(-1 / batch)}, names::loss);
    const auto best = [&](const std::string& scores) {
      return maps.add("ArgMax", {scores}, {{"axis", int64_t{1}}, {"keepdims", int64_t{0}}});
    };
    const std::string right = maps.add("Equal", {best(logits), best(names::labels)});
    b.add_named("ReduceSum", {maps.add("Cast", {right}, {{"to", int64_t{1}}})}, names::correct);

    const std::string difference = maps.add("Sub", {maps.add("Exp", {log_p}), names::labels});
    const std::string d = maps.add("Mul", {difference, b.scalar(1 / batch)});
    gradients[a.dense_weight] = maps.reshape(maps.add("Gemm", {d, features}, {{"transA", int64_t{1}}}), {-1});
    gradients[a.dense_bias] = maps.add("ReduceSum", {d, b.ints({0})}, {{"keepdims", int64_t{0}}});
    return maps.add("MatMul", {d, weight});
  }

  void forward_and_backward() {
    Stem stem(maps, a.net, names::images, parameter(a.stem.weight), parameter(a.stem.gamma), parameter(a.stem.beta));
    note_statistics(stem.mean(), stem.variance(), stem.samples());
    std::vector<BlockMaps> blocks;
    for (const Block& block : a.blocks)
      blocks.push_back(forward(blocks.empty() ? stem.output() : blocks.back().output, block));

    const Map& last = blocks.back().output;
    maps.set_stem("head");
    const std::string features = head(maps.pooled(last));
    const std::string spread = maps.add("Mul", {features, b.scalar(1 / static_cast<float>(last.positions()))});
    Map g = maps.where_positive(last, spread);
    for (size_t k = blocks.size(); k-- > 0;) {
      if (k + 1 < blocks.size()) g = maps.where_positive(blocks[k].output, g);
      g = backward(blocks[k], a.blocks[k], g);
    }
    const Stem::Gradient d = stem.backward(g);
    gradients[a.stem.weight] = d.weight;
    gradients[a.stem.gamma] = d.gamma;
    gradients[a.stem.beta] = d.beta;
    b.add_named("Concat", gradients, names::gradient, {{"axis", int64_t{0}}});
  }

  void update_statistics() {
    maps.set_stem("statistics");
    std::vector<std::string> all = means;
    all.insert(all.end(), variances.begin(), variances.end());
    const std::string now = maps.add("Concat", all, {{"axis", int64_t{0}}});
    const std::string change =
        maps.add("Mul", {maps.add("Sub", {now, names::statistics}), b.scalar(statistics_momentum)});
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
    const std::string g =
        maps.add("Add", {names::gradient, maps.add("Mul", {decays(o.weight_decay), names::parameters})});
    const std::string velocity = maps.add("Add", {maps.add("Mul", {names::state, b.scalar(o.momentum)}), g});  // [1,P]
    b.add_named("Identity", {velocity}, names::new_state);
    const std::string step = maps.reshape(maps.add("Mul", {velocity, names::rate}), {-1});
    b.add_named("Sub", {names::parameters, step}, names::new_parameters);
  }

  void adamw(const Optimizer& o) {
    maps.set_stem("optimizer");
    const auto moments =
        b.add_many("Split", {names::state, b.ints({1, 1})}, 2, {{"axis", int64_t{0}}}, "optimizer/moment");
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
    const std::string direction =
        maps.add("Div", {maps.add("Div", {m, correction(o.beta1)}), maps.add("Add", {deviation, b.scalar(o.epsilon)})});
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
  // Down to the last stage, sizes must be even where they are halved.
  const int64_t divisor = 4 * (a.features / net.width);
  if (block > 0 && (net.width % block != 0 || net.image_width % divisor != 0 || net.image_height % divisor != 0))
    block = 0;
  graph::Model model;
  model.name = "grainnet training step";
  model.opset = 17;
  const Shape state = {optimizer.state_count(), a.parameter_count};
  model.inputs = {value(names::images, {batch, 3, net.image_height, net.image_width}),
                  value(names::labels, {batch, net.classes}),
                  value(names::parameters, {a.parameter_count}),
                  value(names::statistics, {a.statistics_count}),
                  value(names::state, state),
                  value(names::rate, {1})};
  if (optimizer.rule == Rule::adamw) model.inputs.push_back(value(names::count, {1}));
  graph::Builder builder(model);
  StepBuilder step{a, builder, Maps(builder, batch, block), {}, {}, {}, {}};
  step.split_parameters();
  step.forward_and_backward();
  step.update_statistics();
  if (optimizer.rule == Rule::sgd)
    step.sgd(optimizer);
  else
    step.adamw(optimizer);
  model.outputs = {value(names::loss, {1}),
                   value(names::correct, {1}),
                   value(names::gradient, {a.parameter_count}),
                   value(names::new_parameters, {a.parameter_count}),
                   value(names::new_statistics, {a.statistics_count}),
                   value(names::new_state, state)};
  return model;
}

}  // namespace ks::train

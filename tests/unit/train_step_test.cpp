// The training step: against PyTorch, against central differences, and the blocked form against the standard one.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "graph/simplify.h"
#include "runtime/session.h"
#include "support.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/npy.h"
#include "tensor/random.h"
#include "train/maps.h"
#include "train/step.h"

namespace ks::train::train_step_test {

namespace {

Session make_session(const graph::Model& model) {
  SessionOptions options;
  options.device = Device::cpu;
  options.threads = 2;
  return Session(graph::write(model), options, "training step");
}

double largest(const Tensor& t) {
  double m = 0;
  for (float v : t.data) m = std::max(m, std::abs(static_cast<double>(v)));
  return m;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.data.size() == b.data.size());
  double m = 0;
  for (size_t i = 0; i < a.data.size(); ++i) m = std::max(m, std::abs(static_cast<double>(a.data[i]) - b.data[i]));
  return m;
}

/// Labels as rows with one 1.
Tensor one_hot(const std::vector<int>& labels, int classes) {
  Tensor t({static_cast<int64_t>(labels.size()), classes});
  for (size_t i = 0; i < labels.size(); ++i) t.sample(static_cast<int64_t>(i))[labels[i]] = 1;
  return t;
}

Tensor random_tensor(const Shape& shape, uint64_t seed, double scale = 1) {
  Random random(seed);
  Tensor t(shape);
  for (float& v : t.data) v = static_cast<float>(scale * random.normal());
  return t;
}

struct StepResult {
  double loss, correct;
  Tensor gradient, parameters, statistics, state;
};

StepResult run_step(Session& session, const Tensor& images, const Tensor& labels, const Weights& weights,
                    const Tensor& state, float rate, int count, bool adamw) {
  const Tensor r({1}, rate), c({1}, static_cast<float>(count));
  std::vector<Session::Input> inputs = {{names::images, &images},
                                        {names::labels, &labels},
                                        {names::parameters, &weights.parameters},
                                        {names::statistics, &weights.statistics},
                                        {names::state, &state},
                                        {names::rate, &r}};
  if (adamw) inputs.push_back({names::count, &c});
  auto out = session.run(inputs, {names::loss, names::correct, names::gradient, names::new_parameters,
                                  names::new_statistics, names::new_state});
  return {out[0].data.at(0), out[1].data.at(0), out[2], out[3], out[4], out[5]};
}

/// Initial weights whose scales and shifts are random, some scales negative.
Weights random_weights(const Architecture& a, uint64_t seed) {
  Weights w = initial_weights(a, seed);
  Random random(seed, 99);
  for (const Layer& layer : a.layers())
    for (int64_t k = 0; k < layer.outputs; ++k) {
      w.parameters.data[a.parameters[layer.gamma].offset + k] = static_cast<float>(0.6 + 0.6 * random.normal());
      w.parameters.data[a.parameters[layer.beta].offset + k] = static_cast<float>(0.3 * random.normal());
    }
  return w;
}

}  // namespace

TEST_SUITE("train") {
  TEST_CASE("three steps are PyTorch's, with both optimizers and in both layouts") {
    const std::string folder = ks::test::path("tests/golden/training/");
    const auto record = nlohmann::json::parse(read_file(folder + "record.json"));
    GrainNet net;
    net.width = record["width"];
    net.blocks = record["blocks"];
    net.image_width = net.image_height = record["size"];
    const Architecture a = architecture(net);
    const int64_t batch = record["batch"];
    const Tensor images = load_npy(folder + "images.npy");
    const Tensor start = load_npy(folder + "start.npy"), gradient = load_npy(folder + "gradient.npy");
    REQUIRE(start.size() == a.parameter_count);

    for (int block : {0, channel_block()})
      for (const bool adamw : {false, true}) {
        CAPTURE(block);
        CAPTURE(adamw);
        const std::string name = adamw ? "adamw" : "sgd";
        Optimizer optimizer;
        optimizer.rule = adamw ? Rule::adamw : Rule::sgd;
        optimizer.weight_decay = record[name]["weight_decay"];
        Session session = make_session(training_step(a, optimizer, batch, block));
        Weights w = initial_weights(a, 1);
        w.parameters = start;
        Tensor state({optimizer.state_count(), a.parameter_count});
        const auto& losses = record[name]["losses"];
        for (int step = 0; step < static_cast<int>(losses.size()); ++step) {
          const Tensor x = images.slice(step * batch, (step + 1) * batch);
          const Tensor labels = one_hot(record["labels"][step].get<std::vector<int>>(), 2);
          const StepResult r = run_step(session, x, labels, w, state, record[name]["rate"], step + 1, adamw);
          CHECK(r.loss == doctest::Approx(losses[step].get<double>()).epsilon(1e-3));
          if (step == 0) CHECK(largest_difference(r.gradient, gradient) < 2e-5 * largest(gradient));
          w.parameters = r.parameters;
          w.statistics = r.statistics;
          state = r.state;
        }
        const Tensor end = load_npy(folder + name + "_end.npy"),
                     statistics = load_npy(folder + name + "_statistics.npy");
        // AdamW divides small gradients by their own size, which magnifies rounding.
        CHECK(largest_difference(w.parameters, end) < (adamw ? 2e-3 : 1e-4));
        CHECK(largest_difference(w.statistics, statistics) < 1e-3 * largest(statistics));
        if (!adamw) {
          // The exported network with the running statistics is PyTorch's in evaluation mode.
          Session inference = make_session(inference_model(a, w));
          const Tensor x = images.slice(0, batch);
          const Tensor p = inference.run({{"image", &x}}, {"probability"}).at(0);
          for (int64_t n = 0; n < batch; ++n)
            for (int k = 0; k < 2; ++k)
              CHECK(p.sample(n)[k] ==
                    doctest::Approx(record["probabilities_after_sgd"][n][k].get<double>()).epsilon(1e-3));
        }
      }
  }

  TEST_CASE("the gradient predicts how the loss changes (central differences)") {
    GrainNet net;
    net.width = 16;
    net.blocks = 4;
    net.classes = 3;
    net.image_width = net.image_height = 32;
    const Architecture a = architecture(net);
    Optimizer optimizer;
    const int64_t batch = 6;
    Session session = make_session(training_step(a, optimizer, batch, channel_block()));
    const Weights w = random_weights(a, 5);
    const Tensor images = random_tensor({batch, 3, 32, 32}, 6), labels = one_hot({0, 1, 2, 2, 1, 0}, 3);
    const Tensor state({1, a.parameter_count});
    const StepResult r = run_step(session, images, labels, w, state, 0, 1, false);
    const auto loss_at = [&](const Tensor& direction, double distance) {
      Weights moved = w;
      for (int64_t i = 0; i < a.parameter_count; ++i)
        moved.parameters.data[i] += static_cast<float>(distance * direction.data[i]);
      return run_step(session, images, labels, moved, state, 0, 1, false).loss;
    };
    // One direction per parameter tensor: the gradient itself there, and nothing elsewhere.
    for (const Parameter& p : a.parameters) {
      CAPTURE(p.name);
      Tensor direction({a.parameter_count});
      double slope = 0;
      for (int64_t i = p.offset; i < p.offset + p.count(); ++i) slope += std::pow(r.gradient.data[i], 2);
      const double length = std::sqrt(slope);
      REQUIRE(length > 0);
      for (int64_t i = p.offset; i < p.offset + p.count(); ++i)
        direction.data[i] = static_cast<float>(r.gradient.data[i] / length);
      constexpr double distance = 2e-3;
      const double measured = (loss_at(direction, distance) - loss_at(direction, -distance)) / (2 * distance);
      CHECK(measured == doctest::Approx(length).epsilon(0.05));
    }
  }

  TEST_CASE("the blocked step equals the standard one") {
    const int block = channel_block();
    if (block == 0) return;  // nothing to compare on this machine
    GrainNet net;
    net.width = 2 * block;
    net.blocks = 3;
    net.image_width = 64;
    net.image_height = 48;
    const Architecture a = architecture(net);
    const Weights w = random_weights(a, 7);
    const Tensor images = random_tensor({4, 3, 48, 64}, 8), labels = one_hot({0, 1, 1, 0}, 2);
    const Tensor state = random_tensor({1, a.parameter_count}, 9, 0.01);
    Session standard = make_session(training_step(a, {}, 4, 0)), blocked = make_session(training_step(a, {}, 4, block));
    const StepResult x = run_step(standard, images, labels, w, state, 0.1f, 1, false);
    const StepResult y = run_step(blocked, images, labels, w, state, 0.1f, 1, false);
    CHECK(x.loss == doctest::Approx(y.loss).epsilon(1e-5));
    CHECK(x.correct == y.correct);
    CHECK(largest_difference(x.gradient, y.gradient) < 2e-5 * largest(x.gradient));
    CHECK(largest_difference(x.statistics, y.statistics) < 1e-5 * largest(x.statistics));
  }

  TEST_CASE("where values tie the gradient goes to one place, and odd sizes work") {
    // A picture of one colour: every pooling window is full of equal values.
    GrainNet net;
    net.width = 16;
    net.blocks = 1;
    net.image_width = net.image_height = 64;
    const Architecture a = architecture(net);
    const Weights w = random_weights(a, 3);
    Tensor images({2, 3, 64, 64}, 0.5f);
    std::fill(images.sample(1), images.sample(1) + images.stride(), -0.25f);
    const Tensor labels = one_hot({0, 1}, 2), state({1, a.parameter_count});
    std::vector<Tensor> gradients;
    for (int block : {0, channel_block()}) {
      Session session = make_session(training_step(a, {}, 2, block));
      gradients.push_back(run_step(session, images, labels, w, state, 0, 1, false).gradient);
    }
    // Equal shares or repeats would change the gradient of the stem's weights, which sees where the gradient went.
    const Parameter& weight = a.parameters[a.stem.weight];
    Tensor part[2];
    for (int k : {0, 1})
      part[k] =
          Tensor({weight.count()}, std::vector<float>(gradients[k].data.begin() + weight.offset,
                                                      gradients[k].data.begin() + weight.offset + weight.count()));
    CHECK(largest(part[0]) > 1e-3);
    CHECK(largest_difference(part[0], part[1]) < 1e-3 * largest(part[0]));

    net.image_width = 45;
    net.image_height = 37;
    net.blocks = 3;
    const Architecture odd = architecture(net);
    Session session = make_session(training_step(odd, {}, 3, channel_block()));
    const Weights v = random_weights(odd, 4);
    const Tensor x = random_tensor({3, 3, 37, 45}, 5);
    const StepResult r = run_step(session, x, one_hot({0, 1, 1}, 2), v, Tensor({1, odd.parameter_count}), 0, 1, false);
    // Directional derivative along the gradient.
    double square = 0;
    for (float g : r.gradient.data) square += static_cast<double>(g) * g;
    const auto loss_at = [&](double distance) {
      Weights moved = v;
      for (int64_t i = 0; i < odd.parameter_count; ++i)
        moved.parameters.data[i] += static_cast<float>(distance * r.gradient.data[i] / std::sqrt(square));
      return run_step(session, x, one_hot({0, 1, 1}, 2), moved, Tensor({1, odd.parameter_count}), 0, 1, false).loss;
    };
    CHECK((loss_at(2e-3) - loss_at(-2e-3)) / 4e-3 == doctest::Approx(std::sqrt(square)).epsilon(0.05));
  }

  TEST_CASE("updates are the optimizers' formulas") {
    GrainNet net;
    net.width = 16;
    net.blocks = 1;
    net.image_width = net.image_height = 32;
    const Architecture a = architecture(net);
    const Weights w = random_weights(a, 11);
    const Tensor images = random_tensor({2, 3, 32, 32}, 12), labels = one_hot({0, 1}, 2);
    std::vector<bool> decays(a.parameter_count);
    for (const Parameter& p : a.parameters)
      if (p.decays) std::fill_n(decays.begin() + p.offset, p.count(), true);
    const float rate = 0.05f;

    Optimizer sgd;
    sgd.weight_decay = 0.1f;
    Session session = make_session(training_step(a, sgd, 2, channel_block()));
    const Tensor velocity = random_tensor({1, a.parameter_count}, 13, 0.1);
    const StepResult r = run_step(session, images, labels, w, velocity, rate, 1, false);
    double worst = 0;
    for (int64_t i = 0; i < a.parameter_count; ++i) {
      const double p = w.parameters.data[i];
      const double v = 0.9 * velocity.data[i] + r.gradient.data[i] + (decays[i] ? 0.1 * p : 0);
      worst = std::max({worst, std::abs(r.state.data[i] - v), std::abs(r.parameters.data[i] - (p - rate * v))});
    }
    CHECK(worst < 1e-5);

    Optimizer adamw;
    adamw.rule = Rule::adamw;
    adamw.weight_decay = 0.1f;
    Session adam_session = make_session(training_step(a, adamw, 2, channel_block()));
    Tensor moments = random_tensor({2, a.parameter_count}, 14, 0.1);
    for (int64_t i = 0; i < a.parameter_count; ++i) moments.sample(1)[i] = std::abs(moments.sample(1)[i]);
    const int count = 7;
    const StepResult q = run_step(adam_session, images, labels, w, moments, rate, count, true);
    worst = 0;
    for (int64_t i = 0; i < a.parameter_count; ++i) {
      const double p = w.parameters.data[i], g = q.gradient.data[i];
      const double m = 0.9 * moments.sample(0)[i] + 0.1 * g, v = 0.999 * moments.sample(1)[i] + 0.001 * g * g;
      const double direction = m / (1 - std::pow(0.9, count)) / (std::sqrt(v / (1 - std::pow(0.999, count))) + 1e-8);
      const double expected = p - rate * (direction + (decays[i] ? 0.1 * p : 0));
      worst = std::max({worst, std::abs(q.state.sample(0)[i] - m), std::abs(q.state.sample(1)[i] - v),
                        std::abs(q.parameters.data[i] - expected)});
    }
    CHECK(worst < 2e-4);  // sqrt and pow in float32
  }

  TEST_CASE("steps on one batch drive its loss down") {
    GrainNet net;
    net.width = 16;
    net.blocks = 2;
    net.image_width = net.image_height = 32;
    const Architecture a = architecture(net);
    Session session = make_session(training_step(a, {}, 8, channel_block()));
    Weights w = initial_weights(a, 21);
    Tensor state({1, a.parameter_count});
    const Tensor images = random_tensor({8, 3, 32, 32}, 22), labels = one_hot({0, 1, 0, 1, 1, 1, 0, 0}, 2);
    double first = 0, last = 0, correct = 0;
    for (int step = 0; step < 40; ++step) {
      StepResult r = run_step(session, images, labels, w, state, 0.05f, step + 1, false);
      if (step == 0) first = r.loss;
      last = r.loss;
      correct = r.correct;
      w = {std::move(r.parameters), std::move(r.statistics)};
      state = std::move(r.state);
    }
    CHECK(first > 0.4);
    CHECK(last < 0.05);
    CHECK(correct == 8);
  }

  TEST_CASE("networks out of range are refused") {
    CHECK_THROWS_AS(architecture(GrainNet{.width = 2}), Error);
    CHECK_THROWS_AS(architecture(GrainNet{.blocks = 0}), Error);
    CHECK_THROWS_AS(architecture(GrainNet{.image_width = 8}), Error);
    graph::check(training_step(architecture(GrainNet{}), {}, 2, 0), "step");
    graph::check(inference_model(architecture(GrainNet{}), initial_weights(architecture(GrainNet{}), 1)), "network");
  }
}

}  // namespace ks::train::train_step_test

#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#ifndef __EMSCRIPTEN__
#include <future>
#endif

#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/random.h"
#include "train/maps.h"

namespace ks::train {

namespace {

// Streams of the training's seed.
enum Stream : uint64_t { weights_stream = 1, order_stream = 2, variation_stream = 3 };

bool better(const EpochRecord& a, const EpochRecord& b) {
  if (a.validation_accuracy != b.validation_accuracy) return a.validation_accuracy > b.validation_accuracy;
  return a.validation_loss < b.validation_loss;
}

void check_data(const Samples& data, const Samples& like, const std::string& role) {
  if (data.samples.empty()) throw Error("there are no pictures for " + role, data.description);
  if (data.classes != like.classes) throw Error("the classes differ from those of the training data", data.description);
}

/// What identifies the data: changing it between a checkpoint and its resumption would mix two trainings.
json describe_data(const Samples& data) {
  json counts = json::object();
  for (size_t k = 0; k < data.classes.size(); ++k)
    counts[data.classes[k]] = std::count_if(data.samples.begin(), data.samples.end(),
                                            [&](const Sample& s) { return s.label == static_cast<int>(k); });
  return {{"source", data.description}, {"samples", counts}};
}

}  // namespace

void check_options(const TrainingOptions& o) {
  const auto check = [](double value, double low, double high, const std::string& what) {
    if (!(value >= low && value <= high))
      throw Error(what + " is out of range", "training", "between " + json(low).dump() + " and " + json(high).dump());
  };
  check(o.epochs, 1, 100000, "the number of epochs");
  check(o.batch, 2, 1024, "the batch size");
  check(o.rate, 1e-8, 100, "the learning rate");
  check(o.warmup_epochs, 0, o.epochs, "the number of warm-up epochs");
  check(o.optimizer.momentum, 0, 0.9999, "the momentum");
  check(o.optimizer.weight_decay, 0, 10, "the weight decay");
  check(o.augmentation.smallest_scale, 0.1, o.augmentation.largest_scale, "the smallest scale");
  check(o.augmentation.largest_scale, o.augmentation.smallest_scale, 10, "the largest scale");
}

json describe(const TrainingOptions& o) {
  const Augmentation& a = o.augmentation;
  json optimizer = {{"name", o.optimizer.rule == Rule::sgd ? "sgd" : "adamw"},
                    {"weight_decay", o.optimizer.weight_decay}};
  if (o.optimizer.rule == Rule::sgd) optimizer["momentum"] = o.optimizer.momentum;
  return {{"architecture", {{"name", "grainnet"}, {"width", o.net.width}, {"blocks", o.net.blocks}}},
          {"optimizer", optimizer},
          {"epochs", o.epochs},
          {"batch", o.batch},
          {"rate", o.rate},
          {"warmup_epochs", o.warmup_epochs},
          {"seed", o.seed},
          {"augmentation",
           {{"flip", a.flip},
            {"rotation", a.rotation},
            {"scale", {a.smallest_scale, a.largest_scale}},
            {"shift", a.shift},
            {"brightness", a.brightness},
            {"contrast", a.contrast},
            {"saturation", a.saturation},
            {"hue", a.hue},
            {"blur", a.blur},
            {"noise", a.noise}}}};
}

double learning_rate(const TrainingOptions& o, int64_t step, int64_t steps_per_epoch) {
  const double now = static_cast<double>(step) + 1, all = static_cast<double>(o.epochs * steps_per_epoch);
  const double warmup = o.warmup_epochs * static_cast<double>(steps_per_epoch);
  if (now <= warmup) return o.rate * now / warmup;
  return o.rate * 0.5 * (1 + std::cos(std::numbers::pi * (now - 1 - warmup) / std::max(1.0, all - warmup)));
}

Evaluation evaluate(const Predict& predict, const Samples& data, const Preprocessing& preprocessing, int threads,
                    const Progress& progress) {
  constexpr int64_t batch = 32;
  const auto count = static_cast<int64_t>(data.samples.size());
  const size_t classes = data.classes.size();
  Evaluation e;
  e.confusion.assign(classes, std::vector<int>(classes));
  double loss = 0;
  int64_t right = 0;
  for (int64_t begin = 0; begin < count; begin += batch) {
    const int64_t size = std::min(batch, count - begin);
    Tensor images({size, 3, preprocessing.height, preprocessing.width});
    for_each(size, thread_count(threads), [&](int64_t i, int) {
      const Tensor t = image_to_tensor(data.samples[begin + i].image, preprocessing);
      std::copy(t.data.begin(), t.data.end(), images.sample(i));
    });
    const Tensor p = predict(images);
    if (p.shape != Shape{size, static_cast<int64_t>(classes)})
      throw Error("gives " + to_string(p.shape) + " for " + std::to_string(size) + " pictures of " +
                      std::to_string(classes) + " classes",
                  "the model");
    for (int64_t i = 0; i < size; ++i) {
      const float* row = p.sample(i);
      const auto predicted = static_cast<size_t>(std::max_element(row, row + classes) - row);
      const int label = data.samples[begin + i].label;
      ++e.confusion[label][predicted];
      e.predictions.push_back(static_cast<int>(predicted));
      e.confidences.push_back(row[predicted]);
      loss -= std::log(std::max(1e-30, static_cast<double>(row[label])));
      right += static_cast<int>(predicted) == label;
    }
    if (progress) progress(static_cast<double>(begin + size) / static_cast<double>(count));
  }
  e.loss = loss / static_cast<double>(count);
  e.accuracy = static_cast<double>(right) / static_cast<double>(count);
  return e;
}

struct Trainer::Batch {
  Tensor images, labels;
};

Trainer::Trainer(const TrainingOptions& options, const Samples& training, const Samples& validation)
    : options_(options), training_(training), validation_(validation) {
  check_options(options_);
  check_data(training_, training_, "training");
  check_data(validation_, training_, "validation");
  options_.net.classes = static_cast<int>(training_.classes.size());
  options_.net.image_width = options_.preprocessing.width;
  options_.net.image_height = options_.preprocessing.height;
  architecture_ = architecture(options_.net);
  steps_ = std::max<int64_t>(1, static_cast<int64_t>(training_.samples.size()) / options_.batch);
  identity_ = describe(options_);
  identity_["data"] = {{"training", describe_data(training_)}, {"validation", describe_data(validation_)}};
  state_.weights = initial_weights(architecture_, mix_seed(options_.seed, weights_stream));
  state_.optimizer = Tensor({options_.optimizer.state_count(), architecture_.parameter_count});
  SessionOptions session_options;
  session_options.device = Device::cpu;
  session_options.threads = options_.threads;
  session_ = std::make_unique<Session>(
      graph::write(training_step(architecture_, options_.optimizer, options_.batch, channel_block())), session_options,
      "training step");
}

Trainer::~Trainer() = default;

Trainer::Batch Trainer::prepare(int epoch, const std::vector<size_t>& order, int64_t step) const {
  const Preprocessing& p = options_.preprocessing;
  Batch batch{Tensor({options_.batch, 3, p.height, p.width}), Tensor({options_.batch, options_.net.classes})};
  const uint64_t epoch_seed = mix_seed(mix_seed(options_.seed, variation_stream), static_cast<uint64_t>(epoch));
  for_each(options_.batch, thread_count(options_.threads), [&](int64_t i, int) {
    // Fewer samples than a batch: they come again, varied anew.
    const auto place = static_cast<size_t>(step * options_.batch + i);
    const Sample& sample = training_.samples[order[place % order.size()]];
    Random random(epoch_seed, place);
    augment(sample.image, options_.augmentation, p, random, batch.images.sample(i));
    batch.labels.sample(i)[sample.label] = 1;
  });
  return batch;
}

EpochRecord Trainer::run_epoch(const Progress& progress) {
  const int epoch = static_cast<int>(state_.history.size()) + 1;
  TrainingState next{state_.weights, state_.optimizer, state_.history, state_.best_epoch, state_.best};
  std::vector<size_t> order(training_.samples.size());
  std::iota(order.begin(), order.end(), size_t{0});
  Random(mix_seed(options_.seed, order_stream), static_cast<uint64_t>(epoch)).shuffle(order);

  EpochRecord record;
  record.epoch = epoch;
  // Validation costs a forward pass of three for a step.
  const double validation_share = static_cast<double>(validation_.samples.size()) /
                                  static_cast<double>(validation_.samples.size() + 3 * steps_ * options_.batch);
  Batch batch = prepare(epoch, order, 0);
  for (int64_t step = 0; step < steps_; ++step) {
#ifndef __EMSCRIPTEN__
    std::future<Batch> following;
    if (step + 1 < steps_)
      following = std::async(std::launch::async, [&, step] { return prepare(epoch, order, step + 1); });
#endif
    const int64_t done = (epoch - 1) * steps_ + step;
    record.rate = learning_rate(options_, done, steps_);
    const Tensor rate({1}, static_cast<float>(record.rate)), count({1}, static_cast<float>(done + 1));
    std::vector<Session::Input> inputs = {{names::images, &batch.images},
                                          {names::labels, &batch.labels},
                                          {names::parameters, &next.weights.parameters},
                                          {names::statistics, &next.weights.statistics},
                                          {names::state, &next.optimizer},
                                          {names::rate, &rate}};
    if (options_.optimizer.rule == Rule::adamw) inputs.push_back({names::count, &count});
    auto outputs = session_->run(
        inputs, {names::loss, names::correct, names::new_parameters, names::new_statistics, names::new_state});
    const double loss = outputs[0].data[0];
    if (!std::isfinite(loss))
      throw Error("the loss is no longer a number after step " + std::to_string(done + 1), "training",
                  "lower the learning rate");
    record.loss += loss / static_cast<double>(steps_);
    record.accuracy += outputs[1].data[0] / static_cast<double>(steps_ * options_.batch);
    next.weights.parameters = std::move(outputs[2]);
    next.weights.statistics = std::move(outputs[3]);
    next.optimizer = std::move(outputs[4]);
    if (progress) progress(static_cast<double>(step + 1) / static_cast<double>(steps_) * (1 - validation_share));
#ifndef __EMSCRIPTEN__
    if (following.valid()) batch = following.get();
#else
    if (step + 1 < steps_) batch = prepare(epoch, order, step + 1);
#endif
  }
  const Progress validation_progress = [&](double fraction) {
    if (progress) progress(1 - validation_share + validation_share * fraction);
  };
  SessionOptions session_options;
  session_options.threads = options_.threads;
  Session session(graph::write(inference_model(architecture_, next.weights)), session_options, "validation");
  const Predict predict = [&](const Tensor& x) { return session.run({{"image", &x}}, {"probability"}).at(0); };
  const Evaluation e = evaluate(predict, validation_, options_.preprocessing, options_.threads, validation_progress);
  record.validation_loss = e.loss;
  record.validation_accuracy = e.accuracy;
  if (next.best_epoch == 0 || better(record, next.history[next.best_epoch - 1])) {
    next.best_epoch = epoch;
    next.best = next.weights;
  }
  next.history.push_back(record);
  state_ = std::move(next);
  return record;
}

graph::Model Trainer::best_model() const {
  if (state_.best_epoch == 0) throw std::logic_error("no epoch is finished");
  graph::Model model = inference_model(architecture_, state_.best);
  const Preprocessing& p = options_.preprocessing;
  const EpochRecord& best = state_.history[state_.best_epoch - 1];
  json training = identity_;
  training["finished_epochs"] = state_.history.size();
  training["best_epoch"] = state_.best_epoch;
  training["validation_accuracy"] = best.validation_accuracy;
  training["validation_loss"] = best.validation_loss;
  model.metadata["kernelscope.classes"] = json(training_.classes).dump();
  model.metadata["kernelscope.preprocessing"] =
      json({{"width", p.width}, {"height", p.height}, {"mean", p.mean}, {"deviation", p.deviation}}).dump();
  model.metadata["kernelscope.training"] = training.dump();
  return model;
}

}  // namespace ks::train

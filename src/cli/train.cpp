#include "train/trainer.h"

#include <filesystem>
#include <memory>

#include "cli/command.h"
#include "cli/samples.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace ks::cli {

namespace {

using namespace ks::train;

struct TrainOptions {
  SampleOptions data;
  std::string output, architecture = "grainnet", optimizer = "sgd";
  TrainingOptions training;
  int size = 224;
  double weight_decay = -1;  // below 0: the optimizer's usual one
  bool resume = false, unvaried = false;
};

std::string rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

json history_of(const TrainingState& state) {
  json out = json::array();
  for (const EpochRecord& r : state.history)
    out.push_back({{"epoch", r.epoch},
                   {"loss", r.loss},
                   {"accuracy", r.accuracy},
                   {"validation_loss", r.validation_loss},
                   {"validation_accuracy", r.validation_accuracy},
                   {"rate", r.rate}});
  return out;
}

void save(const Trainer& trainer, const std::string& folder, bool best) {
  const TrainingState& state = trainer.state();
  if (best) write_file(folder + "/model.onnx", graph::write(trainer.best_model()));
  const json record = {
      {"training", trainer.identity()}, {"best_epoch", state.best_epoch}, {"epochs", history_of(state)}};
  write_file(folder + "/training.json", record.dump(1) + "\n");
  // Last: a checkpoint never says more than the files beside it.
  write_file(folder + "/checkpoint.onnx", write_checkpoint(state, trainer.identity()));
}

void run(TrainOptions& o, Context& context) {
  namespace fs = std::filesystem;
  TrainingOptions& t = o.training;
  t.preprocessing.width = t.preprocessing.height = o.size;
  t.optimizer.rule = o.optimizer == "sgd" ? Rule::sgd : Rule::adamw;
  t.optimizer.weight_decay = static_cast<float>(o.weight_decay >= 0             ? o.weight_decay
                                                : t.optimizer.rule == Rule::sgd ? 1e-4
                                                                                : 1e-2);
  if (t.rate <= 0) t.rate = t.optimizer.rule == Rule::sgd ? 0.05 : 0.002;
  if (o.unvaried) t.augmentation = Augmentation::none();
  t.warmup_epochs = std::min<double>(t.warmup_epochs, t.epochs);
  check_options(t);
  t.net.image_width = t.net.image_height = o.size;
  architecture(t.net);  // refuses sizes out of range before anything is read
  const std::string checkpoint = o.output + "/checkpoint.onnx";
  std::error_code error;
  const bool exists = fs::exists(checkpoint, error);
  if (exists && !o.resume)
    throw Error("holds a training already", o.output, "add --resume to continue it, or choose another --output");
  if (!exists && o.resume) throw Error("holds no checkpoint to resume", o.output, "train without --resume first");

  const auto [training, validation] = load_training_samples(o.data, o.size, t.seed, context);
  Trainer trainer(t, training, validation);
  if (o.resume) trainer.restore(read_checkpoint(read_file(checkpoint), trainer.identity(), checkpoint));
  context.say("grainnet of width " + std::to_string(t.net.width) + " and " + std::to_string(t.net.blocks) +
              " blocks, " + std::to_string(trainer.network().parameter_count) + " parameters; " +
              std::to_string(training.samples.size()) + " pictures to train on, " +
              std::to_string(validation.samples.size()) + " to choose the best epoch by" +
              (o.resume ? "; " + std::to_string(trainer.state().history.size()) + " epochs are done" : ""));
  const int first = static_cast<int>(trainer.state().history.size());
  ks::cli::ProgressBar bar("training", context.quiet);
  using Clock = std::chrono::steady_clock;
  while (!trainer.finished()) {
    const int done = static_cast<int>(trainer.state().history.size());
    bar.label("epoch " + std::to_string(done + 1) + " of " + std::to_string(t.epochs));
    const auto begin = Clock::now();
    const EpochRecord r = trainer.run_epoch(
        [&](double fraction) { bar.update((done - first + fraction) / std::max(1, t.epochs - first)); });
    const bool best = trainer.state().best_epoch == r.epoch;
    save(trainer, o.output, best);
    bar.clear();
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    context.say("epoch " + std::to_string(r.epoch) + ": loss " + rounded(r.loss) + ", " + percent(r.accuracy) +
                " right; validation loss " + rounded(r.validation_loss) + ", " + percent(r.validation_accuracy) +
                " right" + (best ? " (best)" : "") + "; " + duration_text(seconds));
  }
  const EpochRecord& best = trainer.state().history.at(static_cast<size_t>(trainer.state().best_epoch) - 1);
  context.say("the model of epoch " + std::to_string(best.epoch) + ", " + percent(best.validation_accuracy) +
              " right in validation, is " + o.output + "/model.onnx");
  if (context.json)
    context.print({{"model", o.output + "/model.onnx"},
                   {"best_epoch", best.epoch},
                   {"validation_accuracy", best.validation_accuracy},
                   {"validation_loss", best.validation_loss},
                   {"parameters", trainer.network().parameter_count},
                   {"epochs", history_of(trainer.state())}});
}

}  // namespace

Action train(CLI::App& app) {
  auto o = std::make_shared<TrainOptions>();
  TrainingOptions& t = o->training;
  t.rate = 0;
  o->data.define(app);
  app.add_option("--output", o->output, "Folder for model.onnx, checkpoint.onnx and training.json")->required();
  app.add_option("--arch", o->architecture, "Architecture")->check(CLI::IsMember({"grainnet"}))->capture_default_str();
  app.add_option("--width", t.net.width, "Channels of the first stage")->capture_default_str();
  app.add_option("--blocks", t.net.blocks, "Residual blocks, in up to three stages")->capture_default_str();
  app.add_option("--size", o->size, "Side of the network's input in pixels")->capture_default_str();
  app.add_option("--epochs", t.epochs, "Passes over the training pictures")->capture_default_str();
  app.add_option("--batch", t.batch, "Pictures a step")->capture_default_str();
  app.add_option("--lr", t.rate, "Largest learning rate; else 0.05 for sgd, 0.002 for adamw")
      ->check(CLI::PositiveNumber);
  app.add_option("--warmup", t.warmup_epochs, "Epochs over which the learning rate rises")->capture_default_str();
  app.add_option("--optimizer", o->optimizer, "sgd (with momentum) or adamw")
      ->check(CLI::IsMember({"sgd", "adamw"}))
      ->capture_default_str();
  app.add_option("--momentum", t.optimizer.momentum, "Of sgd")->capture_default_str();
  app.add_option("--weight-decay", o->weight_decay, "Else 0.0001 for sgd, 0.01 for adamw")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--no-augmentation", o->unvaried, "Train on the pictures as they are");
  app.add_option("--seed", t.seed, "Everything random comes from it")->capture_default_str();
  app.add_option("--threads", t.threads, "0: all cores")->check(CLI::Range(0, 1024));
  app.add_flag("--resume", o->resume, "Continue from the checkpoint in the output folder");
  return [o](Context& context) { run(*o, context); };
}

}  // namespace ks::cli

#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "registry/registry.h"
#include "runtime/session.h"
#include "train/augment.h"
#include "train/data.h"
#include "train/grainnet.h"
#include "train/step.h"

namespace ks::train {

struct TrainingOptions {
  GrainNet net;  // its classes and image size are taken from the data and the preprocessing
  Optimizer optimizer;
  Augmentation augmentation;
  Preprocessing preprocessing;
  int epochs = 10;
  int batch = 16;
  double rate = 0.05;        // the largest learning rate
  double warmup_epochs = 1;  // the rate rises to it linearly over these, then falls to 0 along a cosine
                             // (I. Loshchilov, F. Hutter: SGDR, ICLR 2017)
  uint64_t seed = 1;         // of the initial weights, the order of the samples and their variation
  int threads = 0;           // 0: all cores
};

/// Throws Error for options out of range.
void check_options(const TrainingOptions& options);
/// What makes two trainings the same, as JSON: part of a checkpoint and of the model's training record.
json describe(const TrainingOptions& options);

/// The learning rate of a step (from 0) out of `steps`.
double learning_rate(const TrainingOptions& options, int64_t step, int64_t steps_per_epoch);

struct EpochRecord {
  int epoch = 0;                                        // from 1
  double loss = 0, accuracy = 0;                        // means over the epoch's steps, on varied pictures
  double validation_loss = 0, validation_accuracy = 0;  // of the weights after the epoch
  double rate = 0;                                      // of the last step
};

/// Scores of a classifier on samples as they are.
struct Evaluation {
  double loss = 0, accuracy = 0;
  std::vector<std::vector<int>> confusion;  // [true class][predicted class]
  std::vector<int> predictions;
  std::vector<float> confidences;  // probability of the predicted class
};
/// [N,K] probabilities of [N,3,H,W] inputs.
using Predict = std::function<Tensor(const Tensor&)>;
Evaluation evaluate(const Predict& predict, const Samples& data, const Preprocessing& preprocessing, int threads,
                    const Progress& progress = {});

/// Everything that changes during a training; with the options and the data it determines all that follows.
struct TrainingState {
  Weights weights;
  Tensor optimizer;                  // [state_count, parameter_count]
  std::vector<EpochRecord> history;  // finished epochs
  int best_epoch = 0;                // highest validation accuracy, then lowest loss; 0: none yet
  Weights best;
};

/// A checkpoint's bytes, and back. Throws Error for bytes that are no checkpoint or belong to a training with other
/// options or data; `where` names the file.
std::string write_checkpoint(const TrainingState& state, const json& identity);
TrainingState read_checkpoint(const std::string& bytes, const json& identity, const std::string& where);

class Trainer {
 public:
  /// The data must outlive the trainer. Throws Error for options out of range or data that do not fit.
  Trainer(const TrainingOptions& options, const Samples& training, const Samples& validation);
  ~Trainer();

  /// One epoch with its validation. `progress` gets the finished fraction of the epoch; what it throws ends the epoch,
  /// of which nothing is kept. While a step runs, other threads prepare the next batch.
  EpochRecord run_epoch(const Progress& progress = {});
  bool finished() const { return static_cast<int>(state_.history.size()) >= options_.epochs; }

  const TrainingState& state() const { return state_; }
  /// Options and data, for checkpoints.
  const json& identity() const { return identity_; }
  /// Continues from a checkpoint's state.
  void restore(TrainingState state) { state_ = std::move(state); }
  int64_t steps_per_epoch() const { return steps_; }
  const Architecture& network() const { return architecture_; }

  /// The best epoch's network for use, with metadata: kernelscope.classes, kernelscope.preprocessing,
  /// kernelscope.training.
  graph::Model best_model() const;

 private:
  struct Batch;
  Batch prepare(int epoch, const std::vector<size_t>& order, int64_t step) const;

  TrainingOptions options_;
  const Samples &training_, &validation_;
  Architecture architecture_;
  int64_t steps_ = 0;
  json identity_;
  TrainingState state_;
  std::unique_ptr<Session> session_;
};

}  // namespace ks::train

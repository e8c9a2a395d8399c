#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "train/data.h"

namespace ks::cli {

/// --data: a data set of `generate` or `plant` with its splits, or a folder with one folder of pictures per class.
struct SampleOptions {
  std::string folder;
  std::vector<std::string> classes;
  double validation_share = 0.15;

  void define(CLI::App& app);
};

/// What to train on and what to choose the best epoch by: the data set's splits, or of a plain folder a share of every
/// class drawn by the seed. Pictures are resized to size x size.
std::pair<train::Samples, train::Samples> load_training_samples(const SampleOptions& options, int size, uint64_t seed,
                                                                const Context& context);

/// What to test on, with its classes in the order of `classes`: the named split of a data set ("train", "validation",
/// "test" or "all"), or all pictures of a plain folder.
train::Samples load_test_samples(const std::string& folder, const std::string& split,
                                 const std::vector<std::string>& classes, int width, int height,
                                 const Context& context);

/// "97.50 %"
std::string percent(double fraction);

}  // namespace ks::cli

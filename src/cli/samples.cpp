#include "cli/samples.h"

#include <cstdio>
#include <filesystem>

#include "grain/dataset.h"
#include "tensor/error.h"

namespace ks::cli {

namespace {

bool is_data_set(const std::string& folder) {
  std::error_code error;
  return std::filesystem::exists(folder + "/dataset.json", error);
}

}  // namespace

void SampleOptions::define(CLI::App& app) {
  app.add_option("--data", folder,
                 "Data set of `generate` or `plant`, or a folder with one folder of pictures per class")
      ->required();
  app.add_option("--classes", classes, "Only these classes, in this order: healthy,skinned")->delimiter(',');
  app.add_option("--validation-share", validation_share,
                 "Of a folder without splits: the share of every class that the best epoch is chosen by")
      ->check(CLI::Range(0.01, 0.9))
      ->capture_default_str();
}

std::pair<train::Samples, train::Samples> load_training_samples(const SampleOptions& o, int size, uint64_t seed,
                                                                const Context& context) {
  train::Samples training, validation;
  const ks::Progress progress = context.progress("reading pictures");
  if (is_data_set(o.folder)) {
    Dataset dataset = load_dataset(o.folder);
    if (!o.classes.empty()) dataset = with_classes(dataset, o.classes);
    training = train::load_splits(dataset, {Split::train}, size, size, progress);
    validation = train::load_splits(dataset, {Split::validation}, size, size);
    if (validation.samples.empty())
      throw Error("has no validation split", o.folder, "make the data set with a --validation-share above 0");
  } else {
    training = train::load_folder(o.folder, size, size, progress);
    if (!o.classes.empty()) training = train::with_classes(training, o.classes);
    validation = train::take_fraction(training, o.validation_share, seed);
  }
  return {std::move(training), std::move(validation)};
}

train::Samples load_test_samples(const std::string& folder, const std::string& split,
                                 const std::vector<std::string>& classes, int width, int height,
                                 const Context& context) {
  const ks::Progress progress = context.progress("reading pictures");
  if (!is_data_set(folder)) return train::with_classes(train::load_folder(folder, width, height, progress), classes);
  const Dataset dataset = with_classes(load_dataset(folder), classes);
  std::vector<Split> splits;
  for (Split s : {Split::train, Split::validation, Split::test})
    if (split == "all" || split == to_string(s)) splits.push_back(s);
  train::Samples samples = train::load_splits(dataset, splits, width, height, progress);
  if (samples.samples.empty()) throw Error("has no pictures of the split '" + split + "'", folder, "try --split all");
  return samples;
}

std::string percent(double fraction) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%", 100 * fraction);
  return text;
}

}  // namespace ks::cli

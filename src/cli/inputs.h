#pragma once
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "explain/method.h"

namespace ks::cli {

/// The options that say on what a command works: --model, --image or --input, --target, --threads, --device.
struct InputOptions {
  std::string model, array, target = "predicted", device = "auto";
  std::vector<std::string> images;
  int threads = 0;

  void define(CLI::App& app, bool with_target = true);
  /// Throws Error for what cannot be opened.
  std::unique_ptr<Classifier> open_model() const;
  /// [N,C,H,W]: the .npy array as it is, or the images preprocessed for the model. Throws Error.
  Tensor open_inputs(const Classifier& classifier) const;
};

/// Other pictures by file name, for methods whose reference is one: .npy as it is, else an image preprocessed for the
/// model. The classifier must outlive it.
PictureSource picture_files(const Classifier& classifier);

/// ".npy" or ".png", as the path ends. Throws Error for any other ending.
std::string array_or_picture(const std::string& path);

SessionOptions session_options(const std::string& device, int threads);

}  // namespace ks::cli

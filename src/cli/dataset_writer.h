#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/command.h"
#include "grain/dataset.h"
#include "grain/kernel.h"
#include "picture/image.h"

namespace ks::cli {

/// What `generate` and `plant` share: the folder they fill and how pictures are written into it.
struct DatasetOptions {
  std::string output, format = "png";
  int quality = 92, size = 224;
  uint64_t seed = 1;
  double test_share = 0.3, validation_share = 0.1;

  void define(CLI::App& app);
};

/// Every picture goes through the same encoder, whatever its class, so that the encoding tells nothing.
class DatasetWriter {
 public:
  DatasetWriter(const DatasetOptions& options, const Context& context, std::vector<std::string> classes);

  /// Writes the picture, and the mask where it is not empty, as NAME-CLASS.png or .jpg.
  void add(const std::string& name, int label, const Image& image, const Mask& mask, DatasetItem about);
  /// Draws the splits and writes dataset.json and labels.csv.
  void finish();
  const Dataset& dataset() const { return dataset_; }
  /// Items a class and a split, for the closing remark and --json.
  json summary() const;

 private:
  DatasetOptions options_;
  Dataset dataset_;
};

/// "both" stands for pink-fusarium and skinned. Throws Error for unknown names and for a name given twice.
std::vector<Defect> parse_defects(const std::vector<std::string>& names);

/// The classes of these defects: "healthy" first, whether or not it was asked for.
std::vector<std::string> class_names(const std::vector<Defect>& defects);

}  // namespace ks::cli

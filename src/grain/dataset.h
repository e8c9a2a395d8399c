#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "picture/image.h"
#include "registry/registry.h"

namespace ks {

enum class Split { train, validation, test };
std::string to_string(Split split);

/// One labelled picture of a data set. Paths are relative to the data set's folder, with forward slashes.
struct DatasetItem {
  std::string image;
  std::string mask;    // of the damage; empty for a healthy kernel
  int label = 0;       // index into the data set's classes
  std::string source;  // the photograph or generated kernel it shows; pictures of one source share a split
  std::string group;   // variety or species; splits are drawn within each group
  Split split = Split::train;
  uint64_t seed = 0;  // of the damage or the kernel
};

/// A folder with dataset.json (this structure), images/ and masks/. `generate` and `plant` write it, `train` reads it.
struct Dataset {
  std::string folder;
  std::vector<std::string> classes;  // the first is "healthy"
  std::vector<DatasetItem> items;
  json made_by = json::object();  // command line, seeds: enough to make it again

  std::vector<const DatasetItem*> of(Split split) const;
};

/// Throws Error naming the file when it is missing, no data set, of a newer version, or an item is wrong.
Dataset load_dataset(const std::string& folder);
/// Writes dataset.json into the data set's folder.
void save_dataset(const Dataset& dataset);

Image load_item(const Dataset& dataset, const DatasetItem& item);
/// All zero, of the image's size, for an item without a mask. Throws Error when sizes differ.
Mask load_item_mask(const Dataset& dataset, const DatasetItem& item, const Image& image);

/// The items of the named classes, relabelled in this order. Throws Error for a class the data set has not.
Dataset with_classes(const Dataset& dataset, const std::vector<std::string>& classes);

/// Draws test_share of the sources of each group for the test, then validation_share of the rest for validation. All
/// pictures of a source go the same way, so that nothing is tested on a photograph whose twin was trained on.
void split_by_source(Dataset& dataset, double test_share, double validation_share, uint64_t seed);

}  // namespace ks

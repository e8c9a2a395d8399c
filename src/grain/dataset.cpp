#include "grain/dataset.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/random.h"

namespace ks {

namespace {

constexpr int kVersion = 1;
const char* const kFormat = "kernelscope-dataset";

std::string path_of(const std::string& folder, const std::string& name) {
  return folder + "/" + name;
}

Split parse_split(const std::string& name, const std::string& where) {
  for (const Split split : {Split::train, Split::validation, Split::test})
    if (to_string(split) == name) return split;
  throw Error("there is no split '" + name + "'", where, "use train, validation or test");
}

/// A path in dataset.json must stay inside the folder: the file may come from someone else.
std::string checked_path(const json& item, const char* key, const std::string& where) {
  const std::string path = item.at(key).get<std::string>();
  if (path.empty() || path[0] == '/' || path.find("..") != std::string::npos || path.find('\\') != std::string::npos)
    throw Error("'" + path + "' is no file of the data set", where, "name files relative to the folder");
  return path;
}

DatasetItem parse_item(const json& in, const std::vector<std::string>& classes, const std::string& where) {
  DatasetItem item;
  item.image = checked_path(in, "image", where);
  if (in.contains("mask")) item.mask = checked_path(in, "mask", where);
  const std::string label = in.at("class").get<std::string>();
  const auto found = std::find(classes.begin(), classes.end(), label);
  if (found == classes.end()) throw_unknown_name("class", label, classes);
  item.label = static_cast<int>(found - classes.begin());
  item.source = in.value("source", item.image);
  item.group = in.value("group", "");
  item.split = parse_split(in.value("split", "train"), where);
  item.seed = in.value("seed", uint64_t{0});
  return item;
}

}  // namespace

std::string to_string(Split split) {
  return split == Split::train ? "train" : split == Split::validation ? "validation" : "test";
}

std::vector<const DatasetItem*> Dataset::of(Split split) const {
  std::vector<const DatasetItem*> out;
  for (const DatasetItem& item : items)
    if (item.split == split) out.push_back(&item);
  return out;
}

Dataset load_dataset(const std::string& folder) {
  const std::string file = path_of(folder, "dataset.json");
  const json in = json::parse(read_file(file), nullptr, false);
  if (!in.is_object() || in.value("format", "") != kFormat)
    throw Error("the file is no data set of Kernelscope", file,
                "make one with `kernelscope generate` or `kernelscope plant`");
  if (in.value("version", 0) > kVersion) throw Error("the data set is of a newer version", file, "update Kernelscope");
  Dataset dataset;
  dataset.folder = folder;
  size_t index = 0;
  try {
    dataset.classes = in.at("classes").get<std::vector<std::string>>();
    dataset.made_by = in.value("made_by", json::object());
    for (const json& item : in.at("items")) {
      dataset.items.push_back(parse_item(item, dataset.classes, file + ": item " + std::to_string(index)));
      ++index;
    }
  } catch (const json::exception&) {
    throw Error("item " + std::to_string(index) + " is incomplete or has values of wrong kinds", file,
                "make the data set again");
  }
  if (dataset.items.empty()) throw Error("the data set is empty", file);
  return dataset;
}

void save_dataset(const Dataset& dataset) {
  json items = json::array();
  for (const DatasetItem& item : dataset.items) {
    json out = {{"image", item.image}};
    if (!item.mask.empty()) out["mask"] = item.mask;
    out["class"] = dataset.classes.at(static_cast<size_t>(item.label));
    out["source"] = item.source;
    out["group"] = item.group;
    out["split"] = to_string(item.split);
    out["seed"] = item.seed;
    items.push_back(std::move(out));
  }
  const json head = {
      {"format", kFormat}, {"version", kVersion}, {"classes", dataset.classes}, {"made_by", dataset.made_by}};
  // One item a line: such a file can be read and compared.
  std::string text = head.dump(1);
  text.resize(text.size() - 2);  // "\n}"
  text += ",\n \"items\": [";
  for (size_t i = 0; i < items.size(); ++i) text += (i ? ",\n  " : "\n  ") + items[i].dump();
  text += "\n ]\n}\n";
  write_file(path_of(dataset.folder, "dataset.json"), text);
}

Image load_item(const Dataset& dataset, const DatasetItem& item) {
  return load_image(path_of(dataset.folder, item.image));
}

Mask load_item_mask(const Dataset& dataset, const DatasetItem& item, const Image& image) {
  if (item.mask.empty()) return Mask(image.width, image.height);
  const std::string file = path_of(dataset.folder, item.mask);
  Mask mask = decode_mask(read_file(file), file);
  if (mask.width != image.width || mask.height != image.height)
    throw Error("the mask and its image differ in size", file, "make the data set again");
  return mask;
}

Dataset with_classes(const Dataset& dataset, const std::vector<std::string>& classes) {
  Dataset out = dataset;
  out.classes = classes;
  out.items.clear();
  for (const std::string& name : classes)
    if (std::find(dataset.classes.begin(), dataset.classes.end(), name) == dataset.classes.end())
      throw_unknown_name("class", name, dataset.classes);
  for (DatasetItem item : dataset.items) {
    const auto found = std::find(classes.begin(), classes.end(), dataset.classes[static_cast<size_t>(item.label)]);
    if (found == classes.end()) continue;
    item.label = static_cast<int>(found - classes.begin());
    out.items.push_back(std::move(item));
  }
  return out;
}

void split_by_source(Dataset& dataset, double test_share, double validation_share, uint64_t seed) {
  // Drawn apart for every group and for sources of the same classes, so that the classes' shares are equal everywhere.
  std::map<std::string, std::string> stratum_of;
  for (const DatasetItem& item : dataset.items) {
    std::string& stratum = stratum_of[item.source];
    if (stratum.empty()) stratum = item.group;
    stratum += "\n" + std::to_string(item.label);
  }
  std::map<std::string, std::set<std::string>> groups;
  for (const auto& [source, stratum] : stratum_of) groups[stratum].insert(source);
  std::map<std::string, Split> split_of;
  uint64_t stream = 0;
  for (const auto& [stratum, members] : groups) {
    std::vector<std::string> sources(members.begin(), members.end());
    Random random(seed, stream++);
    random.shuffle(sources);
    const auto count = static_cast<double>(sources.size());
    const auto tested = static_cast<size_t>(std::lround(test_share * count));
    const auto validated = static_cast<size_t>(std::lround(validation_share * (count - static_cast<double>(tested))));
    for (size_t i = 0; i < sources.size(); ++i) {
      split_of[sources[i]] = i < tested ? Split::test : i < tested + validated ? Split::validation : Split::train;
    }
  }
  for (DatasetItem& item : dataset.items) item.split = split_of.at(item.source);
}

}  // namespace ks

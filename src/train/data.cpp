#include "train/data.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "registry/registry.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace ks::train {

namespace {

namespace fs = std::filesystem;

bool is_picture(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  static const std::vector<std::string> known = {".png", ".jpg", ".jpeg", ".bmp", ".tga", ".gif", ".ppm"};
  return std::find(known.begin(), known.end(), extension) != known.end();
}

std::vector<fs::path> sorted_entries(const fs::path& folder, bool folders) {
  std::vector<fs::path> out;
  std::error_code ec;
  for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec)) {
    const bool hidden = it->path().filename().string().rfind('.', 0) == 0;
    if (!hidden && it->is_directory() == folders && (folders || is_picture(it->path()))) out.push_back(it->path());
  }
  if (ec) throw Error("the folder cannot be read", folder.string());
  std::sort(out.begin(), out.end());
  return out;
}

Image fitted(Image image, int width, int height) {
  return image.width == width && image.height == height ? image : resize_image(image, width, height);
}

}  // namespace

Samples load_folder(const std::string& folder, int width, int height, const Progress& progress) {
  Samples set;
  set.description = fs::path(folder).lexically_normal().string();
  std::vector<std::vector<fs::path>> files;
  size_t total = 0;
  for (const fs::path& path : sorted_entries(folder, true)) {
    std::vector<fs::path> pictures = sorted_entries(path, false);
    if (pictures.empty()) continue;  // a folder of masks or notes is no class
    set.classes.push_back(path.filename().string());
    total += pictures.size();
    files.push_back(std::move(pictures));
  }
  if (set.classes.size() < 2)
    throw Error("holds " + std::to_string(set.classes.size()) + " folders with pictures", folder,
                "give a folder with one folder of pictures per class, two at least");
  for (size_t label = 0; label < files.size(); ++label)
    for (const fs::path& path : files[label]) {
      set.samples.push_back({fitted(load_image(path.string()), width, height), static_cast<int>(label), path.string()});
      if (progress) progress(static_cast<double>(set.samples.size()) / static_cast<double>(total));
    }
  return set;
}

Samples load_splits(const Dataset& dataset, const std::vector<Split>& splits, int width, int height,
                    const Progress& progress) {
  Samples out{dataset.classes, {}, dataset.made_by.value("command", dataset.folder)};
  std::vector<const DatasetItem*> items;
  for (const DatasetItem& item : dataset.items)
    if (std::find(splits.begin(), splits.end(), item.split) != splits.end()) items.push_back(&item);
  for (const DatasetItem* item : items) {
    out.samples.push_back({fitted(load_item(dataset, *item), width, height), item->label, item->image});
    if (progress) progress(static_cast<double>(out.samples.size()) / static_cast<double>(items.size()));
  }
  return out;
}

Samples with_classes(const Samples& samples, const std::vector<std::string>& classes) {
  std::vector<int> label_of(samples.classes.size(), -1);
  for (size_t k = 0; k < classes.size(); ++k) {
    const auto found = std::find(samples.classes.begin(), samples.classes.end(), classes[k]);
    if (found == samples.classes.end()) throw_unknown_name("class", classes[k], samples.classes);
    label_of[static_cast<size_t>(found - samples.classes.begin())] = static_cast<int>(k);
  }
  Samples out{classes, {}, samples.description};
  for (const Sample& s : samples.samples)
    if (label_of[static_cast<size_t>(s.label)] >= 0)
      out.samples.push_back({s.image, label_of[static_cast<size_t>(s.label)], s.name});
  return out;
}

Samples take_fraction(Samples& all, double fraction, uint64_t seed) {
  Samples taken{all.classes, {}, all.description}, kept{all.classes, {}, all.description};
  if (fraction <= 0) return taken;
  for (size_t label = 0; label < all.classes.size(); ++label) {
    std::vector<size_t> members;
    for (size_t i = 0; i < all.samples.size(); ++i)
      if (all.samples[i].label == static_cast<int>(label)) members.push_back(i);
    const size_t count = members.size();
    if (count < 2) throw Error("class '" + all.classes[label] + "' has fewer than two pictures", all.description);
    Random random(seed, label);
    random.shuffle(members);
    const auto wanted = static_cast<size_t>(std::lround(fraction * static_cast<double>(count)));
    const size_t out = std::clamp<size_t>(wanted, 1, count - 1);
    std::sort(members.begin(), members.begin() + static_cast<std::ptrdiff_t>(out));
    std::sort(members.begin() + static_cast<std::ptrdiff_t>(out), members.end());
    for (size_t k = 0; k < count; ++k) (k < out ? taken : kept).samples.push_back(std::move(all.samples[members[k]]));
  }
  all = std::move(kept);
  return taken;
}

}  // namespace ks::train

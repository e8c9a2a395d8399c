#include "cli/dataset_writer.h"

#include <algorithm>
#include <map>

#include "tensor/error.h"
#include "tensor/file.h"

namespace ks::cli {

void DatasetOptions::define(CLI::App& app) {
  app.add_option("--output", output, "Folder to write: images/, masks/, dataset.json, labels.csv")->required();
  app.add_option("--seed", seed, "Everything random comes from it");
  app.add_option("--size", size, "Side of the square pictures in pixels")->check(CLI::Range(32, 1024));
  app.add_option("--format", format, "png (exact) or jpeg (small)")->check(CLI::IsMember({"png", "jpeg"}));
  app.add_option("--quality", quality, "Of jpeg, 1 to 100")->check(CLI::Range(1, 100));
  app.add_option("--test-share", test_share, "Share of kernels kept for testing")->check(CLI::Range(0.0, 0.9));
  app.add_option("--validation-share", validation_share, "Share of the others kept for choosing the best epoch")
      ->check(CLI::Range(0.0, 0.9));
}

DatasetWriter::DatasetWriter(const DatasetOptions& options, const Context& context, std::vector<std::string> classes)
    : options_(options) {
  dataset_.folder = options.output;
  dataset_.classes = std::move(classes);
  dataset_.made_by = {{"command", context.line}, {"seed", options.seed}};
}

void DatasetWriter::add(const std::string& name, int label, const Image& image, const Mask& mask, DatasetItem about) {
  const bool png = options_.format == "png";
  const std::string stem = name + "-" + dataset_.classes.at(static_cast<size_t>(label));
  about.label = label;
  about.image = "images/" + stem + (png ? ".png" : ".jpg");
  write_file(options_.output + "/" + about.image, png ? encode_png(image) : encode_jpeg(image, options_.quality));
  if (mask.area() > 0) {
    about.mask = "masks/" + stem + ".png";
    write_file(options_.output + "/" + about.mask, encode_png(mask));
  }
  dataset_.items.push_back(std::move(about));
}

void DatasetWriter::finish() {
  split_by_source(dataset_, options_.test_share, options_.validation_share, options_.seed);
  save_dataset(dataset_);
  std::string table = "image,mask,class,source,group,split\n";
  const auto quoted = [](const std::string& text) {
    if (text.find_first_of(",\"\n") == std::string::npos) return text;
    std::string out = "\"";
    for (char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
    return out + "\"";
  };
  for (const DatasetItem& item : dataset_.items)
    table += quoted(item.image) + "," + quoted(item.mask) + "," + dataset_.classes[static_cast<size_t>(item.label)] +
             "," + quoted(item.source) + "," + quoted(item.group) + "," + to_string(item.split) + "\n";
  write_file(options_.output + "/labels.csv", table);
}

json DatasetWriter::summary() const {
  json counts = json::object();
  for (const std::string& name : dataset_.classes) counts[name] = {{"train", 0}, {"validation", 0}, {"test", 0}};
  for (const DatasetItem& item : dataset_.items) {
    json& count = counts[dataset_.classes[static_cast<size_t>(item.label)]][to_string(item.split)];
    count = count.get<int>() + 1;
  }
  return {{"output", options_.output}, {"images", dataset_.items.size()}, {"classes", counts}};
}

std::vector<Defect> parse_defects(const std::vector<std::string>& names) {
  std::vector<Defect> out;
  const auto add = [&](Defect defect) {
    if (std::find(out.begin(), out.end(), defect) != out.end())
      throw Error("'" + to_string(defect) + "' is given twice", "--defect", "name each defect once");
    out.push_back(defect);
  };
  for (const std::string& name : names) {
    if (name == "both") {
      add(Defect::pink_fusarium);
      add(Defect::skinned);
    } else {
      add(parse_defect(name));
    }
  }
  return out;
}

std::vector<std::string> class_names(const std::vector<Defect>& defects) {
  std::vector<std::string> out{"healthy"};
  for (const Defect defect : defects)
    if (defect != Defect::none) out.push_back(to_string(defect));
  return out;
}

}  // namespace ks::cli

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <memory>

#include "cli/command.h"
#include "cli/dataset_writer.h"
#include "grain/find.h"
#include "grain/plant.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace ks::cli {

namespace {

namespace fs = std::filesystem;

struct Photo {
  std::string path, source, group;
};

bool looks_like_image(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png" || extension == ".bmp";
}

/// Files as they are given, and the pictures of folders and their subfolders in the order of their names.
std::vector<Photo> list_photos(const std::vector<std::string>& inputs) {
  std::vector<Photo> out;
  for (const std::string& input : inputs) {
    std::error_code error;
    if (!fs::is_directory(input, error)) {
      out.push_back({input, input, fs::path(input).parent_path().filename().string()});
      continue;
    }
    std::vector<fs::path> files;
    for (fs::recursive_directory_iterator it(input, error), end; !error && it != end; it.increment(error))
      if (it->is_regular_file(error) && looks_like_image(it->path())) files.push_back(it->path());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files)
      out.push_back(
          {file.string(), fs::relative(file, input, error).generic_string(), file.parent_path().filename().string()});
  }
  return out;
}

/// A photograph's own seed: the same whatever else is planted with it.
uint64_t seed_of(const Photo& photo, uint64_t seed, Defect defect) {
  for (const char c : fs::path(photo.path).filename().string()) seed = mix_seed(seed, static_cast<unsigned char>(c));
  return mix_seed(seed, static_cast<uint64_t>(defect)) % 2000000000;  // fits a study's integers
}

/// "00012-aca315_0007": in the order of the input, and still telling which photograph it was.
std::string numbered_name(size_t index, const Photo& photo) {
  const std::string number = std::to_string(index + 1);
  return std::string(number.size() < 5 ? 5 - number.size() : 0, '0') + number + "-" +
         fs::path(photo.path).stem().string();
}

}  // namespace

Action plant(CLI::App& app) {
  struct Options {
    DatasetOptions dataset;
    std::vector<std::string> inputs, defects;
    std::string species = "wheat";
    bool whole = false;
  };
  auto o = std::make_shared<Options>();
  o->dataset.define(app);
  app.add_option("--input", o->inputs, "Photographs, or folders of them, of one healthy kernel each")->required();
  app.add_option("--defect", o->defects, "pink-fusarium, skinned or both; may be given several times")->required();
  app.add_option("--species", o->species, "What the photographs show: wheat or barley")->capture_default_str();
  app.add_flag("--whole", o->whole, "Keep whole photographs at their own size instead of cutting out the kernel");
  return [o](Context& context) {
    const std::vector<Defect> defects = parse_defects(o->defects);
    if (std::find(defects.begin(), defects.end(), Defect::none) != defects.end())
      throw Error("'none' cannot be planted", "--defect", "healthy copies are written anyway");
    const Species species = parse_species(o->species);
    const std::vector<Photo> photos = list_photos(o->inputs);
    if (photos.empty())
      throw Error("there is no picture", o->inputs.front(), "give JPEG, PNG or BMP files or folders of them");
    DatasetWriter writer(o->dataset, context, class_names(defects));
    std::vector<std::string> skipped;
    ks::Progress progress = context.progress("Planting");
    try {
      for (size_t k = 0; k < photos.size(); ++k) {
        const Photo& photo = photos[k];
        KernelCrop crop;
        std::vector<PlantedKernel> planted;
        try {
          const Image original = load_image(photo.path);
          FoundKernel found = find_kernel(original, photo.path);
          crop = o->whole ? KernelCrop{original, found.outline} : crop_kernel(original, found, o->dataset.size);
          for (const Defect defect : defects)
            planted.push_back(
                plant_damage(crop.image, crop.outline, defect, species, seed_of(photo, o->dataset.seed, defect)));
        } catch (const Error& e) {
          if (photos.size() == 1) throw;
          skipped.push_back(e.what());
        }
        if (planted.size() == defects.size()) {
          const std::string name = numbered_name(k, photo);
          DatasetItem about;
          about.source = photo.source;
          about.group = photo.group;
          writer.add(name, 0, crop.image, Mask(), about);
          for (size_t d = 0; d < defects.size(); ++d) {
            about.seed = seed_of(photo, o->dataset.seed, defects[d]);
            writer.add(name, static_cast<int>(d) + 1, planted[d].image, planted[d].damage, about);
          }
        }
        progress(static_cast<double>(k + 1) / static_cast<double>(photos.size()));
      }
    } catch (const Cancelled&) {
      if (!writer.dataset().items.empty()) writer.finish();
      throw;
    }
    progress = nullptr;  // wipes the bar
    for (const std::string& sentence : skipped) context.say("skipped: " + sentence + ".");
    if (writer.dataset().items.empty())
      throw Error("none of the " + std::to_string(photos.size()) + " pictures could be used", "",
                  "the first: " + skipped.front());
    writer.finish();
    json summary = writer.summary();
    summary["photographs"] = photos.size();
    summary["skipped"] = skipped;
    if (context.json) context.print(summary);
    context.say(std::to_string(writer.dataset().items.size()) + " pictures of " +
                std::to_string(photos.size() - skipped.size()) + " photographs in " + o->dataset.output +
                (skipped.empty() ? "" : ", " + std::to_string(skipped.size()) + " skipped"));
  };
}

}  // namespace ks::cli

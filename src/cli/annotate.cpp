#include "grain/annotate.h"

#include <filesystem>
#include <memory>

#include "cli/command.h"
#include "grain/dataset.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace ks::cli {

Action annotate(CLI::App& app) {
  struct Options {
    std::vector<std::string> masks, parameters;
    std::string dataset, style = "polygon", output;
    uint64_t seed = 1;
  };
  auto o = std::make_shared<Options>();
  CLI::Option* masks = app.add_option("--mask", o->masks, "Exact masks of damage: pictures, white inside");
  CLI::Option* dataset =
      app.add_option("--dataset", o->dataset, "All masks of a data set that generate or plant wrote");
  masks->excludes(dataset);
  app.add_option("--style", o->style, "How it is drawn; see `kernelscope list annotation-styles`")
      ->capture_default_str();
  app.add_option("--param", o->parameters, "NAME=VALUE of the style; may be given several times");
  app.add_option("--seed", o->seed, "Every seed is another hand");
  app.add_option("--output", o->output, "Folder for the annotations, named as their masks")->required();
  return [o](Context& context) {
    const json parameters = parse_pairs(o->parameters);
    check_parameters(annotation_styles().at(o->style), parameters);
    std::vector<std::string> files = o->masks;
    if (!o->dataset.empty())
      for (const DatasetItem& item : load_dataset(o->dataset).items)
        if (!item.mask.empty()) files.push_back(o->dataset + "/" + item.mask);
    if (files.empty())
      throw Error("there is nothing to annotate", "", "give --mask or a --dataset with damaged kernels");
    ks::Progress progress = context.progress("Annotating");
    double sum = 0;
    json list = json::array();
    for (size_t k = 0; k < files.size(); ++k) {
      const Mask damage = decode_mask(read_file(files[k]), files[k]);
      const std::string name = std::filesystem::path(files[k]).stem().string();
      const Mask drawn = ks::annotate(damage, o->style, parameters, mix_seed(o->seed, k));
      const double overlap = intersection_over_union(drawn, damage);
      const std::string target = o->output + "/" + name + ".png";
      write_file(target, encode_png(drawn));
      list.push_back({{"mask", files[k]}, {"annotation", target}, {"intersection_over_union", overlap}});
      sum += overlap;
      progress(static_cast<double>(k + 1) / static_cast<double>(files.size()));
    }
    progress = nullptr;  // wipes the bar
    const double mean = sum / static_cast<double>(files.size());
    if (context.json)
      context.print({{"output", o->output}, {"mean_intersection_over_union", mean}, {"annotations", list}});
    char text[160];
    std::snprintf(text, sizeof text, "%zu annotations, on average %.0f %% intersection over union with the exact masks",
                  files.size(), 100 * mean);
    context.say(text);
  };
}

}  // namespace ks::cli

#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/dataset_writer.h"
#include "grain/render.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace ks::cli {

namespace {

std::string numbered(size_t index) {
  char text[32];
  std::snprintf(text, sizeof text, "%06zu", index);
  return text;
}

}  // namespace

Action generate(CLI::App& app) {
  struct Options {
    DatasetOptions dataset;
    std::string species = "wheat";
    std::vector<std::string> defects;
    int count = 100;
    bool pairs = false;
  };
  auto o = std::make_shared<Options>();
  o->dataset.define(app);
  app.add_option("--species", o->species, "wheat, barley or both (half each)")->capture_default_str();
  app.add_option("--defect", o->defects, "none, pink-fusarium, skinned or both; may be given several times")
      ->required();
  app.add_option("--count", o->count, "Kernels of each class")->capture_default_str()->check(CLI::Range(1, 1000000));
  app.add_flag("--pairs", o->pairs, "The same kernels in every class, with and without the damage");
  return [o](Context& context) {
    const std::vector<Defect> defects = parse_defects(o->defects);
    const bool both = o->species == "both";
    const Species species = both ? Species::wheat : parse_species(o->species);
    DatasetWriter writer(o->dataset, context, class_names(defects));
    const size_t count = static_cast<size_t>(o->count), total = count * defects.size();
    size_t done = 0;
    ks::Progress progress = context.progress("Generating");
    const auto kernel_seed = [&](size_t k, Defect defect) {
      const size_t stream = o->pairs ? 0 : static_cast<size_t>(defect) + 1;
      return mix_seed(mix_seed(o->dataset.seed, stream), k) % 2000000000;  // fits a study's integers
    };
    try {
      for (size_t k = 0; k < count; ++k)
        for (const Defect defect : defects) {
          const KernelRecipe recipe{both && k % 2 ? Species::barley : species, defect, kernel_seed(k, defect),
                                    o->dataset.size};
          const RenderedKernel kernel = render_kernel(recipe);
          DatasetItem about;
          about.group = to_string(recipe.species);
          about.source = about.group + "/" + std::to_string(recipe.seed);
          about.seed = recipe.seed;
          const auto position =
              std::find(writer.dataset().classes.begin(), writer.dataset().classes.end(), to_string(defect));
          const bool healthy = defect == Defect::none;
          writer.add(numbered(k), healthy ? 0 : static_cast<int>(position - writer.dataset().classes.begin()),
                     kernel.image, kernel.damage, about);
          progress(static_cast<double>(++done) / static_cast<double>(total));
        }
    } catch (const Cancelled&) {
      writer.finish();
      throw;
    }
    progress = nullptr;  // wipes the bar
    writer.finish();
    if (context.json) context.print(writer.summary());
    context.say(std::to_string(total) + " kernels in " + o->dataset.output);
  };
}

}  // namespace ks::cli

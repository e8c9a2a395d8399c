#include <memory>

#include "cli/command.h"
#include "cli/inputs.h"
#include "explain/method.h"
#include "picture/colormap.h"
#include "picture/normalisation.h"
#include "picture/overlay.h"
#include "picture/pooling.h"
#include "tensor/file.h"
#include "tensor/npy.h"

namespace ks::cli {

namespace {

struct Look {
  std::string pooling = "sum", normalisation = "max-abs", colormap = "seismic";
  double opacity = 0.7;
};

/// OUT.png, or OUT-1.png, OUT-2.png ... where there are several images.
std::string numbered(const std::string& path, int64_t n, int64_t count) {
  return count == 1 ? path
                    : path.substr(0, path.size() - 4) + "-" + std::to_string(n + 1) + path.substr(path.size() - 4);
}

void write_pictures(const std::string& path, const Tensor& attributions, const Tensor& inputs, const Classifier& c,
                    const Look& look) {
  const Tensor maps = pool_channels(attributions, poolings().at(look.pooling));
  OverlayStyle style;
  style.opacity = look.opacity;
  const bool common_scale = normalisations().at(look.normalisation).whole_study;
  for (int64_t n = 0; n < maps.dim(0); ++n) {
    const Tensor map = maps.slice(n, n + 1);
    const double limit = display_limit(look.normalisation, {}, {common_scale ? &maps : &map});
    const Image picture = tensor_to_image(inputs, n, c.preprocessing());
    write_file(numbered(path, n, maps.dim(0)),
               encode_png(overlay(picture, map, 0, limit, colormaps().at(look.colormap), style)));
  }
}

}  // namespace

Action explain(CLI::App& app) {
  struct Options {
    InputOptions input;
    std::string method, output;
    std::vector<std::string> parameters;
    uint64_t seed = 0;
    Look look;
  };
  auto o = std::make_shared<Options>();
  o->input.define(app);
  app.add_option("--method", o->method, "Explanation method; see `kernelscope list methods`")->required();
  app.add_option("--param", o->parameters, "NAME=VALUE of the method; may be given several times");
  app.add_option("--seed", o->seed, "Seed of methods that draw random numbers");
  app.add_option("--output", o->output, ".npy: raw attributions; .png: the heatmap over the image")->required();
  app.add_option("--pooling", o->look.pooling,
                 "For .png: how channels become one value; see `kernelscope list poolings`");
  app.add_option("--normalisation", o->look.normalisation, "For .png; see `kernelscope list normalisations`");
  app.add_option("--colormap", o->look.colormap, "For .png; see `kernelscope list colormaps`");
  app.add_option("--opacity", o->look.opacity, "For .png: of the heatmap over the image")->check(CLI::Range(0.0, 1.0));
  return [o](Context& context) {
    const std::string ending = array_or_picture(o->output);
    // Every name is checked before the work begins.
    methods().at(o->method);
    poolings().at(o->look.pooling);
    normalisations().at(o->look.normalisation);
    colormaps().at(o->look.colormap);
    const auto classifier = o->input.open_model();
    const Tensor inputs = o->input.open_inputs(*classifier);
    const std::vector<int> targets = parse_targets(o->input.target, *classifier, inputs);
    const Tensor result =
        ks::explain(o->method, parse_pairs(o->parameters),
                    {*classifier, inputs, targets, o->seed, context.progress(o->method), picture_files(*classifier)});
    if (ending == ".npy")
      save_npy(o->output, result);
    else
      write_pictures(o->output, result, inputs, *classifier, o->look);
    if (context.json)
      context.print({{"method", o->method}, {"targets", targets}, {"shape", result.shape}, {"output", o->output}});
  };
}

}  // namespace ks::cli

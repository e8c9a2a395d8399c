#include <cmath>
#include <memory>

#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/measure_maps.h"
#include "metric/metric.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/npy.h"

namespace ks::cli {

namespace {

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Annotations as [N,1,H,W]: one .npy array, or one picture an image, brought to the attribution's size.
Tensor load_masks(const std::vector<std::string>& files, const Shape& attribution) {
  if (files.size() == 1 && ends_with(files[0], ".npy")) {
    Tensor t = load_maps(files[0]);
    // [N,H,W] came out as [1,N,H,W].
    if (t.dim(0) == 1 && t.dim(1) == attribution[0] && t.dim(1) > 1) t.shape = {t.dim(1), 1, t.dim(2), t.dim(3)};
    return t;
  }
  std::vector<Tensor> parts;
  for (const std::string& file : files) {
    Mask mask = decode_mask(read_file(file), file);
    const int width = static_cast<int>(attribution[3]), height = static_cast<int>(attribution[2]);
    if (mask.width != width || mask.height != height) mask = resize_mask(mask, width, height);
    parts.push_back(Tensor({1, 1, height, width}, std::vector<float>(mask.inside.begin(), mask.inside.end())));
  }
  return concatenate(parts);
}

/// A metric's parameter that names an array (.npy) becomes a list of its values: the metrics know no files.
json with_arrays(json parameters) {
  for (auto& [name, value] : parameters.items())
    if (value.is_string() && ends_with(value.get<std::string>(), ".npy")) {
      const Tensor array = load_npy(value.get<std::string>());
      value = json::array();
      for (const float v : array.data) {
        if (v == std::floor(v))
          value.push_back(static_cast<int64_t>(v));
        else
          value.push_back(v);
      }
    }
  return parameters;
}

json to_json(const std::string& metric, const json& parameters, const MetricResult& result) {
  json out = {{"metric", metric},
              {"scores", scores_as_json(result)},
              {"direction", to_string(direction_of(metrics().at(metric), parameters))}};
  if (!result.curves.empty() && !result.curve_is_score) out["curves"] = result.curves;
  if (!result.warnings.empty()) out["warnings"] = result.warnings;
  return out;
}

}  // namespace

Action measure(CLI::App& app) {
  struct Options {
    InputOptions input;
    std::string attribution, metric, method;
    std::vector<std::string> masks, parameters, method_parameters;
    uint64_t seed = 0;
  };
  auto o = std::make_shared<Options>();
  o->input.define(app);
  app.get_option("--model")->required(false);
  app.add_option("--attribution", o->attribution, "Raw attributions (.npy), [N,C,H,W] or [N,1,H,W]")->required();
  app.add_option("--mask", o->masks,
                 "Annotations: one .npy [N,1,H,W] of 0 and 1, or one picture per image (white is inside)");
  app.add_option("--metric", o->metric,
                 "What to measure; see `kernelscope list metrics`. Also similarity (to --param reference=FILE.npy) and "
                 "normalisation")
      ->required();
  app.add_option("--param", o->parameters, "NAME=VALUE of the metric; may be given several times");
  app.add_option("--method", o->method,
                 "Method that made the attributions, for metrics that explain perturbed images again");
  app.add_option("--method-param", o->method_parameters, "NAME=VALUE of that method");
  app.add_option("--seed", o->seed, "Seed of metrics that draw random numbers");
  return [o](Context& context) {
    const json given = parse_pairs(o->parameters);
    if (is_map_function(o->metric)) return context.print(measure_maps(o->metric, given, load_maps(o->attribution)));
    const Metric& metric = metrics().at(o->metric);
    const json parameters = with_arrays(given);
    const Params params = check_parameters(metric, parameters);
    const Tensor attributions = load_maps(o->attribution);
    MetricRequest request{nullptr, nullptr, nullptr, attributions};
    std::unique_ptr<Classifier> classifier;
    Tensor inputs, masks;
    std::vector<int> targets;
    if (needs_classifier(metric, params) && !o->input.model.empty()) {
      classifier = o->input.open_model();
      inputs = o->input.open_inputs(*classifier);
      targets = parse_targets(o->input.target, *classifier, inputs);
      request.classifier = classifier.get();
      request.inputs = &inputs;
      request.targets = &targets;
      request.pictures = picture_files(*classifier);
    }
    if (metric.needs_mask && !o->masks.empty()) {
      masks = load_masks(o->masks, attributions.shape);
      request.masks = &masks;
    }
    Params method_parameters;
    if (!o->method.empty()) {
      request.method = &methods().at(o->method);
      method_parameters = check_parameters(*request.method, parse_pairs(o->method_parameters));
      request.method_parameters = &method_parameters;
    }
    request.seed = o->seed;
    request.progress = context.progress(o->metric);
    const MetricResult result = ks::measure(o->metric, parameters, request);
    for (const std::string& warning : result.warnings) context.say("warning: " + warning);
    context.print(to_json(o->metric, parameters, result));
  };
}

}  // namespace ks::cli

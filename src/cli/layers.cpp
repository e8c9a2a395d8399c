#include "explain/layers.h"

#include <memory>

#include "cli/command.h"
#include "cli/inputs.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace ks::cli {

namespace {

/// {"shape": [N,...], "values": [...]} in C order.
ks::json array(const Tensor& t) {
  return {{"shape", t.shape}, {"values", t.data}};
}

ks::json describe_layer(const LayerAttribution& layer) {
  ks::json out = {
      {"name", layer.name}, {"op", layer.op}, {"node", layer.node}, {"shape", layer.shape}, {"total", layer.total}};
  if (!layer.conservation_error.empty()) out["conservation_error"] = layer.conservation_error;
  out["channels"] = array(layer.channels);
  if (!layer.map.empty()) out["map"] = array(layer.map);
  return out;
}

}  // namespace

Action layers(CLI::App& app) {
  struct Options {
    InputOptions input;
    std::string method = "lrp-epsilon-plus", output;
    std::vector<std::string> parameters;
  };
  auto o = std::make_shared<Options>();
  o->input.define(app);
  app.add_option("--method", o->method, "A method of relevance propagation or of the gradient family");
  app.add_option("--param", o->parameters, "NAME=VALUE of the method; may be given several times");
  app.add_option("--output", o->output, "The JSON file to write")->required();
  return [o](Context& context) {
    methods().at(o->method);
    const ks::json parameters = parse_pairs(o->parameters);
    const auto classifier = o->input.open_model();
    const Tensor inputs = o->input.open_inputs(*classifier);
    const std::vector<int> targets = parse_targets(o->input.target, *classifier, inputs);
    const auto all =
        explain_layers(o->method, parameters, {*classifier, inputs, targets, 0, context.progress(o->method)});
    ks::json out = {{"model", o->input.model}, {"method", o->method}, {"parameters", parameters}, {"targets", targets}};
    out["layers"] = ks::json::array();
    for (const LayerAttribution& layer : all) out["layers"].push_back(describe_layer(layer));
    write_file(o->output, out.dump());
    context.say("wrote " + o->output + ": " + std::to_string(all.size()) + " layers");
    if (context.json) {
      ks::json lines = ks::json::array();
      for (const LayerAttribution& layer : all)
        lines.push_back({{"name", layer.name},
                         {"op", layer.op},
                         {"total", layer.total},
                         {"conservation_error", layer.conservation_error}});
      context.print({{"output", o->output}, {"layers", lines}});
    }
  };
}

}  // namespace ks::cli

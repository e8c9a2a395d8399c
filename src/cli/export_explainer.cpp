#include <memory>

#include "cli/command.h"
#include "cli/inputs.h"
#include "explain/export.h"
#include "tensor/file.h"

namespace ks::cli {

Action export_explainer(CLI::App& app) {
  struct Options {
    std::string model, method, output, target = "predicted", pooling, normalisation;
    std::vector<std::string> parameters, normalisation_parameters;
  };
  auto o = std::make_shared<Options>();
  app.add_option("--model", o->model, "ONNX image classifier")->required();
  app.add_option("--method", o->method, "A method that is one graph; see `kernelscope list methods`")->required();
  app.add_option("--param", o->parameters, "NAME=VALUE of the method; may be given several times");
  app.add_option("--target", o->target, "predicted, input (a further input 'target', int64 [N]), or a class");
  app.add_option("--pooling", o->pooling, "Pool the channels in the graph: see `kernelscope list poolings`");
  app.add_option("--normalisation", o->normalisation,
                 "Scale each pooled map to [-1,1] in the graph: max-abs or percentile");
  app.add_option("--normalisation-param", o->normalisation_parameters,
                 "NAME=VALUE of the normalisation; may be given several times");
  app.add_option("--output", o->output, "The ONNX file to write")->required();
  return [o](Context& context) {
    Classifier classifier(read_file(o->model), o->model, session_options("cpu", 0));
    ExportOptions options{.pooling = o->pooling,
                          .normalisation = o->normalisation,
                          .normalisation_parameters = parse_pairs(o->normalisation_parameters)};
    options.target = o->target == "predicted" ? ExportTarget::predicted
                     : o->target == "input"   ? ExportTarget::input
                                              : ExportTarget::fixed;
    if (options.target == ExportTarget::fixed)
      options.target_class = parse_targets(o->target, classifier,
                                           Tensor({1, classifier.channels(), classifier.height(), classifier.width()}))
                                 .at(0);
    const graph::Model model = ks::export_explainer(classifier, o->method, parse_pairs(o->parameters), options);
    // What is written must run: a session is the proof.
    const std::string bytes = graph::write(model);
    [[maybe_unused]] const Session session(bytes, session_options("cpu", 1), o->output);
    write_file(o->output, bytes);
    context.say("wrote " + o->output + ": outputs logits and attribution");
    if (context.json) context.print({{"output", o->output}, {"nodes", model.nodes.size()}, {"bytes", bytes.size()}});
  };
}

}  // namespace ks::cli

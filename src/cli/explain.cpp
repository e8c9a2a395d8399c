#include <memory>

#include "cli/command.h"
#include "cli/inputs.h"
#include "explain/method.h"
#include "tensor/error.h"
#include "tensor/npy.h"

namespace ks::cli {

Action explain(CLI::App& app) {
  struct Options {
    InputOptions input;
    std::string method, output;
    std::vector<std::string> parameters;
    uint64_t seed = 0;
  };
  auto o = std::make_shared<Options>();
  o->input.define(app);
  app.add_option("--method", o->method, "Explanation method; see `kernelscope list methods`")->required();
  app.add_option("--param", o->parameters, "NAME=VALUE of the method; may be given several times");
  app.add_option("--seed", o->seed, "Seed of methods that draw random numbers");
  app.add_option("--output", o->output, "Where to write: .npy for raw attributions")->required();
  return [o](Context& context) {
    const size_t dot = o->output.rfind('.');
    if (dot == std::string::npos || o->output.substr(dot) != ".npy")
      throw Error("the output's name must end in .npy", o->output);
    methods().at(o->method);
    const auto classifier = o->input.open_model();
    const Tensor inputs = o->input.open_inputs(*classifier);
    const std::vector<int> targets = parse_targets(o->input.target, *classifier, inputs);
    const Tensor result = ks::explain(o->method, parse_pairs(o->parameters),
                                      {*classifier, inputs, targets, o->seed, context.progress(o->method)});
    save_npy(o->output, result);
    if (context.json)
      context.print({{"method", o->method}, {"targets", targets}, {"shape", result.shape}, {"output", o->output}});
  };
}

}  // namespace ks::cli

#include <memory>

#include "cli/command.h"

namespace ks::cli {

Action bench(CLI::App& app) {
  app.require_subcommand(1);
  struct Part {
    CLI::App* command;
    Action action;
  };
  auto parts = std::make_shared<std::vector<Part>>();
  const auto add = [&](const char* name, const char* help, Action (*define)(CLI::App&)) {
    CLI::App* command = app.add_subcommand(name, help);
    command->fallthrough();  // --json and --quiet belong to bench
    parts->push_back({command, define(*command)});
  };
  add("methods", "Cost of every method in forward passes of the same model, same process", bench_methods);
  add("metrics", "Milliseconds of every metric for one 224x224 map; with --network, those that ask a network",
      bench_metrics);
  add("together", "Methods that share a pass against the same methods one by one", bench_together);
  add("training", "Steps of training a grainnet on random images", bench_training);
  return [parts](Context& context) {
    for (const Part& part : *parts)
      if (part.command->parsed()) part.action(context);
  };
}

}  // namespace ks::cli

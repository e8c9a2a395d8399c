#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "cli/progress.h"
#include "registry/registry.h"

namespace ks::cli {

/// What a running command has besides its own options. Results go to stdout, everything else to stderr.
struct Context {
  bool json = false;   // --json: one JSON object on stdout, for machines
  bool quiet = false;  // --quiet: no progress bar, no remarks
  std::string line;    // the command line as it was typed, for reports

  /// A bar on stderr when it is a terminal; in any case Ctrl-C ends the work through it (it throws Cancelled).
  ks::Progress progress(const std::string& label) const;
  /// A remark for people, on stderr, unless --quiet or --json.
  void say(const std::string& remark) const;
  /// One JSON value on stdout, indented, with a newline.
  void print(const ks::json& value) const;
};

/// What a command does once its options are parsed. Throws Error for a fault in the user's input (exit status 2),
/// Cancelled when interrupted (130); anything else is a fault of ours (1).
using Action = std::function<void(Context&)>;

/// One command of the table in commands.cpp; its file is named after it.
struct Command {
  const char* name;
  const char* help;                 // one line, an imperative
  Action (*define)(CLI::App& app);  // adds the options to `app`, returns the action that uses them
};

const std::vector<Command>& commands();

/// The commands, one file each. Options live in a shared struct that the returned action holds on to.
Action annotate(CLI::App& app);
Action bench(CLI::App& app);
Action bench_methods(CLI::App& app);  // the subcommands of bench
Action bench_metrics(CLI::App& app);
Action bench_together(CLI::App& app);
Action bench_training(CLI::App& app);
Action explain(CLI::App& app);
Action export_explainer(CLI::App& app);
Action generate(CLI::App& app);
Action inspect(CLI::App& app);
Action layers(CLI::App& app);
Action list(CLI::App& app);
Action measure(CLI::App& app);
Action merge(CLI::App& app);
Action plant(CLI::App& app);
Action predict(CLI::App& app);
Action rank(CLI::App& app);
Action reference(CLI::App& app);
Action run(CLI::App& app);
Action segment(CLI::App& app);
Action study(CLI::App& app);
Action train(CLI::App& app);

/// "--param K=V": {"K": V}; V is JSON, or a text when it is none. Throws Error for what has no '='.
ks::json parse_pairs(const std::vector<std::string>& pairs);

}  // namespace ks::cli

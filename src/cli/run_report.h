#pragma once
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/places.h"
#include "cli/processes.h"
#include "study/engine.h"

namespace ks::cli {

/// What `run` and `merge` have in common.
struct RunOptions {
  std::string study, output, base = default_page, device = "auto";
  int threads = 0;
  size_t figures = 24;
  bool maps = false, keep_cells = false;
};
void define_run_options(CLI::App& app, RunOptions& options);

/// Where finished cells of a run are: what makes an interrupted one resume.
std::string cells_folder(const std::string& output);

/// Runs the study with what the engine's store already has, and writes results.json, scores.csv, figures/ and
/// report.html. `processes`: who computed cells before, in so many seconds; empty where nobody did. Throws Error,
/// Cancelled.
void run_and_report(const RunOptions& options, const OpenedStudy& opened, Engine& engine,
                    const std::vector<ProcessRecord>& processes, double seconds_before, const Context& context);

}  // namespace ks::cli

#include <chrono>
#include <memory>

#include "cli/inputs.h"
#include "cli/run_report.h"
#include "cli/shard_record.h"
#include "tensor/error.h"

namespace ks::cli {

namespace {

/// One part of a study, for batch systems: its cells and a record of them, for `merge`.
void run_shard(const RunOptions& o, const std::string& which, const OpenedStudy& opened, Engine& engine,
               const Context& context) {
  const Shard shard = parse_shard(which);
  const std::vector<Unit> units =
      units_of(shard, opened.study.images.size(), opened.study.methods.size(), has_units_of_all_images(opened.study));
  const Progress progress = context.progress("running shard " + which);
  size_t at = 0;
  write_shard_record(o.output, {shard, study_hash(opened.study), false});
  compute_units(
      engine,
      [&]() -> std::optional<Unit> {
        progress(units.empty() ? 1.0 : static_cast<double>(at) / static_cast<double>(units.size()));
        if (at == units.size()) return {};
        return units[at++];
      },
      [&](double) { progress(static_cast<double>(at) / static_cast<double>(units.size() + 1)); });
  write_shard_record(o.output, {shard, study_hash(opened.study), true});
  if (context.json)
    context.print({{"output", o.output}, {"shard", which}, {"units", units.size()}});
  else
    context.say("shard " + which + " is done: " + std::to_string(units.size()) +
                " explanations with their metrics in " + o.output +
                "; `kernelscope merge` makes the report of all shards");
}

void run_study_command(const RunOptions& o, const std::string& shard, Context& context) {
  Processes processes;
  std::unique_ptr<Engine> engine;
  OpenedStudy opened;
  const CellStore folder = folder_store(cells_folder(o.output));
  try {
    processes.together([&] {
      if (!shard.empty()) parse_shard(shard);
      if (!shard.empty() && processes.count() > 1)
        throw Error("--shard is for processes that know nothing of each other", "mpirun",
                    "leave it out: mpirun's processes share the work by themselves");
      opened = open_study(o.study);
      engine = std::make_unique<Engine>(local_loader(opened.folder),
                                        session_options(o.device, o.threads > 0 ? o.threads : processes.threads()),
                                        processes.rank() == 0 ? folder : processes.remote_store(folder));
      engine->open(opened.study);
    });
  } catch (const Processes::Silent&) {
    // mpirun ends the others at the first status that is not 0: that has to be the one with the sentence, once it is
    // out.
    std::exit(0);
  }
  if (!shard.empty()) return run_shard(o, shard, opened, *engine, context);
  if (processes.count() == 1) return run_and_report(o, opened, *engine, {}, 0, context);
  const auto begin = std::chrono::steady_clock::now();
  const Progress progress =
      processes.rank() == 0 ? context.progress("running the study") : Progress([](double) { check_interrupt(); });
  const std::vector<ProcessRecord> records = processes.compute(*engine, folder, progress);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (processes.rank() == 0) run_and_report(o, opened, *engine, records, seconds, context);
}

}  // namespace

Action run(CLI::App& app) {
  auto o = std::make_shared<RunOptions>();
  auto shard = std::make_shared<std::string>();
  define_run_options(app, *o);
  if (Processes::built_in())
    app.footer("mpirun -n K kernelscope run ... shares the work among K processes, on one host or several.");
  app.add_option("--shard", *shard, "I/N: compute only part I of N into --output, for `kernelscope merge`");
  return [o, shard](Context& context) { run_study_command(*o, *shard, context); };
}

}  // namespace ks::cli

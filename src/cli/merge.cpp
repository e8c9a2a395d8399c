#include <memory>

#include "cli/inputs.h"
#include "cli/run_report.h"
#include "cli/shard_record.h"
#include "tensor/error.h"

namespace ks::cli {

namespace {

/// Throws Error unless the folders hold every shard of this study.
void check_shards(const Study& study, const std::vector<std::string>& folders) {
  std::vector<std::string> holders;  // per shard: the folder that has it
  for (const std::string& folder : folders) {
    const ShardRecord record = read_shard_record(folder);
    const std::string name = std::to_string(record.shard.index + 1) + "/" + std::to_string(record.shard.count);
    if (record.study != study_hash(study))
      throw Error("is a shard of another study", folder, "merge the shards of one study, unchanged");
    if (!record.complete) throw Error("shard " + name + " was not finished", folder, "run it again: it resumes");
    if (holders.empty()) holders.resize(record.shard.count);
    if (record.shard.count != holders.size())
      throw Error("is shard " + name + ", the folders before are of " + std::to_string(holders.size()), folder,
                  "all must be of one division");
    holders[record.shard.index] = folder;
  }
  for (size_t i = 0; i < holders.size(); ++i)
    if (holders[i].empty())
      throw Error("shard " + std::to_string(i + 1) + "/" + std::to_string(holders.size()) + " is missing", "merge",
                  "give the folder of every shard");
}

/// Cells of the output's own folder, else of the shards.
CellStore store_over(const std::string& output, const std::vector<std::string>& shards) {
  std::vector<CellStore> stores = {folder_store(cells_folder(output))};
  for (const std::string& shard : shards) stores.push_back(folder_store(cells_folder(shard)));
  return {.load = [stores](const std::string& key) -> std::optional<std::string> {
            for (const CellStore& store : stores)
              if (auto bytes = store.load(key)) return bytes;
            return {};
          },
          .save = stores[0].save};
}

}  // namespace

Action merge(CLI::App& app) {
  auto o = std::make_shared<RunOptions>();
  auto shards = std::make_shared<std::vector<std::string>>();
  define_run_options(app, *o);
  app.add_option("shards", *shards, "The --output folders of all shards")->required();
  return [o, shards](Context& context) {
    const OpenedStudy opened = open_study(o->study);
    check_shards(opened.study, *shards);
    Engine engine(local_loader(opened.folder), session_options(o->device, o->threads), store_over(o->output, *shards));
    run_and_report(*o, opened, engine, {}, 0, context);
  };
}

}  // namespace ks::cli

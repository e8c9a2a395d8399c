#include "cli/shard_record.h"

#include <filesystem>

#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/hash.h"

namespace ks::cli {

namespace {

std::string record_path(const std::string& folder) {
  return (std::filesystem::path(folder) / "shard.json").string();
}

}  // namespace

std::string study_hash(const Study& study) {
  Study content = study;
  content.title.clear();
  content.view = {};
  return sha256(write_study(content).dump());
}

void write_shard_record(const std::string& folder, const ShardRecord& record) {
  write_file(record_path(folder), json{{"shard", record.shard.index + 1},
                                       {"of", record.shard.count},
                                       {"study", record.study},
                                       {"complete", record.complete}}
                                          .dump() +
                                      "\n");
}

ShardRecord read_shard_record(const std::string& folder) {
  const std::string path = record_path(folder);
  std::error_code ec;
  if (!std::filesystem::exists(path, ec))
    throw Error("holds no shard", folder, "it must be the --output of a `kernelscope run --shard I/N`");
  try {
    const json record = json::parse(read_file(path));
    return {{record.at("shard").get<size_t>() - 1, record.at("of").get<size_t>()},
            record.at("study").get<std::string>(),
            record.at("complete").get<bool>()};
  } catch (const json::exception&) {
    throw Error("is no record of a shard", path, "run that shard again");
  }
}

}  // namespace ks::cli

#pragma once
#include <string>

#include "study/units.h"

namespace ks::cli {

/// What a shard's folder says of itself (shard.json).
struct ShardRecord {
  Shard shard;
  std::string study;  // study_hash of what it is a part of
  bool complete = false;
};

/// What two runs of the same study have in common: how it is looked at does not count.
std::string study_hash(const Study& study);

void write_shard_record(const std::string& folder, const ShardRecord& record);
/// Throws Error for a folder that holds no shard.
ShardRecord read_shard_record(const std::string& folder);

}  // namespace ks::cli

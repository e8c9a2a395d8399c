#include "cli/profile.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "explain/timing.h"
#include "tensor/file.h"

namespace ks::cli {

namespace fs = std::filesystem;

std::vector<OpTime> profile(const SessionOptions& options, const std::function<void(const SessionOptions&)>& work) {
  const fs::path folder = fs::temp_directory_path() / ("kernelscope-profile-" + std::to_string(getpid()));
  fs::create_directory(folder);
  SessionOptions profiled = options;
  profiled.profile = true;
  profiled.profile_prefix = (folder / "session").string();
  work(profiled);  // a session writes its file when it ends
  std::map<std::string, OpTime> ops;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::map<std::string, std::pair<std::string, std::vector<double>>> nodes;  // op and times by node
    for (const auto& event : nlohmann::json::parse(read_file(entry.path().string()))) {
      const std::string name = event.value("name", "");
      if (event.value("cat", "") != "Node" || name.find("_kernel_time") == std::string::npos) continue;
      auto& [op, times] = nodes[name];
      op = event.at("args").value("op_name", "");
      times.push_back(event.at("dur").get<double>() / 1000);
    }
    for (const auto& [name, node] : nodes) {
      OpTime& op = ops[node.first];
      op.op = node.first;
      op.milliseconds += median(node.second);
      ++op.nodes;
    }
  }
  fs::remove_all(folder);
  if (ops.empty()) throw std::runtime_error("ONNX Runtime wrote no profile");
  std::vector<OpTime> out;
  for (const auto& [name, op] : ops) out.push_back(op);
  std::sort(out.begin(), out.end(), [](const OpTime& a, const OpTime& b) { return a.milliseconds > b.milliseconds; });
  return out;
}

ks::json profile_json(const std::vector<OpTime>& ops) {
  ks::json out = ks::json::array();
  for (const OpTime& op : ops) out.push_back({{"op", op.op}, {"milliseconds", op.milliseconds}, {"nodes", op.nodes}});
  return out;
}

void print_profile(const std::vector<OpTime>& ops) {
  constexpr double worth_a_line = 0.1;  // milliseconds
  for (const OpTime& op : ops)
    if (op.milliseconds >= worth_a_line)
      std::printf("  %-24s %8.2f ms in %d nodes\n", op.op.c_str(), op.milliseconds, op.nodes);
}

}  // namespace ks::cli

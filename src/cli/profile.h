#pragma once
#include <functional>
#include <string>
#include <vector>

#include "registry/registry.h"
#include "runtime/session.h"

namespace ks::cli {

struct OpTime {
  std::string op;
  double milliseconds = 0;  // a run: the sum over nodes of each one's median over the runs
  int nodes = 0;            // as ONNX Runtime runs them, after its own fusions
};

/// Times per op under ONNX Runtime's profiler, the largest first. `work` runs networks, each as often as it likes, in
/// sessions that it makes with the options it gets and that end with it.
std::vector<OpTime> profile(const SessionOptions& options, const std::function<void(const SessionOptions&)>& work);

/// [{"op": "Conv", "milliseconds": 1.5, "nodes": 3}, ...]
ks::json profile_json(const std::vector<OpTime>& ops);

/// A line for every op that takes a tenth of a millisecond or more.
void print_profile(const std::vector<OpTime>& ops);

}  // namespace ks::cli

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>

#include "cli/command.h"
#include "runtime/session.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/random.h"
#include "train/maps.h"
#include "train/step.h"

namespace ks::cli {

namespace {

using namespace ks::train;

struct Options {
  GrainNet net;
  int size = 224, batch = 16, threads = 2, steps = 20;
  bool standard = false, profile = false;
};

struct OpTime {
  std::string op;
  double milliseconds = 0;  // a step
  int nodes = 0;
};

/// Times per op of one step, the largest first: of every node the median over the steps of ONNX Runtime's profile.
std::vector<OpTime> read_profile(const std::string& file) {
  std::map<std::string, std::pair<std::string, std::vector<double>>> nodes;
  const auto events = nlohmann::json::parse(read_file(file));
  for (const auto& event : events) {
    const std::string name = event.value("name", "");
    if (event.value("cat", "") != "Node" || name.find("_kernel_time") == std::string::npos) continue;
    auto& node = nodes[name];
    node.first = event.at("args").value("op_name", "");
    node.second.push_back(event.at("dur").get<double>() / 1000);
  }
  std::map<std::string, OpTime> ops;
  for (auto& [name, node] : nodes) {
    auto& times = node.second;
    std::sort(times.begin(), times.end());
    OpTime& op = ops[node.first];
    op.op = node.first;
    op.milliseconds += times[times.size() / 2];
    ++op.nodes;
  }
  std::vector<OpTime> out;
  for (const auto& [name, op] : ops) out.push_back(op);
  std::sort(out.begin(), out.end(), [](const OpTime& a, const OpTime& b) { return a.milliseconds > b.milliseconds; });
  return out;
}

struct StepTimes {
  std::vector<double> seconds;
  int block = 0;
};

StepTimes time_steps(const Options& o, const std::string& profile_prefix) {
  const Architecture a = architecture(o.net);
  StepTimes result;
  result.block = o.standard ? 0 : channel_block();
  SessionOptions options;
  options.device = Device::cpu;
  options.threads = o.threads;
  options.profile = !profile_prefix.empty();
  options.profile_prefix = profile_prefix;
  Session session(graph::write(training_step(a, {}, o.batch, result.block)), options, "training step");
  Weights w = initial_weights(a, 1);
  Tensor state({1, a.parameter_count}), images({o.batch, 3, o.size, o.size}), labels({o.batch, o.net.classes});
  Random random(2);
  for (float& v : images.data) v = static_cast<float>(random.normal());
  for (int64_t n = 0; n < o.batch; ++n) labels.sample(n)[n % o.net.classes] = 1;
  const Tensor rate({1}, 0.01f);
  constexpr int warm_up = 3;
  for (int step = 0; step < warm_up + o.steps; ++step) {
    const auto begin = std::chrono::steady_clock::now();
    auto out = session.run({{names::images, &images},
                            {names::labels, &labels},
                            {names::parameters, &w.parameters},
                            {names::statistics, &w.statistics},
                            {names::state, &state},
                            {names::rate, &rate}},
                           {names::loss, names::new_parameters, names::new_statistics, names::new_state});
    w = {std::move(out[1]), std::move(out[2])};
    state = std::move(out[3]);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    if (step >= warm_up) result.seconds.push_back(seconds.count());
  }
  std::sort(result.seconds.begin(), result.seconds.end());
  return result;
}

void run(Options& o, Context& context) {
  o.net.image_width = o.net.image_height = o.size;
  const StepTimes times = time_steps(o, "");
  const double median = times.seconds[times.seconds.size() / 2], best = times.seconds.front();
  ks::json profile = ks::json::array();
  if (o.profile) {
    const std::string prefix = (std::filesystem::temp_directory_path() / "kernelscope-profile").string();
    const auto is_profile = [&](const std::filesystem::path& path) {
      return path.string().rfind(prefix, 0) == 0 && path.extension() == ".json";
    };
    time_steps(o, prefix);  // the profile is complete when the session has gone
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::temp_directory_path()))
      if (is_profile(entry.path())) files.push_back(entry.path().string());
    if (files.empty()) throw std::runtime_error("ONNX Runtime wrote no profile");
    for (const OpTime& op : read_profile(*std::max_element(files.begin(), files.end())))
      profile.push_back({{"op", op.op}, {"milliseconds", op.milliseconds}, {"nodes", op.nodes}});
    for (const std::string& file : files) std::filesystem::remove(file);
  }
  if (context.json) {
    ks::json out = {{"width", o.net.width},
                    {"blocks", o.net.blocks},
                    {"size", o.size},
                    {"batch", o.batch},
                    {"threads", o.threads},
                    {"block", times.block},
                    {"milliseconds", median * 1e3},
                    {"best_milliseconds", best * 1e3},
                    {"images_per_second", o.batch / median}};
    if (o.profile) out["profile"] = profile;
    context.print(out);
    return;
  }
  std::printf(
      "grainnet of width %d, %d blocks, %dx%d, batch %d, %d threads, %s: median %.1f ms a step (best %.1f), %.1f "
      "images/s\n",
      o.net.width, o.net.blocks, o.size, o.size, o.batch, o.threads, times.block ? "blocked layout" : "standard ONNX",
      median * 1e3, best * 1e3, o.batch / median);
  constexpr double worth_a_line = 0.1;  // milliseconds
  for (const auto& row : profile) {
    if (row["milliseconds"].get<double>() < worth_a_line) break;
    std::printf("  %-24s %8.2f ms in %d nodes\n", row["op"].get<std::string>().c_str(),
                row["milliseconds"].get<double>(), row["nodes"].get<int>());
  }
}

}  // namespace

Action bench_training(CLI::App& app) {
  auto o = std::make_shared<Options>();
  app.add_option("--width", o->net.width, "Channels of the first stage")->capture_default_str();
  app.add_option("--blocks", o->net.blocks, "Residual blocks")->capture_default_str();
  app.add_option("--size", o->size, "Side of the images")->capture_default_str();
  app.add_option("--batch", o->batch, "Images a step")->capture_default_str()->check(CLI::Range(2, 1024));
  app.add_option("--threads", o->threads, "Threads of ONNX Runtime")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--steps", o->steps, "Timed steps, the median counts")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  app.add_flag("--standard", o->standard, "Standard ONNX instead of ONNX Runtime's blocked layout");
  app.add_flag("--profile", o->profile, "Also the time per op");
  return [o](Context& context) { run(*o, context); };
}

}  // namespace ks::cli

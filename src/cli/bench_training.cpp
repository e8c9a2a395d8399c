#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/profile.h"
#include "explain/timing.h"
#include "runtime/session.h"
#include "tensor/random.h"
#include "train/maps.h"
#include "train/step.h"

namespace ks::cli {

namespace {

using namespace ks::train;

struct BenchTrainingOptions {
  GrainNet net;
  int size = 224, batch = 16, threads = 2, steps = 20;
  bool standard = false, profile = false;
};

struct StepTimes {
  std::vector<double> seconds;
  int block = 0;
};

StepTimes time_steps(const BenchTrainingOptions& o, const SessionOptions& options) {
  const Architecture a = architecture(o.net);
  StepTimes result;
  result.block = o.standard ? 0 : channel_block();
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
  return result;
}

void run(BenchTrainingOptions& o, Context& context) {
  o.net.image_width = o.net.image_height = o.size;
  const SessionOptions options = session_options("cpu", o.threads);
  const StepTimes times = time_steps(o, options);
  const double middle = median(times.seconds), best = *std::min_element(times.seconds.begin(), times.seconds.end());
  std::vector<OpTime> ops;
  if (o.profile) ops = profile(options, [&](const SessionOptions& profiled) { time_steps(o, profiled); });
  if (context.json) {
    ks::json out = {{"width", o.net.width},
                    {"blocks", o.net.blocks},
                    {"size", o.size},
                    {"batch", o.batch},
                    {"threads", o.threads},
                    {"block", times.block},
                    {"milliseconds", middle * 1e3},
                    {"best_milliseconds", best * 1e3},
                    {"images_per_second", o.batch / middle}};
    if (o.profile) out["profile"] = profile_json(ops);
    context.print(out);
    return;
  }
  std::printf(
      "grainnet of width %d, %d blocks, %dx%d, batch %d, %d threads, %s: median %.1f ms a step (best %.1f), %.1f "
      "images/s\n",
      o.net.width, o.net.blocks, o.size, o.size, o.batch, o.threads, times.block ? "blocked layout" : "standard ONNX",
      middle * 1e3, best * 1e3, o.batch / middle);
  print_profile(ops);
}

}  // namespace

Action bench_training(CLI::App& app) {
  auto o = std::make_shared<BenchTrainingOptions>();
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

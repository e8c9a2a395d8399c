#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include "cli/bench_network.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "explain/timing.h"
#include "explain/together.h"
#include "tensor/error.h"

namespace ks::cli {

namespace {

struct BenchTogetherOptions {
  std::string model;
  std::vector<std::string> names;
  int threads = 2, repeats = 15;
};

/// The median times of two kinds of work, measured in turn, so that both see the same machine.
template <class A, class B>
std::pair<double, double> in_turn(int repeats, const A& a, const B& b) {
  std::vector<double> of_a, of_b;
  for (int i = 0; i < repeats; ++i) {
    double begin = seconds_now();
    a();
    of_a.push_back(seconds_now() - begin);
    begin = seconds_now();
    b();
    of_b.push_back(seconds_now() - begin);
  }
  return {median(of_a), median(of_b)};
}

/// Largest difference between two maps, as a share of the largest magnitude.
double difference(const Tensor& a, const Tensor& b) {
  double peak = 0, worst = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    peak = std::max(peak, std::fabs(static_cast<double>(a.data[i])));
    worst = std::max(worst, std::fabs(static_cast<double>(a.data[i]) - b.data[i]));
  }
  return peak > 0 ? worst / peak : worst;
}

void run(const BenchTogetherOptions& o, Context& context) {
  const BenchNetwork network = bench_network(o.model);
  std::vector<ChosenMethod> chosen;
  for (const std::string& name : o.names.empty() ? methods().names() : o.names) {
    const ChosenMethod method(name, {});
    if (method.is_network())
      chosen.push_back(method);
    else if (!o.names.empty())
      throw Error("'" + name + "' is no single graph and shares no pass");
  }
  const SessionOptions options = session_options("cpu", o.threads);
  Classifier alone(network.bytes, network.name, options), joint(network.bytes, network.name, options);
  const Tensor x = bench_images(alone);
  const std::vector<int> targets = {0};
  const ExplainRequest request_alone{alone, x, targets}, request_joint{joint, x, targets};

  // The first runs build the sessions.
  std::vector<Tensor> one_by_one;
  double begin = seconds_now();
  for (const ChosenMethod& m : chosen) one_by_one.push_back(ks::explain(m.method->name, {}, request_alone));
  const double first_alone = seconds_now() - begin;
  begin = seconds_now();
  const std::vector<Tensor> together = explain_together(chosen, request_joint);
  const double first_joint = seconds_now() - begin;
  double worst = 0;
  for (size_t k = 0; k < chosen.size(); ++k) worst = std::max(worst, difference(one_by_one[k], together[k]));

  std::vector<std::vector<double>> each(chosen.size());
  const auto run_alone = [&] {
    for (size_t k = 0; k < chosen.size(); ++k) {
      const double start = seconds_now();
      ks::explain(chosen[k].method->name, {}, request_alone);
      each[k].push_back(seconds_now() - start);
    }
  };
  const auto [time_alone, time_joint] = in_turn(o.repeats, run_alone, [&] { explain_together(chosen, request_joint); });
  const double forward = in_turn(
                             o.repeats, [&] { alone.logits(x); }, [] {})
                             .first;

  ks::json rows = ks::json::array();
  if (!context.json) std::printf("%-32s %12s %18s\n", "method", "alone, ms", "share together, ms");
  const JointNetwork& pass = joint_network(joint, chosen);
  for (size_t k = 0; k < chosen.size(); ++k) {
    const double own = median(each[k]), share = pass.shares[k] * time_joint;
    if (!context.json) std::printf("%-32s %12.2f %18.2f\n", chosen[k].method->name.c_str(), own * 1e3, share * 1e3);
    rows.push_back({{"method", chosen[k].method->name}, {"alone_ms", own * 1e3}, {"share_ms", share * 1e3}});
  }
  if (context.json)
    context.print({{"model", network.name},
                   {"methods", rows},
                   {"forward_ms", forward * 1e3},
                   {"alone_ms", time_alone * 1e3},
                   {"together_ms", time_joint * 1e3},
                   {"ratio", time_joint / time_alone},
                   {"first_alone_ms", first_alone * 1e3},
                   {"first_together_ms", first_joint * 1e3},
                   {"difference", worst}});
  else
    std::printf(
        "%zu methods one by one %.2f ms, together %.2f ms: %.3f of it (one forward pass: %.2f ms)\n"
        "with building the sessions %.0f ms and %.0f ms; maps differ by at most %.1e of their maximum\n",
        chosen.size(), time_alone * 1e3, time_joint * 1e3, time_joint / time_alone, forward * 1e3, first_alone * 1e3,
        first_joint * 1e3, worst);
}

}  // namespace

Action bench_together(CLI::App& app) {
  auto o = std::make_shared<BenchTogetherOptions>();
  app.add_option("--model", o->model, "ONNX image classifier; ResNet-18 with random weights when left out");
  app.add_option("--method", o->names, "Only these methods");
  app.add_option("--threads", o->threads, "Threads of ONNX Runtime")->check(CLI::Range(1, 1024));
  app.add_option("--repeats", o->repeats, "Runs of each, the median counts")->check(CLI::Range(1, 1000));
  return [o](Context& context) { run(*o, context); };
}

}  // namespace ks::cli

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>

#include "cli/bench_network.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "explain/evaluate.h"
#include "explain/timing.h"
#include "metric/explainer.h"
#include "metric/metric.h"
#include "metric/prepare.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace ks::cli {

namespace {

constexpr int side = 224;
constexpr double maps_budget = 3;  // milliseconds, for all metrics that look at the map alone

struct BenchMetricsOptions {
  std::string model, explanation = "gradient";
  std::vector<std::string> names;
  int threads = 2, repeats = 200, rounds = 3;
  bool network = false;
};

/// A map like those of gradients: noise of both signs in three channels, stronger around one place, where the
/// annotation is.
struct BenchMap {
  Tensor map{{1, 3, side, side}}, mask{{1, 1, side, side}};

  BenchMap() {
    Random random(224);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x) {
          const double distance = std::hypot(x - 130, y - 90) / 40;
          map.data[static_cast<size_t>((c * side + y) * side + x)] =
              static_cast<float>(random.normal() * (0.05 + std::exp(-distance * distance)) * 1e-3);
          if (distance < 0.8) mask.data[static_cast<size_t>(y * side + x)] = 1;
        }
  }
};

/// Parameters with which a metric asks neither the network nor other images; null where there are none.
ks::json alone_parameters(const Metric& metric) {
  if (metric.name == "effective-complexity") return {{"eps", 0.05}};
  if (metric.name == "focus") return {{"quadrants", {{0, 1, 0, 0}}}};
  return metric.needs_classifier ? ks::json() : ks::json::object();
}

/// Milliseconds of one run on one core: the mean of many, in processor time, so that others on the machine do not
/// count.
template <class F>
double mean_milliseconds(int repeats, const F& work) {
  work();
  const std::clock_t begin = std::clock();
  for (int i = 0; i < repeats; ++i) work();
  return 1e3 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC / repeats;
}

std::vector<const Metric*> chosen_metrics(const BenchMetricsOptions& o) {
  std::vector<const Metric*> out;
  if (!o.names.empty())
    for (const std::string& name : o.names) out.push_back(&metrics().at(name));
  else
    for (const Metric& m : metrics()) out.push_back(&m);
  return out;
}

/// The metrics of a map alone: each by itself, then all of them in turn with what they share.
ks::json bench_maps(const BenchMetricsOptions& o, Context& context) {
  const BenchMap subject;
  MetricRequest request{.attributions = subject.map};
  request.masks = &subject.mask;
  std::vector<std::pair<const Metric*, ks::json>> all;
  for (const Metric* m : chosen_metrics(o))
    if (ks::json p = alone_parameters(*m); !p.is_null()) all.emplace_back(m, std::move(p));
  ks::json rows = ks::json::array();
  if (!context.json && !all.empty()) std::printf("%-28s %12s\n", "metric of a 224x224 map", "ms");
  for (const auto& [metric, parameters] : all) {
    const double ms = mean_milliseconds(o.repeats, [&] { ks::measure(metric->name, parameters, request); });
    rows.push_back({{"metric", metric->name}, {"parameters", parameters}, {"ms", ms}});
    if (!context.json) std::printf("%-28s %12.3f\n", metric->name.c_str(), ms);
  }
  const double together = mean_milliseconds(o.repeats, [&] {
    PreparationMemo memo;
    MetricRequest shared = request;
    shared.preparations = &memo;
    for (const auto& [metric, parameters] : all) ks::measure(metric->name, parameters, shared);
  });
  if (!context.json && !all.empty())
    std::printf("%-28s %12.3f  of %.0f: %s\n", "together, as in a study", together, maps_budget,
                together <= maps_budget ? "within" : "over");
  return {{"metrics", rows}, {"together_ms", together}, {"budget_ms", maps_budget}};
}

/// The metrics that ask the network: how many forward passes each asks for by itself and after the metrics before it,
/// whose outputs are known; and its time beside that of as many passes in full batches, in the same process.
ks::json bench_network_metrics(const BenchMetricsOptions& o, Context& context) {
  const BenchNetwork network = bench_network(o.model);
  Classifier classifier(network.bytes, network.name, session_options("cpu", o.threads));
  const Tensor x = bench_images(classifier, 1), full = bench_images(classifier, classifier.batch_size());
  const std::vector<int> targets = {0};
  const Method& method = methods().at(o.explanation);
  const Params method_parameters = check_parameters(method, ks::json::object());
  const Tensor map = ks::explain(o.explanation, method_parameters.all(), {classifier, x, targets});
  Tensor mask({1, 1, x.dim(2), x.dim(3)});
  std::fill_n(mask.data.begin(), mask.size() / 4, 1.0f);
  const auto forwards = [&](int64_t count) {
    for (; count >= full.dim(0); count -= full.dim(0)) classifier.logits(full);
    if (count > 0) classifier.logits(full.slice(0, count));
  };
  const auto seconds = [](const auto& work) {
    const double begin = seconds_now();
    work();
    return seconds_now() - begin;
  };
  ForwardMemo memo;
  ks::json rows = ks::json::array();
  int64_t alone = 0, shared = 0;
  if (!context.json)
    std::printf("\n%s; explanations by %s\n%-28s %10s %10s %12s %14s %7s\n", network.name.c_str(),
                o.explanation.c_str(), "metric that asks the network", "forwards", "shared", "metric, ms",
                "forwards, ms", "ratio");
  for (const Metric* m : chosen_metrics(o)) {
    if (!alone_parameters(*m).is_null() || (o.names.empty() && m->family != "faithfulness")) continue;
    ks::json row = {{"metric", m->name}};
    try {
      MetricRequest request{&classifier, &x, &targets, map, &mask, &method, &method_parameters, 1};
      request.forwards = &memo;
      int64_t before = classifier.forward_count();
      ks::measure(m->name, {}, request);  // builds its sessions, too
      const int64_t asked_shared = classifier.forward_count() - before;
      request.forwards = nullptr;
      int64_t asked = 0;
      std::vector<double> of_metric, of_forwards;
      for (int i = 0; i < o.rounds; ++i) {
        before = classifier.forward_count();
        of_metric.push_back(1e3 * seconds([&] { ks::measure(m->name, {}, request); }));
        asked = classifier.forward_count() - before;
        of_forwards.push_back(1e3 * seconds([&] { forwards(asked); }));
      }
      const double ms = median(of_metric), forwards_ms = median(of_forwards);
      alone += asked;
      shared += asked_shared;
      row.update({{"forwards", asked}, {"shared_forwards", asked_shared}, {"ms", ms}, {"forwards_ms", forwards_ms}});
      if (!context.json) {
        std::printf("%-28s %10lld %10lld %12.1f %14.1f", m->name.c_str(), static_cast<long long>(asked),
                    static_cast<long long>(asked_shared), ms, forwards_ms);
        if (asked > 0) std::printf(" %7.3f", ms / forwards_ms);
        std::printf("\n");
      }
    } catch (const Error& e) {
      row["error"] = e.what();
      if (!context.json) std::printf("%-28s %s\n", m->name.c_str(), e.what());
    }
    std::fflush(stdout);
    rows.push_back(std::move(row));
  }
  if (!context.json && alone > 0)
    std::printf("forward passes one by one %lld, together %lld: %.3f of them\n", static_cast<long long>(alone),
                static_cast<long long>(shared), static_cast<double>(shared) / static_cast<double>(alone));
  return {{"model", network.name}, {"metrics", rows}, {"forwards", alone}, {"shared_forwards", shared}};
}

void run_bench_metrics(const BenchMetricsOptions& o, Context& context) {
  ks::json out = {{"maps", bench_maps(o, context)}};
  if (o.network) out["network"] = bench_network_metrics(o, context);
  if (context.json) context.print(out);
}

}  // namespace

Action bench_metrics(CLI::App& app) {
  auto o = std::make_shared<BenchMetricsOptions>();
  app.add_option("--metric", o->names, "Only these metrics");
  app.add_option("--repeats", o->repeats, "Runs of each metric of a map, whose mean counts")
      ->check(CLI::Range(1, 100000));
  app.add_flag("--network", o->network,
               "Also the metrics that ask the network, with their defaults: all of faithfulness, or those of --metric");
  app.add_option("--rounds", o->rounds, "Runs of each of those, the median counts")->check(CLI::Range(1, 1000));
  app.add_option("--model", o->model, "ONNX image classifier for those; ResNet-18 with random weights when left out");
  app.add_option("--explanation", o->explanation, "The method whose map those measure");
  app.add_option("--threads", o->threads, "Threads of ONNX Runtime")->check(CLI::Range(1, 1024));
  return [o](Context& context) { run_bench_metrics(*o, context); };
}

}  // namespace ks::cli

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
  int threads = 2, repeats = 200;
  bool network = false;
};

/// A map like those of gradients: noise of both signs in three channels, stronger around one place, where the annotation is.
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

/// Milliseconds of one run on one core: the mean of many, in processor time, so that others on the machine do not count.
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

/// The metrics that ask the network, in forward passes of it: those of full batches, in the same process.
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
  classifier.logits(full);
  std::vector<double> forward;
  for (int i = 0; i < 5; ++i) {
    const double begin = seconds_now();
    classifier.logits(full);
    forward.push_back(1e3 * (seconds_now() - begin) / static_cast<double>(full.dim(0)));
  }
  const double forward_ms = median(forward);

  ks::json rows = ks::json::array();
  if (!context.json)
    std::printf("\n%s, one forward pass of a full batch: %.2f ms; explanations by %s\n%-28s %12s %10s %10s %14s\n",
                network.name.c_str(), forward_ms, o.explanation.c_str(), "metric that asks the network", "ms", "forwards",
                "asked", "forwards/asked");
  for (const Metric* m : chosen_metrics(o)) {
    if (!alone_parameters(*m).is_null()) continue;
    ks::json row = {{"metric", m->name}};
    try {
      MetricRequest request{&classifier, &x, &targets, map, &mask, &method, &method_parameters, 1};
      ks::measure(m->name, {}, request);  // builds its sessions
      const int64_t before = classifier.forward_count();
      const double begin = seconds_now();
      ks::measure(m->name, {}, request);
      const double ms = 1e3 * (seconds_now() - begin);
      const int64_t asked = classifier.forward_count() - before;
      const double forwards = ms / forward_ms;
      row.update({{"ms", ms}, {"forwards", forwards}, {"asked", asked}});
      if (!context.json) {
        std::printf("%-28s %12.1f %10.1f %10lld", m->name.c_str(), ms, forwards, static_cast<long long>(asked));
        if (asked > 0) std::printf(" %14.2f", forwards / static_cast<double>(asked));
        std::printf("\n");
      }
    } catch (const Error& e) {
      row["error"] = e.what();
      if (!context.json) std::printf("%-28s %s\n", m->name.c_str(), e.what());
    }
    std::fflush(stdout);
    rows.push_back(std::move(row));
  }
  return {{"model", network.name}, {"forward_ms", forward_ms}, {"metrics", rows}};
}

void run(const BenchMetricsOptions& o, Context& context) {
  ks::json out = {{"maps", bench_maps(o, context)}};
  if (o.network) out["network"] = bench_network_metrics(o, context);
  if (context.json) context.print(out);
}

}  // namespace

Action bench_metrics(CLI::App& app) {
  auto o = std::make_shared<BenchMetricsOptions>();
  app.add_option("--metric", o->names, "Only these metrics");
  app.add_option("--repeats", o->repeats, "Runs of each metric of a map, whose mean counts")->check(CLI::Range(1, 100000));
  app.add_flag("--network", o->network, "Also the metrics that ask the network, with their defaults, in forward passes of it");
  app.add_option("--model", o->model, "ONNX image classifier for those; ResNet-18 with random weights when left out");
  app.add_option("--explanation", o->explanation, "The method whose map those measure");
  app.add_option("--threads", o->threads, "Threads of ONNX Runtime")->check(CLI::Range(1, 1024));
  return [o](Context& context) { run(*o, context); };
}

}  // namespace ks::cli

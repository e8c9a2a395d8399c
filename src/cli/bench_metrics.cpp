#include <cstdio>
#include <memory>

#include "cli/bench_network.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "explain/evaluate.h"
#include "explain/timing.h"
#include "metric/metric.h"
#include "tensor/error.h"

namespace ks::cli {

namespace {

struct BenchMetricsOptions {
  std::string model, method = "gradient";
  std::vector<std::string> names;
  int threads = 2, repeats = 5;
};

/// What a metric costs beside as many forward passes in full batches.
struct MetricCost {
  std::string name;
  int64_t alone = 0, shared = 0;    // forward passes: by itself; after the metrics before it, whose outputs are known
  double metric = 0, forwards = 0;  // medians, in seconds
  double ratio() const { return metric / forwards; }
};

void run_metrics(const BenchMetricsOptions& o, Context& context) {
  const BenchNetwork network = bench_network(o.model);
  Classifier classifier(network.bytes, network.name, session_options("cpu", o.threads));
  const Tensor x = bench_images(classifier), full = bench_images(classifier, classifier.batch_size());
  const std::vector<int> targets = {0};
  const Tensor map = ks::explain(o.method, {}, {classifier, x, targets});
  ForwardMemo memo;
  std::vector<MetricCost> costs;
  std::vector<std::string> names = o.names;
  if (names.empty())
    for (const Metric& m : metrics())
      if (m.family == "faithfulness") names.push_back(m.name);
  const auto forwards = [&](int64_t count) {
    for (; count >= full.dim(0); count -= full.dim(0)) classifier.logits(full);
    if (count > 0) classifier.logits(full.slice(0, count));
  };
  for (const std::string& name : names) {
    if (!metrics().at(name).needs_classifier) throw Error("'" + name + "' asks the network nothing");
    MetricCost cost{name};
    MetricRequest request{&classifier, &x, &targets, map};
    int64_t before = classifier.forward_count();
    request.forwards = &memo;
    ks::measure(name, {}, request);
    cost.shared = classifier.forward_count() - before;
    request.forwards = nullptr;
    std::vector<double> of_metric, of_forwards;
    for (int i = 0; i < o.repeats; ++i) {
      before = classifier.forward_count();
      double begin = seconds_now();
      ks::measure(name, {}, request);
      of_metric.push_back(seconds_now() - begin);
      cost.alone = classifier.forward_count() - before;
      begin = seconds_now();
      forwards(cost.alone);
      of_forwards.push_back(seconds_now() - begin);
    }
    cost.metric = median(of_metric);
    cost.forwards = median(of_forwards);
    costs.push_back(cost);
  }
  int64_t alone = 0, shared = 0;
  ks::json rows = ks::json::array();
  if (!context.json)
    std::printf("%-28s %9s %9s %11s %13s %7s\n", "metric", "forwards", "shared", "metric, ms", "forwards, ms", "ratio");
  for (const MetricCost& c : costs) {
    alone += c.alone;
    shared += c.shared;
    rows.push_back({{"metric", c.name},
                    {"forwards", c.alone},
                    {"shared_forwards", c.shared},
                    {"metric_ms", c.metric * 1e3},
                    {"forwards_ms", c.forwards * 1e3}});
    if (!context.json)
      std::printf("%-28s %9lld %9lld %11.1f %13.1f %7s\n", c.name.c_str(), static_cast<long long>(c.alone),
                  static_cast<long long>(c.shared), c.metric * 1e3, c.forwards * 1e3,
                  c.alone > 0 ? std::to_string(c.ratio()).substr(0, 5).c_str() : "-");
  }
  if (context.json)
    context.print({{"model", network.name}, {"metrics", rows}, {"forwards", alone}, {"shared_forwards", shared}});
  else
    std::printf("forward passes one by one %lld, together %lld: %.3f of them\n", static_cast<long long>(alone),
                static_cast<long long>(shared),
                alone > 0 ? static_cast<double>(shared) / static_cast<double>(alone) : 0);
}

}  // namespace

Action bench_metrics(CLI::App& app) {
  auto o = std::make_shared<BenchMetricsOptions>();
  app.add_option("--model", o->model, "ONNX image classifier; ResNet-18 with random weights when left out");
  app.add_option("--method", o->method, "Whose map is measured");
  app.add_option("--metric", o->names, "Only these metrics; all of faithfulness when left out");
  app.add_option("--threads", o->threads, "Threads of ONNX Runtime")->check(CLI::Range(1, 1024));
  app.add_option("--repeats", o->repeats, "Runs of each, the median counts")->check(CLI::Range(1, 1000));
  return [o](Context& context) { run_metrics(*o, context); };
}

}  // namespace ks::cli

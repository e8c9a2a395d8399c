#include <malloc.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>

#include "cli/bench_network.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/profile.h"
#include "explain/timing.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace ks::cli {

namespace {

struct BenchMethodsOptions {
  std::string model, save;
  std::vector<std::string> names;
  int threads = 2, repeats = 15;
  bool profile = false;
};

/// What a method may cost on ResNet-18, in forward passes.
struct Budget {
  const char* method;
  double forwards;
};
constexpr Budget budgets[] = {
    {"gradient", 2.4},
    {"guided-backprop", 2.4},
    {"integrated-gradients", 74},
    {"lrp-epsilon-plus-flat", 3.6},
    {"lrp-epsilon-gamma-box", 5.5},
    {"lrp-epsilon-alpha2-beta1-flat", 5.0},
    {"grad-cam", 1.6},
    {"lime", 260},
};
constexpr double session_budget = 40;  // forward passes to build a session
constexpr double memory_budget = 4;    // times the forward pass's memory

double budget_of(const std::string& method) {
  for (const Budget& b : budgets)
    if (method == b.method) return b.forwards;
  return 0;
}

/// What the budgets are for.
ks::json bench_parameters(const std::string& method) {
  if (method == "lime") return {{"samples", 256}};
  if (method == "integrated-gradients") return {{"steps", 32}};
  return ks::json::object();
}

/// A field of /proc/self/status in bytes: "VmRSS", "VmHWM".
double memory_now(const std::string& field) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line))
    if (line.rfind(field + ":", 0) == 0) return 1024.0 * std::stod(line.substr(field.size() + 1));
  throw std::runtime_error("/proc/self/status has no " + field);
}

/// Peak resident memory that a child process needs for one run on one image, in bytes, above what it had before it made
/// a session: the classifier, the method's own sessions, the run. No method: the forward pass alone. Must be called
/// while this process has no session: its threads would not live on in the child.
double peak_memory(const BenchNetwork& network, const SessionOptions& options, const std::string& method) {
  int ends[2];
  if (pipe(ends)) throw std::runtime_error("cannot make a pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("cannot start a process");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // it ends with us, however we end
    double used = -1;
    try {
      malloc_trim(0);
      std::ofstream("/proc/self/clear_refs") << 5;  // the peak starts from here
      const double before = memory_now("VmRSS");
      Classifier classifier(network.bytes, network.name, options);
      const Tensor x = bench_images(classifier);
      const std::vector<int> targets = {0};
      if (method.empty())
        classifier.logits(x);
      else
        ks::explain(method, bench_parameters(method), {classifier, x, targets});
      used = memory_now("VmHWM") - before;
    } catch (const std::exception&) {
      // Told by the method's own run.
    }
    const ssize_t written = write(ends[1], &used, sizeof used);
    _exit(written == sizeof used ? 0 : 1);
  }
  close(ends[1]);
  double used = -1;
  const ssize_t got = read(ends[0], &used, sizeof used);
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return got == sizeof used ? used : -1;
}

/// Where the time of a method, or with no method of the forward pass, goes.
std::vector<OpTime> profile_of(const BenchNetwork& network, const BenchMethodsOptions& o, const SessionOptions& options,
                               const std::string& method) {
  return profile(options, [&](const SessionOptions& profiled) {
    Classifier classifier(network.bytes, network.name, profiled);
    const Tensor x = bench_images(classifier);
    for (int i = 0; i < o.repeats; ++i) {
      if (method.empty())
        classifier.logits(x);
      else
        ks::explain(method, bench_parameters(method), {classifier, x, {0}});
    }
  });
}

const char* verdict(double value, double budget) {
  return budget <= 0 ? "" : value <= budget ? "within" : "over";
}

void run(const BenchMethodsOptions& o, Context& context) {
  const BenchNetwork network = bench_network(o.model);
  if (!o.save.empty()) write_file(o.save, network.bytes);
  const SessionOptions options = session_options("cpu", o.threads);
  const std::vector<std::string> names = o.names.empty() ? methods().names() : o.names;
  for (const std::string& name : names) methods().at(name);

  const double forward_memory = peak_memory(network, options, "");
  std::vector<double> memory;
  for (const std::string& name : names) memory.push_back(peak_memory(network, options, name));

  ks::json rows = ks::json::array();
  if (!context.json)
    std::printf("%-30s %11s %10s %9s %7s %7s %12s %7s %10s %7s\n", "method", "forward ms", "method ms", "forwards",
                "budget", "", "session, fw", "of 40", "memory, fw", "of 4");
  for (size_t k = 0; k < names.size(); ++k) {
    const double budget = budget_of(names[k]);
    ks::json row = {{"method", names[k]}};
    try {
      // A network of its own for every method, so that no session is there before.
      Classifier classifier(network.bytes, network.name, options);
      const Tensor x = bench_images(classifier);
      const MethodTiming t = time_method(names[k], bench_parameters(names[k]), {classifier, x, {0}}, o.repeats);
      const double forwards = t.method / t.forward, session = std::max(0.0, t.first - t.method) / t.forward,
                   memory_ratio = memory[k] / forward_memory;
      row.update({{"forward_ms", t.forward},
                  {"method_ms", t.method},
                  {"forwards", forwards},
                  {"budget", budget > 0 ? ks::json(budget) : ks::json()},
                  {"session_forwards", session},
                  {"memory_mb", memory[k] / 1048576},
                  {"memory_forwards", memory_ratio}});
      if (!context.json) {
        char limit[16] = "";
        if (budget > 0) std::snprintf(limit, sizeof limit, "%.1f", budget);
        std::printf("%-30s %11.2f %10.2f %9.2f %7s %7s %12.1f %7s %10.2f %7s\n", names[k].c_str(), t.forward, t.method,
                    forwards, limit, verdict(forwards, budget), session, verdict(session, session_budget), memory_ratio,
                    verdict(memory_ratio, memory_budget));
      }
    } catch (const Error& e) {
      row["error"] = e.what();
      if (!context.json) std::printf("%-30s %s\n", names[k].c_str(), e.what());
    }
    if (o.profile && !row.contains("error")) {
      const std::vector<OpTime> ops = profile_of(network, o, options, names[k]);
      row["profile"] = profile_json(ops);
      if (!context.json) print_profile(ops);
    }
    std::fflush(stdout);
    rows.push_back(std::move(row));
  }
  if (context.json) {
    context.print(rows);
    return;
  }
  std::printf("memory: peak above the process's before any session; the forward pass alone has %.0f MB\n",
              forward_memory / 1048576);
  if (!o.profile) return;
  std::printf("the forward pass\n");
  print_profile(profile_of(network, o, options, ""));
}

}  // namespace

Action bench_methods(CLI::App& app) {
  auto o = std::make_shared<BenchMethodsOptions>();
  app.add_option("--model", o->model, "ONNX image classifier; ResNet-18 with random weights when left out");
  app.add_option("--save", o->save, "Write the model that is measured to this file");
  app.add_option("--method", o->names, "Only these methods");
  app.add_flag("--profile", o->profile, "Also the time per op of ONNX Runtime");
  app.add_option("--threads", o->threads, "Threads of ONNX Runtime")->check(CLI::Range(1, 1024));
  app.add_option("--repeats", o->repeats, "Runs of each, the median counts")->check(CLI::Range(1, 1000));
  return [o](Context& context) { run(*o, context); };
}

}  // namespace ks::cli

#include <cmath>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/inputs.h"
#include "explain/timing.h"
#include "graph/builder.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/random.h"

namespace ks::cli {

namespace {

/// ResNet-18 (K. He et al.: Deep residual learning, CVPR 2016) with random weights and batch norms: the yardstick of
/// the budgets. Random weights cost the same time as trained ones.
graph::Model resnet18() {
  graph::Model model;
  model.inputs.push_back({"input", graph::Type::f32, {{-1, "N"}, {3, ""}, {224, ""}, {224, ""}}});
  graph::Builder b(model);
  Random random(18);
  const auto weights = [&](Shape shape, double deviation, double mean = 0) {
    Tensor t(std::move(shape));
    for (float& v : t.data) v = static_cast<float>(mean + deviation * random.normal());
    return b.constant(graph::Array::of(t), "weight");
  };
  const auto convolution = [&](const std::string& x, int64_t in, int64_t out, int64_t k, int64_t stride) {
    const std::string w = weights({out, in, k, k}, std::sqrt(2.0 / static_cast<double>(in * k * k)));
    const std::string z = b.add("Conv", {x, w},
                                {{"strides", std::vector<int64_t>{stride, stride}},
                                 {"kernel_shape", std::vector<int64_t>{k, k}},
                                 {"pads", std::vector<int64_t>(4, k / 2)}});
    const std::string variance = b.constant(graph::Array::floats({out}, std::vector<float>(out, 1.0f)), "variance");
    return b.add("BatchNormalization",
                 {z, weights({out}, 0.1, 0.7), weights({out}, 0.1), weights({out}, 0.1), variance});
  };
  std::string x = b.add("Relu", {convolution("input", 3, 64, 7, 2)});
  x = b.add("MaxPool", {x},
            {{"kernel_shape", std::vector<int64_t>{3, 3}},
             {"strides", std::vector<int64_t>{2, 2}},
             {"pads", std::vector<int64_t>(4, 1)}});
  int64_t in = 64;
  for (int64_t out : {64, 128, 256, 512}) {
    for (int block = 0; block < 2; ++block) {
      const int64_t stride = block == 0 && out != 64 ? 2 : 1;
      const std::string skip = stride == 2 ? convolution(x, in, out, 1, 2) : x;
      const std::string inner = b.add("Relu", {convolution(x, in, out, 3, stride)});
      x = b.add("Relu", {b.add("Add", {convolution(inner, out, out, 3, 1), skip})});
      in = out;
    }
  }
  x = b.add("Flatten", {b.add("GlobalAveragePool", {x})});
  b.add_named("Gemm", {x, weights({1000, 512}, 0.04), weights({1000}, 0.01)}, "logits", {{"transB", int64_t{1}}});
  model.outputs.push_back({"logits", graph::Type::f32, {{-1, "N"}, {1000, ""}}});
  return model;
}

struct Options {
  std::string model, save;
  std::vector<std::string> names;
  int threads = 2, repeats = 15;
};

/// Times every method on one image against the forward pass measured between its runs, so that both see the same
/// machine.
void bench_methods(const Options& o, Context& context) {
  const std::string bytes = o.model.empty() ? graph::write(resnet18()) : read_file(o.model);
  if (!o.save.empty()) write_file(o.save, bytes);
  SessionOptions options = session_options("cpu", o.threads);
  Classifier classifier(bytes, o.model.empty() ? "resnet18" : o.model, options);
  Tensor x({1, classifier.channels(), classifier.height(), classifier.width()});
  Random random(1);
  for (float& v : x.data) v = static_cast<float>(random.normal());
  const std::vector<int> targets = {0};
  for (int i = 0; i < 5; ++i) classifier.logits(x);
  std::vector<std::string> names = o.names.empty() ? methods().names() : o.names;
  ks::json rows = ks::json::array();
  std::printf("%-32s %12s %12s %12s %14s\n", "method", "forward ms", "method ms", "forwards", "first run, fw");
  for (const std::string& name : names) {
    const MethodTiming t = time_method(name, {}, {classifier, x, targets}, o.repeats);
    const double forwards = t.method / t.forward;
    std::printf("%-32s %12.2f %12.2f %12.2f %14.1f\n", name.c_str(), t.forward, t.method, forwards, t.first / t.forward);
    std::fflush(stdout);
    rows.push_back({{"method", name}, {"forward_ms", t.forward}, {"method_ms", t.method}, {"forwards", forwards}});
  }
  if (context.json) context.print(rows);
}

}  // namespace

Action bench(CLI::App& app) {
  auto o = std::make_shared<Options>();
  auto* sub = app.add_subcommand("methods", "Cost of every method in forward passes of the same model, same process");
  app.require_subcommand(1);
  sub->add_option("--model", o->model, "ONNX image classifier; ResNet-18 with random weights when left out");
  sub->add_option("--save", o->save, "Write the model that is measured to this file");
  sub->add_option("--method", o->names, "Only these methods");
  sub->add_option("--threads", o->threads, "Threads of ONNX Runtime")->check(CLI::Range(1, 1024));
  sub->add_option("--repeats", o->repeats, "Runs of each, the median counts")->check(CLI::Range(1, 1000));
  auto* training = app.add_subcommand("training", "Steps of training a grainnet on random images");
  for (CLI::App* command : {sub, training}) command->fallthrough();  // --json and --quiet belong to bench
  const Action train_action = bench_training(*training);
  return [o, training, train_action](Context& context) {
    if (training->parsed())
      train_action(context);
    else
      bench_methods(*o, context);
  };
}

}  // namespace ks::cli

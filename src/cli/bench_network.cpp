#include "cli/bench_network.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "grain/render.h"
#include "graph/builder.h"
#include "picture/image.h"
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

}  // namespace

BenchNetwork bench_network(const std::string& path) {
  if (path.empty()) return {graph::write(resnet18()), "resnet18"};
  return {read_file(path), path};
}

Tensor bench_images(const Classifier& classifier, int64_t count) {
  Tensor x({count, classifier.channels(), classifier.height(), classifier.width()});
  for (int64_t n = 0; n < count; ++n) {
    const KernelRecipe recipe{.defect = Defect::pink_fusarium, .seed = static_cast<uint64_t>(n) + 1};
    const Image picture = resize_image(render_kernel(recipe).image, classifier.width(), classifier.height());
    const Tensor one = image_to_tensor(picture, classifier.preprocessing());
    std::copy(one.data.begin(), one.data.end(), x.sample(n));
  }
  return x;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace ks::cli

#pragma once
#include <string>

#include "explain/classifier.h"

namespace ks::cli {

/// On what the benchmarks of methods run.
struct BenchNetwork {
  std::string bytes, name;
};

/// The ONNX file at `path`, or ResNet-18 with random weights where it is empty. Throws Error.
BenchNetwork bench_network(const std::string& path);

/// Rendered kernels of the classifier's input size, always the same: [count,C,H,W].
Tensor bench_images(const Classifier& classifier, int64_t count = 1);

double seconds_now();

}  // namespace ks::cli

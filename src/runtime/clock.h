#pragma once
#include <chrono>

namespace ks {

/// Wall-clock seconds that this process's calls of ONNX Runtime have taken so far, building sessions and running them;
/// calls of several threads at once count each. The rest of a study's time is Kernelscope's own.
double seconds_in_runtime();

/// Counts its lifetime.
class RuntimeClock {
 public:
  RuntimeClock() = default;
  ~RuntimeClock();
  RuntimeClock(const RuntimeClock&) = delete;
  RuntimeClock& operator=(const RuntimeClock&) = delete;

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace ks

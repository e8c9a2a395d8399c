#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace ks {

enum class Device {
  automatic,  // WebGPU where there is a real adapter, CUDA where the runtime has it, else the CPU
  cpu,
  webgpu,
  cuda
};

struct SessionOptions {
  Device device = Device::automatic;
  int threads = 0;       // 0: all cores (native), the hardware's concurrency (web)
  bool profile = false;  // native only: write ONNX Runtime's profile to profile_prefix
  std::string profile_prefix;
  bool verbose = false;  // log which provider takes which node
  /// Values of symbolic dimensions known beforehand, e.g. {"N", 1}: lets ONNX Runtime plan memory.
  std::vector<std::pair<std::string, int64_t>> dimensions;
};

struct TensorInfo {
  std::string name;
  Shape shape;  // -1 where the size is free
};

/// One network ready to run: ONNX Runtime's C API, natively (native.cpp) or in the browser (web.cpp). Inputs and
/// outputs are float32. In the browser a call may suspend the calling worker (Asyncify); never call it from a callback
/// of a run.
class Session {
 public:
  /// Throws Error when ONNX Runtime refuses the model (its message names the node).
  Session(const std::string& onnx_bytes, const SessionOptions& options, const std::string& where);
  ~Session();
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;

  using Input = std::pair<std::string, const Tensor*>;

  /// Runs the network; returns the named outputs in the order asked for.
  std::vector<Tensor> run(const std::vector<Input>& inputs, const std::vector<std::string>& outputs);

  const std::vector<TensorInfo>& inputs() const;
  const std::vector<TensorInfo>& outputs() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

/// What runs the networks here, in words for people: {"provider": "webgpu", "threads": 1, "version": "1.30.0",
/// "reason": "no cross-origin isolation: one thread"}.
struct RuntimeInfo {
  std::string provider;
  int threads = 1;
  std::string version;
  std::string reason;
};
RuntimeInfo runtime_info();

}  // namespace ks

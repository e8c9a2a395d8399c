#include <dlfcn.h>
#include <onnxruntime_c_api.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "runtime/clock.h"
#include "runtime/session.h"
#include "tensor/error.h"

namespace ks {

namespace {

/// The way into the library. ONNX Runtime's own builds send records of their use over the network unless this variable
/// is set before the first call; nothing that is done here shall leave the machine.
const OrtApiBase& library() {
  static const OrtApiBase* const base = [] {
    setenv("ORT_DISABLE_TELEMETRY", "1", 1);
    return OrtGetApiBase();
  }();
  return *base;
}

const OrtApi& api() {
  static const OrtApi* const table = library().GetApi(ORT_API_VERSION);
  if (!table) throw std::runtime_error("the ONNX Runtime library is older than its headers");
  return *table;
}

/// Owns an object of the C API.
template <class T>
struct Handle {
  using Release = void(ORT_API_CALL*)(T*);
  T* pointer = nullptr;
  Release release = nullptr;

  explicit Handle(Release r) : release(r) {}
  ~Handle() {
    if (pointer) release(pointer);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
};

void check(OrtStatus* status) {
  if (!status) return;
  const std::string message = api().GetErrorMessage(status);
  api().ReleaseStatus(status);
  throw std::runtime_error("ONNX Runtime: " + message);
}

OrtEnv* environment(bool verbose) {
  // One environment a process: ONNX Runtime keeps its thread pools and allocators there.
  static OrtEnv* const env = [&] {
    OrtEnv* e = nullptr;
    check(api().CreateEnv(verbose ? ORT_LOGGING_LEVEL_VERBOSE : ORT_LOGGING_LEVEL_ERROR, "kernelscope", &e));
    check(api().DisableTelemetryEvents(e));
    // What sessions need while they run comes from one arena: a study has hundreds of sessions, and runs one at a time.
    Handle<OrtMemoryInfo> memory(api().ReleaseMemoryInfo);
    check(api().CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory.pointer));
    Handle<OrtArenaCfg> arena(api().ReleaseArenaCfg);
    check(api().CreateArenaCfg(0, -1, -1, -1, &arena.pointer));
    check(api().CreateAndRegisterAllocator(e, memory.pointer, arena.pointer));
    return e;
  }();
  return env;
}

TensorInfo tensor_info(const OrtSession* session, size_t index, bool input) {
  OrtAllocator* allocator = nullptr;
  check(api().GetAllocatorWithDefaultOptions(&allocator));
  char* name = nullptr;
  check(input ? api().SessionGetInputName(session, index, allocator, &name)
              : api().SessionGetOutputName(session, index, allocator, &name));
  TensorInfo info{name, {}};
  check(api().AllocatorFree(allocator, name));
  Handle<OrtTypeInfo> type(api().ReleaseTypeInfo);
  check(input ? api().SessionGetInputTypeInfo(session, index, &type.pointer)
              : api().SessionGetOutputTypeInfo(session, index, &type.pointer));
  const OrtTensorTypeAndShapeInfo* shape = nullptr;
  check(api().CastTypeInfoToTensorInfo(type.pointer, &shape));
  if (shape) {
    size_t rank = 0;
    check(api().GetDimensionsCount(shape, &rank));
    info.shape.resize(rank);
    check(api().GetDimensions(shape, info.shape.data(), rank));
  }
  return info;
}

/// Whether this build of ONNX Runtime can use CUDA on this machine; only asked for when CUDA was requested or may be
/// used.
bool append_cuda(OrtSessionOptions* options) {
  OrtCUDAProviderOptionsV2* cuda = nullptr;
  OrtStatus* status = api().CreateCUDAProviderOptions(&cuda);
  if (!status) {
    status = api().SessionOptionsAppendExecutionProvider_CUDA_V2(options, cuda);
    api().ReleaseCUDAProviderOptions(cuda);
  }
  if (status) api().ReleaseStatus(status);
  return !status;
}

/// The CUDA provider is a library of its own beside ONNX Runtime's; a build may name the provider without bringing it.
bool cuda_in_build() {
  static const bool found = [] {
    Dl_info self;
    if (!dladdr(reinterpret_cast<const void*>(&OrtGetApiBase), &self) || !self.dli_fname) return false;
    std::error_code ec;
    const auto folder = std::filesystem::canonical(self.dli_fname, ec).parent_path();
    return !ec && std::filesystem::exists(folder / "libonnxruntime_providers_cuda.so", ec);
  }();
  return found;
}

}  // namespace

struct Session::Impl {
  OrtSession* session = nullptr;
  OrtMemoryInfo* memory = nullptr;
  std::vector<TensorInfo> inputs, outputs;

  ~Impl() {
    if (session) api().ReleaseSession(session);
    if (memory) api().ReleaseMemoryInfo(memory);
  }
};

Session::Session(const std::string& onnx_bytes, const SessionOptions& options, const std::string& where)
    : impl_(std::make_unique<Impl>()) {
  Handle<OrtSessionOptions> o(api().ReleaseSessionOptions);
  check(api().CreateSessionOptions(&o.pointer));
  check(api().SetSessionGraphOptimizationLevel(o.pointer, ORT_ENABLE_ALL));
  check(api().SetIntraOpNumThreads(o.pointer, options.threads));
  check(api().SetInterOpNumThreads(o.pointer, 1));
  // Subnormals slow a kernel by a factor of ten and change no map beyond 1e-38.
  check(api().AddSessionConfigEntry(o.pointer, "session.set_denormal_as_zero", "1"));
  // Threads that wait for this session's next run by spinning take the cores from the session that runs now: a study
  // has many.
  check(api().AddSessionConfigEntry(o.pointer, "session.force_spinning_stop", "1"));
  check(api().AddSessionConfigEntry(o.pointer, "session.use_env_allocators", "1"));
  check(api().AddSessionConfigEntry(o.pointer, "session.use_device_allocator_for_initializers", "1"));
  for (const auto& [symbol, size] : options.dimensions)
    check(api().AddFreeDimensionOverrideByName(o.pointer, symbol.c_str(), size));
  if (options.profile) check(api().EnableProfiling(o.pointer, options.profile_prefix.c_str()));
  if (options.device == Device::webgpu)
    throw Error("WebGPU is not part of the native build", "", "use --device cpu or cuda");
  if (options.device != Device::cpu) {
    const bool cuda = cuda_in_build() && append_cuda(o.pointer);
    if (options.device == Device::cuda && !cuda)
      throw Error("CUDA is not available in this ONNX Runtime", "", "use --device cpu");
  }
  const RuntimeClock clock;
  if (OrtStatus* status = api().CreateSessionFromArray(environment(options.verbose), onnx_bytes.data(),
                                                       onnx_bytes.size(), o.pointer, &impl_->session)) {
    const std::string message = api().GetErrorMessage(status);
    api().ReleaseStatus(status);
    throw Error("ONNX Runtime refuses the network: " + message, where);
  }
  check(api().CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &impl_->memory));
  size_t count = 0;
  check(api().SessionGetInputCount(impl_->session, &count));
  for (size_t i = 0; i < count; ++i) impl_->inputs.push_back(tensor_info(impl_->session, i, true));
  check(api().SessionGetOutputCount(impl_->session, &count));
  for (size_t i = 0; i < count; ++i) impl_->outputs.push_back(tensor_info(impl_->session, i, false));
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

std::vector<Tensor> Session::run(const std::vector<Input>& inputs, const std::vector<std::string>& outputs) {
  struct Values {
    std::vector<OrtValue*> list;
    ~Values() {
      for (OrtValue* v : list)
        if (v) api().ReleaseValue(v);
    }
  } in, out;
  std::vector<const char*> input_names, output_names;
  for (const auto& [name, tensor] : inputs) {
    OrtValue* value = nullptr;
    check(api().CreateTensorWithDataAsOrtValue(impl_->memory, const_cast<float*>(tensor->data.data()),
                                               tensor->data.size() * sizeof(float), tensor->shape.data(),
                                               tensor->shape.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &value));
    in.list.push_back(value);
    input_names.push_back(name.c_str());
  }
  for (const std::string& name : outputs) output_names.push_back(name.c_str());
  out.list.resize(outputs.size());
  {
    const RuntimeClock clock;
    check(api().Run(impl_->session, nullptr, input_names.data(), in.list.data(), in.list.size(), output_names.data(),
                    output_names.size(), out.list.data()));
  }
  std::vector<Tensor> results;
  for (OrtValue* value : out.list) {
    Handle<OrtTensorTypeAndShapeInfo> info(api().ReleaseTensorTypeAndShapeInfo);
    check(api().GetTensorTypeAndShape(value, &info.pointer));
    size_t rank = 0;
    check(api().GetDimensionsCount(info.pointer, &rank));
    Tensor result;
    result.shape.resize(rank);
    check(api().GetDimensions(info.pointer, result.shape.data(), rank));
    void* data = nullptr;
    check(api().GetTensorMutableData(value, &data));
    const auto* values = static_cast<const float*>(data);
    result.data.assign(values, values + element_count(result.shape));
    results.push_back(std::move(result));
  }
  return results;
}

const std::vector<TensorInfo>& Session::inputs() const {
  return impl_->inputs;
}
const std::vector<TensorInfo>& Session::outputs() const {
  return impl_->outputs;
}

RuntimeInfo runtime_info() {
  RuntimeInfo info;
  info.provider = cuda_in_build() ? "cuda" : "cpu";
  info.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  info.version = library().GetVersionString();
  info.reason = cuda_in_build() ? "CUDA is in this ONNX Runtime" : "this ONNX Runtime has no GPU provider";
  return info;
}

}  // namespace ks

#include <emscripten.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "runtime/clock.h"
#include "runtime/session.h"
#include "tensor/error.h"

// ONNX Runtime Web through web/ort.js: `Module.ort` is an object of its class Ort. A call either finishes at once
// (WebAssembly) or leaves a promise (WebGPU), for which the core is suspended by Asyncify.

// clang-format off
EM_JS(int, ks_ort_create, (const char* bytes, int length, const char* options), {
  return Module.ort.createSession(HEAPU8, bytes, length, options);
});
EM_JS(void, ks_ort_release, (int session), { Module.ort.releaseSession(session); });
EM_JS(int, ks_ort_result, (), { return Module.ort.result; });
EM_JS(void, ks_ort_begin, (int session), { Module.ort.beginRun(session); });
EM_JS(void, ks_ort_input, (const char* name, const int* dims, int rank, const float* data, int count), {
  Module.ort.addInput(HEAPU8, name, dims, rank, data, count);
});
EM_JS(void, ks_ort_output, (const char* name), { Module.ort.addOutput(HEAPU8, name); });
EM_JS(int, ks_ort_run, (), { return Module.ort.run(); });
EM_ASYNC_JS(int, ks_ort_wait, (), { return await Module.ort.wait(); });
EM_JS(int, ks_ort_rank, (int output), { return Module.ort.outputRank(output); });
EM_JS(void, ks_ort_dims, (int output, int* dims), { Module.ort.outputDims(output, HEAPU8, dims); });
EM_JS(void, ks_ort_data, (int output, float* data, int count), { Module.ort.outputData(output, HEAPU8, data, count); });
EM_JS(void, ks_ort_end, (), { Module.ort.endRun(); });
// A text is made first (0: the error, 1: a session's description, 2: what runs here) and copied in a second call.
EM_JS(int, ks_ort_text, (int what, int session), {
  Module.ortText = what === 0 ? Module.ort.errorBytes()
                 : what === 1 ? Module.ort.describe(session)
                              : new TextEncoder().encode(JSON.stringify(Module.ort ? Module.ort.info : {}));
  return Module.ortText.length;
});
EM_JS(void, ks_ort_copy_text, (char* to), { HEAPU8.set(Module.ortText, to); });
// clang-format on

namespace ks {

namespace {

enum Text { error_text = 0, session_text = 1, runtime_text = 2 };

std::string text(Text what, int session = 0) {
  std::string out(static_cast<size_t>(ks_ort_text(what, session)), '\0');
  ks_ort_copy_text(out.data());
  return out;
}

/// Waits where the call left a promise; true when it went well.
bool finish(int status) {
  constexpr int done = 0, pending = 1;
  if (status == pending) status = ks_ort_wait();
  return status == done;
}

std::vector<TensorInfo> tensor_infos(const nlohmann::json& list) {
  std::vector<TensorInfo> out;
  for (const nlohmann::json& t : list) out.push_back({t.at("name").get<std::string>(), t.at("shape").get<Shape>()});
  return out;
}

}  // namespace

struct Session::Impl {
  int handle = 0;
  std::vector<TensorInfo> inputs, outputs;

  ~Impl() {
    if (handle) ks_ort_release(handle);
  }
};

Session::Session(const std::string& onnx_bytes, const SessionOptions& options, const std::string& where)
    : impl_(std::make_unique<Impl>()) {
  nlohmann::json dimensions = nlohmann::json::array();
  for (const auto& [symbol, size] : options.dimensions) dimensions.push_back({symbol, size});
  const std::string text_options = nlohmann::json{{"dimensions", dimensions}}.dump();
  const RuntimeClock clock;
  if (!finish(ks_ort_create(onnx_bytes.data(), static_cast<int>(onnx_bytes.size()), text_options.c_str())))
    throw Error("ONNX Runtime refuses the network: " + text(error_text), where);
  impl_->handle = ks_ort_result();
  const nlohmann::json description = nlohmann::json::parse(text(session_text, impl_->handle));
  impl_->inputs = tensor_infos(description.at("inputs"));
  impl_->outputs = tensor_infos(description.at("outputs"));
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

std::vector<Tensor> Session::run(const std::vector<Input>& inputs, const std::vector<std::string>& outputs) {
  const RuntimeClock clock;
  ks_ort_begin(impl_->handle);
  for (const auto& [name, tensor] : inputs) {
    const std::vector<int> dims(tensor->shape.begin(), tensor->shape.end());
    ks_ort_input(name.c_str(), dims.data(), static_cast<int>(dims.size()), tensor->data.data(),
                 static_cast<int>(tensor->data.size()));
  }
  for (const std::string& name : outputs) ks_ort_output(name.c_str());
  if (!finish(ks_ort_run())) {
    const std::string message = text(error_text);
    ks_ort_end();
    throw std::runtime_error("ONNX Runtime: " + message);
  }
  std::vector<Tensor> results;
  for (int i = 0; i < static_cast<int>(outputs.size()); ++i) {
    std::vector<int> dims(static_cast<size_t>(ks_ort_rank(i)));
    ks_ort_dims(i, dims.data());
    Tensor result(Shape(dims.begin(), dims.end()));
    ks_ort_data(i, result.data.data(), static_cast<int>(result.size()));
    results.push_back(std::move(result));
  }
  ks_ort_end();
  return results;
}

const std::vector<TensorInfo>& Session::inputs() const {
  return impl_->inputs;
}
const std::vector<TensorInfo>& Session::outputs() const {
  return impl_->outputs;
}

RuntimeInfo runtime_info() {
  const nlohmann::json j = nlohmann::json::parse(text(runtime_text));
  RuntimeInfo info;
  info.provider = j.value("provider", "none");
  info.threads = j.value("threads", 1);
  info.version = KERNELSCOPE_ORT_WEB_VERSION;
  info.reason = j.value("reason", "ONNX Runtime is not loaded");
  return info;
}

}  // namespace ks

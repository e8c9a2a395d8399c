#include <emscripten.h>

#include <memory>

#include "tensor/error.h"
#include "worker/service.h"

// The core's WebAssembly module: what web/core_worker.js calls. One request at a time; a request may be suspended
// (Asyncify) for WebGPU, for a file, or to let the Worker hear that it is cancelled.

// clang-format off
// The bytes of a built-in file or an address, by Module.files. 0: fine, else the text is the sentence that failed.
EM_ASYNC_JS(int, ks_fetch, (const char* kind, const char* what, const char* name), {
  const text = (at) => { let end = at; while (HEAPU8[end]) ++end; return new TextDecoder().decode(HEAPU8.subarray(at, end)); };
  try {
    Module.fetched = await Module.files(text(kind), text(what), text(name));
    return 0;
  } catch (problem) {
    Module.fetched = new TextEncoder().encode(String(problem && problem.message || problem));
    return 1;
  }
});
EM_JS(int, ks_fetched_size, (), { return Module.fetched.length; });
EM_JS(void, ks_fetched_copy, (char* to), { HEAPU8.set(Module.fetched, to); Module.fetched = null; });
EM_JS(void, ks_progress, (double fraction), { Module.progress(fraction); });
// Lets the Worker's other messages in; true when one of them cancelled the request.
EM_ASYNC_JS(int, ks_yield, (), { return await Module.yieldToMessages() ? 1 : 0; });
// clang-format on

namespace {

constexpr double yield_every = 60;  // milliseconds

struct State {
  ks::Service service{[](const std::string& what, const ks::Source& source) {
    const int failed = ks_fetch(to_string(source.kind), what.c_str(), source.text.c_str());
    std::string bytes(static_cast<size_t>(ks_fetched_size()), '\0');
    ks_fetched_copy(bytes.data());
    if (failed) throw ks::Error(bytes);
    return bytes;
  }};
  std::string head, bytes;  // of the last answer
};

State& state() {
  static State s;
  return s;
}

void report(double fraction) {
  static double last = 0;
  const double now = emscripten_get_now();
  if (now - last < yield_every) return;
  ks_progress(fraction);
  if (ks_yield()) throw ks::Cancelled();
  last = emscripten_get_now();
}

}  // namespace

extern "C" {

EMSCRIPTEN_KEEPALIVE char* ks_allocate(int size) {
  return static_cast<char*>(std::malloc(static_cast<size_t>(size ? size : 1)));
}

/// Handles a request and frees its parts; the answer is then at the four functions below.
EMSCRIPTEN_KEEPALIVE void ks_request(char* head, int head_size, char* bytes, int size) {
  const std::string text(head, static_cast<size_t>(head_size));
  const std::string buffer(bytes, static_cast<size_t>(size));
  std::free(head);
  std::free(bytes);
  const ks::json request = ks::json::parse(text, nullptr, false);
  ks::Message answer = state().service.handle(request, buffer, report);
  state().head = answer.head.dump(-1, ' ', false, ks::json::error_handler_t::replace);
  state().bytes = std::move(answer.bytes);
}

EMSCRIPTEN_KEEPALIVE const char* ks_head() {
  return state().head.data();
}
EMSCRIPTEN_KEEPALIVE int ks_head_size() {
  return static_cast<int>(state().head.size());
}
EMSCRIPTEN_KEEPALIVE const char* ks_bytes() {
  return state().bytes.data();
}
EMSCRIPTEN_KEEPALIVE int ks_bytes_size() {
  return static_cast<int>(state().bytes.size());
}
}

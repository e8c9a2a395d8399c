#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#ifdef __EMSCRIPTEN__
#include <emscripten.h>

// Called by tests/web/core.mjs once ONNX Runtime is loaded. `filter` is doctest's --test-suite, empty for all.
extern "C" EMSCRIPTEN_KEEPALIVE int ks_run_tests(const char* filter) {
  doctest::Context context;
  if (*filter) context.addFilter("test-suite", filter);
  context.setOption("no-colors", true);
  return context.run();
}
#else
int main(int argc, char** argv) {
  return doctest::Context(argc, argv).run();
}
#endif

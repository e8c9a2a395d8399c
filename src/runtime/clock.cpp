#include "runtime/clock.h"

#include <atomic>
#include <cstdint>

namespace ks {

namespace {

std::atomic<int64_t> nanoseconds = 0;

}  // namespace

double seconds_in_runtime() {
  return static_cast<double>(nanoseconds.load()) * 1e-9;
}

RuntimeClock::~RuntimeClock() {
  nanoseconds +=
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin_).count();
}

}  // namespace ks

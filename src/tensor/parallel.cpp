#include "tensor/parallel.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace ks {

int thread_count(int wanted) {
#ifdef __EMSCRIPTEN__
  (void)wanted;
  return 1;
#else
  return wanted > 0 ? wanted : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
#endif
}

void for_each(int64_t count, int threads, const std::function<void(int64_t, int)>& work) {
  std::atomic<int64_t> next = 0;
  const auto run = [&](int thread) {
    for (int64_t i = next++; i < count; i = next++) work(i, thread);
  };
#ifndef __EMSCRIPTEN__
  std::vector<std::future<void>> others;
  for (int t = 1; t < std::min<int64_t>(threads, count); ++t) others.push_back(std::async(std::launch::async, run, t));
  run(0);
  for (auto& other : others) other.wait();
  for (auto& other : others) other.get();
#else
  (void)threads;
  run(0);
#endif
}

}  // namespace ks

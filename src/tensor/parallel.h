#pragma once
#include <cstdint>
#include <functional>

namespace ks {

/// How many threads there are to be: `wanted`, or for 0 as many as the machine runs at once. In the browser it is 1.
int thread_count(int wanted);

/// Runs work(i, thread) for i = 0 ... count - 1, in so many threads; `thread`: which of them. Rethrows what the work
/// throws.
void for_each(int64_t count, int threads, const std::function<void(int64_t i, int thread)>& work);

}  // namespace ks

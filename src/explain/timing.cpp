#include "explain/timing.h"

#include <algorithm>
#include <chrono>

namespace ks {

namespace {

template <class F>
double milliseconds(const F& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

MethodTiming time_method(const std::string& method, const json& parameters, const ExplainRequest& request,
                         int repeats) {
  const auto forward = [&] { return milliseconds([&] { request.classifier.logits(request.inputs); }); };
  const auto run = [&] { return milliseconds([&] { explain(method, parameters, request); }); };
  MethodTiming out;
  forward();
  out.first = run();
  std::vector<double> own, base;
  const int count = out.first > 2000 ? std::min(3, repeats) : repeats;
  for (int i = 0; i < count; ++i) {
    base.push_back(forward());
    own.push_back(run());
  }
  out.forward = median(base);
  out.method = median(own);
  return out;
}

}  // namespace ks

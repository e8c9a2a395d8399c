#include "explain/switched_image.h"

#include <algorithm>

namespace ks {

SwitchedImage::SwitchedImage(const float* x, Tensor reference, const Segments& segments)
    : x_(x),
      reference_(std::move(reference)),
      plane_(static_cast<int64_t>(segments.labels.size())),
      first_run_(static_cast<size_t>(segments.count) + 1) {
  const auto for_each_run = [&](const auto& act) {
    for (int32_t row = 0; row < plane_; row += segments.width)
      for (int32_t begin = row; begin < row + segments.width;) {
        int32_t end = begin + 1;
        const int32_t label = segments.labels[static_cast<size_t>(begin)];
        while (end < row + segments.width && segments.labels[static_cast<size_t>(end)] == label) ++end;
        act(static_cast<size_t>(label), Run{begin, end - begin});
        begin = end;
      }
  };
  for_each_run([&](size_t label, Run) { ++first_run_[label + 1]; });
  for (size_t k = 1; k < first_run_.size(); ++k) first_run_[k] += first_run_[k - 1];
  runs_.resize(static_cast<size_t>(first_run_.back()));
  std::vector<int32_t> next = first_run_;
  for_each_run([&](size_t label, Run run) { runs_[static_cast<size_t>(next[label]++)] = run; });
}

void SwitchedImage::write(const uint8_t* on, float* out) const {
  const int lit = static_cast<int>(std::count_if(on, on + count(), [](uint8_t v) { return v != 0; }));
  const bool mostly_on = 2 * lit >= count();
  std::copy_n(mostly_on ? whole() : reference(), size(), out);
  for (int k = 0; k < count(); ++k)
    if ((on[k] != 0) != mostly_on) set(k, !mostly_on, out);
}

void SwitchedImage::set(int segment, bool on, float* out) const {
  const float* source = on ? whole() : reference();
  const size_t k = static_cast<size_t>(segment);
  for (int64_t channel = 0; channel < size(); channel += plane_)
    for (int32_t r = first_run_[k]; r < first_run_[k + 1]; ++r) {
      const Run run = runs_[static_cast<size_t>(r)];
      const float* from = source + channel + run.begin;
      float* to = out + channel + run.begin;
      for (int32_t i = 0; i < run.length; ++i) to[i] = from[i];
    }
}

}  // namespace ks

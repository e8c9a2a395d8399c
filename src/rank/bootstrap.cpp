#include "rank/bootstrap.h"

#include <algorithm>
#include <cmath>

namespace ks {

namespace {

/// sum[m] += t * row[m], two rows at once: half the trips of the sums through memory.
void add_rows(double* sum, const double* a, double times_a, const double* b, double times_b, size_t size) {
  for (size_t m = 0; m < size; ++m) sum[m] += times_a * a[m] + times_b * b[m];
}

}  // namespace

Bootstrap::Bootstrap(const ScoreTable& table, RankOf of)
    : methods_(table.methods.size()),
      images_(table.scores.empty() || table.scores[0].empty() ? 0 : table.scores[0][0].size()),
      times_(images_) {
  for (size_t k = 0; k < table.metrics.size(); ++k) {
    Values v;
    v.values.resize(images_ * methods_);
    v.said.resize(images_);
    std::vector<double> defined(images_ * methods_);
    bool gaps = false;
    for (size_t i = 0; i < images_; ++i) {
      std::vector<double> row;
      if (of == RankOf::images)
        row = image_ranks(table, k, i);
      else
        for (const auto& scores : table.scores[k]) row.push_back(scores[i]);
      size_t count = 0;
      for (size_t m = 0; m < methods_; ++m) {
        if (std::isnan(row[m])) continue;
        v.values[i * methods_ + m] = row[m];
        defined[i * methods_ + m] = 1;
        ++count;
      }
      v.said[i] = count > 0;
      gaps = gaps || (count > 0 && count < methods_);
    }
    if (gaps) v.defined = std::move(defined);
    metrics_.push_back(std::move(v));
  }
  take_all();
}

void Bootstrap::take_all() {
  drawn_.clear();
  for (size_t i = 0; i < images_; ++i) drawn_.emplace_back(i, 1.0);
}

void Bootstrap::draw(Random& random) {
  std::fill(times_.begin(), times_.end(), 0);
  for (size_t i = 0; i < images_; ++i) ++times_[random.below(static_cast<uint32_t>(images_))];
  drawn_.clear();
  for (size_t i = 0; i < images_; ++i)
    if (times_[i] > 0) drawn_.emplace_back(i, times_[i]);
}

void Bootstrap::means(size_t metric, std::vector<double>& out) const {
  const Values& v = metrics_[metric];
  out.assign(methods_, 0.0);
  double count = 0;
  const std::pair<size_t, double>* held = nullptr;
  for (const auto& drawn : drawn_) {
    if (!v.said[drawn.first]) continue;
    count += drawn.second;
    if (!held) {
      held = &drawn;
      continue;
    }
    add_rows(out.data(), &v.values[held->first * methods_], held->second, &v.values[drawn.first * methods_],
             drawn.second, methods_);
    held = nullptr;
  }
  if (held)
    for (size_t m = 0; m < methods_; ++m) out[m] += held->second * v.values[held->first * methods_ + m];
  if (v.defined.empty()) {
    for (double& x : out) x = count > 0 ? x / count : kUndefined;
    return;
  }
  std::vector<double> counts(methods_, 0.0);
  for (const auto& [image, times] : drawn_)
    for (size_t m = 0; m < methods_; ++m) counts[m] += times * v.defined[image * methods_ + m];
  for (size_t m = 0; m < methods_; ++m) out[m] = counts[m] > 0 ? out[m] / counts[m] : kUndefined;
}

}  // namespace ks

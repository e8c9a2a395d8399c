#include "metric/similarity.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "metric/metric.h"
#include "tensor/error.h"

namespace ks {

namespace {

/// Pairs among `count` equal values.
double pairs(int64_t count) {
  return static_cast<double>(count) * static_cast<double>(count - 1) / 2;
}

/// Sorts `values` and returns how many pairs stood in the wrong order.
double count_inversions(std::vector<double>& values, std::vector<double>& scratch, size_t begin, size_t end) {
  if (end - begin < 2) return 0;
  const size_t middle = begin + (end - begin) / 2;
  double inversions = count_inversions(values, scratch, begin, middle) + count_inversions(values, scratch, middle, end);
  size_t left = begin, right = middle, to = begin;
  while (left < middle || right < end) {
    if (right == end || (left < middle && values[left] <= values[right])) {
      scratch[to++] = values[left++];
    } else {
      inversions += static_cast<double>(middle - left);
      scratch[to++] = values[right++];
    }
  }
  std::copy(scratch.begin() + static_cast<std::ptrdiff_t>(begin), scratch.begin() + static_cast<std::ptrdiff_t>(end),
            values.begin() + static_cast<std::ptrdiff_t>(begin));
  return inversions;
}

/// Sums over all windows of h x w that lie inside a height x width array, [height - h + 1][width - w + 1].
std::vector<double> window_sums(const std::vector<double>& values, int64_t height, int64_t width, int64_t h,
                                int64_t w) {
  std::vector<double> rows(static_cast<size_t>(height * (width - w + 1)));
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x + w <= width; ++x)
      rows[static_cast<size_t>(y * (width - w + 1) + x)] =
          std::accumulate(values.begin() + y * width + x, values.begin() + y * width + x + w, 0.0);
  const int64_t columns = width - w + 1;
  std::vector<double> out(static_cast<size_t>((height - h + 1) * columns));
  for (int64_t y = 0; y + h <= height; ++y)
    for (int64_t i = 0; i < h; ++i)
      for (int64_t x = 0; x < columns; ++x)
        out[static_cast<size_t>(y * columns + x)] += rows[static_cast<size_t>((y + i) * columns + x)];
  return out;
}

}  // namespace

std::vector<double> average_ranks(const double* values, int64_t size) {
  const std::vector<int64_t> order = descending_order(values, size);
  std::vector<double> ranks(static_cast<size_t>(size));
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const double rank = static_cast<double>(size) - static_cast<double>(begin + end - 1) / 2;
    for (size_t i = begin; i < end; ++i) ranks[static_cast<size_t>(order[i])] = rank;
    begin = end;
  }
  return ranks;
}

double pearson(const double* a, const double* b, int64_t size) {
  const double n = static_cast<double>(size);
  const double mean_a = std::accumulate(a, a + size, 0.0) / n, mean_b = std::accumulate(b, b + size, 0.0) / n;
  double aa = 0, bb = 0, ab = 0;
  for (int64_t i = 0; i < size; ++i) {
    const double da = a[i] - mean_a, db = b[i] - mean_b;
    aa += da * da;
    bb += db * db;
    ab += da * db;
  }
  return aa > 0 && bb > 0 ? std::clamp(ab / std::sqrt(aa) / std::sqrt(bb), -1.0, 1.0) : kUndefined;
}

double spearman(const double* a, const double* b, int64_t size) {
  return pearson(average_ranks(a, size).data(), average_ranks(b, size).data(), size);
}

double kendall_tau(const double* a, const double* b, int64_t size) {
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::sort(order.begin(), order.end(), [&](int64_t i, int64_t j) { return a[i] != a[j] ? a[i] < a[j] : b[i] < b[j]; });
  double ties_a = 0, ties_b = 0, ties_both = 0;
  int64_t run_a = 1, run_both = 1;
  for (int64_t i = 1; i <= size; ++i) {
    const bool same_a = i < size && a[order[static_cast<size_t>(i)]] == a[order[static_cast<size_t>(i - 1)]];
    const bool same_both = same_a && b[order[static_cast<size_t>(i)]] == b[order[static_cast<size_t>(i - 1)]];
    if (same_a) {
      ++run_a;
    } else {
      ties_a += pairs(run_a);
      run_a = 1;
    }
    if (same_both) {
      ++run_both;
    } else {
      ties_both += pairs(run_both);
      run_both = 1;
    }
  }
  std::vector<double> sorted, scratch(static_cast<size_t>(size));
  for (const int64_t i : order) sorted.push_back(b[i]);
  const double discordant = count_inversions(sorted, scratch, 0, sorted.size());
  for (size_t begin = 0; begin < sorted.size();) {
    size_t end = begin + 1;
    while (end < sorted.size() && sorted[end] == sorted[begin]) ++end;
    ties_b += pairs(static_cast<int64_t>(end - begin));
    begin = end;
  }
  const double all = pairs(size);
  const double difference = all - ties_a - ties_b + ties_both - 2 * discordant;  // concordant minus discordant pairs
  const double scale = std::sqrt(all - ties_a) * std::sqrt(all - ties_b);
  return scale > 0 ? difference / scale : kUndefined;
}

double cosine(const double* a, const double* b, int64_t size) {
  const double aa = std::inner_product(a, a + size, a, 0.0), bb = std::inner_product(b, b + size, b, 0.0);
  return aa > 0 && bb > 0 ? std::inner_product(a, a + size, b, 0.0) / std::sqrt(aa) / std::sqrt(bb) : kUndefined;
}

double ssim(const double* a, const double* b, int64_t height, int64_t width, int window) {
  const int64_t h = height == 1 ? 1 : window, w = window;
  if (h > height || w > width || window % 2 == 0)
    throw Error("'win_size' is " + std::to_string(window), "ssim",
                "it must be odd and at most the map's shorter side, " +
                    std::to_string(height == 1 ? width : std::min(height, width)));
  const int64_t size = height * width;
  const auto [low_a, high_a] = std::minmax_element(a, a + size);
  const auto [low_b, high_b] = std::minmax_element(b, b + size);
  const double range = std::max(*high_a, *high_b) - std::min(*low_a, *low_b);
  if (range == 0) return 1;  // two maps of one and the same value
  const double c1 = 0.01 * range * 0.01 * range, c2 = 0.03 * range * 0.03 * range;
  std::vector<double> va(a, a + size), vb(b, b + size), aa(va.size()), bb(va.size()), ab(va.size());
  for (size_t i = 0; i < va.size(); ++i) {
    aa[i] = va[i] * va[i];
    bb[i] = vb[i] * vb[i];
    ab[i] = va[i] * vb[i];
  }
  const auto sums = [&](const std::vector<double>& v) { return window_sums(v, height, width, h, w); };
  const std::vector<double> sa = sums(va), sb = sums(vb), saa = sums(aa), sbb = sums(bb), sab = sums(ab);
  const double n = static_cast<double>(h * w), sample = n / (n - 1);
  double sum = 0;
  for (size_t i = 0; i < sa.size(); ++i) {
    const double ma = sa[i] / n, mb = sb[i] / n;
    const double var_a = sample * (saa[i] / n - ma * ma), var_b = sample * (sbb[i] / n - mb * mb);
    const double covariance = sample * (sab[i] / n - ma * mb);
    sum += (2 * ma * mb + c1) * (2 * covariance + c2) / ((ma * ma + mb * mb + c1) * (var_a + var_b + c2));
  }
  return sum / static_cast<double>(sa.size());
}

double Similarity::operator()(const Maps& a, int64_t n, const Maps& b, int64_t m) const {
  const double *x = a.sample(n), *y = b.sample(m);
  const int64_t size = a.stride();
  if (name == "pearson") return pearson(x, y, size);
  if (name == "kendall-tau") return kendall_tau(x, y, size);
  if (name == "cosine") return cosine(x, y, size);
  if (name == "spearman") return spearman(x, y, size);
  if (flat) return ssim(x, y, 1, size, window);
  double sum = 0;
  for (int64_t c = 0; c < a.channels; ++c)
    sum += ssim(x + c * a.pixels(), y + c * a.pixels(), a.height, a.width, window);
  return sum / static_cast<double>(a.channels);
}

std::vector<Parameter> similarity_parameters(const char* usual) {
  using enum ParameterType;
  return {
      {"similarity",
       choice,
       usual,
       "How alike two maps are",
       {},
       {},
       "",
       {"spearman", "pearson", "kendall-tau", "cosine", "ssim"}},
      {"ssim_layout",
       choice,
       "image",
       "ssim of the map as an image, or of its values as one list (as Quantus)",
       {},
       {},
       "",
       {"image", "flat"}},
      {"win_size", integer, 7, "Side of ssim's windows, odd", 3, 99, "px"},
      {"data_range",
       choice,
       "joint",
       "What ssim takes for the range of values: that of both maps together",
       {},
       {},
       "",
       {"joint"}},
  };
}

Similarity read_similarity(const Params& p) {
  return {p.text("similarity"), p.text("ssim_layout") == "flat", p.integer("win_size")};
}

}  // namespace ks

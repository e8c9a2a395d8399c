#include "metric/prepare.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "picture/pooling.h"

namespace ks {

std::vector<Parameter> with_preparation(const PreparationDefaults& defaults, std::vector<Parameter> own) {
  using enum ParameterType;
  std::vector<std::string> pooling_names = poolings().names();
  pooling_names.push_back("none");
  std::vector<Parameter> all = {
      {"pooling",
       choice,
       defaults.pooling,
       "How channels become one value a pixel; none: each channel value is a feature",
       {},
       {},
       "",
       pooling_names},
      {"normalise",
       choice,
       defaults.normalise,
       "What maps are divided by",
       {},
       {},
       "",
       {"none", "max", "second-moment", "negative"}},
      {"normalise_scope",
       choice,
       "sample",
       "Each map by itself, or one number for the whole batch (Quantus: scores then depend on the other images)",
       {},
       {},
       "",
       {"sample", "batch"}},
      {"abs", boolean, defaults.absolute, "Take magnitudes, after the normalisation"},
  };
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

namespace {

void divide(double* begin, double* end, double by) {
  if (!(by > 0)) return;
  for (double* v = begin; v != end; ++v) *v /= by;
}

void normalise_range(double* begin, double* end, const std::string& kind) {
  if (kind == "max") {
    double largest = 0;
    for (const double* v = begin; v != end; ++v) largest = std::max(largest, std::fabs(*v));
    divide(begin, end, largest);
  } else if (kind == "second-moment") {
    double squares = 0;
    for (const double* v = begin; v != end; ++v) squares += *v * *v;
    divide(begin, end, begin == end ? 0 : std::sqrt(squares / static_cast<double>(end - begin)));
  } else if (kind == "negative") {
    double high = 0, low = 0;
    for (const double* v = begin; v != end; ++v) {
      high = std::max(high, *v);
      low = std::min(low, *v);
    }
    for (double* v = begin; v != end; ++v) *v /= *v > 0 ? high : *v < 0 ? -low : 1;
  } else if (kind != "none") {
    throw std::logic_error("normalise: " + kind);
  }
}

/// Descending value, ties by lowest index; NaN last, so that it is an order.
struct Before {
  const double* values;
  bool operator()(int64_t a, int64_t b) const {
    const double va = values[a], vb = values[b];
    if (va > vb) return true;
    if (va < vb) return false;
    if (std::isnan(va) != std::isnan(vb)) return std::isnan(vb);
    return a < b;
  }
};

std::vector<int64_t> indices(int64_t size) {
  std::vector<int64_t> out(static_cast<size_t>(size));
  std::iota(out.begin(), out.end(), int64_t{0});
  return out;
}

}  // namespace

void normalise(Maps& maps, const std::string& kind, bool batch) {
  if (batch) return normalise_range(maps.values.data(), maps.values.data() + maps.values.size(), kind);
  for (int64_t n = 0; n < maps.count; ++n) normalise_range(maps.sample(n), maps.sample(n) + maps.stride(), kind);
}

Maps prepare(const Tensor& attributions, const Params& p) {
  const std::string pooling = p.text("pooling");
  const Tensor pooled = pooling == "none" ? Tensor() : pool_channels(attributions, poolings().at(pooling));
  const Tensor& a = pooling == "none" ? attributions : pooled;
  Maps out{a.dim(0), a.dim(1), a.dim(2), a.dim(3), std::vector<double>(a.data.begin(), a.data.end())};
  normalise(out, p.text("normalise"), p.text("normalise_scope") == "batch");
  if (p.flag("abs"))
    for (double& v : out.values) v = std::fabs(v);
  return out;
}

std::vector<int64_t> descending_order(const double* values, int64_t size) {
  std::vector<int64_t> order = indices(size);
  std::sort(order.begin(), order.end(), Before{values});
  return order;
}

std::vector<int64_t> top_features(const double* values, int64_t size, int64_t k) {
  std::vector<int64_t> order = indices(size);
  std::nth_element(order.begin(), order.begin() + k, order.end(), Before{values});
  order.resize(static_cast<size_t>(k));
  return order;
}

MapDefect map_defect(const double* values, int64_t size) {
  bool constant = true;
  for (int64_t i = 0; i < size; ++i) {
    if (!std::isfinite(values[i])) return MapDefect::undefined;
    constant = constant && values[i] == values[0];
  }
  if (!constant) return MapDefect::none;
  return size > 0 && values[0] != 0 ? MapDefect::constant : MapDefect::zero;
}

std::string image_warning(int64_t n, int64_t count, const std::string& what) {
  return count == 1 ? what : "image " + std::to_string(n + 1) + ": " + what;
}

std::vector<std::string> warnings_about(int64_t n, int64_t count, const std::vector<std::string>& warnings) {
  const std::string mine = image_warning(n, count, "");
  std::vector<std::string> out;
  for (const std::string& warning : warnings) {
    if (warning.compare(0, mine.size(), mine) == 0)
      out.push_back(warning.substr(mine.size()));
    else if (warning.compare(0, 6, "image ") != 0)
      out.push_back(warning);
  }
  return out;
}

}  // namespace ks

#include "metric/prepare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "metric/metric.h"
#include "picture/pooling.h"
#include "tensor/sort.h"

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

std::vector<Parameter> joined(std::vector<std::vector<Parameter>> lists) {
  std::vector<Parameter> out;
  for (std::vector<Parameter>& list : lists)
    for (Parameter& parameter : list) out.push_back(std::move(parameter));
  return out;
}

namespace {

void divide(double* begin, double* end, double by) {
  if (!(by > 0)) return;
  for (double* v = begin; v != end; ++v) *v /= by;
}

/// Four at a time: one after the other, each comparison would wait for the one before.
double largest_magnitude(const double* begin, const double* end) {
  std::array<double, 4> largest = {};
  const double* v = begin;
  for (; end - v >= 4; v += 4)
    for (size_t k = 0; k < 4; ++k) largest[k] = std::max(largest[k], std::fabs(v[k]));
  for (; v != end; ++v) largest[0] = std::max(largest[0], std::fabs(*v));
  return *std::max_element(largest.begin(), largest.end());
}

void normalise_range(double* begin, double* end, const std::string& kind) {
  if (kind == "max") {
    divide(begin, end, largest_magnitude(begin, end));
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

/// The upper half of a number that is smaller the larger the value is; NaN has the largest. Equal values have equal
/// ones, and so may values that agree in their first 20 binary digits.
uint32_t descending_key(double value) {
  if (std::isnan(value)) return ~uint32_t{0};
  value += 0.0;  // -0 becomes 0
  uint64_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const uint64_t ascending = bits >> 63 ? ~bits : bits | uint64_t{1} << 63;
  return static_cast<uint32_t>(~ascending >> 32);
}

Maps prepare_with_signs(const Tensor& attributions, const Params& p) {
  const std::string pooling = p.text("pooling");
  const Tensor pooled = pooling == "none" ? Tensor() : pool_channels(attributions, poolings().at(pooling));
  const Tensor& a = pooling == "none" ? attributions : pooled;
  Maps out{a.dim(0), a.dim(1), a.dim(2), a.dim(3), std::vector<double>(a.data.begin(), a.data.end())};
  normalise(out, p.text("normalise"), p.text("normalise_scope") == "batch");
  return out;
}

}  // namespace

void normalise(Maps& maps, const std::string& kind, bool batch) {
  if (batch) return normalise_range(maps.values.data(), maps.values.data() + maps.values.size(), kind);
  for (int64_t n = 0; n < maps.count; ++n) normalise_range(maps.sample(n), maps.sample(n) + maps.stride(), kind);
}

void take_magnitudes(Maps& maps) {
  for (double& v : maps.values) v = std::fabs(v);
}

Maps prepare(const Tensor& attributions, const Params& p) {
  Maps out = prepare_with_signs(attributions, p);
  if (p.flag("abs")) take_magnitudes(out);
  return out;
}

std::vector<int64_t> descending_order(const double* values, int64_t size) {
  // Words of a key and a feature, which become the order in place.
  std::vector<int64_t> order(static_cast<size_t>(size));
  if (size == 0) return order;
  for (int64_t i = 0; i < size; ++i)
    order[static_cast<size_t>(i)] =
        static_cast<int64_t>(uint64_t{descending_key(values[i])} << 32 | static_cast<uint64_t>(i));
  sort_by_upper_half(order);
  const auto key = [&](size_t k) { return static_cast<uint64_t>(order[k]) >> 32; };
  std::vector<std::pair<size_t, size_t>>
      same_key;  // stretches of it, in which the lower halves of the values may decide
  for (size_t begin = 0; begin + 1 < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && key(end) == key(begin)) ++end;
    if (end > begin + 1) same_key.emplace_back(begin, end);
    begin = end;
  }
  for (int64_t& word : order) word &= 0xffffffff;
  for (const auto& [begin, end] : same_key) {
    const auto first = order.begin() + static_cast<int64_t>(begin), last = order.begin() + static_cast<int64_t>(end);
    const double value = values[*first];
    if (!std::all_of(first, last, [&](int64_t i) { return values[i] == value; }))
      std::sort(first, last, Before{values});
  }
  return order;
}

std::vector<int64_t> top_features(const double* values, int64_t size, int64_t k) {
  // The first sixteen bits of the keys tell for all but a few features on which side they are.
  std::vector<uint32_t> counts(size_t{1} << 16);
  std::vector<uint16_t> keys(static_cast<size_t>(size));
  for (int64_t i = 0; i < size; ++i)
    ++counts[keys[static_cast<size_t>(i)] = static_cast<uint16_t>(descending_key(values[i]) >> 16)];
  size_t border = 0;
  int64_t before = 0;
  while (border < counts.size() && before + counts[border] <= k) before += counts[border++];
  std::vector<int64_t> top, undecided;
  top.reserve(static_cast<size_t>(k));
  for (int64_t i = 0; i < size; ++i) {
    const uint16_t key = keys[static_cast<size_t>(i)];
    if (key < border)
      top.push_back(i);
    else if (key == border)
      undecided.push_back(i);
  }
  if (before < k) {
    std::nth_element(undecided.begin(), undecided.begin() + (k - before), undecided.end(), Before{values});
    top.insert(top.end(), undecided.begin(), undecided.begin() + (k - before));
  }
  return top;
}

PreparedMaps::PreparedMaps(Maps maps)
    : maps_(std::move(maps)),
      defects_(static_cast<size_t>(maps_.count), -1),
      orders_(static_cast<size_t>(maps_.count)),
      sorted_(static_cast<size_t>(maps_.count)) {}

MapDefect PreparedMaps::defect(int64_t n) const {
  int& known = defects_[static_cast<size_t>(n)];
  if (known < 0) known = static_cast<int>(map_defect(maps_.sample(n), maps_.stride()));
  return static_cast<MapDefect>(known);
}

const std::vector<int64_t>& PreparedMaps::order(int64_t n) const {
  std::vector<int64_t>& known = orders_[static_cast<size_t>(n)];
  if (known.empty()) known = descending_order(maps_.sample(n), maps_.stride());
  return known;
}

const std::vector<double>& PreparedMaps::descending(int64_t n) const {
  std::vector<double>& known = sorted_[static_cast<size_t>(n)];
  if (known.empty()) {
    const double* values = maps_.sample(n);
    known.reserve(static_cast<size_t>(maps_.stride()));
    for (const int64_t i : order(n)) known.push_back(values[i]);
  }
  return known;
}

std::vector<int64_t> PreparedMaps::top(int64_t n, int64_t k) const {
  const std::vector<int64_t>& known = orders_[static_cast<size_t>(n)];
  return known.empty() ? top_features(maps_.sample(n), maps_.stride(), k)
                       : std::vector<int64_t>(known.begin(), known.begin() + k);
}

std::shared_ptr<const PreparedMaps> PreparationMemo::get(const Tensor& attributions, const Params& p) {
  std::string key;
  for (const char* name : {"pooling", "normalise", "normalise_scope"}) key += p.value(name).dump();
  std::shared_ptr<const PreparedMaps>& with_signs = made_[key];
  if (!with_signs) with_signs = std::make_shared<PreparedMaps>(prepare_with_signs(attributions, p));
  if (!p.flag("abs")) return with_signs;
  std::shared_ptr<const PreparedMaps>& magnitudes = made_[key + "abs"];
  if (!magnitudes) {
    Maps maps = with_signs->maps();
    take_magnitudes(maps);
    magnitudes = std::make_shared<PreparedMaps>(std::move(maps));
  }
  return magnitudes;
}

std::shared_ptr<const Annotations> PreparationMemo::annotations(const Tensor& masks) {
  // By content: the same maps are measured against several annotations.
  const bool same = annotations_ && masks.shape == annotated_.shape &&
                    std::memcmp(masks.data.data(), annotated_.data.data(), masks.data.size() * sizeof(float)) == 0;
  if (!same) {
    annotations_ = std::make_shared<Annotations>(masks);
    annotated_ = masks;
  }
  return annotations_;
}

Annotations::Annotations(const Tensor& masks) {
  const int64_t pixels = masks.stride();
  for (int64_t n = 0; n < masks.dim(0); ++n) {
    const float* mask = masks.sample(n);
    inside.emplace_back(static_cast<size_t>(pixels));
    uint8_t* out = inside.back().data();
    for (int64_t i = 0; i < pixels; ++i) out[i] = mask[i] > 0.5f;
    area.push_back(std::count(inside.back().begin(), inside.back().end(), uint8_t{1}));
  }
}

std::shared_ptr<const Annotations> annotations(const MetricRequest& r) {
  return r.preparations ? r.preparations->annotations(*r.masks) : std::make_shared<Annotations>(*r.masks);
}

std::shared_ptr<const PreparedMaps> prepared(const MetricRequest& r, const Params& p) {
  return r.preparations ? r.preparations->get(r.attributions, p)
                        : std::make_shared<PreparedMaps>(prepare(r.attributions, p));
}

MapDefect map_defect(const double* values, int64_t size) {
  // Zero times a finite number is zero, times any other it is NaN.
  std::array<double, 4> zeros = {};
  int64_t i = 0;
  for (; i + 4 <= size; i += 4)
    for (size_t k = 0; k < 4; ++k) zeros[k] += 0 * values[i + static_cast<int64_t>(k)];
  for (; i < size; ++i) zeros[0] += 0 * values[i];
  if (zeros[0] + zeros[1] + zeros[2] + zeros[3] != 0) return MapDefect::undefined;
  if (std::any_of(values, values + size, [&](double v) { return v != values[0]; })) return MapDefect::none;
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

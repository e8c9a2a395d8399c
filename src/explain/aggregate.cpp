#include "explain/aggregate.h"

#include <algorithm>
#include <cmath>

#include "tensor/sort.h"
#include "tensor/wide.h"

namespace ks {

namespace {

/// A map's magnitudes in ascending order, and whose they are.
struct Ranking {
  struct Item {
    float magnitude;
    int32_t pixel;
  };
  std::vector<Item> items;

  Ranking(const float* map, int64_t size) {
    std::vector<int64_t> words(static_cast<size_t>(size));  // magnitudes are in the order of their bits
    for (int64_t i = 0; i < size; ++i)
      words[static_cast<size_t>(i)] = static_cast<int64_t>(bits_as<uint32_t>(std::fabs(map[i]))) << 32 | i;
    sort_by_upper_half(words);
    items.reserve(words.size());
    for (const int64_t word : words)
      items.push_back({bits_as<float>(static_cast<uint32_t>(word >> 32)), static_cast<int32_t>(word)});
  }

  /// Calls `at(begin, end)` for every group of equal magnitudes but zero.
  template <class At>
  void each_group(const At& at) const {
    for (size_t begin = first_nonzero(); begin < items.size();) {
      size_t end = begin + 1;
      while (end < items.size() && items[end].magnitude == items[begin].magnitude) ++end;
      at(begin, end);
      begin = end;
    }
  }

  size_t first_nonzero() const {
    return static_cast<size_t>(
        std::partition_point(items.begin(), items.end(), [](const Item& item) { return item.magnitude == 0; }) -
        items.begin());
  }
};

/// The median; the values' order is lost. Not of none.
double middle(std::vector<double>& values) {
  const auto half = values.begin() + static_cast<int64_t>(values.size() / 2);
  std::nth_element(values.begin(), half, values.end());
  return values.size() % 2 ? *half : (*half + *std::max_element(values.begin(), half)) / 2;
}

/// sums[i] += sign(map[i]) * value, divided by the number of members at the end.
void write_mean(const std::vector<double>& sums, size_t members, float* out) {
  for (size_t i = 0; i < sums.size(); ++i) out[i] = static_cast<float>(sums[i] / static_cast<double>(members));
}

double signed_as(float value, double magnitude) {
  return value < 0 ? -magnitude : magnitude;
}

/// The common distribution of aligned_mean_of_members: its value at each rank, ascending.
std::vector<double> common_distribution(const std::vector<Ranking>& rankings, size_t size) {
  std::vector<const Ranking*> speaking;
  std::vector<double> units;
  for (const Ranking& ranking : rankings) {
    const size_t zeros = ranking.first_nonzero(), nonzero = size - zeros;
    if (nonzero == 0) continue;
    speaking.push_back(&ranking);
    const auto at = [&](size_t rank) { return static_cast<double>(ranking.items[zeros + rank].magnitude); };
    units.push_back((at((nonzero - 1) / 2) + at(nonzero / 2)) / 2);
  }
  std::vector<double> out(size), values(speaking.size());
  for (size_t rank = 0; rank < size && !speaking.empty(); ++rank) {
    for (size_t m = 0; m < speaking.size(); ++m) values[m] = speaking[m]->items[rank].magnitude / units[m];
    out[rank] = middle(values);
  }
  return out;
}

}  // namespace

double member_scale(const float* map, int64_t size, MemberScale scale) {
  double value = 0;
  if (scale == MemberScale::max)
    for (int64_t i = 0; i < size; ++i) value = std::max(value, static_cast<double>(std::fabs(map[i])));
  if (scale == MemberScale::second_moment) {
    for (int64_t i = 0; i < size; ++i) value += static_cast<double>(map[i]) * map[i];
    value = std::sqrt(value / static_cast<double>(size));
  }
  return value > 0 ? value : 1;
}

void mean_of_members(const Members& members, int64_t size, float* out) {
  std::vector<double> sums(static_cast<size_t>(size));
  for (const float* map : members)
    for (int64_t i = 0; i < size; ++i) sums[static_cast<size_t>(i)] += map[i];
  write_mean(sums, members.size(), out);
}

void median_of_members(const Members& members, int64_t size, float* out) {
  std::vector<double> values(members.size());
  for (int64_t i = 0; i < size; ++i) {
    for (size_t m = 0; m < members.size(); ++m) values[m] = members[m][i];
    out[i] = static_cast<float>(middle(values));
  }
}

void strongest_of_members(const Members& members, int64_t size, float* out) {
  std::copy(members[0], members[0] + size, out);
  for (size_t m = 1; m < members.size(); ++m)
    for (int64_t i = 0; i < size; ++i)
      if (std::fabs(members[m][i]) > std::fabs(out[i])) out[i] = members[m][i];
}

void variance_weighted_mean_of_members(const Members& members, int64_t size, float* out) {
  const double count = static_cast<double>(members.size());
  std::vector<double> means(static_cast<size_t>(size)), spreads(static_cast<size_t>(size));
  double spread_sum = 0;
  for (int64_t i = 0; i < size; ++i) {
    double mean = 0, squares = 0;
    for (const float* map : members) mean += map[i] / count;
    for (const float* map : members) squares += (map[i] - mean) * (map[i] - mean);
    means[static_cast<size_t>(i)] = mean;
    spread_sum += spreads[static_cast<size_t>(i)] = std::sqrt(squares / count);
  }
  const double usual = spread_sum > 0 ? spread_sum / static_cast<double>(size) : 1;  // 0: the members are one map
  for (int64_t i = 0; i < size; ++i)
    out[i] = static_cast<float>(means[static_cast<size_t>(i)] / (spreads[static_cast<size_t>(i)] + usual));
}

void rank_mean_of_members(const Members& members, int64_t size, float* out) {
  std::vector<double> sums(static_cast<size_t>(size));
  for (const float* map : members) {
    const Ranking ranking(map, size);
    ranking.each_group([&](size_t begin, size_t end) {
      const double rank = static_cast<double>(begin + 1 + end) / 2 / static_cast<double>(size);
      for (size_t k = begin; k < end; ++k) {
        const int32_t i = ranking.items[k].pixel;
        sums[static_cast<size_t>(i)] += signed_as(map[i], rank);
      }
    });
  }
  write_mean(sums, members.size(), out);
}

void aligned_mean_of_members(const Members& members, int64_t size, float* out) {
  std::vector<Ranking> rankings;
  for (const float* map : members) rankings.emplace_back(map, size);
  const std::vector<double> common = common_distribution(rankings, static_cast<size_t>(size));
  std::vector<double> sums(static_cast<size_t>(size));
  for (size_t m = 0; m < members.size(); ++m) {
    rankings[m].each_group([&](size_t begin, size_t end) {
      double magnitude = 0;
      for (size_t k = begin; k < end; ++k) magnitude += common[k] / static_cast<double>(end - begin);
      for (size_t k = begin; k < end; ++k) {
        const int32_t i = rankings[m].items[k].pixel;
        sums[static_cast<size_t>(i)] += signed_as(members[m][i], magnitude);
      }
    });
  }
  write_mean(sums, members.size(), out);
}

}  // namespace ks

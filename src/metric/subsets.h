#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "registry/registry.h"
#include "tensor/memo.h"

namespace ks {

/// Some of `of` pixels or features: `units` where they are `listed`, else all but `units`, whichever are fewer.
struct Subset {
  bool listed = true;
  int64_t of = 0;
  std::vector<int32_t> units;
  uint64_t seed = 0;   // with it, the size and
  int64_t number = 0;  // this the subset would be drawn again

  int64_t size() const { return listed ? static_cast<int64_t>(units.size()) : of - static_cast<int64_t>(units.size()); }
  /// Sum of the values of the subset's units; `total` is that of all.
  double sum(const double* values, double total) const;
};

/// Units of drawn subsets by seed, number of units, size and number, for the maps of an image, which ask for the same.
class SubsetMemo : public Memo<std::array<uint64_t, 4>, std::vector<int32_t>> {
 public:
  explicit SubsetMemo(size_t most_bytes = size_t{64} << 20) : Memo(most_bytes) {}
};

/// Random subsets of `units` pixels or features, each unit equally likely, without replacement. A subset depends on the
/// seed, its size and its number alone: metrics that ask for the same one, for whatever map, remove the same. `memo`
/// (may be null) knows what was drawn before.
class Subsets {
 public:
  Subsets(uint64_t seed, int64_t units, SubsetMemo* memo = nullptr) : memo_(memo), drawn_(static_cast<size_t>(units)) {
    subset_.of = units;
    subset_.seed = seed;
  }

  /// Subset `number` of so many units. Holds until the next call.
  const Subset& draw(int64_t size, int64_t number);

 private:
  SubsetMemo* memo_;
  std::vector<uint8_t> drawn_;  // one mark a unit, all 0 between two calls
  Subset subset_;
};

/// `share` of the units, at least one and not all.
int64_t subset_size(double share, int64_t units);

/// The parameter `shares`: the sizes of the subsets, as shares of all units.
Parameter shares_parameter();
/// Throws Error for shares that are none.
std::vector<double> read_shares(const Params& params, const std::string& where);

inline constexpr double usual_share = 0.1;  // of metrics that look at one size: one of the usual `shares`
inline constexpr int usual_draws = 100;     // subsets of each size

}  // namespace ks

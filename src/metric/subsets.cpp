#include "metric/subsets.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"
#include "tensor/random.h"

namespace ks {

double Subset::sum(const double* values, double total) const {
  double listed_sum = 0;
  for (const int32_t unit : units) listed_sum += values[unit];
  return listed ? listed_sum : total - listed_sum;
}

const Subset& Subsets::draw(int64_t size, int64_t number) {
  const int64_t units = subset_.of, count = std::min(size, units - size);
  std::vector<int32_t>& drawn = subset_.units;
  subset_.listed = count == size;
  subset_.number = number;
  const std::array<uint64_t, 4> key = {subset_.seed, static_cast<uint64_t>(units), static_cast<uint64_t>(size),
                                       static_cast<uint64_t>(number)};
  if (const std::vector<int32_t>* known = memo_ ? memo_->find(key) : nullptr) {
    drawn = *known;
    return subset_;
  }
  // R. W. Floyd's sampling (J. Bentley, R. Floyd: A sample of brilliance, CACM 1987); of more than half, what is left
  // out.
  drawn.clear();
  Random random(mix_seed(subset_.seed, static_cast<uint64_t>(size)), static_cast<uint64_t>(number));
  for (int64_t last = units - count; last < units; ++last) {
    const uint32_t candidate = random.below(static_cast<uint32_t>(last + 1));
    drawn.push_back(static_cast<int32_t>(drawn_[candidate] ? last : candidate));
    drawn_[static_cast<size_t>(drawn.back())] = 1;
  }
  for (const int32_t unit : drawn) drawn_[static_cast<size_t>(unit)] = 0;
  if (memo_) memo_->keep(key, drawn, drawn.size() * sizeof(int32_t));
  return subset_;
}

int64_t subset_size(double share, int64_t units) {
  return std::clamp<int64_t>(std::llround(share * static_cast<double>(units)), 1, std::max<int64_t>(1, units - 1));
}

Parameter shares_parameter() {
  return {"shares", ParameterType::list, json::array({0.01, 0.03, usual_share, 0.3, 0.8}),
          "Sizes of the random subsets, as shares of the pixels"};
}

std::vector<double> read_shares(const Params& params, const std::string& where) {
  std::vector<double> shares;
  for (const json& v : params.value("shares")) {
    if (!v.is_number() || !(v.get<double>() > 0 && v.get<double>() < 1))
      throw Error("'shares' holds " + v.dump(), where, "a share lies between 0 and 1");
    shares.push_back(v.get<double>());
  }
  if (shares.empty()) throw Error("'shares' is an empty list", where, "give at least one share between 0 and 1");
  return shares;
}

}  // namespace ks

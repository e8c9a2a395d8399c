#include "metric/subsets.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"
#include "tensor/random.h"

namespace ks {

const std::vector<uint8_t>& Subsets::draw(int64_t size, int64_t number) {
  // R. W. Floyd's sampling (J. Bentley, R. Floyd: A sample of brilliance, CACM 1987); of more than half, what is left out.
  const int64_t units = static_cast<int64_t>(marks_.size()), drawn = std::min(size, units - size);
  const uint8_t inside = drawn == size;
  std::fill(marks_.begin(), marks_.end(), static_cast<uint8_t>(!inside));
  Random random(mix_seed(seed_, static_cast<uint64_t>(size)), static_cast<uint64_t>(number));
  for (int64_t last = units - drawn; last < units; ++last) {
    const size_t candidate = random.below(static_cast<uint32_t>(last + 1));
    marks_[marks_[candidate] == inside ? static_cast<size_t>(last) : candidate] = inside;
  }
  return marks_;
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

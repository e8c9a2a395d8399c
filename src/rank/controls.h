#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "rank/rank.h"

namespace ks {

/// A map that explains nothing (`random`, `sobel`, `centre`) against the median of the methods that look at the
/// network.
struct ControlCheck {
  size_t method = 0;  // the control
  /// By how much the median method is better, in the metric's unit, and the 95 % interval of that over redrawn images.
  double difference = kUndefined, low = kUndefined, high = kUndefined;
  bool worse = false;  // the control is worse, beyond that interval
};

enum class Verdict { tells, cannot_tell, unchecked };
const char* to_string(Verdict verdict);

/// Whether a metric can tell an explanation from none on this data.
struct ControlVerdict {
  Verdict verdict = Verdict::unchecked;     // cannot_tell: `random` is not worse than the median method beyond chance
  std::vector<ControlCheck> checks;         // one for each control of the study
  int methods = 0, better_than_random = 0;  // methods that look at the network; of these, better beyond chance
  std::string sentence;                     // for people
};

/// True for the id of a method that explains nothing: "random", "random-2", "sobel", "centre".
bool is_control(const std::string& method_id);

/// One verdict for each metric of the table.
std::vector<ControlVerdict> check_controls(const ScoreTable& table, uint64_t seed, int draws = 2000);

}  // namespace ks

#pragma once
#include <string>
#include <vector>

#include "explain/method.h"

namespace ks {

/// What a method costs beside the forward pass of the same model, in milliseconds.
struct MethodTiming {
  double forward = 0, method = 0;  // medians
  double first = 0;                // the method's first run, which builds its sessions
};

/// Of the upper two where their number is even.
double median(std::vector<double> values);

/// Runs the method once and then `repeats` times (3 where a run takes more than two seconds), each beside a forward
/// pass of the same inputs, so that both see the same machine. Throws Error as explain() does.
MethodTiming time_method(const std::string& method, const json& parameters, const ExplainRequest& request, int repeats);

}  // namespace ks

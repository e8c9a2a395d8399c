#pragma once
#include <vector>

#include "explain/together.h"

namespace ks {

/// The methods that a method of the family "aggregation" is made of, from its checked parameters; none for any other
/// method.
std::vector<ChosenMethod> members_of(const Params& params);

}  // namespace ks

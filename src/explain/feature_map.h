#pragma once
#include <string>
#include <vector>

#include "explain/classifier.h"
#include "registry/registry.h"

namespace ks {

/// The parameters `layer` and `tensor` of methods that look at a feature map.
std::vector<Parameter> feature_map_parameters();

/// The name of the feature map they ask for, a 4-D tensor [N,C,h,w] of the classifier's graph. Throws Error for a
/// tensor that the network has not, with near names, or that is no feature map.
std::string feature_map(const Classifier& classifier, const Params& params);

/// Up to five of a network's tensors for a message about one that it has not: whose names hold what was asked for, the
/// nearest one, the last ones.
std::string near_tensors(const std::string& asked, const std::vector<std::string>& known);

}  // namespace ks

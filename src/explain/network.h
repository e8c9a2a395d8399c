#pragma once
#include <string>

#include "explain/method.h"

namespace ks {

/// Runs a derived network (inputs: the image and backward::seed_input; output: backward::attribution_output) on all samples
/// of `inputs`, in batches. `targets` has one class per sample.
Tensor run_explainer(Classifier& classifier, Session& session, const Tensor& inputs, const std::vector<int>& targets,
                     const Progress& progress = nullptr);

/// The session of a method's derived network, built on first use for these parameters.
Session& network_session(Classifier& classifier, const Method& method, const Params& params);

}  // namespace ks

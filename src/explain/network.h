#pragma once
#include <string>
#include <vector>

#include "explain/method.h"

namespace ks {

/// Runs a derived network (inputs: the image and backward::seed_input; output: backward::attribution_output) on all
/// samples of `inputs`, in batches. `targets` has one class per sample. `baselines`, [1,C,H,W] or one for each sample,
/// is for networks with backward::baseline_input. Returns the output as the network has it, [N,C,H,W] or [N,1,H,W].
Tensor run_explainer(Classifier& classifier, Session& session, const Tensor& inputs, const std::vector<int>& targets,
                     const Progress& progress = nullptr, const Tensor* baselines = nullptr);

/// The same for the named outputs of a network that has several.
std::vector<Tensor> run_outputs(Classifier& classifier, Session& session, const std::vector<std::string>& outputs,
                                const Tensor& inputs, const std::vector<int>& targets,
                                const Progress& progress = nullptr, const Tensor* baselines = nullptr);

/// [end - begin, K] for backward::seed_input: 1 at each sample's class.
Tensor seeds(const Classifier& classifier, const std::vector<int>& targets, int64_t begin, int64_t end);

/// The session of a method's derived network, built on first use for these parameters.
Session& network_session(Classifier& classifier, const Method& method, const Params& params);

}  // namespace ks

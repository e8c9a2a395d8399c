#pragma once
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "backward/pass.h"

// Parts that all explainers through the network share.
namespace ks::backward {

/// Adds the input seed_input, [N,K], to the pass's model.
void add_seed(Pass& pass);

/// Makes `result`, [N,channels,H,W], the output attribution_output and drops what no output needs.
graph::Model finish(Pass& pass, const std::string& result, int64_t channels);

/// Names of 4-D tensors with the axes [N,H,W,C]: what follows a Transpose from [N,C,H,W] until the one back.
std::set<std::string> channels_last(const graph::Model& model);

/// Names of the outputs that add_layer_outputs makes for a tensor, and for what the node with that first output sent
/// on.
std::string layer_map_output(const std::string& tensor);       // [N,1,h,w], summed over channels; 4-D tensors only
std::string layer_channels_output(const std::string& tensor);  // [N,C], summed over positions
std::string layer_sent_output(const std::string& tensor);      // [N], summed over all inputs of the node

/// Outputs for every tensor the pass's last run() reached. `value_of` makes a tensor's attribution from its name and
/// from a value that arrived there (relevance: that value; gradient x input: times the tensor).
void add_layer_outputs(Pass& pass,
                       const std::function<std::string(const std::string& tensor, const std::string& value)>& value_of);

}  // namespace ks::backward

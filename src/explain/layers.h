#pragma once
#include <string>
#include <vector>

#include "explain/method.h"

namespace ks {

/// What arrived at one tensor between logits and image on the way back.
struct LayerAttribution {
  std::string name;           // the tensor's ONNX name
  std::string op;             // of the node that computes it; "" for the image
  std::string node;           // that node's name
  Shape shape;                // of the tensor, -1 for the batch
  Tensor map;                 // [N,1,h,w], summed over channels; empty for tensors without positions
  Tensor channels;            // [N,C], summed over positions
  std::vector<double> total;  // N sums of everything
  /// What the node sent on to its inputs minus what arrived at its outputs, N values: 0 where the layer conserves.
  /// Empty for the image.
  std::vector<double> conservation_error;
};

/// The attributions of a method at every tensor from the logits (first) to the image (last), from one run of one
/// session. Relevance: of each value; gradient methods: the (modified) gradient; input-x-gradient and deeplift: times
/// the value or its difference to the baseline, so that totals are comparable between layers. Throws Error for a method
/// that has no layers.
std::vector<LayerAttribution> explain_layers(const std::string& method, const json& parameters,
                                             const ExplainRequest& request);

/// Names of methods that have layers.
std::vector<std::string> methods_with_layers();

}  // namespace ks

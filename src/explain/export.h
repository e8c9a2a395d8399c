#pragma once
#include <string>

#include "explain/method.h"

namespace ks {

/// Whose score an exported explainer explains.
enum class ExportTarget {
  predicted,  // the class with the highest logit, found in the graph
  fixed,      // one class, for all images
  input       // a further input "target", int64 [N]
};

/// What an exported explainer does with the attribution.
struct ExportOptions {
  ExportTarget target = ExportTarget::predicted;
  int target_class = 0;       // for ExportTarget::fixed
  std::string pooling;        // of the channels (picture/pooling.h); empty: none
  std::string normalisation;  // of the pooled map (picture/normalisation.h), to [-1,1]; empty: none
  json normalisation_parameters = json::object();
};

/// A model that any ONNX Runtime runs: input the image [N,C,H,W] (and "target"), outputs "logits" [N,K] and
/// "attribution", equal to what explain() gives, in its shape ([N,C,H,W], or [N,1,H,W] where the method has no
/// channels). With a pooling it is equal to pool_channels() of that, [N,1,H,W]; with a normalisation to display_value()
/// of that. Its metadata name the method, the parameters, the pooling, the normalisation, the classes and the
/// preprocessing. Throws Error for a method that is no single graph, for a normalisation without pooling, and for one
/// that looks at all maps of a study.
graph::Model export_explainer(const Classifier& classifier, const std::string& method, const json& parameters,
                              const ExportOptions& options = {});

}  // namespace ks

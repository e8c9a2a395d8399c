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

/// A model that any ONNX Runtime runs: input the image [N,C,H,W] (and "target"), outputs "logits" [N,K] and "attribution"
/// [N,C,H,W], equal to what explain() gives. Its metadata name the method, the parameters, the classes and the
/// preprocessing. Throws Error for a method that is no single graph.
graph::Model export_explainer(const Classifier& classifier, const std::string& method, const json& parameters,
                              ExportTarget target, int target_class = 0);

}  // namespace ks

#pragma once
#include <optional>
#include <string>
#include <vector>

#include "explain/method.h"

namespace ks {

/// A method with its parameters, checked.
struct ChosenMethod {
  const Method* method = nullptr;
  Params params;

  /// Throws Error for an unknown method or a bad parameter.
  ChosenMethod(const std::string& name, const json& parameters);
  /// Whether the method is one graph, and so can share a pass with others.
  bool is_network() const { return method->network && !method->explain; }
};

/// The networks of several methods as one session: the forward pass, and whatever else two of them have in common (the
/// positive contributions of two LRP composites), is computed once.
struct JointNetwork {
  std::optional<Session> session;    // none where no method's network can be built
  std::vector<std::string> outputs;  // one per method: its attribution; equal graphs share one. "": its network cannot
                                     // be built (explain() says why)
  std::vector<double> shares;        // of the work, per method, together 1: an estimate (graph/combine.h)

  /// One attribution per method; an empty tensor where its network cannot be built.
  std::vector<Tensor> explain(const ExplainRequest& request);
};

/// The joint network of methods that are one graph each, kept by the classifier. Throws Error when ONNX Runtime refuses
/// it.
JointNetwork& joint_network(Classifier& classifier, const std::vector<ChosenMethod>& methods);

/// What explain() gives for each method, with one pass for all methods that are one graph; equal to it up to rounding.
/// Throws what explain() throws.
std::vector<Tensor> explain_together(const std::vector<ChosenMethod>& methods, const ExplainRequest& request);

}  // namespace ks

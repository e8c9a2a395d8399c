#pragma once
#include <string>
#include <vector>

#include "metric/metric.h"
#include "tensor/memo.h"

namespace ks {

/// Explanations of one study's metrics by what they depend on, so that metrics that explain the same changed image
/// share it.
class ExplanationMemo : public Memo<std::string, Tensor> {
 public:
  explicit ExplanationMemo(size_t most_bytes = size_t{128} << 20) : Memo(most_bytes) {}
};

/// What explains again in a metric that looks at how explanations change: the method that is measured, or the one that
/// the parameter `explanation` names.
class Explainer {
 public:
  /// Throws Error where the method is not known. `where`: the metric's name.
  Explainer(const MetricRequest& request, const Params& params, const std::string& where);

  const Method& method() const { return *method_; }

  /// Raw maps of `inputs` [M,C,H,W], one target each, by `classifier`, which need not be the request's. Sample i draws
  /// its random numbers from mix_seed(seed, i). The request's memo answers what it knows.
  Tensor operator()(Classifier& classifier, const Tensor& inputs, const std::vector<int>& targets, uint64_t seed) const;

 private:
  const MetricRequest& request_;
  const Method* method_;
  json parameters_;
};

/// The parameters `explanation` and `explanation_output`.
std::vector<Parameter> explainer_parameters();

}  // namespace ks

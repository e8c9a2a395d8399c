#pragma once
#include <vector>

#include "explain/classifier.h"
#include "registry/registry.h"

namespace ks {

/// What of the network's answer is looked at.
enum class Output { logits, softmax };

/// The parameter `output`, and what it says.
Parameter output_parameter(const char* usual);
Output output_of(const Params& params);

/// The target's logit or probability, one per sample, for logits [N,K].
std::vector<double> target_outputs(const Tensor& logits, const std::vector<int>& targets, Output output);

/// Gathers perturbed inputs, whoever they belong to, into full batches for the classifier:
///
///   double y;
///   std::copy(x, x + stride, evaluator.next(target, &y));   // may run a batch
///   evaluator.finish();                                     // now y is there
class Evaluator {
 public:
  Evaluator(Classifier& classifier, Output output);

  /// Room for one input [C,H,W] of the classifier, to be filled before the next call. Its output is written to `result`
  /// when the batch is full or at finish().
  float* next(int target, double* result);
  void finish();

 private:
  Classifier& classifier_;
  Output output_;
  Tensor batch_;
  std::vector<int> targets_;
  std::vector<double*> results_;
};

}  // namespace ks

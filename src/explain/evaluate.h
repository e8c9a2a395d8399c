#pragma once
#include <map>
#include <string>
#include <vector>

#include "explain/classifier.h"
#include "registry/registry.h"

namespace ks {

/// What of the network is looked at: the target's logit, or its probability.
enum class Output { logits, softmax };

/// The parameter `output`.
Parameter output_parameter(const char* usual = "logits");
Output output_of(const Params& params);

/// The target's output for each row of logits [N,K].
double target_output(const float* logits, int64_t classes, int target, Output output);
std::vector<double> target_outputs(const Tensor& logits, const std::vector<int>& targets, Output output);

/// Logits of one classifier's inputs by their content, so that whatever perturbs an image as something else did before
/// pays nothing for it. Forgets all when it holds more than `most_bytes`.
class ForwardMemo {
 public:
  explicit ForwardMemo(size_t most_bytes = size_t{64} << 20) : most_bytes_(most_bytes) {}
  const std::vector<float>* find(const Fingerprint& input) const;
  void keep(const Fingerprint& input, std::vector<float> logits);
  void clear() { logits_.clear(), bytes_ = 0; }
  int64_t hits() const { return hits_; }

 private:
  size_t most_bytes_, bytes_ = 0;
  mutable int64_t hits_ = 0;
  std::map<Fingerprint, std::vector<float>> logits_;
};

/// Gathers perturbed inputs, whoever they belong to, into full batches for the classifier:
///
///   double y;
///   std::copy(x, x + stride, evaluator.next(target, &y));   // may run a batch
///   evaluator.finish();                                     // now y is there
class Evaluator {
 public:
  /// `memo` (of this classifier; may be null) answers inputs that it knows and learns the others.
  Evaluator(Classifier& classifier, Output output, ForwardMemo* memo = nullptr);

  /// Room for one input [C,H,W] of the classifier, to be filled before the next call. Its output is written to `result`
  /// when the batch is full or at finish().
  float* next(int target, double* result) { return next({target, result, nullptr}); }
  /// The same for all of its logits.
  float* next(std::vector<float>* logits) { return next({0, nullptr, logits}); }
  void finish();

 private:
  struct Asked {
    int target;
    double* result;
    std::vector<float>* logits;
    Fingerprint input = {};
  };
  float* next(Asked asked);
  void look_up();  // the last one asked for, filled by now
  void answer(const Asked& asked, const float* logits);

  Classifier& classifier_;
  Output output_;
  ForwardMemo* memo_;
  Tensor batch_;
  std::vector<Asked> asked_;
  bool filled_ = false;  // the last of asked_ has not been looked up yet
};

}  // namespace ks

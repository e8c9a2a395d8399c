#pragma once
#include <string>
#include <vector>

#include "explain/classifier.h"
#include "registry/registry.h"
#include "tensor/memo.h"

namespace ks {

/// What of the network is looked at: the target's logit, or its probability.
enum class Output { logits, softmax };

/// The parameter `output`.
Parameter output_parameter(const char* usual = "logits");
Output output_of(const Params& params);

/// The target's output for each row of logits [N,K].
double target_output(const float* logits, int64_t classes, int target, Output output);
std::vector<double> target_outputs(const Tensor& logits, const std::vector<int>& targets, Output output);

/// Logits of one classifier's inputs by their content, or by a name for how they were made, so that whatever perturbs
/// an image as something else did before pays nothing for it.
class ForwardMemo : public Memo<Fingerprint, std::vector<float>> {
 public:
  explicit ForwardMemo(size_t most_bytes = size_t{64} << 20) : Memo(most_bytes) {}
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
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  /// Room for one input [C,H,W] of the classifier, to be filled before the next call. Its output is written to `result`
  /// when the batch is full or at finish().
  float* next(int target, double* result) { return next({target, result, nullptr}); }
  /// The same for all of its logits.
  float* next(std::vector<float>* logits) { return next({0, nullptr, logits}); }
  /// The same for an input whose making has this name, which no content has: where the memo knows it, `result` is there
  /// at once, null is returned, and the input need not be made.
  float* next_named(const Fingerprint& name, int target, double* result);
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
  void resize(int64_t count);  // the batch; what is in it stays

  Classifier& classifier_;
  Output output_;
  ForwardMemo* memo_;
  Tensor batch_;
  std::vector<Asked> asked_;
  bool filled_ = false;  // the last of asked_ has not been looked up yet
};

}  // namespace ks

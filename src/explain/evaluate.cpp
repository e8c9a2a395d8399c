#include "explain/evaluate.h"

#include <algorithm>
#include <cmath>

namespace ks {

Parameter output_parameter(const char* usual) {
  return {"output", ParameterType::choice, usual, "What is explained: the target's logit or its probability", {}, {}, "",
          {"logits", "softmax"}};
}

Output output_of(const Params& params) { return params.text("output") == "softmax" ? Output::softmax : Output::logits; }

std::vector<double> target_outputs(const Tensor& logits, const std::vector<int>& targets, Output output) {
  std::vector<double> out;
  const int64_t classes = logits.stride();
  for (size_t n = 0; n < targets.size(); ++n) {
    const float* row = logits.sample(static_cast<int64_t>(n));
    const double z = row[targets[n]];
    if (output == Output::logits) {
      out.push_back(z);
      continue;
    }
    double sum = 0;
    for (int64_t k = 0; k < classes; ++k) sum += std::exp(row[k] - z);
    out.push_back(1 / sum);
  }
  return out;
}

Evaluator::Evaluator(Classifier& classifier, Output output)
    : classifier_(classifier),
      output_(output),
      batch_({classifier.batch_size(), classifier.channels(), classifier.height(), classifier.width()}) {}

float* Evaluator::next(int target, double* result) {
  if (static_cast<int64_t>(results_.size()) == batch_.dim(0)) finish();
  targets_.push_back(target);
  results_.push_back(result);
  return batch_.sample(static_cast<int64_t>(results_.size()) - 1);
}

void Evaluator::finish() {
  if (results_.empty()) return;
  const int64_t count = static_cast<int64_t>(results_.size());
  const bool full = count == batch_.dim(0);
  const Tensor logits = classifier_.logits(full ? batch_ : batch_.slice(0, count));
  const std::vector<double> values = target_outputs(logits, targets_, output_);
  for (size_t i = 0; i < values.size(); ++i) *results_[i] = values[i];
  targets_.clear();
  results_.clear();
}

}  // namespace ks

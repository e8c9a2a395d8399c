#include "explain/evaluate.h"

#include <algorithm>
#include <cmath>

namespace ks {

Parameter output_parameter(const char* usual) {
  return {"output", ParameterType::choice, usual, "What is explained: the target's logit or its probability", {}, {},
          "",       {"logits", "softmax"}};
}

Output output_of(const Params& params) {
  return params.text("output") == "softmax" ? Output::softmax : Output::logits;
}

double target_output(const float* logits, int64_t classes, int target, Output output) {
  const double z = logits[target];
  if (output == Output::logits) return z;
  double sum = 0;
  for (int64_t k = 0; k < classes; ++k) sum += std::exp(logits[k] - z);
  return 1 / sum;
}

std::vector<double> target_outputs(const Tensor& logits, const std::vector<int>& targets, Output output) {
  std::vector<double> out;
  for (size_t n = 0; n < targets.size(); ++n)
    out.push_back(target_output(logits.sample(static_cast<int64_t>(n)), logits.stride(), targets[n], output));
  return out;
}

const std::vector<float>* ForwardMemo::find(const Fingerprint& input) const {
  const auto found = logits_.find(input);
  if (found == logits_.end()) return nullptr;
  ++hits_;
  return &found->second;
}

void ForwardMemo::keep(const Fingerprint& input, std::vector<float> logits) {
  constexpr size_t overhead = 96;  // of a map's node and a vector
  const size_t bytes = overhead + logits.size() * sizeof(float);
  if (bytes_ + bytes > most_bytes_) clear();
  if (logits_.emplace(input, std::move(logits)).second) bytes_ += bytes;
}

Evaluator::Evaluator(Classifier& classifier, Output output, ForwardMemo* memo)
    : classifier_(classifier),
      output_(output),
      memo_(memo),
      batch_({classifier.batch_size(), classifier.channels(), classifier.height(), classifier.width()}) {}

void Evaluator::answer(const Asked& asked, const float* logits) {
  const int64_t classes = classifier_.classes();
  if (asked.result) *asked.result = target_output(logits, classes, asked.target, output_);
  if (asked.logits) asked.logits->assign(logits, logits + classes);
}

void Evaluator::look_up() {
  if (!filled_ || !memo_) return;
  filled_ = false;
  const float* values = batch_.sample(static_cast<int64_t>(asked_.size()) - 1);
  Asked& last = asked_.back();
  last.input =
      fingerprint({reinterpret_cast<const char*>(values), static_cast<size_t>(batch_.stride()) * sizeof(float)});
  if (const std::vector<float>* known = memo_->find(last.input)) {
    answer(last, known->data());
    asked_.pop_back();
  }
}

float* Evaluator::next(Asked asked) {
  look_up();
  if (static_cast<int64_t>(asked_.size()) == batch_.dim(0)) finish();
  asked_.push_back(asked);
  filled_ = true;
  return batch_.sample(static_cast<int64_t>(asked_.size()) - 1);
}

void Evaluator::finish() {
  look_up();
  if (asked_.empty()) return;
  const int64_t count = static_cast<int64_t>(asked_.size());
  const bool full = count == batch_.dim(0);
  const Tensor logits = classifier_.logits(full ? batch_ : batch_.slice(0, count));
  for (int64_t i = 0; i < count; ++i) {
    const Asked& asked = asked_[static_cast<size_t>(i)];
    answer(asked, logits.sample(i));
    if (memo_) memo_->keep(asked.input, {logits.sample(i), logits.sample(i) + logits.stride()});
  }
  asked_.clear();
}

}  // namespace ks

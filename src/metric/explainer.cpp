#include "metric/explainer.h"

#include "explain/reference.h"
#include "tensor/error.h"
#include "tensor/hash.h"

namespace ks {

Explainer::Explainer(const MetricRequest& request, const Params& params, const std::string& where) : request_(request) {
  const std::string name = params.text("explanation");
  if (name != "method") {
    method_ = &methods().at(name);
    parameters_ = check_parameters(*method_, json::object()).all();
    return;
  }
  if (!request.method)
    throw Error("explains again, but the method of the attributions is not known", where,
                "say which: explanation=gradient, for example");
  method_ = request.method;
  parameters_ = request.method_parameters ? request.method_parameters->all() : json::object();
}

Tensor Explainer::operator()(Classifier& classifier, const Tensor& inputs, const std::vector<int>& targets,
                             uint64_t seed) const {
  const int64_t count = inputs.dim(0);
  const auto run = [&](int64_t begin, int64_t end) {
    return explain(method_->name, parameters_,
                   {classifier,
                    begin == 0 && end == count ? inputs : inputs.slice(begin, end),
                    {targets.begin() + begin, targets.begin() + end},
                    seed,
                    nullptr,
                    request_.pictures,
                    static_cast<uint64_t>(begin),
                    nullptr,
                    request_.segments});
  };
  if (!request_.explanations) return run(0, count);

  std::vector<std::string> keys;
  std::vector<Tensor> maps(static_cast<size_t>(count));
  const std::string method = classifier.hash() + method_->name + parameters_.dump();
  for (int64_t i = 0; i < count; ++i) {
    const Fingerprint content = fingerprint(inputs.sample(i), inputs.stride());
    keys.push_back(method + " " + std::to_string(content.low) + " " + std::to_string(content.high) + " " +
                   std::to_string(targets[static_cast<size_t>(i)]) + " " +
                   (method_->network ? "" : std::to_string(mix_seed(seed, static_cast<uint64_t>(i)))));
    if (const Tensor* known = request_.explanations->find(keys.back())) maps[static_cast<size_t>(i)] = *known;
  }
  // What is missing runs in stretches, so that batches stay batches.
  for (int64_t begin = 0; begin < count;) {
    if (!maps[static_cast<size_t>(begin)].empty()) {
      ++begin;
      continue;
    }
    int64_t end = begin + 1;
    while (end < count && maps[static_cast<size_t>(end)].empty()) ++end;
    const Tensor made = run(begin, end);
    for (int64_t i = begin; i < end; ++i) {
      maps[static_cast<size_t>(i)] = made.slice(i - begin, i - begin + 1);
      request_.explanations->keep(keys[static_cast<size_t>(i)], maps[static_cast<size_t>(i)],
                                  static_cast<size_t>(made.stride()) * sizeof(float));
    }
    begin = end;
  }
  return concatenate(maps);
}

std::vector<Parameter> explainer_parameters() {
  using enum ParameterType;
  return {{"explanation", text, "method", "Method that explains again; method: the one measured"},
          {"explanation_output", choice, "logits", "What is explained", {}, {}, "", {"logits"}}};
}

}  // namespace ks

#include "explain/network.h"

#include <algorithm>
#include <utility>

#include "backward/deeplift.h"

namespace ks {

std::vector<Tensor> run_outputs(Classifier& classifier, Session& session, const std::vector<std::string>& outputs,
                                const Tensor& inputs, const std::vector<int>& targets, const Progress& progress,
                                const Tensor* baselines) {
  std::vector<Tensor> out(outputs.size());
  const int64_t total = inputs.dim(0), batch = classifier.batch_size();
  for (int64_t begin = 0; begin < total; begin += batch) {
    const int64_t end = std::min(total, begin + batch);
    const bool whole = end - begin == total;
    const Tensor part = whole ? Tensor() : inputs.slice(begin, end);
    const Tensor seed = seeds(classifier, targets, begin, end);
    Tensor reference;
    std::vector<Session::Input> given = {{classifier.input_name(), whole ? &inputs : &part},
                                         {backward::seed_input, &seed}};
    if (baselines) {
      reference = baselines->dim(0) == 1 ? *baselines : baselines->slice(begin, end);
      given.emplace_back(backward::baseline_input, &reference);
    }
    std::vector<Tensor> results = session.run(given, outputs);
    for (size_t k = 0; k < outputs.size(); ++k) {
      if (whole) {
        out[k] = std::move(results[k]);
        continue;
      }
      if (out[k].empty()) {
        Shape shape = results[k].shape;
        shape.at(0) = total;
        out[k] = Tensor(shape);
      }
      std::copy(results[k].data.begin(), results[k].data.end(), out[k].sample(begin));
    }
    if (progress) progress(static_cast<double>(end) / static_cast<double>(total));
  }
  return out;
}

Tensor run_explainer(Classifier& classifier, Session& session, const Tensor& inputs, const std::vector<int>& targets,
                     const Progress& progress, const Tensor* baselines) {
  return run_outputs(classifier, session, {backward::attribution_output}, inputs, targets, progress, baselines).at(0);
}

Tensor seeds(const Classifier& classifier, const std::vector<int>& targets, int64_t begin, int64_t end) {
  Tensor seed({end - begin, classifier.classes()});
  for (int64_t n = begin; n < end; ++n) seed.sample(n - begin)[targets[static_cast<size_t>(n)]] = 1;
  return seed;
}

Session& network_session(Classifier& classifier, const Method& method, const Params& params) {
  return classifier.derived(method.name + " " + params.all().dump(),
                            [&] { return method.network(classifier, params); });
}

}  // namespace ks

#include "explain/network.h"

#include <algorithm>

#include "backward/explainer.h"

namespace ks {

Tensor run_explainer(Classifier& classifier, Session& session, const Tensor& inputs, const std::vector<int>& targets,
                     const Progress& progress) {
  Tensor out(inputs.shape);
  const int64_t total = inputs.dim(0), batch = classifier.batch_size();
  for (int64_t begin = 0; begin < total; begin += batch) {
    const int64_t end = std::min(total, begin + batch);
    const Tensor part = inputs.slice(begin, end);
    Tensor seed({end - begin, classifier.classes()});
    for (int64_t n = begin; n < end; ++n) seed.sample(n - begin)[targets[n]] = 1;
    const Tensor result = session.run({{classifier.input_name(), &part}, {backward::seed_input, &seed}},
                                      {backward::attribution_output}).at(0);
    std::copy(result.data.begin(), result.data.end(), out.sample(begin));
    if (progress) progress(static_cast<double>(end) / static_cast<double>(total));
  }
  return out;
}

Session& network_session(Classifier& classifier, const Method& method, const Params& params) {
  return classifier.derived(method.name + " " + params.all().dump(), [&] { return method.network(classifier, params); });
}

}  // namespace ks

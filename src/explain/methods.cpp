#include "explain/method.h"
#include "explain/network.h"
#include "tensor/error.h"

namespace ks {

const Registry<Method>& methods() {
  static const Registry<Method> registry("method", [] {
    std::vector<Method> all;
    for (auto family : {gradient_methods, fullgrad_methods, cam_methods, reference_methods, relevance_methods,
                        perturbation_methods, aggregation_methods, baseline_methods})
      for (Method& m : family()) all.push_back(std::move(m));
    return all;
  }());
  return registry;
}

Params check_parameters(const Method& method, const json& given) {
  Params params = check_parameters(static_cast<const Entry&>(method), given);
  if (!method.complete) return params;
  json values = params.all();
  method.complete(method, values);
  return Params(std::move(values));
}

void check_request(const ExplainRequest& request) {
  const Classifier& c = request.classifier;
  const Shape& s = request.inputs.shape;
  if (s.size() != 4 || s[1] != c.channels() || s[2] != c.height() || s[3] != c.width())
    throw Error("the input has shape " + to_string(s), c.where(),
                "the model takes [N," + std::to_string(c.channels()) + "," + std::to_string(c.height()) + "," +
                    std::to_string(c.width()) + "]");
  if (static_cast<int64_t>(request.targets.size()) != s[0])
    throw Error(std::to_string(request.targets.size()) + " targets for " + std::to_string(s[0]) + " images");
  check_targets(request.targets, c);
}

Tensor explain(const std::string& method, const json& parameters, const ExplainRequest& request) {
  const Method& m = methods().at(method);
  const Params params = check_parameters(m, parameters);
  check_request(request);
  if (m.explain) return m.explain(request, params);
  return run_explainer(request.classifier, network_session(request.classifier, m, params), request.inputs,
                       request.targets, request.progress);
}

}  // namespace ks

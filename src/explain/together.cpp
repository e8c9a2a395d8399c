#include "explain/together.h"

#include <algorithm>

#include "explain/network.h"
#include "graph/combine.h"
#include "tensor/error.h"

namespace ks {

namespace {

std::shared_ptr<JointNetwork> build(Classifier& classifier, const std::vector<ChosenMethod>& methods) {
  std::vector<graph::Model> networks;
  std::vector<size_t> built;
  for (size_t k = 0; k < methods.size(); ++k) {
    try {
      graph::Model network = methods[k].method->network(classifier, methods[k].params);
      if (network.opset != classifier.model().opset) continue;
      networks.push_back(std::move(network));
      built.push_back(k);
    } catch (const Error&) {
      // An op its rules do not know; the others can do without it.
    }
  }
  auto joint = std::make_shared<JointNetwork>();
  joint->outputs.resize(methods.size());
  joint->shares.resize(methods.size());
  if (built.empty()) return joint;
  graph::Combined combined = graph::combine(classifier.model(), networks);
  networks.clear();
  std::vector<std::string> attributions;
  for (size_t i = 0; i < built.size(); ++i)
    attributions.push_back(joint->outputs[built[i]] = combined.outputs[i].at(1));
  const std::vector<double> shares =
      graph::work_shares(combined.model, classifier.model(), classifier.input_shape(), attributions);
  for (size_t i = 0; i < built.size(); ++i) joint->shares[built[i]] = shares[i];
  const std::string bytes = classifier.file_of(std::move(combined.model));
  combined = {};
  joint->session.emplace(bytes, classifier.session_options(), classifier.where() + " (several methods)");
  return joint;
}

}  // namespace

ChosenMethod::ChosenMethod(const std::string& name, const json& parameters)
    : method(&methods().at(name)), params(check_parameters(*method, parameters)) {}

JointNetwork& joint_network(Classifier& classifier, const std::vector<ChosenMethod>& methods) {
  std::string key;
  for (const ChosenMethod& m : methods) key += m.method->name + " " + m.params.all().dump() + "\n";
  return classifier.joint(key, [&] { return build(classifier, methods); });
}

std::vector<Tensor> JointNetwork::explain(const ExplainRequest& request) {
  std::vector<std::string> asked;
  for (const std::string& name : outputs)
    if (!name.empty() && std::find(asked.begin(), asked.end(), name) == asked.end()) asked.push_back(name);
  std::vector<Tensor> out(outputs.size());
  if (asked.empty()) return out;
  const std::vector<Tensor> maps =
      run_outputs(request.classifier, *session, asked, request.inputs, request.targets, request.progress);
  for (size_t k = 0; k < outputs.size(); ++k) {
    const auto at = std::find(asked.begin(), asked.end(), outputs[k]);
    if (at != asked.end()) out[k] = maps[static_cast<size_t>(at - asked.begin())];
  }
  return out;
}

std::vector<Tensor> explain_together(const std::vector<ChosenMethod>& methods, const ExplainRequest& request) {
  check_request(request);
  std::vector<Tensor> out(methods.size());
  std::vector<ChosenMethod> networks;
  std::vector<size_t> positions;
  for (size_t k = 0; k < methods.size(); ++k)
    if (methods[k].is_network()) {
      networks.push_back(methods[k]);
      positions.push_back(k);
    }
  ExplainRequest part = request;
  const double total = static_cast<double>(methods.size());
  double done = 0;
  const auto share_of_progress = [&](size_t count) {
    if (request.progress)
      part.progress = [&request, total, done, count](double fraction) {
        request.progress((done + fraction * static_cast<double>(count)) / total);
      };
    done += static_cast<double>(count);
  };
  if (networks.size() > 1) {
    share_of_progress(networks.size());
    std::vector<Tensor> maps = joint_network(request.classifier, networks).explain(part);
    for (size_t i = 0; i < networks.size(); ++i) out[positions[i]] = std::move(maps[i]);
  }
  for (size_t k = 0; k < methods.size(); ++k) {
    if (!out[k].empty()) continue;
    share_of_progress(networks.size() > 1 && methods[k].is_network() ? 0 : 1);
    out[k] = explain(methods[k].method->name, methods[k].params.all(), part);
    if (part.progress) part.progress(1);
  }
  return out;
}

}  // namespace ks

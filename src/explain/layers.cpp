#include "explain/layers.h"

#include <map>

#include "backward/attribution.h"
#include "backward/explainer.h"
#include "explain/network.h"
#include "graph/shapes.h"
#include "tensor/error.h"

namespace ks {

namespace {

std::vector<double> sums(const Tensor& rows) {
  std::vector<double> out;
  for (int64_t n = 0; n < rows.dim(0); ++n) {
    double sum = 0;
    for (int64_t i = 0; i < rows.stride(); ++i) sum += rows.sample(n)[i];
    out.push_back(sum);
  }
  return out;
}

}  // namespace

std::vector<std::string> methods_with_layers() {
  std::vector<std::string> out;
  for (const Method& m : methods())
    if (m.layers) out.push_back(m.name);
  return out;
}

std::vector<LayerAttribution> explain_layers(const std::string& name, const json& parameters,
                                             const ExplainRequest& request) {
  const Method& method = methods().at(name);
  const Params params = check_parameters(method, parameters);
  if (!method.layers) {
    throw Error("'" + name + "' gives no attributions of layers", "", "these do: " + join(methods_with_layers()));
  }
  Classifier& c = request.classifier;
  check_request(request);
  Session& session = c.derived("layers " + name + " " + params.all().dump(), [&] { return method.layers(c, params); });

  // Every output but logits and attribution.
  std::vector<std::string> wanted;
  for (const TensorInfo& output : session.outputs())
    if (output.name.rfind("explain/", 0) == 0 && output.name != backward::attribution_output)
      wanted.push_back(output.name);
  std::vector<Tensor> results = run_outputs(c, session, wanted, request.inputs, request.targets, request.progress);
  std::map<std::string, Tensor> parts;
  for (size_t i = 0; i < wanted.size(); ++i) parts[wanted[i]] = std::move(results[i]);
  const auto output = [&](const std::string& key) {
    const auto it = parts.find(key);
    return it == parts.end() ? Tensor() : std::move(it->second);  // each is asked for once
  };

  const graph::Shapes shapes = graph::infer_shapes(c.model(), c.input_shape(), c.where());
  std::vector<LayerAttribution> out;
  const auto add = [&](const std::string& tensor, const graph::Node* node) {
    LayerAttribution layer;
    layer.channels = output(backward::layer_channels_output(tensor));
    if (layer.channels.empty()) return;
    layer.name = tensor;
    layer.shape = shapes.at(tensor);
    layer.map = output(backward::layer_map_output(tensor));
    layer.total = sums(layer.channels);
    if (node) {
      layer.op = node->op;
      layer.node = node->name;
      // A node that sent nothing lost what it had.
      const Tensor sent = output(backward::layer_sent_output(node->outputs[0]));
      for (size_t n = 0; n < layer.total.size(); ++n)
        layer.conservation_error.push_back((sent.empty() ? 0.0 : static_cast<double>(sent.data[n])) - layer.total[n]);
    }
    out.push_back(std::move(layer));
  };
  const auto& nodes = c.model().nodes;
  for (size_t i = nodes.size(); i-- > 0;) add(nodes[i].outputs.at(0), &nodes[i]);
  add(c.input_name(), nullptr);
  return out;
}

}  // namespace ks

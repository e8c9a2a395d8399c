#include "metric/representation.h"

#include <algorithm>

#include "backward/cam.h"
#include "explain/feature_map.h"
#include "graph/shapes.h"
#include "graph/simplify.h"
#include "tensor/error.h"

namespace ks {

namespace {

/// Tensors with a value for every image, and their shapes.
graph::Shapes inner_tensors(const graph::Model& model, const Shape& input_shape) {
  const graph::Shapes shapes = graph::infer_facts(model, input_shape).shapes;
  graph::Shapes out;
  for (const graph::Node& node : model.nodes)
    for (const std::string& name : node.outputs) {
      const auto it = shapes.find(name);
      if (it != shapes.end() && it->second.size() >= 2 && it->second[0] == -1) out.insert(*it);
    }
  return out;
}

/// The network with one of its tensors as a second output.
graph::Model with_output(graph::Model model, const std::string& tensor, const Shape& shape) {
  graph::Value value;
  value.name = tensor;
  for (const int64_t d : shape) value.dimensions.push_back({d, d < 0 ? "N" : ""});
  if (!graph::is_output(model, tensor)) model.outputs.push_back(value);
  model.metadata.clear();
  return graph::simplify(model);
}

}  // namespace

Representation::Representation(Classifier& classifier, const std::string& layer)
    : classifier_(classifier), layer_(layer) {
  // The network as it was read has all of the file's tensors; what is last in it is a question for the simplified one.
  const graph::Model& model = layer.empty() ? classifier.model() : classifier.original();
  const graph::Shapes known = inner_tensors(model, classifier.input_shape());
  if (layer.empty()) layer_ = backward::last_feature_map(model, known);
  if (layer_.empty())
    throw Error("the network has no feature map: nothing with positions comes before its logits", classifier.where(),
                "name one of its tensors with the parameter 'layer'");
  const auto found = known.find(layer_);
  if (found == known.end()) {
    std::vector<std::string> names;
    for (const graph::Node& node : model.nodes)
      for (const std::string& name : node.outputs)
        if (known.count(name)) names.push_back(name);
    throw Error("the network has no inner tensor '" + layer_ + "'", classifier.where(),
                "its tensors are for example " + near_tensors(layer_, names));
  }
  logits_ = model.outputs.at(0).name;
  session_ = &classifier.derived("representation " + layer, [&] { return with_output(model, layer_, found->second); });
}

Representation::Values Representation::operator()(const Tensor& inputs) const {
  std::vector<Tensor> inner, logits;
  for (int64_t begin = 0; begin < inputs.dim(0); begin += classifier_.batch_size()) {
    const int64_t end = std::min<int64_t>(inputs.dim(0), begin + classifier_.batch_size());
    const Tensor batch = inputs.slice(begin, end);
    std::vector<std::string> outputs = {logits_};
    if (layer_ != logits_) outputs.push_back(layer_);
    std::vector<Tensor> values = session_->run({{classifier_.input_name(), &batch}}, outputs);
    inner.push_back(values.back());
    logits.push_back(values.front().reshaped({end - begin, classifier_.classes()}));
  }
  return {concatenate(inner), concatenate(logits)};
}

}  // namespace ks

#include "explain/export.h"

#include <algorithm>

#include "backward/explainer.h"
#include "graph/builder.h"
#include "graph/simplify.h"
#include "tensor/error.h"

namespace ks {

namespace {

using graph::Array;
using graph::Model;

/// Makes `from` an output named `to`.
void rename_output(Model& model, size_t index, const std::string& to) {
  const std::string from = model.outputs[index].name;
  if (from == to) return;
  graph::Builder(model).add_named("Identity", {from}, to);
  model.outputs[index].name = to;
}

}  // namespace

Model export_explainer(const Classifier& c, const std::string& name, const json& parameters, ExportTarget target,
                       int target_class) {
  const Method& method = methods().at(name);
  const Params params = check_parameters(method, parameters);
  if (!method.network) {
    std::string known;
    for (const Method& m : methods())
      if (m.network) known += (known.empty() ? "" : ", ") + m.name;
    throw Error("'" + name + "' runs the network many times and is no single graph", "", "these can be exported: " + known);
  }
  if (target == ExportTarget::fixed) check_targets({target_class}, c);
  Model model = method.network(c, params);

  // The seed is computed right after the logits, before the backward nodes that read it.
  const std::string logits = model.outputs[0].name;
  const auto producer = std::find_if(model.nodes.begin(), model.nodes.end(), [&](const graph::Node& n) {
    return std::find(n.outputs.begin(), n.outputs.end(), logits) != n.outputs.end();
  });
  std::vector<graph::Node> backward(producer + 1, model.nodes.end());
  model.nodes.erase(producer + 1, model.nodes.end());
  model.inputs.resize(1);
  {
    graph::Builder b(model);
    for (const graph::Node& n : backward)
      for (const std::string& o : n.outputs) b.fresh(o);  // their names stay theirs
    if (target == ExportTarget::fixed) {
      Tensor one_hot({1, c.classes()});
      one_hot.data[target_class] = 1;
      b.add_named("Expand", {b.constant(Array::of(one_hot)), b.add("Shape", {logits})}, backward::seed_input);
    } else {
      std::string index = "target";
      if (target == ExportTarget::input) model.inputs.push_back({index, graph::Type::i64, {{-1, "N"}}});
      else index = b.add("ArgMax", {logits}, {{"axis", int64_t{1}}, {"keepdims", int64_t{0}}});
      const std::string depth = b.constant(Array::ints({}, {c.classes()})), values = b.constant(Array::floats({2}, {0, 1}));
      b.add_named("OneHot", {index, depth, values}, backward::seed_input, {{"axis", int64_t{1}}});
    }
  }
  model.nodes.insert(model.nodes.end(), backward.begin(), backward.end());
  rename_output(model, 0, "logits");
  rename_output(model, 1, "attribution");
  graph::check(model, name);

  const Preprocessing& p = c.preprocessing();
  model.metadata["kernelscope.method"] = json{{"name", name}, {"parameters", params.all()}}.dump();
  model.metadata["kernelscope.classes"] = json(c.class_names()).dump();
  model.metadata["kernelscope.preprocessing"] =
      json{{"width", p.width}, {"height", p.height}, {"mean", p.mean}, {"deviation", p.deviation}}.dump();
  return model;
}

}  // namespace ks

#include "explain/export.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "backward/explainer.h"
#include "graph/builder.h"
#include "graph/simplify.h"
#include "picture/normalisation.h"
#include "picture/pooling.h"
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

std::string sum_channels(graph::Builder& b, const std::string& x) {
  return b.reduce("ReduceSum", x, {1});
}

/// A pooling as nodes: [N,channels,H,W] -> [N,1,H,W].
using PoolingNodes = std::string (*)(graph::Builder&, const std::string& x, int64_t channels);

const std::map<std::string, PoolingNodes>& pooling_nodes() {
  using graph::Builder;
  static const std::map<std::string, PoolingNodes> table = {
      {"sum", [](Builder& b, const std::string& x, int64_t) { return sum_channels(b, x); }},
      {"mean",
       [](Builder& b, const std::string& x, int64_t channels) {
         return b.add("Div", {sum_channels(b, x), b.scalar(static_cast<float>(channels))});
       }},
      {"max", [](Builder& b, const std::string& x, int64_t) { return b.reduce("ReduceMax", x, {1}); }},
      {"strongest",  // ArgMax takes the first of equals, as pool_channels does
       [](Builder& b, const std::string& x, int64_t) {
         const std::string channel =
             b.add("ArgMax", {b.add("Abs", {x})}, {{"axis", int64_t{1}}, {"keepdims", int64_t{1}}});
         return b.add("GatherElements", {x, channel}, {{"axis", int64_t{1}}});
       }},
      {"abs-sum", [](Builder& b, const std::string& x, int64_t) { return sum_channels(b, b.add("Abs", {x})); }},
      {"abs-mean",
       [](Builder& b, const std::string& x, int64_t channels) {
         return b.add("Div", {sum_channels(b, b.add("Abs", {x})), b.scalar(static_cast<float>(channels))});
       }},
      {"abs-max",
       [](Builder& b, const std::string& x, int64_t) { return b.reduce("ReduceMax", b.add("Abs", {x}), {1}); }},
  };
  return table;
}

/// The limit of each map, [N,1,1,1], from its magnitudes [N,1,H,W].
using LimitNodes = std::string (*)(graph::Builder&, const std::string& magnitudes, int64_t pixels, const Params&);

std::string largest(graph::Builder& b, const std::string& magnitudes, int64_t, const Params&) {
  return b.reduce("ReduceMax", magnitudes, {1, 2, 3});
}

/// Of n values in order the one at q (n - 1), between two of them in proportion: the last of the largest ones.
std::string percentile(graph::Builder& b, const std::string& magnitudes, int64_t pixels, const Params& params) {
  const double position = params.number("percentile") / 100 * static_cast<double>(pixels - 1);
  const int64_t below = static_cast<int64_t>(position);
  const float fraction = static_cast<float>(position - static_cast<double>(below));
  const std::string flat = b.add("Reshape", {magnitudes, b.ints({0, -1})});
  const std::string top = b.add_many("TopK", {flat, b.ints({pixels - below})}, 2, {{"axis", int64_t{1}}})[0];
  const auto value = [&](int64_t rank) {
    return b.add("Reshape",
                 {b.add("Slice", {top, b.ints({rank}), b.ints({rank + 1}), b.ints({1})}), b.ints({0, 1, 1, 1})});
  };
  std::string limit = value(pixels - below - 1);
  if (fraction > 0)
    limit = b.add("Add", {limit, b.add("Mul", {b.scalar(fraction), b.add("Sub", {value(pixels - below - 2), limit})})});
  // So sparse that the percentile is zero: the maximum still shows something.
  return b.add("Where", {b.add("Greater", {limit, b.scalar(0)}), limit, value(0)});
}

const std::map<std::string, LimitNodes>& limit_nodes() {
  static const std::map<std::string, LimitNodes> table = {{"max-abs", largest}, {"percentile", percentile}};
  return table;
}

template <class T>
std::string names_of(const std::map<std::string, T>& table) {
  std::vector<std::string> names;
  for (const auto& [name, nodes] : table) names.push_back(name);
  return join(names);
}

/// Checks the choices before anything is built. Throws Error.
Params check_display(const ExportOptions& o) {
  if (!o.pooling.empty()) {
    poolings().at(o.pooling);
    if (!pooling_nodes().count(o.pooling))
      throw Error("the channel pooling '" + o.pooling + "' cannot be part of a graph", "",
                  "these can: " + names_of(pooling_nodes()));
  }
  if (o.normalisation.empty()) return {};
  const Normalisation& normalisation = normalisations().at(o.normalisation);
  if (normalisation.whole_study)
    throw Error("the normalisation '" + o.normalisation + "' looks at all maps of a study, and a graph sees one batch",
                "", "these can be part of a graph: " + names_of(limit_nodes()));
  if (!limit_nodes().count(o.normalisation))
    throw Error("the normalisation '" + o.normalisation + "' cannot be part of a graph", "",
                "these can: " + names_of(limit_nodes()));
  if (o.pooling.empty()) throw Error("a normalisation is of a pooled map", "", "name a channel pooling, too");
  return check_parameters(normalisation, o.normalisation_parameters);
}

/// Appends pooling and normalisation to the output "attribution" (outputs[1]).
void append_display(Model& model, const Classifier& c, const ExportOptions& o, const Params& normalisation) {
  if (o.pooling.empty()) return;
  graph::Value& output = model.outputs[1];
  graph::Builder b(model);
  const int64_t channels = output.dimensions.at(1).size;
  std::string map = pooling_nodes().at(o.pooling)(b, output.name, channels > 0 ? channels : c.channels());
  if (!o.normalisation.empty()) {
    const std::string limit =
        limit_nodes().at(o.normalisation)(b, b.add("Abs", {map}), int64_t{c.height()} * c.width(), normalisation);
    // A map of zeros stays one.
    const std::string divisor = b.add("Where", {b.add("Greater", {limit, b.scalar(0)}), limit, b.scalar(1)});
    map = b.add("Clip", {b.add("Div", {map, divisor}), b.scalar(-1), b.scalar(1)});
  }
  output.name = map;
  output.dimensions[1] = {1, ""};
}

}  // namespace

Model export_explainer(const Classifier& c, const std::string& name, const json& parameters,
                       const ExportOptions& options) {
  const Params normalisation = check_display(options);
  const Method& method = methods().at(name);
  const Params params = check_parameters(method, parameters);
  if (!method.network) {
    std::vector<std::string> known;
    for (const Method& m : methods())
      if (m.network) known.push_back(m.name);
    throw Error("'" + name + "' runs the network many times and is no single graph", "",
                "these can be exported: " + join(known));
  }
  if (options.target == ExportTarget::fixed) check_targets({options.target_class}, c);
  Model model = method.network(c, params);

  // The seed is computed right after the logits, before the backward nodes that read it.
  const std::string logits = model.outputs[0].name;
  model.inputs.resize(1);
  if (options.target == ExportTarget::input) model.inputs.push_back({"target", graph::Type::i64, {{-1, "N"}}});
  graph::build_after(model, logits, [&](graph::Builder& b) {
    if (options.target == ExportTarget::fixed) {
      Tensor one_hot({1, c.classes()});
      one_hot.data[static_cast<size_t>(options.target_class)] = 1;
      b.add_named("Expand", {b.constant(Array::of(one_hot)), b.add("Shape", {logits})}, backward::seed_input);
      return;
    }
    const std::string index = options.target == ExportTarget::input
                                  ? "target"
                                  : b.add("ArgMax", {logits}, {{"axis", int64_t{1}}, {"keepdims", int64_t{0}}});
    const std::string depth = b.constant(Array::ints({}, {c.classes()})),
                      values = b.constant(Array::floats({2}, {0, 1}));
    b.add_named("OneHot", {index, depth, values}, backward::seed_input, {{"axis", int64_t{1}}});
  });
  append_display(model, c, options, normalisation);
  rename_output(model, 0, "logits");
  rename_output(model, 1, "attribution");
  graph::check(model, name);

  const Preprocessing& p = c.preprocessing();
  model.metadata["kernelscope.method"] = json{{"name", name}, {"parameters", params.all()}}.dump();
  if (!options.pooling.empty()) model.metadata["kernelscope.pooling"] = options.pooling;
  if (!options.normalisation.empty())
    model.metadata["kernelscope.normalisation"] =
        json{{"name", options.normalisation}, {"parameters", normalisation.all()}}.dump();
  model.metadata["kernelscope.classes"] = json(c.class_names()).dump();
  model.metadata["kernelscope.preprocessing"] =
      json{{"width", p.width}, {"height", p.height}, {"mean", p.mean}, {"deviation", p.deviation}}.dump();
  return model;
}

}  // namespace ks

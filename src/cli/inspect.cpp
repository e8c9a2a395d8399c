#include <algorithm>
#include <iostream>
#include <map>
#include <memory>

#include "backward/pass.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "graph/shapes.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace ks::cli {

namespace {

/// Nodes through which no explanation goes back, as "name (op)".
std::vector<std::string> stopping_nodes(const graph::Model& model) {
  const auto& known = backward::differentiable_ops();
  std::vector<std::string> out;
  for (const graph::Node& node : model.nodes)
    if (std::find(known.begin(), known.end(), node.op) == known.end() || !node.domain.empty())
      out.push_back(node.name + " (" + node.op + ")");
  return out;
}

}  // namespace

Action inspect(CLI::App& app) {
  struct Options {
    std::string model;
    bool layers = false;
  };
  auto o = std::make_shared<Options>();
  app.add_option("model", o->model, "ONNX image classifier")->required();
  app.add_flag("--layers", o->layers, "Also list every node with the shape of its output");
  return [o](Context& context) {
    const Classifier c(read_file(o->model), o->model, session_options("cpu", 0));
    const graph::Model& m = c.model();
    std::map<std::string, int> ops;
    int64_t parameters = 0;
    for (const graph::Node& node : m.nodes) ++ops[node.op];
    for (const auto& [name, array] : m.initializers)
      if (array.type == graph::Type::f32) parameters += array.count();
    const std::vector<std::string> stops = stopping_nodes(m);
    ks::json out = {
        {"model", o->model},
        {"sha256", c.hash()},
        {"opset", m.opset},
        {"input", {{"name", c.input_name()}, {"channels", c.channels()}, {"height", c.height()}, {"width", c.width()}}},
        {"classes", c.class_names()},
        {"parameters", parameters},
        {"ops", ops},
        {"explainable", stops.empty()},
        {"stopping_nodes", stops},
        {"metadata", m.metadata}};
    if (o->layers && stops.empty()) {
      const graph::Shapes shapes = graph::infer_shapes(m, c.input_shape(), o->model);
      for (const graph::Node& node : m.nodes)
        out["layers"].push_back({{"op", node.op}, {"output", node.outputs[0]}, {"shape", shapes.at(node.outputs[0])}});
    }
    if (context.json) return context.print(out);
    std::cout << o->model << "\n  input      " << c.input_name() << " [N," << c.channels() << "," << c.height() << ","
              << c.width() << "]\n  classes    ";
    for (size_t k = 0; k < c.class_names().size() && k < 20; ++k) std::cout << (k ? ", " : "") << c.class_names()[k];
    if (c.class_names().size() > 20) std::cout << ", ... (" << c.class_names().size() << ")";
    std::cout << "\n  parameters " << parameters << " after merging\n  ops        ";
    bool first = true;
    for (const auto& [op, count] : ops) {
      std::cout << (first ? "" : ", ") << count << " " << op;
      first = false;
    }
    std::cout << "\n  explained by "
              << (stops.empty() ? "every method" : "black-box methods only; stopped by " + stops[0]) << "\n";
    if (out.contains("layers"))
      for (const ks::json& l : out["layers"])
        std::cout << "    " << l["op"].get<std::string>() << "  " << l["output"].get<std::string>() << "  "
                  << l["shape"].dump() << "\n";
  };
}

}  // namespace ks::cli

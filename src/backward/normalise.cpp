#include "backward/normalise.h"

#include "backward/attribution.h"
#include "tensor/error.h"

namespace ks::backward {

bool Standardisation::covers(const graph::Node& node) {
  return node.op == "LayerNormalization" || node.op == "InstanceNormalization";
}

Standardisation::Standardisation(Pass& pass, const graph::Node& node) : pass_(pass), epsilon_(node.attribute("epsilon", 1e-5f)) {
  const Shape& shape = pass.shape(node.inputs.at(0));
  const graph::Array* scale = node.has_input(1) ? pass.forward().constant(node.inputs[1]) : nullptr;
  if (node.has_input(1) && !scale)
    throw Error("node '" + node.name + "' (" + node.op + ") has a scale that is computed, not constant", pass.where());
  const bool layer = node.op == "LayerNormalization";
  for (size_t a = layer ? static_cast<size_t>(graph::front_axis(node.attribute("axis", int64_t{-1}), shape.size())) : 2;
       a < shape.size(); ++a) {
    axes_.push_back(static_cast<int64_t>(a));
    count_ *= shape[a];
  }
  if (!scale) return;
  if (layer) {
    scale_ = node.inputs[1];
  } else {
    Shape broadcast(shape.size(), 1);
    broadcast.at(1) = scale->count();
    scale_ = pass.constant(scale->to_tensor().reshaped(broadcast));
  }
}

Standardisation::Parts Standardisation::parts(const std::string& x) const {
  const std::string centred = pass_.add("Sub", {x, reduce(pass_, "ReduceMean", x, axes_)});
  const std::string variance = reduce(pass_, "ReduceMean", pass_.add("Mul", {centred, centred}), axes_);
  const std::string deviation = pass_.add("Sqrt", {pass_.add("Add", {variance, pass_.builder().scalar(epsilon_)})});
  return {centred, pass_.add("Div", {pass_.builder().scalar(1), deviation})};
}

}  // namespace ks::backward

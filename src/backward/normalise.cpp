#include "backward/normalise.h"

#include "backward/attribution.h"
#include "tensor/error.h"

namespace ks::backward {

bool Standardisation::covers(const graph::Node& node) {
  return node.op == "LayerNormalization" || node.op == "InstanceNormalization" || node.op == "GroupNormalization";
}

Standardisation::Standardisation(Pass& pass, const graph::Node& node)
    : pass_(pass), node_(node), epsilon_(node.attribute("epsilon", 1e-5f)) {
  const Shape& shape = pass.shape(node.inputs.at(0));
  const int64_t rank = static_cast<int64_t>(shape.size());
  const graph::Array* scale = node.has_input(1) ? pass.forward().constant(node.inputs[1]) : nullptr;
  if (node.has_input(1) && !scale)
    throw Error("node '" + node.name + "' (" + node.op + ") has a scale that is computed, not constant", pass.where());
  const auto per_channel = [&](Tensor values) {
    Shape broadcast(static_cast<size_t>(rank), 1);
    broadcast.at(1) = values.size();
    return pass.constant(values.reshaped(broadcast));
  };
  if (node.op == "LayerNormalization") {
    int64_t axis = node.attribute("axis", int64_t{-1});
    if (axis < 0) axis += rank;
    for (int64_t a = axis; a < rank; ++a) axes_.push_back(a);
    if (scale) scale_ = node.inputs[1];
  } else if (node.op == "InstanceNormalization") {
    for (int64_t a = 2; a < rank; ++a) axes_.push_back(a);
    if (scale) scale_ = per_channel(scale->to_tensor());
  } else {
    const int64_t groups = node.attribute("num_groups", int64_t{1});
    layout_ = {-1, groups, element_count(Shape(shape.begin() + 1, shape.end())) / groups};
    axes_ = {2};
    if (scale) {  // one value a channel, or a group in opset 18
      Tensor values({shape.at(1)});
      const std::vector<float> given = scale->to_floats();
      const int64_t repeat = shape[1] / static_cast<int64_t>(given.size());
      for (int64_t c = 0; c < shape[1]; ++c) values.data[static_cast<size_t>(c)] = given[static_cast<size_t>(c / repeat)];
      scale_ = per_channel(values);
    }
  }
  for (int64_t a : axes_) count_ *= layout_.empty() ? shape.at(static_cast<size_t>(a)) : layout_.at(static_cast<size_t>(a));
}

Standardisation::Parts Standardisation::parts(const std::string& x) const {
  const std::string values = to_layout(x);
  const std::string centred = pass_.add("Sub", {values, reduce(pass_, "ReduceMean", values, axes_)});
  const std::string variance = reduce(pass_, "ReduceMean", pass_.add("Mul", {centred, centred}), axes_);
  const std::string deviation = pass_.add("Sqrt", {pass_.add("Add", {variance, pass_.builder().scalar(epsilon_)})});
  return {centred, pass_.add("Div", {pass_.builder().scalar(1), deviation})};
}

std::string Standardisation::to_layout(const std::string& x) const {
  return layout_.empty() ? x : pass_.add("Reshape", {x, pass_.builder().ints(layout_)});
}

std::string Standardisation::from_layout(const std::string& x) const {
  return layout_.empty() ? x : pass_.add("Reshape", {x, pass_.reshape_target(node_.inputs[0])});
}

std::string Standardisation::scaled(const std::string& x) const {
  return scale_.empty() ? x : pass_.add("Mul", {x, scale_});
}

}  // namespace ks::backward

#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "backward/pass.h"

namespace ks::backward {

// What the files of gradient rules share. A rule appends nodes that carry g, the gradient of the node's first output,
// to its inputs. They are valid in opsets 17 to 22 and, for Backend::webgpu, of ops that ONNX Runtime's WebGPU provider
// has.

using GradientRule = void (*)(Pass&, const graph::Node&, const std::string& g);
using GradientRules = std::unordered_map<std::string, GradientRule>;

GradientRules elementwise_gradients();
GradientRules layout_gradients();
GradientRules normalisation_gradients();
GradientRules pooling_gradients();
GradientRules product_gradients();
GradientRules reduction_gradients();

/// The gradient of an operand that was broadcast from its own shape to `from`: summed over the axes it was repeated
/// along.
std::string unbroadcast(Pass& pass, const std::string& g, const Shape& from, const std::string& operand);

/// where > 0 ? above : otherwise
std::string where_positive(Pass& pass, const std::string& where, const std::string& above,
                           const std::string& otherwise);

/// y > 0 ? g : 0, for a y that is never negative.
std::string where_active(Pass& pass, const std::string& y, const std::string& g);

/// A matrix [to, from] applied along one axis (not the first) of a tensor of the given shape.
std::string along_axis(Pass& pass, const std::string& tensor, const Shape& shape, size_t axis, const Tensor& matrix);

/// Refuses a node: "node 'x' (Op) " + why.
[[noreturn]] void refuse(const Pass& pass, const graph::Node& node, const std::string& why);

}  // namespace ks::backward

#pragma once
#include <string>

#include "backward/pass.h"

namespace ks::backward {

/// What becomes of a layer's bias-gradients before they are upsampled and summed over channels.
enum class FullGradMap {
  rescaled,  // |.|, then to [0,1] within each image and layer (the paper's choice)
  absolute,  // |.|
  signed_    // nothing: the map sums to the logit
};

/// FullGrad: S. Srinivas, F. Fleuret: Full-gradient representation for neural network visualization, NeurIPS 2019. A
/// logit is the sum of input x gradient and of bias x gradient over all biases. A model that computes the logits and
/// [N,1,H,W]: input x gradient plus, of every layer, bias x gradient at each position. Beside biases of layers with
/// weights (after merging, with those of batch norms) these are added constants and the implicit biases of everything
/// that is not homogeneous: f(z) - f'(z) z. Terms without a position (dense layers) only count in the signed map,
/// evenly spread: only there the sum is complete.
graph::Model fullgrad_model(const graph::Model& forward, const Shape& input_shape, FullGradMap map, Backend backend,
                            const std::string& where);

}  // namespace ks::backward

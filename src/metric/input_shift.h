#pragma once
#include <string>

#include "graph/model.h"

namespace ks {

/// The network whose answer to an image with `shift` added to every value is the given one's answer to the image: its
/// first layer's bias takes the shift back. P.-J. Kindermans et al.: The (un)reliability of saliency methods, 2017.
///
/// Where the first layer pads, the border must be shifted, too: zeros around x are `shift` around x + shift. So the
/// padding moves out of the convolution into a Pad node in front of it that pads with the shift, and the answers stay
/// equal at the border.
///
/// `weight`, `bias`: the names that the first layer's initializers must have; empty: any. Throws Error where the image
/// reaches something else than one convolution or dense layer first, or the names are others. `where`: the metric's
/// name.
graph::Model shifted_network(const graph::Model& original, float shift, const std::string& weight,
                             const std::string& bias, const std::string& where);

}  // namespace ks

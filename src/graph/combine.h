#pragma once
#include <string>
#include <vector>

#include "graph/model.h"

namespace ks::graph {

/// Several networks as one.
struct Combined {
  Model model;                                    // its outputs are all those of the networks, each once
  std::vector<std::vector<std::string>> outputs;  // [network][output]: what it is called in `model`
};

/// Combines networks that were derived from `forward`. A tensor with the name of one of its tensors has the same value
/// in all of them and is computed once, inputs are shared by their names, and nodes with the same op, attributes,
/// inputs and constants (by content) become one, whatever they are called. Where one network computes a forward tensor
/// by other nodes, which its backward half needs anyway, all take it from there. Throws std::logic_error for networks
/// of different opsets.
Combined combine(const Model& forward, const std::vector<Model>& derived);

/// Which share of the work each output causes: multiply-adds of convolutions and matrix products and a little for every
/// value of the other nodes, what several outputs need being split between them. Sums to 1. An estimate from what the
/// shapes of `forward`'s tensors (input_shape [N,C,H,W]) say of the rest; `outputs` are names of model.outputs.
std::vector<double> work_shares(const Model& model, const Model& forward, const Shape& input_shape,
                                const std::vector<std::string>& outputs);

}  // namespace ks::graph

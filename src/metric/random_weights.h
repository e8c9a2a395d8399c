#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "explain/classifier.h"
#include "registry/registry.h"
#include "tensor/random.h"

namespace ks {

/// A layer with weights: what it is called, and the initializers that hold them.
struct WeightedLayer {
  std::string name;
  std::vector<std::string> initializers;
};

/// How a weight is drawn again: uniformly in [-bound, bound], or, for bound 0, it becomes `constant`.
struct WeightReset {
  Shape shape;
  double bound = 0;
  float constant = 0;
};

/// The layers of a network whose constants are folded, in the order of its nodes: every convolution, dense layer and
/// normalisation with constant weights. Layers that share their weights are one.
std::vector<WeightedLayer> weighted_layers(const graph::Model& model);

/// The resets of all their weights, as PyTorch initialises layers: weight and bias of a convolution or dense layer
/// uniform in
/// [-1/sqrt(fan_in), 1/sqrt(fan_in)], scales and running variances of a normalisation 1, shifts and running means 0.
std::map<std::string, WeightReset> weight_resets(const graph::Model& model);

enum class LayerOrder {
  top_down,    // from the last layer to the first, each on top of those before (cascading)
  bottom_up,   // from the first to the last, likewise
  independent  // one layer at a time, the others as they were
};

/// The parameters `layers`, `initializers`, `init`.
std::vector<Parameter> layer_parameters();

/// A classifier's networks with layers whose weights are random. One stream of random numbers runs through all layers,
/// so that layers of equal shape get other weights. Networks are made when they are asked for, and the classifier keeps
/// them (Classifier::variant), so that images and methods share them.
class RandomisedNetworks {
 public:
  /// Reads layer_parameters(). Throws Error for layers or initializers that the network does not have, and for a
  /// network without weights. `where`: the metric's name.
  RandomisedNetworks(Classifier& classifier, const Params& params, LayerOrder order, uint64_t seed,
                     const std::string& where);

  size_t size() const { return layers_.size(); }
  /// The network after layers 0 ... step, or with layer `step` alone. Hold the pointer while it is used.
  std::shared_ptr<Classifier> network(size_t step);

 private:
  graph::Model build(size_t step);

  Classifier& classifier_;
  LayerOrder order_;
  uint64_t seed_;
  Random random_;
  graph::Model model_;  // constants folded
  std::map<std::string, WeightReset> resets_;
  std::vector<WeightedLayer> layers_;                       // in the order in which they are randomised
  std::vector<std::map<std::string, graph::Array>> drawn_;  // new weights of the first layers so far
};

}  // namespace ks

#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "graph/model.h"
#include "picture/image.h"
#include "tensor/tensor.h"

namespace ks::train {

/// The classifier of L. Tětková, E. Dreier, R. Malm, L. Hansen: Challenges in explaining deep learning models for data
/// with biological variation, PLOS ONE 2025, Fig 9, with its sizes as parameters: a convolution 7x7/2, batch norm,
/// ReLU, max pool 3x3/2, residual blocks (two convolutions 3x3 with batch norms, as in K. He et al., CVPR 2016), global
/// average pool, dense layer, softmax. The blocks form up to three stages of equal length; the first block of the
/// second and of the third stage halves the resolution and doubles the channels, with a convolution 1x1/2 and a batch
/// norm as its shortcut.
struct GrainNet {
  int width = 32;  // channels of the stem and the first stage
  int blocks = 6;  // residual blocks
  int classes = 2;
  int image_width = 224, image_height = 224;
};

/// A part of the flat vector that holds all trained parameters of a network.
struct Parameter {
  std::string name;  // "block1/second/weight"
  Shape shape;
  int64_t offset = 0;   // in the flat vector
  bool decays = false;  // weight decay applies: weights of convolutions and of the dense layer
  int64_t count() const { return element_count(shape); }
};

/// A convolution with its batch norm.
struct Layer {
  std::string name;  // "stem", "block1/first", "block1/second", "block3/shortcut"
  int64_t inputs = 0, outputs = 0, kernel = 0, stride = 1;  // pads: kernel / 2
  int weight = 0, gamma = 0, beta = 0;                      // indices into Architecture::parameters
  int64_t statistics = 0;  // offset of the running mean in the flat statistics; the variance follows at + total / 2
};

/// relu(second(relu(first(x))) + shortcut(x)), each with its norm; without a shortcut layer + x.
struct Block {
  Layer first, second;
  std::optional<Layer> shortcut;
};

/// Where everything of a GrainNet lies.
struct Architecture {
  GrainNet net;
  std::vector<Parameter> parameters;
  Layer stem;
  std::vector<Block> blocks;
  std::vector<Layer> layers() const;  // all, in the order of their parameters and statistics
  int64_t features = 0;               // channels of the last block
  int dense_weight = 0, dense_bias = 0;
  int64_t parameter_count = 0;   // length of the flat parameters
  int64_t statistics_count = 0;  // length of the flat running statistics: all means, then all variances
};

/// Throws Error for a width, depth or image size outside what the network can have.
Architecture architecture(const GrainNet& net);

/// What training changes besides the optimizer's state.
struct Weights {
  Tensor parameters;  // [parameter_count]
  Tensor statistics;  // [statistics_count]
};

/// Convolutions after K. He et al. (ICCV 2015, fan out), the dense layer uniform in 1/sqrt(fan in), scales 1, shifts 0,
/// running means 0, running variances 1. The last scale of every block starts at 0, so that blocks start as identities
/// (P. Goyal et al.: Accurate, large minibatch SGD, 2017).
Weights initial_weights(const Architecture& architecture, uint64_t seed);

inline constexpr float batch_norm_epsilon = 1e-5f;

/// The network for use: input "image" [N,3,H,W], normalised, output "probability" [N,classes]; batch norms with the
/// running statistics.
graph::Model inference_model(const Architecture& architecture, const Weights& weights);

}  // namespace ks::train

#pragma once
#include <string>

#include "graph/model.h"
#include "train/grainnet.h"

namespace ks::train {

enum class Rule {
  sgd,   // v = momentum v + g + decay p; p -= rate v                     (as in PyTorch's SGD)
  adamw  // I. Loshchilov, F. Hutter: Decoupled weight decay regularization, ICLR 2019
};

struct Optimizer {
  Rule rule = Rule::sgd;
  float momentum = 0.9f;       // of SGD
  float weight_decay = 1e-4f;  // of convolutions and the dense layer; scales, shifts and biases do not decay
  float beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;  // of AdamW
  /// How many values per parameter the state has: the velocity, or both moments.
  int64_t state_count() const { return rule == Rule::sgd ? 1 : 2; }
};

/// Names of the training step's inputs and outputs; all float32.
namespace names {
// Inputs.
inline constexpr const char* images = "images";          // [N,3,H,W], normalised
inline constexpr const char* labels = "labels";          // [N,K], rows sum to 1
inline constexpr const char* parameters = "parameters";  // [parameter_count]
inline constexpr const char* statistics = "statistics";  // [statistics_count]
inline constexpr const char* state = "state";            // [state_count, parameter_count]
inline constexpr const char* rate = "rate";              // [1]: learning rate of this step
inline constexpr const char* count = "count";            // [1]: number of this step, from 1
// Outputs.
inline constexpr const char* loss = "loss";          // [1]: mean cross-entropy
inline constexpr const char* correct = "correct";    // [1]: how many samples were classified right
inline constexpr const char* gradient = "gradient";  // [parameter_count]
inline constexpr const char* new_parameters = "new_parameters";
inline constexpr const char* new_statistics = "new_statistics";
inline constexpr const char* new_state = "new_state";
}  // namespace names

/// One training step as one graph: forward with the batch's statistics, softmax cross-entropy, backward, update of the
/// parameters and of the running statistics (momentum 0.1, unbiased variances, as in PyTorch). The batch size is fixed.
/// `block` is channel_block(), or 0 for standard ONNX; the blocked form is only taken where the width is a multiple of
/// the block and the image's sides can be halved as often as the network does.
graph::Model training_step(const Architecture& architecture, const Optimizer& optimizer, int64_t batch, int block);

}  // namespace ks::train

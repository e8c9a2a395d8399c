#pragma once
#include "explain/classifier.h"
#include "networks.h"

namespace ks::test {

/// A linear network of two classes and three images: what its explanations must be is known.
struct LinearClassifier {
  static constexpr int side = 24;
  Tensor weights;
  Classifier classifier;
  Tensor inputs;

  explicit LinearClassifier(uint64_t seed)
      : weights([&] {
          Random random(seed);
          return random_tensor(random, {2, 3 * side * side});
        }()),
        classifier(graph::write(linear_network(3, side, side, weights)), "linear"),
        inputs([&] {
          Random random(seed, 1);
          return random_tensor(random, {3, 3, side, side}, 0.5);
        }()) {}

  /// What one value of a pixel adds to the target's logit, against `baseline`.
  double contribution(int64_t n, int target, int channel, int pixel, double baseline = 0) const {
    const size_t at = static_cast<size_t>(channel) * side * side + static_cast<size_t>(pixel);
    return (inputs.sample(n)[at] - baseline) * weights.sample(target)[at];
  }
};

}  // namespace ks::test

#pragma once
#include <string>
#include <vector>

#include "train/grainnet.h"
#include "train/maps.h"

namespace ks::train {

/// Per-channel tensors [C] of a batch norm in training.
struct Norm {
  std::string mean, variance;  // of the batch; the variance is the biased one
  std::string inverse;         // 1 / sqrt(variance + epsilon)
  std::string scale, shift;    // y -> scale y + shift
  double samples = 0;          // values per channel
};

/// Batch norm's statistics and affine map from the means of y and of y squared.
Norm batch_norm(Maps& maps, const std::string& mean, const std::string& mean_square, const std::string& gamma,
                const std::string& beta, double samples);

/// Gradients of a batch norm: dgamma, dbeta, and the map dy = scale * g + slope * y + constant that carries the
/// gradient g of its output to its input y. `mean_g`, `mean_gy`: means of g and of g y over all `samples`.
struct NormGradient {
  std::string gamma, beta;      // [C]
  std::string slope, constant;  // [C]
};
NormGradient batch_norm_gradient(Maps& maps, const Norm& norm, const std::string& mean_g, const std::string& mean_gy);

/// Convolution 7x7/2, batch norm, ReLU, max pool 3x3/2, forward and back; there is no gradient of the image.
class Stem {
 public:
  /// weight (flat), gamma, beta: names of the parameters' tensors.
  Stem(Maps& maps, const GrainNet& net, const std::string& image, const std::string& weight, const std::string& gamma,
       const std::string& beta);

  const Map& output() const { return output_; }
  /// The batch's statistics: mean, biased variance and values per channel.
  const std::string& mean() const { return mean_; }
  const std::string& variance() const { return norm_.variance; }
  double samples() const { return norm_.samples; }

  struct Gradient {
    std::string weight, gamma, beta;  // flat, [C], [C]
  };
  /// gradient: of the output.
  Gradient backward(const Map& gradient);

 private:
  void forward_plain();
  void forward_phases();
  Gradient backward_plain(const Map& gradient);
  Gradient backward_phases(const Map& gradient);
  std::vector<Map> unpool(const Map& gradient, const std::vector<Map>& rest);
  Map equal(const Map& low, const Map& high);
  std::string weight_gradient_plain(const std::string& dy);
  std::string weight_gradient_phases(const std::vector<Map>& dy);

  Maps& maps_;
  GrainNet net_;
  std::string image_, weight_, gamma_, beta_, mean_;
  Map output_;
  Norm norm_;
  Map y_;                                 // plain: the convolution's output
  std::string indices_;                   // plain: of the pool
  std::string sign_;                      // phases
  Map pooled_, across_;                   // phases: maximum of the window; maximum over columns of the last phase
  std::vector<Map> phases_, candidates_;  // by row parity, then column parity
};

}  // namespace ks::train

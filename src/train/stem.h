#pragma once
#include <string>
#include <vector>

#include "train/grainnet.h"
#include "train/maps.h"

namespace ks::train {

/// Per-channel tensors [C] of a batch norm in training.
struct Norm {
  std::string mean, variance;       // of the batch; the variance is the biased one
  std::string inverse;              // 1 / sqrt(variance + epsilon)
  std::string scale, shift;         // y -> scale y + shift
  double samples = 0;               // values per channel
};

/// Batch norm's statistics and affine map from the means of y and of y squared.
Norm batch_norm(Maps& maps, const std::string& mean, const std::string& mean_square, const std::string& gamma,
                const std::string& beta, double samples);

/// Gradients of a batch norm: dgamma, dbeta, and the map dy = scale * g + slope * y + constant that carries the gradient g of
/// its output to its input y. `mean_g`, `mean_gy`: means of g and of g y over all `samples`.
struct NormGradient {
  std::string gamma, beta;      // [C]
  std::string slope, constant;  // [C]
};
NormGradient batch_norm_gradient(Maps& maps, const Norm& norm, const std::string& mean_g, const std::string& mean_gy);

/// Convolution 7x7/2, batch norm, ReLU, max pool 3x3/2, forward and back; there is no gradient of the image.
class Stem {
 public:
  /// weight (flat), gamma, beta: names of the parameters' tensors.
  Stem(Maps& maps, const GrainNet& net, const std::string& images, const std::string& weight, const std::string& gamma,
       const std::string& beta);

  const std::string& output() const { return output_; }
  int64_t height() const { return height_; }  // of the output
  int64_t width() const { return width_; }
  /// Batch statistics, for the running ones.
  const std::string& mean() const { return mean_; }
  const std::string& variance() const { return norm_.variance; }
  double samples() const { return norm_.samples; }

  struct Gradient {
    std::string weight, gamma, beta;  // flat, [C], [C]
  };
  /// gradient: of the output.
  Gradient backward(const std::string& gradient);

 private:
  void forward_plain();
  void forward_phases();
  Gradient backward_plain(const std::string& gradient);
  Gradient backward_phases(const std::string& gradient);
  std::vector<std::string> unpool(const std::string& gradient, const std::vector<std::string>& rest);
  std::string equal(const std::string& low, const std::string& high);
  std::string shift(const std::string& x, int64_t rows, int64_t columns, const std::string& sum);
  std::string weight_gradient_plain(const std::string& dy);
  std::string weight_gradient_phases(const std::vector<std::string>& dy);

  Maps& maps_;
  GrainNet net_;
  std::string images_, weight_, gamma_, beta_, output_, mean_;
  int64_t height_ = 0, width_ = 0;
  Norm norm_;
  std::string y_, indices_;                       // plain
  std::string sign_, pooled_;                     // phases
  std::vector<std::string> phases_, candidates_;  // by row parity, then column parity
  std::string across_;                            // maximum over columns of the last phase
};

}  // namespace ks::train

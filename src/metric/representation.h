#pragma once
#include <string>

#include "explain/classifier.h"

namespace ks {

/// What the network makes of images on the way to its logits: the values of one of its tensors.
class Representation {
 public:
  /// `layer`: ONNX name of a tensor of the file's network that the image goes through; empty: the last feature map
  /// before the head. Throws Error for a tensor that there is not, with near names.
  Representation(Classifier& classifier, const std::string& layer);

  const std::string& layer() const { return layer_; }

  struct Values {
    Tensor inner;   // [M,...] as the tensor is
    Tensor logits;  // [M,K]
  };
  /// Of inputs [M,C,H,W], in batches of the classifier's size.
  Values operator()(const Tensor& inputs) const;

 private:
  Classifier& classifier_;
  std::string layer_, logits_;
  Session* session_;
};

}  // namespace ks

#pragma once
#include <string>
#include <vector>

#include "registry/registry.h"
#include "tensor/tensor.h"

namespace ks {

/// How the channels of an attribution become one value a pixel (the paper's Fig 5).
struct Pooling : Entry {
  bool keeps_sign = true;  // false: the result is never negative
  /// `values` holds `channels` planes of `pixels` values each; `out` gets `pixels` values.
  void (*pool)(const float* values, int64_t channels, int64_t pixels, float* out) = nullptr;
};

/// sum, mean, max, strongest, abs-sum, abs-mean, abs-max. None has parameters.
const Registry<Pooling>& poolings();

/// [N,C,H,W] -> [N,1,H,W]. Attributions without channels ([N,1,H,W]) pass, made positive by the absolute variants.
Tensor pool_channels(const Tensor& attributions, const Pooling& pooling);

}  // namespace ks

#pragma once
#include <functional>
#include <vector>

#include "explain/method.h"

// What the methods share that average gradients over changed copies of the image.
namespace ks {

/// One copy of one sample. `slot` is its place in the batch, below Classifier::batch_size().
struct GradientPoint {
  int64_t sample = 0, copy = 0, slot = 0;
};

/// Asks for the gradient of the target's logit at `copies` points for every sample of the request. `place` fills a
/// point, [C,H,W]; `take` gets its gradient, [C,H,W]. Both see samples in order and each sample's copies in order, but
/// a batch is placed before it is taken: what belongs to a point and is needed again is kept by its slot. Samples share
/// batches, so that samples * copies / batch_size runs suffice, rounded up. Reports progress after each.
void gradients_at(const ExplainRequest& request, int64_t copies,
                  const std::function<void(const GradientPoint&, float* point)>& place,
                  const std::function<void(const GradientPoint&, const float* gradient)>& take);

/// Members of the gradient family, gathered by gradient_methods().
std::vector<Method> integrated_methods();       // integrated.cpp
std::vector<Method> blur_integrated_methods();  // blur_integrated.cpp
std::vector<Method> smoothgrad_methods();       // smoothgrad.cpp
std::vector<Method> gradient_shap_methods();    // gradient_shap.cpp

}  // namespace ks

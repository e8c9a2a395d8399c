#pragma once
#include <functional>

#include "metric/explainer.h"
#include "metric/metric.h"
#include "metric/prepare.h"

namespace ks {

/// Changed copies of a request's images with their prepared explanations: sample i is image(i) under change(i).
struct ChangedImages {
  int64_t first = 0, images = 0;  // number of the first change; images of the request
  const Tensor& inputs;           // [changes * images,C,H,W]
  const Maps& maps;

  int64_t image(int64_t i) const { return i % images; }
  int64_t change(int64_t i) const { return first + i / images; }
};

/// Writes the change of an image of the request, [C,H,W].
using ImageChange = std::function<void(int64_t image, int64_t change, float* out)>;

/// Makes every change of every image, explains them in full batches, each for its image's target, and hands them to
/// `use` batch by batch, in the order of the changes. A method that draws gets other numbers for every change and for
/// the image itself, so that its own restlessness counts; they depend on the request's seed, the image's index and the
/// change only.
void explain_changed(const MetricRequest& request, const Params& params, const Explainer& explainer, int64_t changes,
                     const ImageChange& change, const std::function<void(const ChangedImages&)>& use);

/// A result that holds a score of 0 for every map, or kUndefined where there is nothing to follow, with warnings of
/// maps that are constant, zero or not finite. `of_zero`, `of_constant`: why such a map has no score; empty where it
/// has.
MetricResult robustness_scores(const Maps& maps, const std::string& of_zero, const std::string& of_constant = "");

/// Makes a score kUndefined, because a changed copy's map holds NaN or infinity, and says so.
void lose_score(MetricResult& result, int64_t image);

}  // namespace ks

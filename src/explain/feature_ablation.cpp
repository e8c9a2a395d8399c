#include <algorithm>

#include "explain/cut.h"
#include "explain/evaluate.h"
#include "explain/perturbation.h"
#include "explain/reference.h"
#include "explain/switched_image.h"

// Leaving one feature out, as old as regression diagnostics; for classifiers of any kind: M. Robnik-Šikonja, I.
// Kononenko: Explaining classifications for individual instances, IEEE TKDE 20(5), 2008.
namespace ks {

namespace {

Tensor feature_ablation(const ExplainRequest& r, const Params& p) {
  const int64_t samples = r.inputs.dim(0);
  std::vector<Segments> segments;
  std::vector<std::vector<double>> answers(static_cast<size_t>(samples));  // the whole image's first
  Evaluator evaluator(r.classifier, output_of(p));
  for (int64_t n = 0; n < samples; ++n) {
    segments.push_back(cut(r, n, p));
    const SwitchedImage image(r.inputs.sample(n), reference_input(r, n, p), segments.back());
    const int target = r.targets[static_cast<size_t>(n)];
    std::vector<double>& answer = answers[static_cast<size_t>(n)];
    answer.resize(static_cast<size_t>(image.count()) + 1);
    std::copy_n(image.whole(), image.size(), evaluator.next(target, &answer[0]));
    for (int k = 0; k < image.count(); ++k) {
      float* ablated = evaluator.next(target, &answer[static_cast<size_t>(k) + 1]);
      std::copy_n(image.whole(), image.size(), ablated);
      image.set(k, false, ablated);
      if (r.progress && k % r.classifier.batch_size() == 0)
        r.progress((static_cast<double>(n) + static_cast<double>(k + 1) / image.count()) /
                   static_cast<double>(samples));
    }
  }
  evaluator.finish();
  Tensor out(r.inputs.shape);
  for (int64_t n = 0; n < samples; ++n) {
    const std::vector<double>& answer = answers[static_cast<size_t>(n)];
    std::vector<double> drop;
    for (size_t k = 1; k < answer.size(); ++k) drop.push_back(answer[0] - answer[k]);
    spread(drop, segments[static_cast<size_t>(n)], out, n);
  }
  return out;
}

}  // namespace

Method feature_ablation_method() {
  Method m;
  m.name = "feature-ablation";
  m.title = "Feature ablation";
  m.family = "perturbation";
  m.citation =
      "M. Robnik-Šikonja, I. Kononenko: Explaining classifications for individual instances, IEEE TKDE 20(5), 2008.";
  m.description =
      "Takes away one segment at a time and notes how much the target's output falls; each pixel carries its segment's "
      "drop.";
  m.misleads =
      "Two segments that each suffice, such as two damaged spots on one kernel, both get almost nothing: taking away "
      "one leaves the other. A blanked segment is also something new to the network, whose answer to the hole is "
      "counted as the segment's worth.";
  m.formula = "R = f_c(x) − f_c(x with segment k replaced by the baseline) for every pixel of segment k";
  m.parameters = cut_parameters("slic", 100);
  m.parameters.push_back(grid_parameter());
  for (Parameter& q : reference_parameters()) m.parameters.push_back(std::move(q));
  m.parameters.push_back(output_parameter("logits"));
  m.explain = feature_ablation;
  m.needs_gradient = false;
  return m;
}

}  // namespace ks

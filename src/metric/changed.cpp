#include "metric/changed.h"

#include <algorithm>
#include <cmath>

namespace ks {

namespace {

/// Raw explanations of whole changes, `first` and so on.
Tensor explain_batch(const MetricRequest& r, const Explainer& explainer, const Tensor& changed,
                     const std::vector<int>& targets, int64_t first) {
  const int64_t images = r.inputs->dim(0), changes = changed.dim(0) / images;
  const auto seed = [&](int64_t change) { return mix_seed(r.seed, static_cast<uint64_t>(1 + change)); };
  if (explainer.method().network || changes == 1) return explainer(*r.classifier, changed, targets, seed(first));
  std::vector<Tensor> maps;
  for (int64_t k = 0; k < changes; ++k)
    maps.push_back(explainer(*r.classifier, changed.slice(k * images, (k + 1) * images), *r.targets, seed(first + k)));
  return concatenate(maps);
}

/// As a metric wants them. What is normalised over the batch is so over the request's images, each change by itself.
Maps prepare_changed(const Tensor& raw, int64_t images, const Params& p) {
  if (p.text("normalise_scope") != "batch" || raw.dim(0) == images) return prepare(raw, p);
  Maps all;
  for (int64_t begin = 0; begin < raw.dim(0); begin += images) {
    const Maps part = prepare(raw.slice(begin, begin + images), p);
    all.channels = part.channels, all.height = part.height, all.width = part.width;
    all.values.insert(all.values.end(), part.values.begin(), part.values.end());
    all.count += images;
  }
  return all;
}

}  // namespace

void explain_changed(const MetricRequest& r, const Params& p, const Explainer& explainer, int64_t changes,
                     const ImageChange& change, const std::function<void(const ChangedImages&)>& use) {
  const int64_t images = r.inputs->dim(0);
  const int64_t together = std::max<int64_t>(1, r.classifier->batch_size() / images);
  for (int64_t first = 0; first < changes; first += together) {
    const int64_t count = std::min(together, changes - first);
    Shape shape = r.inputs->shape;
    shape[0] = count * images;
    Tensor changed(shape);
    std::vector<int> targets;
    for (int64_t i = 0; i < count * images; ++i) {
      change(i % images, first + i / images, changed.sample(i));
      targets.push_back((*r.targets)[static_cast<size_t>(i % images)]);
    }
    const Maps maps = prepare_changed(explain_batch(r, explainer, changed, targets, first), images, p);
    use({first, images, changed, maps});
    if (r.progress) r.progress(static_cast<double>(first + count) / static_cast<double>(changes));
  }
}

MetricResult robustness_scores(const Maps& maps, const std::string& of_zero, const std::string& of_constant) {
  MetricResult out;
  for (int64_t n = 0; n < maps.count; ++n) {
    const MapDefect defect = map_defect(maps.sample(n), maps.stride());
    std::string reason;
    if (defect == MapDefect::undefined) reason = undefined_map;
    if (defect == MapDefect::zero) reason = of_zero;
    if (defect == MapDefect::constant) reason = of_constant;
    out.scores.push_back(reason.empty() ? 0 : kUndefined);
    if (reason.empty() && defect != MapDefect::none)
      reason = "the map is the same everywhere: it is robust because it says nothing";
    if (!reason.empty()) out.warnings.push_back(image_warning(n, maps.count, reason));
  }
  return out;
}

void lose_score(MetricResult& result, int64_t image) {
  double& score = result.scores[static_cast<size_t>(image)];
  if (std::isnan(score)) return;
  score = kUndefined;
  result.warnings.push_back(image_warning(image, static_cast<int64_t>(result.scores.size()),
                                          "the map of a changed copy of the image holds NaN or infinity"));
}

}  // namespace ks

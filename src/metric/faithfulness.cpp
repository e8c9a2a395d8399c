#include <algorithm>

#include "explain/evaluate.h"
#include "metric/metric.h"
#include "metric/perturb.h"
#include "metric/prepare.h"

// Faithfulness: whether the features that an explanation calls important matter to the network when they are taken
// away. A perturbed image is one the network was never trained on: its answer mixes the loss of the feature with the
// strangeness of what replaced it.
namespace ks {

namespace {

constexpr int kUsualSteps = 50;  // of a curve, where the step is left to us

/// Order of the d = C H W features of the input by one map. A pooled map counts for all channels of a pixel.
std::vector<int64_t> feature_order(const Maps& maps, int64_t n, int64_t channels) {
  if (maps.channels == channels) return descending_order(maps.sample(n), maps.stride());
  std::vector<double> repeated;
  repeated.reserve(static_cast<size_t>(channels * maps.pixels()));
  for (int64_t c = 0; c < channels; ++c)
    repeated.insert(repeated.end(), maps.sample(n), maps.sample(n) + maps.pixels());
  return descending_order(repeated.data(), static_cast<int64_t>(repeated.size()));
}

/// `given`, or for 0 so many features that the curve has about kUsualSteps points and no step cuts through a pixel.
int64_t step_size(int given, int64_t channels, int64_t pixels) {
  if (given > 0) return std::min<int64_t>(given, channels * pixels);
  return channels * ((pixels + kUsualSteps - 1) / kUsualSteps);
}

MetricResult pixel_flipping(const MetricRequest& r, const Params& p) {
  const Baseline baseline = read_baseline(p, "pixel-flipping");
  const Maps maps = prepare(r.attributions, p);
  const int64_t channels = r.inputs->dim(1), size = r.inputs->stride();
  const int64_t step = step_size(p.integer("features_in_step"), channels, maps.pixels());
  MetricResult out;
  out.curve_is_score = p.text("return") == "curve";
  out.curves.assign(static_cast<size_t>(maps.count),
                    std::vector<double>(static_cast<size_t>((size + step - 1) / step)));
  Evaluator evaluator(*r.classifier, p.text("output") == "softmax" ? Output::softmax : Output::logits, r.forwards);
  for (int64_t n = 0; n < maps.count; ++n) {
    std::vector<double>& curve = out.curves[static_cast<size_t>(n)];
    const MapDefect defect = map_defect(maps.sample(n), maps.stride());
    if (defect == MapDefect::undefined) {
      out.warnings.push_back(image_warning(n, maps.count, "the map holds NaN or infinity"));
      std::fill(curve.begin(), curve.end(), kUndefined);
      continue;
    }
    if (defect != MapDefect::none)
      out.warnings.push_back(
          image_warning(n, maps.count, "the map is constant: its features are ranked by position alone"));
    const std::vector<int64_t> order = feature_order(maps, n, channels);
    Removal removal(r.inputs->sample(n), size, baseline);
    for (size_t i = 0; i < curve.size(); ++i) {
      const int64_t begin = static_cast<int64_t>(i) * step, end = std::min(begin + step, size);
      removal.remove(order.data() + begin, order.data() + end);
      std::copy(removal.values().begin(), removal.values().end(),
                evaluator.next((*r.targets)[static_cast<size_t>(n)], &curve[i]));
      if (r.progress && i % 16 == 0)
        r.progress((static_cast<double>(n) + static_cast<double>(i) / static_cast<double>(curve.size())) /
                   static_cast<double>(maps.count));
    }
  }
  evaluator.finish();
  for (const std::vector<double>& curve : out.curves) out.scores.push_back(trapezoid(curve));
  if (r.progress) r.progress(1);
  return out;
}

}  // namespace

std::vector<Metric> faithfulness_metrics() {
  using enum ParameterType;
  std::vector<Parameter> own = {
      {"features_in_step", integer, 0,
       "Features removed at once (a feature is one channel of one pixel); 0: a fiftieth of them, whole pixels", 0, 2e9,
       "features"}};
  for (Parameter& b : baseline_parameters()) own.push_back(std::move(b));
  own.push_back(
      {"output", choice, "softmax", "The target's probability or its logit", {}, {}, "", {"softmax", "logits"}});
  own.push_back(
      {"return", choice, "auc", "Area under the curve (spacing 1), or the curve itself", {}, {}, "", {"auc", "curve"}});
  PreparationDefaults signed_map;
  signed_map.absolute = false;
  return {
      {{"pixel-flipping", "Pixel flipping", "faithfulness",
        "S. Bach, A. Binder, G. Montavon, F. Klauschen, K.-R. Müller, W. Samek: On pixel-wise explanations for "
        "non-linear "
        "classifier decisions by layer-wise relevance propagation, PLoS ONE 2015.",
        "Removes features from the most important down and follows the target's output: the faster it falls, the smaller "
        "the area.",
        with_preparation(signed_map, std::move(own)),
        "A baseline of the background's colour makes removing background free, and a picture full of holes is nothing the "
        "network knows: the output may fall for that. The area grows with the number of steps.",
        "yₖ = f_c(x without its k · s most important features), k = 1 … n;  score = Σₖ₌₂ⁿ (yₖ₋₁ + yₖ) / 2"},
       Direction::lower,
       true,
       false,
       pixel_flipping},
  };
}

}  // namespace ks

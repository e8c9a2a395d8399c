#include <algorithm>
#include <cmath>

#include "metric/changed.h"
#include "metric/perturb.h"
#include "metric/robustness.h"

// Continuity: how fast the explanation changes while the image slides out of the picture. The maps are compared as they
// are, not moved back: the kernel's part of the score is that of any map that follows the kernel.
namespace ks {

namespace {

/// Shifts in pixels: as many equal steps as asked for from just inside -side towards side.
std::vector<int64_t> shifts_across(int64_t side, int64_t steps) {
  const int64_t step = std::max<int64_t>(1, (2 * side + 1) / steps);
  std::vector<int64_t> out;
  for (int64_t i = 1; i <= steps && -side + step * i <= side; ++i) out.push_back(-side + step * i);
  return out;
}

/// `from`, [C,H,W] of `shape`, moved right (or down); what becomes free is filled.
void shift_image(const float* from, const Shape& shape, int64_t right, int64_t down, float fill, float* to) {
  const int64_t height = shape.at(2), width = shape.at(3);
  for (int64_t c = 0; c < shape.at(1); ++c)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        const int64_t sy = y - down, sx = x - right;
        const bool inside = sy >= 0 && sy < height && sx >= 0 && sx < width;
        *to++ = inside ? from[(c * height + sy) * width + sx] : fill;
      }
}

MetricResult continuity(const MetricRequest& r, const Params& p) {
  const Baseline baseline = read_baseline(p, "continuity");
  const Explainer explainer(r, p, "continuity");
  const Maps maps = prepare(r.attributions, p);
  const bool along_x = p.text("direction") == "x";
  const std::vector<int64_t> shifts = shifts_across(r.inputs->dim(along_x ? 3 : 2), p.integer("nr_steps"));
  MetricResult out = robustness_scores(maps, "");
  out.curves.assign(static_cast<size_t>(maps.count), std::vector<double>(shifts.size()));
  std::vector<float> fill;
  for (int64_t n = 0; n < maps.count; ++n)
    fill.push_back(static_cast<float>(baseline_value(baseline, r.inputs->sample(n), r.inputs->stride())));
  const auto shift = [&](int64_t n, int64_t k, float* to) {
    const int64_t by = shifts[static_cast<size_t>(k)];
    shift_image(r.inputs->sample(n), r.inputs->shape, along_x ? by : 0, along_x ? 0 : by, fill[static_cast<size_t>(n)],
                to);
  };
  explain_changed(r, p, explainer, static_cast<int64_t>(shifts.size()), shift, [&](const ChangedImages& shifted) {
    for (int64_t i = 0; i < shifted.maps.count; ++i) {
      const int64_t n = shifted.image(i);
      double moved = 0, squares = 0;
      for (int64_t k = 0; k < maps.stride(); ++k) moved += std::fabs(maps.sample(n)[k] - shifted.maps.sample(i)[k]);
      for (int64_t k = 0; k < r.inputs->stride(); ++k) {
        const double d = static_cast<double>(r.inputs->sample(n)[k]) - shifted.inputs.sample(i)[k];
        squares += d * d;
      }
      double& point = out.curves[static_cast<size_t>(n)][static_cast<size_t>(shifted.change(i))];
      if (squares == 0) continue;  // the image itself: there is no change whose rate could be told
      if (!std::isfinite(moved)) {
        lose_score(out, n);
        point = kUndefined;
        continue;
      }
      point = moved / (std::sqrt(squares) + 1e-9);
      double& score = out.scores[static_cast<size_t>(n)];
      if (!std::isnan(score)) score = std::max(score, point);
    }
  });
  return out;
}

}  // namespace

Metric continuity_metric() {
  using enum ParameterType;
  std::vector<Parameter> own = {
      {"nr_steps", integer, 28, "Positions of the image on its way from one side out of the picture to the other", 1,
       1000, "steps"},
      {"direction", choice, "x", "Which way the image moves", {}, {}, "", {"x", "y"}},
      baseline_parameters().front()};
  own = joined({own, explainer_parameters()});
  Metric m{
      {"continuity", "Continuity", "robustness",
       "G. Montavon, W. Samek, K.-R. Müller: Methods for interpreting and understanding deep neural networks, Digital "
       "Signal Processing 2018; the translations are those of A. Hedström et al., Quantus, JMLR 2023.",
       "Largest ratio of the explanation's change to the image's while the image slides through the picture. The curve "
       "is the ratio at each position.",
       with_preparation({}, std::move(own)),
       "A map that moves with the kernel changes as much as one that jumps about, for the maps are not moved back: use "
       "augmentation-robustness to see whether the map follows the kernel. The ratio grows with the image's size and "
       "contrast, so compare methods on one set of images only.",
       "max over shifts t of ‖e(x) − e(xₜ)‖₁ / ‖x − xₜ‖₂"},
      Direction::lower,
      true,
      false,
      continuity};
  return m;
}

}  // namespace ks

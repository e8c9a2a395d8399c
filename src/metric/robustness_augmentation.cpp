#include <algorithm>
#include <cmath>
#include <set>

#include "metric/augmentation.h"
#include "metric/changed.h"
#include "metric/robustness.h"
#include "metric/similarity.h"
#include "tensor/error.h"

// Robustness to augmentation: the explanation of a picture that is turned, moved, enlarged or mirrored must turn and
// move with it, and that of a picture in another light must stay what it is.
namespace ks {

namespace {

/// A change that every image undergoes.
struct AugmentationStep {
  AugmentationFamily family;
  double strength;  // 0 to 1
  int variant;
};

/// The families asked for, each with its strengths in rising order. A grey network's pictures have no hue and no
/// saturation.
std::vector<std::vector<AugmentationStep>> read_steps(const Params& p, int channels) {
  const std::vector<std::string>& names = augmentation_names();
  std::vector<std::vector<AugmentationStep>> out;
  std::set<AugmentationFamily> known;
  const int levels = p.integer("levels");
  for (const json& name : p.value("augmentations")) {
    const auto found = name.is_string() ? std::find(names.begin(), names.end(), name.get<std::string>()) : names.end();
    if (found == names.end() || !known.insert(static_cast<AugmentationFamily>(found - names.begin())).second)
      throw Error("'augmentations' is " + p.value("augmentations").dump(), "augmentation-robustness",
                  "it must be a list of different names of " + join(names));
    const AugmentationFamily family = static_cast<AugmentationFamily>(found - names.begin());
    if (channels != 3 && (family == AugmentationFamily::hue || family == AugmentationFamily::saturation)) continue;
    out.emplace_back();
    if (family == AugmentationFamily::flip)
      out.back() = {{family, 1, 0}, {family, 1, 1}};
    else
      for (int k = 1; k <= levels; ++k) out.back().push_back({family, static_cast<double>(k) / levels, 0});
  }
  if (out.empty())
    throw Error("'augmentations' names none that this network's pictures have", "augmentation-robustness",
                "it must be a list of names of " + join(names));
  return out;
}

/// How alike two maps are, value by value.
struct Agreement {
  bool correlation = true, ranks = true;
  double top_share = 0;

  /// kUndefined where one of them is constant: there is nothing to agree on.
  double operator()(const std::vector<double>& a, const std::vector<double>& b) const {
    const int64_t size = static_cast<int64_t>(a.size());
    if (size < 2 || map_defect(a.data(), size) != MapDefect::none || map_defect(b.data(), size) != MapDefect::none)
      return kUndefined;
    if (correlation) return ranks ? spearman(a.data(), b.data(), size) : pearson(a.data(), b.data(), size);
    const int64_t k = std::clamp<int64_t>(std::llround(top_share * static_cast<double>(size)), 1, size);
    std::vector<int64_t> of_a = top_features(a.data(), size, k), of_b = top_features(b.data(), size, k), both;
    std::sort(of_a.begin(), of_a.end());
    std::sort(of_b.begin(), of_b.end());
    std::set_intersection(of_a.begin(), of_a.end(), of_b.begin(), of_b.end(), std::back_inserter(both));
    return static_cast<double>(both.size()) / static_cast<double>(k);
  }
};

/// The original's map and the changed picture's, moved back, where both see the picture.
struct VisiblePair {
  std::vector<double> original, changed;
};

VisiblePair visible_pair(const Maps& maps, int64_t n, const Maps& changed, int64_t i, const PictureChange& change) {
  const int64_t pixels = maps.pixels(), stride = maps.stride();
  const double *a = maps.sample(n), *b = changed.sample(i);
  if (!change.moves()) return {{a, a + stride}, {b, b + stride}};
  const int width = static_cast<int>(maps.width), height = static_cast<int>(maps.height);
  const Warp back = change.warp().inverse();
  std::vector<double> moved(static_cast<size_t>(stride));
  resample(b, 1, pixels, static_cast<int>(maps.channels), width, height, back, width, height, moved.data());
  constexpr double rounding = 1e-6;
  const auto inside = [&](double at, int side) { return at >= -rounding && at <= side - 1 + rounding; };
  VisiblePair out;
  for (int64_t c = 0; c < maps.channels; ++c)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        if (!inside(back.x(x, y), width) || !inside(back.y(x, y), height)) continue;
        const int64_t at = c * pixels + static_cast<int64_t>(y) * width + x;
        out.original.push_back(a[at]);
        out.changed.push_back(moved[static_cast<size_t>(at)]);
      }
  return out;
}

/// Mean over the families of the mean over each one's changes.
double mean_area(const std::vector<double>& curve, const std::vector<std::vector<AugmentationStep>>& families) {
  double sum = 0;
  size_t at = 0;
  for (const auto& family : families) {
    double area = 0;
    for (size_t k = 0; k < family.size(); ++k) area += curve[at++];
    sum += area / static_cast<double>(family.size());
  }
  return sum / static_cast<double>(families.size());
}

MetricResult augmentation_robustness(const MetricRequest& r, const Params& p) {
  const Explainer explainer(r, p, "augmentation-robustness");
  const int channels = r.classifier->channels(), width = r.classifier->width(), height = r.classifier->height();
  const auto families = read_steps(p, channels);
  std::vector<AugmentationStep> steps;
  for (const auto& family : families) steps.insert(steps.end(), family.begin(), family.end());
  const AugmentationLimits limits{p.number("rotation"),   p.number("translation"), p.number("scale"),
                                  p.number("brightness"), p.number("hue"),         p.number("saturation"),
                                  p.number("blur"),       p.number("noise")};
  const Agreement agreement{p.text("measure") == "correlation", p.text("similarity") == "spearman",
                            p.number("top") / 100};
  const auto change_of = [&](int64_t n, int64_t k) {
    const AugmentationStep& step = steps[static_cast<size_t>(k)];
    return PictureChange(step.family, step.strength, step.variant, limits, mix_seed(r.seed, static_cast<uint64_t>(n)),
                         width, height);
  };

  const Maps maps = prepare(r.attributions, p);
  const char* const nothing = "the map is the same everywhere, so that no other can agree with it";
  MetricResult out = robustness_scores(maps, nothing, nothing);
  out.curves.assign(static_cast<size_t>(maps.count), std::vector<double>(steps.size()));
  std::vector<int64_t> without(static_cast<size_t>(maps.count));  // changes whose maps cannot be compared
  const auto apply = [&](int64_t n, int64_t k, float* to) {
    change_of(n, k).apply(r.inputs->sample(n), channels, r.classifier->preprocessing(), to);
  };
  explain_changed(r, p, explainer, static_cast<int64_t>(steps.size()), apply, [&](const ChangedImages& changed) {
    for (int64_t i = 0; i < changed.maps.count; ++i) {
      const int64_t n = changed.image(i), k = changed.change(i);
      double& point = out.curves[static_cast<size_t>(n)][static_cast<size_t>(k)];
      if (map_defect(changed.maps.sample(i), maps.stride()) == MapDefect::undefined) lose_score(out, n);
      if (std::isnan(out.scores[static_cast<size_t>(n)])) {
        point = kUndefined;
        continue;
      }
      const VisiblePair pair = visible_pair(maps, n, changed.maps, i, change_of(n, k));
      const double alike = agreement(pair.original, pair.changed);
      if (std::isnan(alike)) ++without[static_cast<size_t>(n)];
      point = std::isnan(alike) ? 0 : alike;
    }
  });
  for (size_t n = 0; n < out.scores.size(); ++n) {
    if (std::isnan(out.scores[n])) continue;
    out.scores[n] = mean_area(out.curves[n], families);
    if (without[n])
      out.warnings.push_back(image_warning(static_cast<int64_t>(n), maps.count,
                                           "the map is the same everywhere under " + std::to_string(without[n]) +
                                               " of " + std::to_string(steps.size()) +
                                               " changes, which counts as no agreement"));
  }
  return out;
}

}  // namespace

Metric augmentation_robustness_metric() {
  using enum ParameterType;
  std::vector<Parameter> own = {
      {"augmentations", list, augmentation_names(), "Which changes", {}, {}, "", augmentation_names()},
      {"levels", integer, 4, "Strengths of each change, in equal steps up to the largest; a flip has one", 1, 100},
      {"measure",
       choice,
       "correlation",
       "What the score is made of: the correlation of all values, or the share of the top "
       "pixels that are top in both maps",
       {},
       {},
       "",
       {"correlation", "top-k"}},
      {"similarity", choice, "spearman", "Of ranks or of values", {}, {}, "", {"spearman", "pearson"}},
      {"top", number, 5, "How many pixels are top, of those that both maps show", 0.01, 100, "%"},
      {"rotation", number, 45, "Largest rotation, either way", 0, 180, "°"},
      {"translation", number, 0.15, "Largest movement, in any direction, in whole pixels", 0, 0.5, "of the side"},
      {"scale", number, 1.3, "Largest factor of size; as often the inverse", 1, 4},
      {"brightness", number, 0.3, "Largest change of the factor of all colours, up or down", 0, 1},
      {"hue", number, 20, "Largest rotation of the colours, either way", 0, 180, "°"},
      {"saturation", number, 0.5, "Largest change of the factor of the colours' distance from grey, up or down", 0, 1},
      {"blur", number, 2, "Largest standard deviation of a Gaussian blur", 0, 100, "px"},
      {"noise", number, 0.1, "Largest standard deviation of Gaussian noise; black to white is 1", 0, 1}};
  own = joined({own, explainer_parameters()});
  PreparationDefaults signed_map;
  signed_map.absolute = false;
  Metric m{
      {"augmentation-robustness", "Robustness to augmentation", "robustness",
       "After L. Tětková, L. K. Hansen: Robustness of visual explanations to common data augmentation methods, CVPR "
       "workshops 2023; with flips, blur and noise added.",
       "Turns, moves, enlarges, mirrors, recolours, blurs and disturbs the picture, more and more, and explains it "
       "again. "
       "Moved maps are moved back; then they are compared with the original's map where both see the picture. The "
       "score is "
       "the mean agreement, averaged over the kinds of change. The curve holds each kind's agreements with growing "
       "strength, one kind after the other.",
       with_preparation(signed_map, std::move(own)),
       "A map that ignores the picture is perfect under light and colour. Maps with single-pixel detail lose when they "
       "are "
       "turned and turned back, for interpolation blurs them. A change that alters what the kernel shows, such as the "
       "hue of pink fusarium, should change the explanation, and the network may know no such pictures: look at its "
       "predictions under the same changes, and lower the limit of what it does not bear.",
       "mean over changes g and strengths s of sim(e(x), g⁻¹ₛ e(gₛ x)),  g⁻¹ₛ only where g moves pixels"},
      Direction::higher,
      true,
      false,
      augmentation_robustness};
  return m;
}

}  // namespace ks

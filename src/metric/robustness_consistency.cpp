#include <algorithm>
#include <cmath>
#include <utility>

#include "explain/evaluate.h"
#include "metric/prepare.h"
#include "metric/robustness.h"

// Consistency: whether images that are explained alike are classified alike.
namespace ks {

namespace {

int sign_of(double v) {
  return (v > 0) - (v < 0);
}

/// Sums over cells x cells equal parts of every channel, in order; for 0 the values themselves.
std::vector<double> cell_sums(const Maps& maps, int64_t n, int64_t cells) {
  const double* values = maps.sample(n);
  if (cells == 0) return {values, values + maps.stride()};
  std::vector<double> out(static_cast<size_t>(maps.channels * cells * cells));
  for (int64_t c = 0; c < maps.channels; ++c)
    for (int64_t y = 0; y < maps.height; ++y)
      for (int64_t x = 0; x < maps.width; ++x)
        out[static_cast<size_t>((c * cells + y * cells / maps.height) * cells + x * cells / maps.width)] += *values++;
  return out;
}

/// What a map says in short: features and their signs.
using Label = std::vector<std::pair<int64_t, int>>;

Label first_signs(const std::vector<double>& values, int64_t count) {
  Label label;
  for (int64_t i = 0; i < count; ++i) label.push_back({i, sign_of(values[static_cast<size_t>(i)])});
  return label;
}

/// Of the features of largest magnitude.
Label top_signs(const std::vector<double>& values, int64_t count) {
  std::vector<double> magnitudes = values;
  for (double& v : magnitudes) v = std::fabs(v);
  std::vector<int64_t> top = top_features(magnitudes.data(), static_cast<int64_t>(magnitudes.size()), count);
  std::sort(top.begin(), top.end());
  Label label;
  for (const int64_t i : top) label.push_back({i, sign_of(values[static_cast<size_t>(i)])});
  return label;
}

/// The network's class of every image.
std::vector<int64_t> predicted_classes(const MetricRequest& r) {
  const int64_t images = r.inputs->dim(0);
  std::vector<std::vector<float>> logits(static_cast<size_t>(images));
  Evaluator evaluator(*r.classifier, Output::logits, r.forwards);
  for (int64_t n = 0; n < images; ++n)
    std::copy(r.inputs->sample(n), r.inputs->sample(n) + r.inputs->stride(),
              evaluator.next(&logits[static_cast<size_t>(n)]));
  evaluator.finish();
  std::vector<int64_t> out;
  for (const std::vector<float>& z : logits) out.push_back(std::max_element(z.begin(), z.end()) - z.begin());
  return out;
}

MetricResult consistency(const MetricRequest& r, const Params& p) {
  const Maps maps = prepare(r.attributions, p);
  MetricResult out;
  out.scores.assign(static_cast<size_t>(maps.count), kUndefined);
  if (maps.count == 1) {
    out.warnings.push_back("compares images, and there is one only");
    return out;
  }
  const std::vector<int64_t> classes = predicted_classes(r);
  std::vector<Label> labels;
  for (int64_t n = 0; n < maps.count; ++n) {
    const MapDefect defect = map_defect(maps.sample(n), maps.stride());
    labels.emplace_back();  // empty: says nothing
    if (defect == MapDefect::undefined) {
      out.warnings.push_back(image_warning(n, maps.count, undefined_map));
      continue;
    }
    if (defect != MapDefect::none)
      out.warnings.push_back(image_warning(
          n, maps.count, "the map is the same everywhere, so that it is explained like every other such image"));
    const std::vector<double> values = cell_sums(maps, n, p.integer("cells"));
    const int64_t count = std::min<int64_t>(p.integer("n"), static_cast<int64_t>(values.size()));
    labels.back() = p.text("discretise") == "top-n-sign" ? top_signs(values, count) : first_signs(values, count);
  }
  for (size_t n = 0; n < labels.size(); ++n) {
    if (labels[n].empty()) continue;
    int64_t alike = 0, same_class = 0;
    for (size_t m = 0; m < labels.size(); ++m) {
      if (m == n || labels[m] != labels[n]) continue;
      ++alike;
      same_class += classes[m] == classes[n];
    }
    out.scores[n] = alike ? static_cast<double>(same_class) / static_cast<double>(alike) : 0;
    if (!alike)
      out.warnings.push_back(
          image_warning(static_cast<int64_t>(n), maps.count,
                        "no other image is explained like this one, which counts as 0: compare coarser, "
                        "with fewer features (n) or with cells"));
  }
  return out;
}

}  // namespace

Metric consistency_metric() {
  using enum ParameterType;
  PreparationDefaults signed_map;
  signed_map.absolute = false;
  Metric m{
      {"consistency", "Consistency", "robustness",
       "S. Dasgupta, N. Frost, M. Moshkovitz: Framework for evaluating faithfulness of local explanations, ICML 2022.",
       "Of the images whose explanations say the same in short, the share that the network puts into the same class as "
       "this one. In short: the features of largest magnitude and their signs.",
       with_preparation(
           signed_map,
           {{"discretise",
             choice,
             "top-n-sign",
             "The n features of largest magnitude and their signs, or the signs of the first n features, which is a "
             "corner of the image (as Quantus)",
             {},
             {},
             "",
             {"top-n-sign", "first-n-sign"}},
            {"n", integer, 5, "Features that are compared", 1, 1e6, "features"},
            {"cells", integer, 0,
             "Cells a side that maps are summed into first, so that kernels that lie a little differently compare; 0: "
             "every value is a feature",
             0, 64, "cells"},
            {"output",
             choice,
             "logits",
             "What the class is predicted from; it is the same class",
             {},
             {},
             "",
             {"logits", "softmax"}}}),
       "With single pixels as features hardly any two photographs are explained alike, and every score is 0: set cells "
       "to "
       "3 or 4 and n to 1 or 2. With few images it measures how frequent the classes are. A map that is the same for "
       "all "
       "images of a class is perfect, even if it shows nothing of them.",
       "|{j ≠ i: L(j) = L(i), ŷ(j) = ŷ(i)}| / |{j ≠ i: L(j) = L(i)}|,  L: features with the largest |e| and their "
       "signs"},
      Direction::higher,
      true,
      false,
      consistency};
  m.compares_images = [](const Params&) { return true; };
  m.quantus = {{"discretise", "first-n-sign"}, {"abs", true}};
  return m;
}

}  // namespace ks

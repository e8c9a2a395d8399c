#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numeric>

#include "explain/cut.h"
#include "metric/faithfulness.h"
#include "metric/trial.h"
#include "tensor/error.h"

// Removal of whole regions, the patches of a grid or the segments of a picture, ranked by what the explanation gives
// them.
namespace ks {

namespace {

constexpr int64_t kUsualPatches = 50, kFewestPatches = 32, kMostPatches = 64;

/// Patches of side x side px that tile the image; where the side does not divide it, the image is padded on both sides
/// with its edge values, and only the inner part is shown to the network.
struct PatchGrid {
  int64_t side, rows, columns, top, left;
  int64_t height() const { return rows * side; }
  int64_t width() const { return columns * side; }
  int64_t count() const { return rows * columns; }

  PatchGrid(int64_t side_, int64_t image_height, int64_t image_width)
      : side(side_),
        rows((image_height + side - 1) / side),
        columns((image_width + side - 1) / side),
        top((rows * side - image_height) / 2),
        left((columns * side - image_width) / 2) {}
};

/// For 0: the side that divides the image into the number of patches between 32 and 64 that is nearest to 50, or,
/// without such a divisor, that comes nearest to 50 patches.
int64_t patch_side(int64_t given, int64_t height, int64_t width) {
  if (given > 0) return std::min(given, std::max(height, width));
  int64_t best = 1;
  const auto cost = [&](int64_t side) {
    const int64_t patches = PatchGrid(side, height, width).count();
    const bool even = height % side == 0 && width % side == 0 && patches >= kFewestPatches && patches <= kMostPatches;
    return std::abs(patches - kUsualPatches) + (even ? 0 : height * width);
  };
  for (int64_t side = 2; side <= std::min(height, width); ++side)
    if (cost(side) <= cost(best)) best = side;
  return best;
}

/// Sum of image n's map over each patch.
std::vector<double> patch_sums(const Trial& t, int64_t n, const PatchGrid& grid) {
  std::vector<double> sums(static_cast<size_t>(grid.count()));
  for (int64_t c = 0; c < t.maps.channels; ++c)
    for (int64_t y = 0; y < t.height; ++y)
      for (int64_t x = 0; x < t.width; ++x)
        sums[static_cast<size_t>((y + grid.top) / grid.side * grid.columns + (x + grid.left) / grid.side)] +=
            t.maps.sample(n)[c * t.pixels + y * t.width + x];
  return sums;
}

std::vector<float> padded_input(const Trial& t, int64_t n, const PatchGrid& grid) {
  std::vector<float> out(static_cast<size_t>(t.channels * grid.height() * grid.width()));
  float* to = out.data();
  for (int64_t c = 0; c < t.channels; ++c)
    for (int64_t y = 0; y < grid.height(); ++y)
      for (int64_t x = 0; x < grid.width(); ++x)
        *to++ = t.input(n)[c * t.pixels + std::clamp<int64_t>(y - grid.top, 0, t.height - 1) * t.width +
                           std::clamp<int64_t>(x - grid.left, 0, t.width - 1)];
  return out;
}

/// f(x) and f(x_i) after i patches, from the highest sum down or, with `least_first`, up.
void follow_patches(Trial& t, const PatchGrid& grid, int64_t regions, bool least_first) {
  t.expect(regions + 1);
  const int64_t plane = grid.height() * grid.width();
  for (int64_t n = 0; n < t.images; ++n) {
    std::vector<double>& curve = t.new_curve(n, regions + 1);
    if (t.examine(n, ranked_by_position) == MapDefect::undefined) continue;
    std::vector<double> sums = patch_sums(t, n, grid);
    if (least_first)
      for (double& sum : sums) sum = -sum;
    const std::vector<int64_t> order = descending_order(sums.data(), grid.count());
    const std::vector<float> padded = padded_input(t, n, grid);
    Removal removal(padded.data(), static_cast<int64_t>(padded.size()), t.baseline(), t.seed(n));
    t.ask(n, t.input(n), &curve[0]);
    std::vector<int64_t> features;
    for (int64_t i = 0; i < regions; ++i) {
      const int64_t row = order[static_cast<size_t>(i)] / grid.columns,
                    column = order[static_cast<size_t>(i)] % grid.columns;
      features.clear();
      for (int64_t c = 0; c < t.channels; ++c)
        for (int64_t y = row * grid.side; y < (row + 1) * grid.side; ++y)
          for (int64_t x = column * grid.side; x < (column + 1) * grid.side; ++x)
            features.push_back(c * plane + y * grid.width() + x);
      removal.remove(features.data(), features.data() + features.size());
      float* out = t.next(n, &curve[static_cast<size_t>(i + 1)]);
      for (int64_t c = 0; c < t.channels; ++c)
        for (int64_t y = 0; y < t.height; ++y) {
          const float* from = removal.values().data() + c * plane + (y + grid.top) * grid.width() + grid.left;
          out = std::copy(from, from + t.width, out);
        }
    }
  }
  t.finish();
}

constexpr char no_region_output[] = "the network's output is no finite number";

MetricResult region_perturbation(const MetricRequest& r, const Params& p) {
  Trial t(r, p, "region-perturbation");
  const PatchGrid grid(patch_side(p.integer("patch_size"), t.height, t.width), t.height, t.width);
  const int64_t regions = std::min<int64_t>(p.integer("regions"), grid.count());
  follow_patches(t, grid, regions, p.text("order") == "lerf");
  t.result.curve_is_score = p.text("return") == "curve";
  for (int64_t n = 0; n < t.images; ++n) {
    std::vector<double>& curve = t.result.curves[static_cast<size_t>(n)];
    const double whole = curve[0];
    curve.erase(curve.begin());
    for (double& y : curve) y = whole - y;
    if (t.prepared_maps->defect(n) != MapDefect::undefined)
      t.score(n, std::accumulate(curve.begin(), curve.end(), 0.0) / static_cast<double>(regions + 1), no_region_output);
  }
  return std::move(t.result);
}

MetricResult selectivity(const MetricRequest& r, const Params& p) {
  Trial t(r, p, "selectivity");
  const PatchGrid grid(patch_side(p.integer("patch_size"), t.height, t.width), t.height, t.width);
  follow_patches(t, grid, grid.count(), false);
  t.result.curve_is_score = p.text("return") == "curve";
  for (int64_t n = 0; n < t.images; ++n) {
    std::vector<double>& curve = t.result.curves[static_cast<size_t>(n)];
    curve.erase(curve.begin());
    if (t.prepared_maps->defect(n) != MapDefect::undefined) t.score(n, trapezoid(curve), no_region_output);
  }
  return std::move(t.result);
}

/// All numbers of nested lists.
void read_labels(const json& value, std::vector<double>& out) {
  if (value.is_array())
    for (const json& item : value) read_labels(item, out);
  else
    out.push_back(value.is_number() ? value.get<double>() : kUndefined);
}

/// The pixels of each segment of image n: those of the parameter `segments`, in the order of their labels, or of our
/// own cut of the picture.
std::vector<std::vector<int64_t>> segments_of(const Trial& t, int64_t n, const std::vector<double>& labels) {
  std::map<double, std::vector<int64_t>> segments;
  if (!labels.empty()) {
    const double* own = labels.data() + (static_cast<int64_t>(labels.size()) == t.pixels ? 0 : n * t.pixels);
    for (int64_t i = 0; i < t.pixels; ++i) segments[own[i]].push_back(i);
  } else {
    const Params cutting(json{{"segmentation", t.params.text("segmentation")},
                              {"segments", t.params.integer("nr_segments")},
                              {"segmentation_params", t.params.value("segmentation_params")}});
    ExplainRequest asked{*t.request.classifier, *t.request.inputs, *t.request.targets};
    asked.segments = t.request.segments;
    const Segments own = cut(asked, n, cutting);
    for (int64_t i = 0; i < t.pixels; ++i) segments[own.labels[static_cast<size_t>(i)]].push_back(i);
  }
  std::vector<std::vector<int64_t>> out;
  for (auto& [label, pixels] : segments) out.push_back(std::move(pixels));
  return out;
}

std::vector<double> given_labels(const Trial& t) {
  std::vector<double> labels;
  const json& given = t.params.value("segments");
  if (given.is_null()) return labels;
  read_labels(given, labels);
  const int64_t count = static_cast<int64_t>(labels.size());
  const bool whole = std::all_of(labels.begin(), labels.end(), [](double v) { return v == std::floor(v); });
  if (!given.is_array() || !whole || (count != t.pixels && count != t.images * t.pixels))
    throw Error(
        "'segments' is no list of labels of all pixels", "irof",
        "give whole numbers, [N,H,W] = " + to_string({t.images, t.height, t.width}) + " or [H,W], or leave it out");
  return labels;
}

double mean_attribution(const Trial& t, int64_t n, const std::vector<int64_t>& pixels) {
  double sum = 0;
  for (int64_t c = 0; c < t.maps.channels; ++c)
    for (const int64_t i : pixels) sum += t.maps.sample(n)[c * t.pixels + i];
  return sum / static_cast<double>(pixels.size());
}

MetricResult irof(const MetricRequest& r, const Params& p) {
  Trial t(r, p, "irof");
  const std::vector<double> labels = given_labels(t);
  t.expect(p.integer("nr_segments"));
  for (int64_t n = 0; n < t.images; ++n) {
    const std::vector<std::vector<int64_t>> segments = segments_of(t, n, labels);
    std::vector<double>& curve = t.new_curve(n, static_cast<int64_t>(segments.size()) + 1);
    if (t.examine(n, ranked_by_position) == MapDefect::undefined) continue;
    std::vector<double> means;
    for (const std::vector<int64_t>& pixels : segments) means.push_back(mean_attribution(t, n, pixels));
    Removal removal = t.removal(n);
    t.ask(n, t.input(n), &curve[0]);
    size_t i = 1;
    for (const int64_t k : descending_order(means.data(), static_cast<int64_t>(means.size()))) {
      std::vector<int64_t> features;
      for (int64_t c = 0; c < t.channels; ++c)
        for (const int64_t pixel : segments[static_cast<size_t>(k)]) features.push_back(c * t.pixels + pixel);
      removal.remove(features.data(), features.data() + features.size());
      t.ask(n, removal.values().data(), &curve[i++]);
    }
  }
  t.finish();
  for (int64_t n = 0; n < t.images; ++n) {
    std::vector<double>& curve = t.result.curves[static_cast<size_t>(n)];
    if (t.prepared_maps->defect(n) == MapDefect::undefined) continue;
    const double whole = curve[0], segments = static_cast<double>(curve.size() - 1);
    for (double& y : curve) y = whole > 0 ? y / whole : kUndefined;
    double score = 0;
    if (p.text("return") == "aoc") {
      score = segments - trapezoid({curve.begin() + 1, curve.end()});
    } else {
      for (const double q : curve) score += (1 - q) / (segments + 1);
    }
    t.score(n, score, "the target's output is not positive, so that there is no share of it");
  }
  return std::move(t.result);
}

Direction direction_of_order(const Params& p) {
  return p.text("order") == "lerf" ? Direction::lower : Direction::higher;
}

}  // namespace

std::vector<Metric> region_metrics() {
  using enum ParameterType;
  PreparationDefaults signed_map;
  signed_map.absolute = false;
  const Parameter patch = {
      "patch_size", integer, 0, "Side of the patches; 0: one that divides the image into about fifty", 0, 4096, "px"};
  const auto returned = [](const char* usual, const char* help, std::vector<std::string> choices) {
    return Parameter{"return", choice, usual, help, {}, {}, "", std::move(choices)};
  };
  const Parameter order = {
      "order", choice, "morf", "Which regions go first: the most relevant (morf) or the least (lerf)",
      {},      {},     "",     {"morf", "lerf"}};
  const Parameter regions = {"regions", integer, 100, "Regions removed at most", 1, 1e6, "regions"};
  const std::vector<Parameter> cutting = {
      {"segments", value, nullptr, "Labels of the pixels, [N,H,W] or [H,W]; null: by `segmentation`"},
      {"segmentation",
       choice,
       "slic",
       "How the picture is cut where `segments` is null",
       {},
       {},
       "",
       segmentations().names()},
      {"nr_segments", integer, 50, "Segments wanted, for segmentations that let one choose", 2, 1024, "segments"},
      {"segmentation_params", value, json::object(),
       "The segmentation's own parameters, as {\"name\":value}; see `kernelscope list segmentations`"}};
  return {
      {{"region-perturbation", "Region perturbation (AOPC)", "faithfulness",
        "W. Samek, A. Binder, G. Montavon, S. Lapuschkin, K.-R. Müller: Evaluating the visualization of what a deep "
        "neural "
        "network has learned, IEEE TNNLS 2017.",
        "Replaces square regions by uniform noise, the most relevant first, and takes the mean fall of the target's "
        "output "
        "(area over the perturbation curve).",
        with_preparation(
            signed_map,
            joined({{patch, order, regions},
                    baseline_parameters("uniform"),
                    {asked_output_parameter("softmax"),
                     returned("aopc", "Mean of the falls, the zero at the start included, or the curve of them",
                              {"aopc", "curve"})}})),
        "A region is removed whole: a map that marks a small damage and one that marks its surroundings rank the same "
        "squares first. Noise looks like mould to some networks, and the target's probability may then rise.",
        "score = Σₖ₌₀ᴸ (f_c(x) − f_c(x without its k most relevant regions)) / (L + 1)"},
       Direction::higher,
       true,
       false,
       region_perturbation,
       nullptr,
       direction_of_order,
       {{"baseline", "black"}, {"baseline_source", "current"}, {"return", "curve"}}},
      {{"selectivity", "Selectivity", "faithfulness",
        "G. Montavon, W. Samek, K.-R. Müller: Methods for interpreting and understanding deep neural networks, Digital "
        "Signal Processing 2018.",
        "Removes square regions from the most relevant down and takes the area under the target's output: low if it "
        "falls "
        "fast.",
        with_preparation(signed_map, joined({{patch},
                                             baseline_parameters("uniform"),
                                             {asked_output_parameter("softmax"),
                                              returned("auc", "Area under the curve (spacing 1), or the curve itself",
                                                       {"auc", "curve"})}})),
        "The area is that of the network's output, not of its fall: an image whose class is uncertain from the start "
        "scores "
        "well with any map. It grows with the number of patches.",
        "yₖ = f_c(x without its k most relevant regions), k = 1 … L;  score = Σₖ₌₂ᴸ (yₖ₋₁ + yₖ) / 2"},
       Direction::lower,
       true,
       false,
       selectivity,
       nullptr,
       nullptr,
       {{"baseline", "black"}, {"baseline_source", "current"}, {"return", "curve"}}},
      {{"irof", "Iterative removal of features", "faithfulness",
        "L. Rieger, L. K. Hansen: IROF: a low resource evaluation metric for explanation methods, arXiv 2003.08747, "
        "2020.",
        "Fills superpixels with the image's mean value, those with the highest mean attribution first, and takes the "
        "area "
        "over the remaining share of the target's output, between 0 and 1 where that only falls.",
        with_preparation(signed_map,
                         joined({cutting,
                                 baseline_parameters("mean"),
                                 {asked_output_parameter("softmax"),
                                  returned("mean-aoc",
                                           "Mean area over the curve, independent of the number of segments; aoc: that "
                                           "number minus the area under it (as Quantus)",
                                           {"mean-aoc", "aoc"})}})),
        "The superpixels decide what can be found: a damage that shares a segment with healthy bran is removed with "
        "it. "
        "Filled segments keep their outlines, which the network may read as an edge of the kernel.",
        "qₖ = f_c(x without its k most relevant segments) / f_c(x);  score = Σₖ₌₀ᴸ (1 − qₖ) / (L + 1)"},
       Direction::higher,
       true,
       false,
       irof,
       nullptr,
       nullptr,
       {{"baseline_source", "current"}, {"return", "aoc"}}},
  };
}

}  // namespace ks

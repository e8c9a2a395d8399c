#include <algorithm>

#include "metric/faithfulness.h"
#include "metric/trial.h"
#include "picture/blur.h"
#include "tensor/error.h"

// Removal curves: features go, or come back, in the order in which the explanation ranks them, and the target's output
// is followed. Points of a curve are cumulative.
namespace ks {

namespace {

/// Removes features from the most important down; the first point is the image itself where `with_image` says so.
void follow_removal(Trial& t, const Steps& steps, bool with_image) {
  t.expect(steps.count + with_image);
  for (int64_t n = 0; n < t.images; ++n) {
    std::vector<double>& curve = t.new_curve(n, steps.count + with_image);
    if (t.examine(n, ranked_by_position) == MapDefect::undefined) continue;
    const std::vector<int64_t> order = t.order(n, steps);
    Removal removal = t.removal(n);
    double* point = curve.data();
    if (with_image) t.ask(n, t.input(n), point++);
    for (int64_t begin = 0; begin < t.size; begin += steps.size) {
      removal.remove(order.data() + begin, order.data() + std::min(begin + steps.size, t.size));
      t.ask(n, removal.values().data(), point++);
    }
  }
  t.finish();
}

/// Gives `absent` the image's features back, the most important first or last. start(n): image n without its features;
/// the first point is that where `with_start` says so.
template <class Start>
void follow_restoration(Trial& t, const Steps& steps, bool ascending, bool with_start, Start start) {
  t.expect(steps.count + with_start);
  for (int64_t n = 0; n < t.images; ++n) {
    std::vector<double>& curve = t.new_curve(n, steps.count + with_start);
    if (t.examine(n, ranked_by_position) == MapDefect::undefined) continue;
    std::vector<int64_t> order = t.order(n, steps);
    if (ascending) std::reverse(order.begin(), order.end());
    std::vector<float> values = start(n);
    double* point = curve.data();
    if (with_start) t.ask(n, values.data(), point++);
    for (int64_t begin = 0; begin < t.size; begin += steps.size) {
      for (int64_t i = begin; i < std::min(begin + steps.size, t.size); ++i) {
        const int64_t feature = order[static_cast<size_t>(i)];
        values[static_cast<size_t>(feature)] = t.input(n)[feature];
      }
      t.ask(n, values.data(), point++);
    }
  }
  t.finish();
}

/// Mean height of a curve over the share of changed features, from none to all.
double mean_height(const std::vector<double>& curve, const Steps& steps, int64_t size) {
  double area = 0;
  for (size_t i = 1; i < curve.size(); ++i) {
    const int64_t begin = (static_cast<int64_t>(i) - 1) * steps.size;
    area += (curve[i - 1] + curve[i]) / 2 * static_cast<double>(std::min(steps.size, size - begin));
  }
  return area / static_cast<double>(size);
}

constexpr char no_output[] = "the network's output is no finite number";

MetricResult finished(Trial& t, double (*area)(const std::vector<double>&, const Steps&, int64_t), const Steps& steps) {
  t.result.curve_is_score = t.params.text("return") == "curve";
  for (int64_t n = 0; n < t.images; ++n)
    if (t.prepared_maps->defect(n) != MapDefect::undefined)
      t.score(n, area(t.result.curves[static_cast<size_t>(n)], steps, t.size), no_output);
  return std::move(t.result);
}

MetricResult pixel_flipping(const MetricRequest& r, const Params& p) {
  Trial t(r, p, "pixel-flipping");
  const Steps steps = t.steps();
  follow_removal(t, steps, false);
  return finished(
      t, [](const std::vector<double>& curve, const Steps&, int64_t) { return trapezoid(curve); }, steps);
}

MetricResult deletion(const MetricRequest& r, const Params& p) {
  Trial t(r, p, "deletion");
  const Steps steps = t.steps();
  follow_removal(t, steps, true);
  return finished(t, mean_height, steps);
}

MetricResult insertion(const MetricRequest& r, const Params& p) {
  Trial t(r, p, "insertion");
  const Steps steps = t.steps();
  const bool blur = p.value("baseline") == "blur";
  follow_restoration(t, steps, false, true, [&](int64_t n) {
    if (!blur) return t.absent(n);
    std::vector<float> out(t.input(n), t.input(n) + t.size);
    for (int64_t c = 0; c < t.channels; ++c)
      gaussian_blur(out.data() + c * t.pixels, static_cast<int>(t.width), static_cast<int>(t.height),
                    p.number("baseline_sigma"));
    return out;
  });
  return finished(t, mean_height, steps);
}

MetricResult monotonicity(const MetricRequest& r, const Params& p) {
  Trial t(r, p, "monotonicity");
  const Steps steps = t.steps();
  follow_restoration(t, steps, p.text("order") == "ascending", false, [&](int64_t n) { return t.absent(n); });
  for (int64_t n = 0; n < t.images; ++n) {
    if (t.prepared_maps->defect(n) == MapDefect::undefined) continue;
    const std::vector<double>& curve = t.result.curves[static_cast<size_t>(n)];
    int64_t rises = 0;
    for (size_t i = 1; i < curve.size(); ++i) rises += curve[i] >= curve[i - 1];
    const double share = static_cast<double>(rises) / static_cast<double>(curve.size() - 1);
    t.score(n,
            p.text("return") == "fraction" ? share
            : curve.size() > 1             ? share == 1
                                           : kUndefined,
            "all features come back in one step: there is nothing to compare");
  }
  return std::move(t.result);
}

Parameter curve_return_parameter(const char* help) {
  return {"return", ParameterType::choice, "auc", help, {}, {}, "", {"auc", "curve"}};
}

}  // namespace

std::vector<Metric> curve_metrics() {
  using enum ParameterType;
  PreparationDefaults signed_map;
  signed_map.absolute = false;
  const auto own = [&](std::vector<Parameter> baseline, const char* area) {
    return with_preparation(signed_map, joined({{step_parameter()},
                                                std::move(baseline),
                                                {asked_output_parameter("softmax"), curve_return_parameter(area)}}));
  };
  const char* mean_area = "Mean height of the curve, both ends included, or the curve itself";
  const std::vector<Parameter> blurred = {
      {"baseline",
       value,
       "blur",
       "What the image starts from: blur (the image itself, Gaussian-blurred), black, white, mean or uniform noise "
       "(all of "
       "the image's own values), or a number after the model's normalisation",
       {},
       {},
       "",
       {"blur", "black", "white", "mean", "uniform"}},
      {"baseline_sigma", number, 5.0, "Of the baseline blur: standard deviation of the Gaussian", 0.1, 1000, "px"}};
  std::vector<Parameter> restored = {step_parameter()};
  restored = joined({restored, baseline_parameters()});
  restored.push_back({"order",
                      choice,
                      "ascending",
                      "Which features come back first: the least important, or the most",
                      {},
                      {},
                      "",
                      {"ascending", "descending"}});
  restored.push_back({"return",
                      choice,
                      "bool",
                      "Whether the output never falls (1 or 0), or the share of steps in which it does not",
                      {},
                      {},
                      "",
                      {"bool", "fraction"}});
  restored.push_back(asked_output_parameter("softmax"));
  const char* rise =
      "V. Petsiuk, A. Das, K. Saenko: RISE: randomized input sampling for explanation of black-box models, "
      "BMVC 2018.";
  return {
      {{"pixel-flipping", "Pixel flipping", "faithfulness",
        "S. Bach, A. Binder, G. Montavon, F. Klauschen, K.-R. Müller, W. Samek: On pixel-wise explanations for "
        "non-linear classifier decisions by layer-wise relevance propagation, PLoS ONE 2015.",
        "Removes features from the most important down and follows the target's output: the faster it falls, the "
        "smaller "
        "the area.",
        own(baseline_parameters(), "Area under the curve (spacing 1), or the curve itself"),
        "A baseline of the background's colour makes removing background free, and a picture full of holes is nothing "
        "the "
        "network knows: the output may fall for that. The area grows with the number of steps.",
        "yₖ = f_c(x without its k · s most important features), k = 1 … n;  score = Σₖ₌₂ⁿ (yₖ₋₁ + yₖ) / 2"},
       Direction::lower,
       true,
       false,
       pixel_flipping,
       nullptr,
       nullptr,
       {{"baseline_source", "current"}}},
      {{"deletion", "Deletion", "faithfulness", rise,
        "Removes pixels from the most important down and takes the mean of the target's probability from the whole "
        "image to "
        "an empty one: low if the probability falls early.",
        own(baseline_parameters(), mean_area),
        "A kernel with black holes looks like no kernel of the training: a map of scattered pixels can make the "
        "probability "
        "fall at once without having found the damage. An image whose probability is low from the start has a low "
        "score "
        "whatever the map.",
        "score = ∫₀¹ f_c(x without the share q of its most important pixels) dq"},
       Direction::lower,
       true,
       false,
       deletion},
      {{"insertion", "Insertion", "faithfulness", rise,
        "Starts from a blurred image, gives pixels back from the most important down, and takes the mean of the "
        "target's "
        "probability on the way: high if few pixels suffice.",
        own(blurred, mean_area),
        "The blurred image still shows the kernel's shape and colour: for a class that these give away, the "
        "probability is "
        "high before any pixel is back, and all maps score well. Compare methods on the same image only.",
        "score = ∫₀¹ f_c(blurred x with the share q of x's most important pixels) dq"},
       Direction::higher,
       true,
       false,
       insertion},
      {{"monotonicity", "Monotonicity", "faithfulness",
        "V. Arya et al.: One explanation does not fit all: a toolkit and taxonomy of AI explainability techniques, "
        "arXiv "
        "1909.03012, 2019; R. Luss et al.: Generating contrastive explanations with monotonic attribute functions, "
        "arXiv "
        "1905.12698, 2019.",
        "Gives features back to an empty image, the least important first: each step should raise the target's output. "
        "Ranks "
        "by signed value, as the authors' own code does; abs ranks by magnitude.",
        with_preparation(signed_map, std::move(restored)),
        "One step of fifty that falls by a hair makes the verdict 0, so that nearly every map of a real network gets "
        "0: "
        "return=fraction tells maps apart, but counts how often the output rises, not by how much, and noise gets "
        "about one "
        "half.",
        "yₖ = f_c(baseline with the k · s least important features of x);  score = [yₖ₊₁ ≥ yₖ for all k], or the share "
        "of k"},
       Direction::higher,
       true,
       false,
       monotonicity},
  };
}

}  // namespace ks

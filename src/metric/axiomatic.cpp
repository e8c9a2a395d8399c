#include <algorithm>
#include <cmath>
#include <tuple>

#include "explain/evaluate.h"
#include "explain/reference.h"
#include "metric/explainer.h"
#include "metric/input_shift.h"
#include "metric/metric.h"
#include "metric/perturb.h"
#include "metric/prepare.h"
#include "tensor/error.h"

// Axiomatic: properties that an explanation has or has not, whatever people make of it.
namespace ks {

namespace {

bool warn_undefined(const Maps& maps, int64_t n, std::vector<std::string>& warnings) {
  if (map_defect(maps.sample(n), maps.stride()) != MapDefect::undefined) return false;
  warnings.push_back(image_warning(n, maps.count, undefined_map));
  return true;
}

/// The references that image n's map is measured against, [1,C,H,W] each.
std::vector<Tensor> references(const MetricRequest& r, const Params& p, int64_t n) {
  std::vector<Tensor> out;
  if (p.value("baseline") != "method") {
    const Baseline baseline = read_baseline(p, "completeness");
    const double value = baseline_value(baseline, r.inputs->sample(n), r.inputs->stride());
    Shape shape = r.inputs->shape;
    shape[0] = 1;
    out.emplace_back(shape, static_cast<float>(value));
    return out;
  }
  const Params* of_method = r.method_parameters;
  const bool one = of_method && of_method->has("baseline") && of_method->has("baseline_sigma"),
             several = of_method && of_method->has("baselines") && of_method->has("baseline_sigma");
  const Params zero(json{{"baseline", 0.0}, {"baseline_sigma", 1.0}});
  const ExplainRequest request{.classifier = *r.classifier,
                               .inputs = *r.inputs,
                               .targets = *r.targets,
                               .seed = r.seed,
                               .pictures = r.pictures,
                               .segments = r.segments};
  const uint64_t count = several ? of_method->value("baselines").size() : 1;
  for (uint64_t draw = 0; draw < count; ++draw)
    out.push_back(reference_input(request, n, one || several ? *of_method : zero, draw));
  return out;
}

MetricResult completeness(const MetricRequest& r, const Params& p) {
  const Maps maps = prepare(r.attributions, p);
  const size_t images = static_cast<size_t>(maps.count);
  Evaluator evaluator(*r.classifier, output_of(p), r.forwards);
  std::vector<double> with(images);
  std::vector<std::vector<double>> without(images);
  for (size_t n = 0; n < images; ++n) {
    const float* x = r.inputs->sample(static_cast<int64_t>(n));
    const int target = (*r.targets)[n];
    std::copy(x, x + r.inputs->stride(), evaluator.next(target, &with[n]));
    const std::vector<Tensor> all = references(r, p, static_cast<int64_t>(n));
    without[n].resize(all.size());
    for (size_t k = 0; k < all.size(); ++k)
      std::copy(all[k].data.begin(), all[k].data.end(), evaluator.next(target, &without[n][k]));
  }
  evaluator.finish();
  MetricResult out;
  for (size_t n = 0; n < images; ++n) {
    const int64_t i = static_cast<int64_t>(n);
    if (warn_undefined(maps, i, out.warnings)) {
      out.scores.push_back(kUndefined);
      continue;
    }
    double sum = 0, reference = 0;
    for (int64_t k = 0; k < maps.stride(); ++k) sum += maps.sample(i)[k];
    for (const double y : without[n]) reference += y / static_cast<double>(without[n].size());
    const double residual = sum - (with[n] - reference);
    out.scores.push_back(p.text("return") == "holds" ? std::fabs(residual) <= p.number("tolerance") : residual);
  }
  if (r.progress) r.progress(1);
  return out;
}

/// Order of the features of one image, those with attributions below eps first, and how many those are. `by_pixel`: the
/// channels of a pixel follow each other.
std::pair<std::vector<int64_t>, int64_t> features_by_zero(const Maps& maps, int64_t n, int64_t channels, double eps,
                                                          bool by_pixel) {
  std::vector<int64_t> zero, other;
  const int64_t pixels = maps.pixels();
  for (int64_t k = 0; k < channels * pixels; ++k) {
    const int64_t i = by_pixel ? k % channels * pixels + k / channels : k;
    const double a = maps.sample(n)[maps.channels == channels ? i : i % pixels];
    (std::fabs(a) < eps ? zero : other).push_back(i);
  }
  const int64_t zeros = static_cast<int64_t>(zero.size());
  zero.insert(zero.end(), other.begin(), other.end());
  return {std::move(zero), zeros};
}

/// What replaces features: one value, or draws of noise over the image's range, [draws][features].
std::vector<std::vector<float>> replacements(const MetricRequest& r, const Params& p, int64_t n) {
  const float* x = r.inputs->sample(n);
  const int64_t size = r.inputs->stride();
  const size_t features = static_cast<size_t>(size);
  if (p.value("baseline") != "uniform")
    return {
        std::vector<float>(features, static_cast<float>(baseline_value(read_baseline(p, "non-sensitivity"), x, size)))};
  const auto [low, high] = std::minmax_element(x, x + size);
  std::vector<std::vector<float>> out;
  for (int draw = 0; draw < p.integer("nr_samples"); ++draw) {
    Random random(mix_seed(r.seed, static_cast<uint64_t>(n)), static_cast<uint64_t>(1 + draw));
    out.emplace_back(features);
    random.fill_uniform(out.back().data(), features, *low, *high);
  }
  return out;
}

/// One image's groups of features and the outputs without them.
struct Groups {
  std::vector<int64_t> order, ends;  // the features, and where each group ends among them
  int64_t zeros = 0;                 // features whose attribution is zero: they come first, in groups of their own
  size_t draws = 0;
  double output = 0;
  std::vector<double> changed;  // [groups][draws]
};

void evaluate_groups(const MetricRequest& r, const Params& p, int64_t n, Groups& g, Evaluator& evaluator) {
  const float* x = r.inputs->sample(n);
  const int64_t size = r.inputs->stride();
  const int target = (*r.targets)[static_cast<size_t>(n)];
  const std::vector<std::vector<float>> values = replacements(r, p, n);
  g.draws = values.size();
  g.changed.resize(g.ends.size() * g.draws);
  std::copy(x, x + size, evaluator.next(target, &g.output));
  for (size_t k = 0; k < g.ends.size(); ++k) {
    for (size_t draw = 0; draw < g.draws; ++draw) {
      float* perturbed = evaluator.next(target, &g.changed[k * g.draws + draw]);
      std::copy(x, x + size, perturbed);
      for (int64_t i = k == 0 ? 0 : g.ends[k - 1]; i < g.ends[k]; ++i) {
        const size_t feature = static_cast<size_t>(g.order[static_cast<size_t>(i)]);
        perturbed[feature] = values[draw][feature];
      }
    }
    if (r.progress && k % 16 == 0)
      r.progress((static_cast<double>(n) + static_cast<double>(k) / static_cast<double>(g.ends.size())) /
                 static_cast<double>(r.inputs->dim(0)));
  }
}

MetricResult non_sensitivity(const MetricRequest& r, const Params& p) {
  constexpr int64_t usual_groups = 50;
  const Maps maps = prepare(r.attributions, p);
  const int64_t channels = r.inputs->dim(1), size = r.inputs->stride(), pixels = maps.pixels();
  const bool by_pixel = p.integer("features_in_step") == 0;
  const int64_t step = by_pixel ? channels * ((pixels + usual_groups - 1) / usual_groups)
                                : std::min<int64_t>(p.integer("features_in_step"), size);
  const double eps = p.number("eps");
  Evaluator evaluator(*r.classifier, output_of(p), r.forwards);
  std::vector<Groups> groups(static_cast<size_t>(maps.count));
  MetricResult out;
  for (int64_t n = 0; n < maps.count; ++n) {
    if (warn_undefined(maps, n, out.warnings)) continue;
    const MapDefect defect = map_defect(maps.sample(n), maps.stride());
    if (defect != MapDefect::none)
      out.warnings.push_back(image_warning(n, maps.count,
                                           defect == MapDefect::zero
                                               ? "the map is zero everywhere"
                                               : "the map is constant: no feature is told from another"));
    Groups& g = groups[static_cast<size_t>(n)];
    std::tie(g.order, g.zeros) = features_by_zero(maps, n, channels, eps, by_pixel);
    for (int64_t at = 0; at < size; g.ends.push_back(at)) at = std::min(at + step, at < g.zeros ? g.zeros : size);
    evaluate_groups(r, p, n, g, evaluator);
  }
  evaluator.finish();
  for (int64_t n = 0; n < maps.count; ++n) {
    const Groups& g = groups[static_cast<size_t>(n)];
    int64_t differing = 0, used = 0;
    for (size_t k = 0; k < g.ends.size(); ++k) {
      double squares = 0;
      for (size_t draw = 0; draw < g.draws; ++draw) squares += std::pow(g.output - g.changed[k * g.draws + draw], 2);
      const bool sensitive = !(std::sqrt(squares / static_cast<double>(g.draws)) < eps);
      const int64_t begin = k == 0 ? 0 : g.ends[k - 1];
      used += sensitive;
      if (sensitive == (begin < g.zeros)) differing += g.ends[k] - begin;
    }
    if (used == 0 && !g.ends.empty())
      out.warnings.push_back(
          image_warning(n, maps.count, "no group of features changes the output by eps: it is too large here"));
    out.scores.push_back(g.ends.empty() ? kUndefined : static_cast<double>(differing));
  }
  if (r.progress) r.progress(1);
  return out;
}

/// Says where the shifted network does not answer as the original one.
void check_outputs(const Tensor& wanted, const Tensor& got, std::vector<std::string>& warnings) {
  constexpr float share = 1e-3f;  // of the largest logit: what rounding may take
  for (int64_t n = 0; n < wanted.dim(0); ++n) {
    float largest = 0, difference = 0;
    for (int64_t k = 0; k < wanted.stride(); ++k) {
      largest = std::max(largest, std::fabs(wanted.sample(n)[k]));
      difference = std::max(difference, std::fabs(wanted.sample(n)[k] - got.sample(n)[k]));
    }
    if (!(difference <= share * largest))
      warnings.push_back(image_warning(n, wanted.dim(0),
                                       "the shifted network's logits differ by up to " + json(difference).dump() +
                                           ": rounding is too coarse for this shift, and the score says nothing"));
  }
}

MetricResult input_invariance(const MetricRequest& r, const Params& p) {
  const std::string where = "input-invariance";
  const Explainer explainer(r, p, where);
  const Maps maps = prepare(r.attributions, p);
  const float shift = static_cast<float>(p.number("input_shift"));
  const std::string weight = p.text("first_layer_weight"), bias = p.text("first_layer_bias");
  const std::shared_ptr<Classifier> network =
      r.classifier->variant(json({"input shift", shift, weight, bias}).dump(),
                            [&] { return shifted_network(r.classifier->original(), shift, weight, bias, where); });
  Tensor shifted = *r.inputs;
  for (float& v : shifted.data) v += shift;
  MetricResult out;
  check_outputs(r.classifier->logits(*r.inputs), network->logits(shifted), out.warnings);
  const Maps again = prepare(explainer(*network, shifted, *r.targets, r.seed), p);
  if (again.stride() != maps.stride())
    throw Error("the attribution and the explanation of the shifted image differ in channels", where,
                "pool them: pooling=sum");
  for (int64_t n = 0; n < maps.count; ++n) {
    if (warn_undefined(maps, n, out.warnings)) {
      out.scores.push_back(kUndefined);
      continue;
    }
    bool same = true;
    for (int64_t i = 0; i < maps.stride(); ++i) {
      const double a = maps.sample(n)[i], b = again.sample(n)[i];
      same = same && std::fabs(a - b) <= p.number("atol") + p.number("rtol") * std::fabs(b);
    }
    out.scores.push_back(same);
    if (map_defect(maps.sample(n), maps.stride()) != MapDefect::none)
      out.warnings.push_back(image_warning(n, maps.count, "the map is constant: that it does not change says nothing"));
  }
  if (r.progress) r.progress(1);
  return out;
}

std::vector<Parameter> completeness_parameters() {
  using enum ParameterType;
  std::vector<Parameter> own = baseline_parameters("method");
  own[0].help =
      "The image without evidence: method (the method's own reference; 0 where it has none), black, white, mean (of "
      "the image), or a "
      "number after the model's normalisation";
  own.push_back(output_parameter("logits"));
  own.push_back({"return",
                 choice,
                 "residual",
                 "The sum's deviation, or 1 where it is within the tolerance and else 0",
                 {},
                 {},
                 "",
                 {"residual", "holds"}});
  own.push_back(
      {"tolerance", number, 0.01, "Largest deviation for which completeness holds, in units of the output", 0, 1e6});
  PreparationDefaults raw{"none", "none", false};
  return with_preparation(raw, std::move(own));
}

std::vector<Parameter> non_sensitivity_parameters() {
  using enum ParameterType;
  std::vector<Parameter> own = {
      {"eps", number, 1e-5, "Below it an attribution, or a change of the output, counts as zero", 0, 1e6},
      {"features_in_step", integer, 0,
       "Features replaced at once (a feature is one channel of one pixel); 0: a fiftieth of them, whole pixels", 0, 2e9,
       "features"}};
  own = joined({own, baseline_parameters("uniform")});
  own[2].help =
      "What replaces features: uniform (noise over the image's range of values), black, white, mean, or a number after "
      "the model's "
      "normalisation";
  own.push_back({"nr_samples", integer, 4, "Draws of uniform noise for each group", 1, 10000, "draws"});
  own.push_back(output_parameter("softmax"));
  return with_preparation({}, std::move(own));
}

std::vector<Parameter> input_invariance_parameters() {
  using enum ParameterType;
  std::vector<Parameter> own = {
      {"input_shift", number, 1.0, "What is added to every value of the image, after the model's normalisation", -1000,
       1000},
      {"first_layer_weight", text, "", "Name of the first layer's weights in the file; empty: it is found"},
      {"first_layer_bias", text, "", "Name of its bias; empty: it is found"},
      {"atol", number, 1e-3, "Difference of two map values that counts as none", 0, 1e6},
      {"rtol", number, 1e-5, "The same, as a share of the value", 0, 1}};
  own = joined({own, explainer_parameters()});
  PreparationDefaults scaled;
  scaled.absolute = false;
  return with_preparation(scaled, std::move(own));
}

Direction completeness_direction(const Params& p) {
  return p.text("return") == "holds" ? Direction::higher : Direction::zero;
}

}  // namespace

std::vector<Metric> axiomatic_metrics() {
  Metric complete{{"completeness", "Completeness", "axiomatic",
                   "M. Sundararajan, A. Taly, Q. Yan: Axiomatic attribution for deep networks, ICML 2017; summation to "
                   "delta: A. Shrikumar, "
                   "P. Greenside, A. Kundaje, ICML 2017; conservation: G. Montavon, W. Samek, K.-R. Müller, Digital "
                   "Signal Processing 2018.",
                   "What the map's sum is off from the change of the output between the reference and the image.",
                   completeness_parameters(),
                   "A map can add up and still give the wrong pixels the credit. The score is in units of the output, "
                   "so it compares methods "
                   "on one image of one network, and depends on the reference: a method that is complete for a black "
                   "image is not for a "
                   "grey one. Only methods that claim to add up (integrated gradients, DeepLIFT, Shapley values, LRP) "
                   "can be blamed.",
                   "score = Σᵢ aᵢ − (f_c(x) − f_c(x₀)),  x₀: the reference"},
                  Direction::zero,
                  true,
                  false,
                  completeness};
  complete.direction_with = completeness_direction;
  complete.quantus = {{"normalise", "max"},
                      {"normalise_scope", "batch"},
                      {"baseline", "black"},
                      {"return", "holds"},
                      {"tolerance", 0.0}};

  Metric dummy{{"non-sensitivity", "Non-sensitivity", "axiomatic",
                "A. Nguyen, M. R. Martínez: On quantitative aspects of model interpretability, arXiv 2007.07584, 2020.",
                "How many features have a zero attribution though the output depends on them, or the other way round.",
                non_sensitivity_parameters(),
                "Counts zeros only: a map that is nowhere exactly zero scores well on a network that looks everywhere, "
                "noise included. "
                "Where groups of many features are replaced together, an unused feature beside a used one counts as "
                "used. The count grows "
                "with the image.",
                "score = |A₀ Δ X₀|,  A₀ = {i : |aᵢ| < ε},  X₀ = {i : √E[(f_c(x) − f_c(x with i replaced))²] < ε}"},
               Direction::lower,
               true,
               false,
               non_sensitivity};
  dummy.quantus = {{"normalise_scope", "batch"}, {"baseline", "black"}, {"features_in_step", 1}};

  Metric invariance{
      {"input-invariance", "Input invariance", "axiomatic",
       "P.-J. Kindermans, S. Hooker, J. Adebayo, M. Alber, K. T. Schütt, S. Dähne, D. Erhan, B. Kim: The "
       "(un)reliability of "
       "saliency methods, 2017; Explainable AI, Springer 2019.",
       "1 where the map stays the same when a constant is added to the image and the first layer takes it back, so "
       "that the "
       "network's answer is the same; else 0.",
       input_invariance_parameters(),
       "Methods that multiply by the image, or compare with a fixed reference, fail by construction, though a shift of "
       "all "
       "colours may be nothing that a camera does. A map that ignores image and network passes, and so do Sobel edges.",
       "1 if |e(x; f) − e(x + s; f′)| ≤ atol + rtol · |e(x + s; f′)| everywhere, with f′(x + s) = f(x)"},
      Direction::higher,
      true,
      false,
      input_invariance};
  return {complete, dummy, invariance};
}

}  // namespace ks

#include <algorithm>
#include <cmath>
#include <optional>

#include "explain/evaluate.h"
#include "metric/noise.h"
#include "metric/representation.h"
#include "metric/robustness.h"

// Relative stability: how much the explanation of a noisy copy changes, in per cent of each of its values, against how
// much the network's input, inner representation or output does. An explanation may change where the network changes
// its mind. C. Agarwal et al.: Rethinking stability for attribution-based explanations, 2022.
namespace ks {

namespace {

enum class Against { input, representation, output };

constexpr const char* kNames[] = {"relative-input-stability", "relative-representation-stability",
                                  "relative-output-stability"};

/// ‖(a − b) / a‖₂ with zeros of a taken for `least`.
template <class T>
double relative_change(const T* a, const T* b, int64_t size, double least) {
  double squares = 0;
  for (int64_t i = 0; i < size; ++i) {
    const double from = a[i], share = (from - b[i]) / (from == 0 ? least : from);
    squares += share * share;
  }
  return std::sqrt(squares);
}

/// ‖h − h'‖₂ of logits or of probabilities.
double output_change(const std::vector<float>& a, const std::vector<float>& b, Output output) {
  const int64_t classes = static_cast<int64_t>(a.size());
  double squares = 0;
  for (int k = 0; k < classes; ++k) {
    const double d = target_output(a.data(), classes, k, output) - target_output(b.data(), classes, k, output);
    squares += d * d;
  }
  return std::sqrt(squares);
}

int64_t class_of(const std::vector<float>& logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

/// Of one noisy copy: how far the explanation and the network moved, and its logits where they are looked at.
struct Neighbour {
  double explanation = 0, network = 0;
  std::vector<float> logits;
};

template <Against against>
MetricResult relative_stability(const MetricRequest& r, const Params& p) {
  const std::string name = kNames[static_cast<int>(against)];
  const Noise noise = read_noise(p, name);
  const Explainer explainer(r, p, name);
  const double eps = p.number("eps_min");
  const bool same_class = p.text("neighbours") == "same-class", at_least = p.text("denominator") == "at-least-eps";
  const Maps maps = prepare(r.attributions, p);
  MetricResult out =
      robustness_scores(maps, "the map is zero everywhere, so that a change of it is no share of anything");
  const int64_t images = maps.count, draws = p.integer("nr_samples"), size = r.inputs->stride();

  std::vector<std::vector<float>> logits(static_cast<size_t>(images));
  std::optional<Representation> representation;
  Representation::Values inner;
  Evaluator evaluator(*r.classifier, Output::logits, r.forwards);
  const bool evaluates = against == Against::output || (against == Against::input && same_class);
  const auto evaluate = [&](const float* x, std::vector<float>& answer) {
    std::copy(x, x + size, evaluator.next(&answer));
  };
  if (against == Against::representation) {
    representation.emplace(*r.classifier, p.text("layer"));
    inner = (*representation)(*r.inputs);
  }
  for (int64_t n = 0; n < images; ++n) {
    std::vector<float>& own = logits[static_cast<size_t>(n)];
    if (evaluates) evaluate(r.inputs->sample(n), own);
    if (representation) own.assign(inner.logits.sample(n), inner.logits.sample(n) + inner.logits.stride());
  }

  std::vector<Neighbour> neighbours(static_cast<size_t>(draws * images));
  explain_noisy(r, p, explainer, noise, [&](const ChangedImages& noisy) {
    Representation::Values changed;
    if (representation) changed = (*representation)(noisy.inputs);
    for (int64_t i = 0; i < noisy.maps.count; ++i) {
      const int64_t n = noisy.image(i);
      Neighbour& neighbour = neighbours[static_cast<size_t>(noisy.change(i) * images + n)];
      neighbour.explanation = relative_change(maps.sample(n), noisy.maps.sample(i), maps.stride(), eps);
      if (against == Against::input)
        neighbour.network = relative_change(r.inputs->sample(n), noisy.inputs.sample(i), size, eps);
      if (evaluates) evaluate(noisy.inputs.sample(i), neighbour.logits);
      if (!representation) continue;
      neighbour.network = relative_change(inner.inner.sample(n), changed.inner.sample(i), inner.inner.stride(), eps);
      neighbour.logits.assign(changed.logits.sample(i), changed.logits.sample(i) + changed.logits.stride());
    }
  });
  evaluator.finish();

  for (int64_t n = 0; n < images; ++n) {
    const std::vector<float>& own = logits[static_cast<size_t>(n)];
    int64_t count = 0;
    for (int64_t k = 0; k < draws; ++k) {
      const Neighbour& neighbour = neighbours[static_cast<size_t>(k * images + n)];
      if (same_class && class_of(neighbour.logits) != class_of(own)) continue;
      ++count;
      if (!std::isfinite(neighbour.explanation)) lose_score(out, n);
      double scale = neighbour.network;
      if (against == Against::output) scale = output_change(own, neighbour.logits, output_of(p));
      scale = at_least ? std::max(scale, eps) : scale == 0 ? eps : scale;
      double& score = out.scores[static_cast<size_t>(n)];
      if (!std::isnan(score)) score = std::max(score, neighbour.explanation / scale);
    }
    if (count > 0) continue;
    out.scores[static_cast<size_t>(n)] = kUndefined;
    out.warnings.push_back(image_warning(
        n, images,
        "the network puts every noisy copy into another class, so that none is a neighbour: take less noise"));
  }
  return out;
}

std::vector<Parameter> relative_parameters(std::vector<Parameter> own) {
  using enum ParameterType;
  PreparationDefaults raw;
  raw.normalise = "none";
  raw.absolute = false;
  std::vector<Parameter> all = noise_parameters();
  all.push_back({"eps_min", number, 1e-6, "Smallest divisor", 1e-30, 1});
  all.push_back(
      {"denominator",
       choice,
       "at-least-eps",
       "Whether eps_min is the least that the network's change counts, or stands for a change of exactly 0 only (as "
       "Quantus)",
       {},
       {},
       "",
       {"at-least-eps", "eps-for-zero"}});
  all.push_back({"neighbours",
                 choice,
                 "same-class",
                 "Which noisy copies count: those that the network puts into the image's class, or all (as Quantus)",
                 {},
                 {},
                 "",
                 {"same-class", "all"}});
  return with_preparation(raw, joined({all, own, explainer_parameters()}));
}

template <Against against>
Metric stability(const char* title, const char* description, const char* misleads, const char* formula,
                 std::vector<Parameter> own) {
  Metric m;
  m.name = kNames[static_cast<int>(against)];
  m.title = title;
  m.family = "robustness";
  m.citation =
      "C. Agarwal, N. Johnson, M. Pawelczyk, S. Krishna, E. Saxena, M. Zitnik, H. Lakkaraju: Rethinking stability for "
      "attribution-based explanations, 2022.";
  m.description = description;
  m.parameters = relative_parameters(std::move(own));
  m.misleads = misleads;
  m.formula = formula;
  m.direction = Direction::lower;
  m.needs_classifier = true;
  m.measure = relative_stability<against>;
  m.quantus = {{"noise", {{"kind", "uniform"}, {"low", 0.02}, {"high", 0.2}}},
               {"denominator", "eps-for-zero"},
               {"neighbours", "all"}};
  return m;
}

}  // namespace

std::vector<Metric> relative_stability_metrics() {
  return {
      stability<Against::input>("Relative input stability",
                                "Largest change of the explanation in per cent of its values, against that of the "
                                "image, over noisy copies that the "
                                "network puts into the same class.",
                                "Pixels with hardly any relevance decide: a change from nearly nothing to little is "
                                "many thousand per cent. Maps "
                                "that are exactly zero in places, such as Grad-CAM's, come out enormous. Compare "
                                "methods by their ranks, not by "
                                "these numbers.",
                                "max over x' of ‖(e(x) − e(x')) / e(x)‖₂ / max(‖(x − x') / x‖₂, ε)", {}),
      stability<Against::representation>(
          "Relative representation stability",
          "Largest change of the explanation in per cent of its values, against that of an inner tensor of the "
          "network, over "
          "noisy copies that the network puts into the same class.",
          "After a ReLU most values of the inner tensor are zero, and the smallest noise on one of them is an enormous "
          "change "
          "that makes any explanation look stable. Scores depend on the layer: compare methods on one layer of one "
          "network, and "
          "by their ranks.",
          "max over x' of ‖(e(x) − e(x')) / e(x)‖₂ / max(‖(L(x) − L(x')) / L(x)‖₂, ε),  L: the layer's output",
          {{"layer", ParameterType::text, "",
            "ONNX name of a tensor of the network; empty: the last feature map before its head"}}),
      stability<Against::output>(
          "Relative output stability",
          "Largest change of the explanation in per cent of its values, against that of the network's output, over "
          "noisy "
          "copies that it puts into the same class.",
          "A network that is sure hardly changes its probabilities, and dividing by next to nothing makes any "
          "explanation look "
          "unstable: keep to the logits. Pixels with hardly any relevance decide, as in relative input stability.",
          "max over x' of ‖(e(x) − e(x')) / e(x)‖₂ / max(‖h(x) − h(x')‖₂, ε),  h: the logits", {output_parameter()}),
  };
}

}  // namespace ks

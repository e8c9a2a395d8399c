#include <algorithm>
#include <cmath>
#include <vector>

#include "explain/cut.h"
#include "explain/evaluate.h"
#include "explain/linear_fit.h"
#include "explain/perturbation.h"
#include "explain/reference.h"
#include "explain/switched_image.h"
#include "tensor/random.h"

// M. T. Ribeiro, S. Singh, C. Guestrin: "Why should I trust you?": Explaining the predictions of any classifier, KDD
// 2016, as its authors' explainer for images does it: segments are switched off at random, and a linear model of which
// are on, weighted by nearness to the whole image, is fitted to the network's answers.
namespace ks {

namespace {

/// One image's coalitions: row s says which segments are on; row 0 is the whole image.
std::vector<uint8_t> draw_coalitions(int samples, int segments, uint64_t seed) {
  std::vector<uint8_t> on(static_cast<size_t>(samples) * segments, 1);
  Random random(seed);
  for (size_t i = static_cast<size_t>(segments); i < on.size(); ++i) on[i] = random.chance(0.5);
  return on;
}

/// exp(-d^2 / w^2) under a root, d = cosine distance between the coalition and the whole: 1 - sqrt(share of segments
/// on).
double nearness(const uint8_t* on, int segments, double kernel_width) {
  const double share = static_cast<double>(std::count(on, on + segments, uint8_t{1})) / segments;
  const double distance = 1 - std::sqrt(share);
  return std::sqrt(std::exp(-distance * distance / (kernel_width * kernel_width)));
}

/// What segments that are off show: a constant, each segment's mean colour, or the reference.
Tensor hidden_image(const ExplainRequest& r, int64_t n, const Segments& segments, const Params& p) {
  if (p.text("hidden") == "baseline") return reference_input(r, n, p);
  Tensor out({1, r.inputs.dim(1), r.inputs.dim(2), r.inputs.dim(3)}, static_cast<float>(p.number("constant")));
  if (p.text("hidden") == "constant") return out;
  const float* x = r.inputs.sample(n);
  const size_t plane = segments.labels.size();
  for (size_t begin = 0; begin < out.data.size(); begin += plane) {
    std::vector<double> sum(static_cast<size_t>(segments.count)), size(sum.size());
    for (size_t i = 0; i < plane; ++i) {
      sum[static_cast<size_t>(segments.labels[i])] += x[begin + i];
      ++size[static_cast<size_t>(segments.labels[i])];
    }
    for (size_t i = 0; i < plane; ++i) {
      const size_t k = static_cast<size_t>(segments.labels[i]);
      out.data[begin + i] = static_cast<float>(sum[k] / size[k]);
    }
  }
  return out;
}

struct Sampled {
  Segments segments;
  std::vector<uint8_t> on;  // [samples][segments]
  std::vector<double> outputs, weights;
};

Tensor lime(const ExplainRequest& r, const Params& p) {
  const int64_t images = r.inputs.dim(0);
  const int samples = p.integer("samples");
  std::vector<Sampled> asked(static_cast<size_t>(images));
  Evaluator evaluator(r.classifier, output_of(p));
  for (int64_t n = 0; n < images; ++n) {
    Sampled& a = asked[static_cast<size_t>(n)];
    a.segments = cut(r, n, p);
    const int count = a.segments.count;
    a.on = draw_coalitions(samples, count, r.sample_seed(n));
    a.outputs.resize(static_cast<size_t>(samples));
    const SwitchedImage image(r.inputs.sample(n), hidden_image(r, n, a.segments, p), a.segments);
    for (int s = 0; s < samples; ++s) {
      const uint8_t* row = a.on.data() + static_cast<size_t>(s) * static_cast<size_t>(count);
      a.weights.push_back(nearness(row, count, p.number("kernel_width")));
      image.write(row, evaluator.next(r.targets[static_cast<size_t>(n)], &a.outputs[static_cast<size_t>(s)]));
      if (r.progress && s % r.classifier.batch_size() == 0)
        r.progress((static_cast<double>(n) + static_cast<double>(s) / samples) / static_cast<double>(images));
    }
  }
  evaluator.finish();
  Tensor out({images, 1, r.inputs.dim(2), r.inputs.dim(3)});
  for (int64_t n = 0; n < images; ++n) {
    const Sampled& a = asked[static_cast<size_t>(n)];
    spread(fit_ridge(a.on, a.outputs, a.weights, a.segments.count, p.number("ridge")), a.segments, out, n);
  }
  if (r.progress) r.progress(1);
  return out;
}

}  // namespace

Method lime_method() {
  Method m;
  m.name = "lime";
  m.title = "LIME";
  m.family = "perturbation";
  m.citation =
      "M. T. Ribeiro, S. Singh, C. Guestrin: \"Why should I trust you?\": Explaining the predictions of any "
      "classifier, KDD 2016.";
  m.description =
      "Switches segments of the image off at random and fits a weighted linear model to the answers; each pixel "
      "carries the coefficient of its segment.";
  m.misleads =
      "The segmentation decides what can be found: a small damage is shared with the rest of its segment. With few "
      "samples the map changes with the seed, and images with half of the kernel gone are nothing the network knows.";
  m.formula =
      "w = argmin Σₛ πₛ (f_c(xₛ) − w₀ − w·zₛ)² + λ ‖w‖²,  zₛ ∈ {0,1}ᵏ says which segments of xₛ are on\n"
      "πₛ = √exp(−d² / σ²),  d = 1 − √(share of segments on)\nR = wₖ for every pixel of segment k";
  using enum ParameterType;
  m.parameters = cut_parameters("slic", 100);
  const std::vector<Parameter> own = {
      {"compactness", number, 10.0, "Of slic: weight of position against colour", 0.01, 1000},
      {"samples", integer, 512, "Images with segments switched off, the whole one among them", 2, 100000, "images"},
      {"kernel_width", number, 0.25, "Width of the kernel over cosine distance from the whole image", 0.01, 100},
      {"ridge", number, 1.0, "Weight of the ridge penalty", 0, 1e6},
      {"hidden",
       choice,
       "constant",
       "What a segment that is off shows: one value, its own mean colour (the authors' choice; hides nothing in a "
       "segment of one colour), or `baseline`",
       {},
       {},
       "",
       {"constant", "segment-mean", "baseline"}},
      {"constant", number, 0.0, "Its value for hidden=constant, after the model's normalisation; 0 is the mean colour",
       -10, 10},
      output_parameter("logits"),
  };
  m.parameters.insert(m.parameters.end(), own.begin(), own.end());
  for (Parameter& q : reference_parameters("blur")) m.parameters.push_back(std::move(q));
  m.explain = lime;
  m.needs_gradient = false;
  return m;
}

}  // namespace ks

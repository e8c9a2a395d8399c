#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "explain/evaluate.h"
#include "explain/linear_fit.h"
#include "explain/method.h"
#include "explain/reference.h"
#include "segment/segments.h"
#include "tensor/random.h"

// M. T. Ribeiro, S. Singh, C. Guestrin: "Why should I trust you?": Explaining the predictions of any classifier, KDD
// 2016, as its authors' explainer for images does it: segments are switched off at random, and a linear model of which
// are on, weighted by nearness to the whole image, is fitted to the network's answers.
namespace ks {

std::vector<Method> lime_methods();

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

/// The image with every segment switched off: each segment's mean colour, a constant, or a reference.
std::vector<float> hidden_image(const ExplainRequest& r, int64_t n, const Segments& segments, const Params& p) {
  if (p.text("hidden") == "baseline") return reference_input(r, n, p).data;
  const float* x = r.inputs.sample(n);
  const int channels = r.classifier.channels();
  const size_t plane = segments.labels.size();
  if (p.text("hidden") == "constant")
    return std::vector<float>(plane * static_cast<size_t>(channels), static_cast<float>(p.number("constant")));
  std::vector<float> out(plane * static_cast<size_t>(channels));
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    std::vector<double> sum(static_cast<size_t>(segments.count)), size(sum.size());
    for (size_t i = 0; i < plane; ++i) {
      sum[static_cast<size_t>(segments.labels[i])] += x[c * plane + i];
      ++size[static_cast<size_t>(segments.labels[i])];
    }
    for (size_t i = 0; i < plane; ++i) {
      const size_t k = static_cast<size_t>(segments.labels[i]);
      out[c * plane + i] = static_cast<float>(sum[k] / size[k]);
    }
  }
  return out;
}

Segments segments_of(const ExplainRequest& r, int64_t n, const Params& p) {
  const Image picture = tensor_to_image(r.inputs, n, r.classifier.preprocessing());
  const int wanted = p.integer("segments");
  if (p.text("segmentation") == "slic")
    return segment("slic", {{"segments", wanted}, {"compactness", p.number("compactness")}}, picture);
  // As many cells as wanted, as square as can be.
  const double aspect = static_cast<double>(picture.height) / picture.width;
  const int rows = std::max(1, static_cast<int>(std::lround(std::sqrt(wanted * aspect))));
  return grid_segments(picture.width, picture.height, rows,
                       std::max(1, static_cast<int>(std::lround(double(wanted) / rows))));
}

/// Coefficients of one image's segments.
std::vector<double> segment_weights(const ExplainRequest& r, int64_t n, const Params& p, const Segments& segments) {
  const int samples = p.integer("samples"), count = segments.count, target = r.targets[static_cast<size_t>(n)];
  const float* x = r.inputs.sample(n);
  const size_t plane = segments.labels.size();
  const std::vector<float> hidden = hidden_image(r, n, segments, p);
  const std::vector<uint8_t> on = draw_coalitions(samples, count, r.sample_seed(n));
  std::vector<double> answers(static_cast<size_t>(samples)), weights(static_cast<size_t>(samples));
  Evaluator evaluator(r.classifier, p.text("output") == "softmax" ? Output::softmax : Output::logits);
  for (int s = 0; s < samples; ++s) {
    const uint8_t* row = on.data() + static_cast<size_t>(s) * count;
    weights[static_cast<size_t>(s)] = nearness(row, count, p.number("kernel_width"));
    float* input = evaluator.next(target, &answers[static_cast<size_t>(s)]);
    for (size_t begin = 0; begin < hidden.size(); begin += plane)
      for (size_t i = 0; i < plane; ++i) input[begin + i] = (row[segments.labels[i]] ? x : hidden.data())[begin + i];
    if (r.progress && s % r.classifier.batch_size() == 0)
      r.progress((static_cast<double>(n) + static_cast<double>(s) / samples) / static_cast<double>(r.inputs.dim(0)));
  }
  evaluator.finish();
  return fit_ridge(on, answers, weights, count, p.number("ridge"));
}

Tensor lime(const ExplainRequest& r, const Params& p) {
  Tensor out({r.inputs.dim(0), 1, r.inputs.dim(2), r.inputs.dim(3)});
  for (int64_t n = 0; n < r.inputs.dim(0); ++n) {
    const Segments segments = segments_of(r, n, p);
    const std::vector<double> weights = segment_weights(r, n, p, segments);
    for (size_t i = 0; i < segments.labels.size(); ++i)
      out.sample(n)[i] = static_cast<float>(weights[static_cast<size_t>(segments.labels[i])]);
  }
  if (r.progress) r.progress(1);
  return out;
}

}  // namespace

std::vector<Method> lime_methods() {
  Method m;
  m.name = "lime";
  m.title = "LIME";
  m.family = "perturbation";
  m.citation =
      "M. T. Ribeiro, S. Singh, C. Guestrin: \"Why should I trust you?\": Explaining the predictions of any "
      "classifier, KDD 2016.";
  m.description =
      "Switches segments of the image off at random and fits a weighted linear model to the answers; each pixel "
      "carries the "
      "coefficient of its segment. The segmentation decides what can be found (the paper's Fig 3), and with few "
      "samples the map "
      "changes with the seed.";
  using enum ParameterType;
  m.parameters = {
      {"segmentation", choice, "slic", "How the image is cut", {}, {}, "", {"slic", "grid"}},
      {"segments", integer, 100, "Segments wanted", 2, 1024, "segments"},
      {"compactness", number, 10.0, "Of slic: weight of position against colour", 0.01, 1000},
      {"samples", integer, 512, "Images with segments switched off, the whole one among them", 2, 100000, "images"},
      {"kernel_width", number, 0.25, "Width of the kernel over cosine distance from the whole image", 0.01, 100},
      {"ridge", number, 1.0, "Weight of the ridge penalty", 0, 1e6},
      {"hidden",
       choice,
       "constant",
       "What a segment that is off shows: one value, its own mean colour (the authors' choice; hides nothing in a segment "
       "of one colour), or `baseline`",
       {},
       {},
       "",
       {"constant", "segment-mean", "baseline"}},
      {"constant", number, 0.0, "Its value for hidden=constant, after the model's normalisation; 0 is the mean colour",
       -10, 10},
      {"output",
       choice,
       "logits",
       "What is fitted: the target's logit or its probability",
       {},
       {},
       "",
       {"logits", "softmax"}},
  };
  for (Parameter& parameter : reference_parameters("blur")) m.parameters.push_back(std::move(parameter));
  m.explain = lime;
  m.needs_gradient = false;
  return {m};
}

}  // namespace ks

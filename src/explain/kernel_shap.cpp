#include <algorithm>

#include "explain/coalitions.h"
#include "explain/cut.h"
#include "explain/evaluate.h"
#include "explain/perturbation.h"
#include "explain/reference.h"
#include "explain/switched_image.h"
#include "tensor/error.h"

// S. Lundberg, S.-I. Lee: A unified approach to interpreting model predictions, NeurIPS 2017: Shapley values of the
// image's segments, by a regression over coalitions (coalitions.h), or exactly from all of them.
namespace ks {

namespace {

constexpr int kMostEnumerated = 16;  // segments: 65536 images
constexpr int kMostSamples = 1000000;

/// `samples`: a number of coalitions, or 0 for "all".
int sample_budget(const Params& p) {
  const json& v = p.value("samples");
  if (v == "all") return 0;
  if (!v.is_number_integer() || v.get<int64_t>() < 2 || v.get<int64_t>() > kMostSamples)
    throw Error("'samples' is " + v.dump(), "kernel-shap",
                "give a whole number from 2 to " + std::to_string(kMostSamples) + ", or \"all\"");
  return v.get<int>();
}

Coalitions all_coalitions(int features) {
  if (features > kMostEnumerated)
    throw Error("'samples' is \"all\", but the image has " + std::to_string(features) + " segments", "kernel-shap",
                "all coalitions can be asked of at most " + std::to_string(kMostEnumerated) +
                    " segments: give a number of samples, or fewer segments");
  Coalitions c;
  c.features = features;
  for (size_t set = 0; set < size_t{1} << features; ++set)
    for (int k = 0; k < features; ++k) c.on.push_back((set >> k) & 1);
  c.weights.resize(size_t{1} << features);
  return c;
}

struct Asked {
  Segments segments;
  Coalitions coalitions;
  std::vector<double> outputs;
  double empty = 0, whole = 0;
};

Tensor kernel_shap(const ExplainRequest& r, const Params& p) {
  const int budget = sample_budget(p);
  const int64_t samples = r.inputs.dim(0);
  std::vector<Asked> asked(static_cast<size_t>(samples));
  Evaluator evaluator(r.classifier, output_of(p));
  for (int64_t n = 0; n < samples; ++n) {
    Asked& a = asked[static_cast<size_t>(n)];
    a.segments = cut(r, n, p);
    a.coalitions =
        budget ? draw_coalitions(a.segments.count, budget, r.sample_seed(n)) : all_coalitions(a.segments.count);
    const size_t count = a.coalitions.weights.size();
    a.outputs.resize(count);
    const SwitchedImage image(r.inputs.sample(n), reference_input(r, n, p), a.segments);
    const int target = r.targets[static_cast<size_t>(n)];
    if (budget) {
      std::copy_n(image.reference(), image.size(), evaluator.next(target, &a.empty));
      std::copy_n(image.whole(), image.size(), evaluator.next(target, &a.whole));
    }
    for (size_t s = 0; s < count; ++s) {
      image.write(a.coalitions.on.data() + s * static_cast<size_t>(a.segments.count),
                  evaluator.next(target, &a.outputs[s]));
      if (r.progress && s % static_cast<size_t>(r.classifier.batch_size()) == 0)
        r.progress((static_cast<double>(n) + static_cast<double>(s + 1) / static_cast<double>(count)) /
                   static_cast<double>(samples));
    }
  }
  evaluator.finish();
  Tensor out(r.inputs.shape);
  for (int64_t n = 0; n < samples; ++n) {
    const Asked& a = asked[static_cast<size_t>(n)];
    spread(budget ? fit_shapley(a.coalitions, a.outputs, a.empty, a.whole) : exact_shapley(a.outputs, a.segments.count),
           a.segments, out, n);
  }
  return out;
}

}  // namespace

Method kernel_shap_method() {
  Method m;
  m.name = "kernel-shap";
  m.title = "Kernel SHAP";
  m.family = "perturbation";
  m.citation = "S. Lundberg, S.-I. Lee: A unified approach to interpreting model predictions, NeurIPS 2017.";
  m.description =
      "Shapley values of the image's segments: a linear model of which segments are present, fitted to the network's "
      "output with the weights that make it fair. The values sum to f(x) − f(baseline); with all coalitions they are "
      "exact.";
  m.misleads =
      "A Shapley value divides what segments do together evenly among them, so a segment that only matters beside "
      "another shares the credit. The baseline decides what absence means: against the mean colour, a pale kernel is "
      "hardly absent. With few samples for many segments the values are noisy.";
  m.formula =
      "φ = argmin Σ_S π(S) (f_c(x_S) − f_c(b) − Σ_{k∈S} φₖ)²  with  Σ φₖ = f_c(x) − f_c(b)\n"
      "π(S) = (M − 1) / (C(M, |S|) |S| (M − |S|)),  M segments\nR = φₖ for every pixel of segment k";
  m.parameters = cut_parameters("slic", 50);
  m.parameters.push_back(grid_cells_parameter());
  m.parameters.push_back({"samples", ParameterType::value, 1000,
                          "Coalitions asked about besides the empty and the whole one, or \"all\" (up to 16 segments)",
                          2, kMostSamples, "images"});
  for (Parameter& q : reference_parameters()) m.parameters.push_back(std::move(q));
  m.parameters.push_back(output_parameter("logits"));
  m.explain = kernel_shap;
  m.needs_gradient = false;
  return m;
}

}  // namespace ks

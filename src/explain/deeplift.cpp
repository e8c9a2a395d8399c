#include "backward/deeplift.h"

#include <algorithm>

#include "explain/method.h"
#include "explain/network.h"
#include "explain/reference.h"
#include "tensor/error.h"

// Differences to a baseline image, passed back by the rescale rule.
namespace ks {

namespace {

using backward::Layers;

graph::Model model(const Classifier& c, Layers layers = Layers::input_only) {
  return backward::deeplift_model(c.model(), c.input_shape(), c.backend(), c.where(), layers);
}

/// For export and layers: the baseline becomes part of the model.
graph::Model with_constant_baseline(const Classifier& c, const Params& p, Layers layers) {
  graph::Model out = model(c, layers);
  const json& baseline = p.value("baseline");
  if (!baseline.is_number())
    throw Error("the baseline " + baseline.dump() + " depends on the image", "deeplift",
                "as one graph it can only have a number as baseline");
  backward::fix_baseline(out, Tensor({1, c.channels(), c.height(), c.width()}, baseline.get<float>()));
  return out;
}

graph::Model network(const Classifier& c, const Params& p) {
  return with_constant_baseline(c, p, Layers::input_only);
}
graph::Model layers(const Classifier& c, const Params& p) {
  return with_constant_baseline(c, p, Layers::all);
}

/// One session for all baselines.
Session& session(Classifier& c) {
  return c.derived("deeplift", [&] { return model(c); });
}

Tensor deeplift(const ExplainRequest& r, const Params& p) {
  // A number is one baseline for all images, and runs once a batch.
  const int64_t count = p.value("baseline").is_number() ? 1 : r.inputs.dim(0);
  std::vector<Tensor> baselines;
  for (int64_t n = 0; n < count; ++n) baselines.push_back(reference_input(r, n, p));
  const Tensor all = concatenate(baselines);
  return run_explainer(r.classifier, session(r.classifier), r.inputs, r.targets, r.progress, &all);
}

Tensor deeplift_shap(const ExplainRequest& r, const Params& p) {
  Classifier& c = r.classifier;
  const int64_t draws = p.integer("draws"), batch = c.batch_size();
  Tensor out(r.inputs.shape);
  for (int64_t n = 0; n < r.inputs.dim(0); ++n) {
    std::vector<double> sum(static_cast<size_t>(out.stride()));
    for (int64_t begin = 0; begin < draws; begin += batch) {
      const int64_t end = std::min(draws, begin + batch);
      const std::vector<Tensor> images(static_cast<size_t>(end - begin), r.inputs.slice(n, n + 1));
      std::vector<Tensor> baselines;
      for (int64_t k = begin; k < end; ++k) baselines.push_back(reference_input(r, n, p, static_cast<uint64_t>(k)));
      const Tensor all = concatenate(baselines);
      const std::vector<int> targets(static_cast<size_t>(end - begin), r.targets[static_cast<size_t>(n)]);
      const Tensor maps = run_explainer(c, session(c), concatenate(images), targets, nullptr, &all);
      for (int64_t k = 0; k < end - begin; ++k)
        for (int64_t i = 0; i < out.stride(); ++i) sum[static_cast<size_t>(i)] += maps.sample(k)[i];
      if (r.progress)
        r.progress((static_cast<double>(n) + static_cast<double>(end) / static_cast<double>(draws)) /
                   static_cast<double>(r.inputs.dim(0)));
    }
    for (int64_t i = 0; i < out.stride(); ++i)
      out.sample(n)[i] = static_cast<float>(sum[static_cast<size_t>(i)] / static_cast<double>(draws));
  }
  return out;
}

}  // namespace

std::vector<Method> reference_methods() {
  Method lift;
  lift.name = "deeplift";
  lift.title = "DeepLIFT";
  lift.family = "reference";
  lift.citation =
      "A. Shrikumar, P. Greenside, A. Kundaje: Learning important features through propagating activation differences, "
      "ICML 2017";
  lift.formula = "(x − b) · m,  through an activation m·Δout/Δin,  Δ = difference to the baseline b";
  lift.description =
      "Compares every unit with its value on a baseline image and passes the difference of the logits back (rescale "
      "rule); sums to "
      "f(x) − f(b). A max-pool passes it to the maximum of the image, or of the baseline where that is larger; "
      "products and "
      "softmax share it as Shapley values do.";
  lift.misleads =
      "The baseline decides what counts as absence: with the mean colour, a lesion of that colour gets nothing. Two "
      "parts of the "
      "image that only together change a unit share its difference by their size, not by their role.";
  lift.parameters = reference_parameters();
  lift.parameters.push_back(
      {"rule", ParameterType::choice, "rescale", "How activations pass differences on", {}, {}, "", {"rescale"}});
  lift.network = network;
  lift.layers = layers;
  lift.explain = deeplift;

  Method shap;
  shap.name = "deeplift-shap";
  shap.title = "DeepLIFT SHAP";
  shap.family = "reference";
  shap.citation = "S. Lundberg, S.-I. Lee: A unified approach to interpreting model predictions, NeurIPS 2017";
  shap.formula = "Mean over baselines b of DeepLIFT's (x − b) · m";
  shap.description =
      "The mean of DeepLIFT over several baselines; sums to f(x) minus the mean of f over them. With the baselines "
      "drawn from the "
      "data it approximates Shapley values of the pixels.";
  shap.misleads =
      "It hides that single baselines may disagree: look at some of them alone. Approximates Shapley values only as "
      "far as the "
      "network is linear between image and baseline.";
  shap.parameters = reference_set_parameters(json::array({"mean", "blur", "noise"}));
  shap.parameters.push_back(
      {"draws", ParameterType::integer, 6, "How many baselines, taken from the list in turn", 1, 1000, "baselines"});
  shap.explain = deeplift_shap;
  return {lift, shap};
}

}  // namespace ks

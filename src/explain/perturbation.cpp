#include <algorithm>
#include <array>

#include "explain/evaluate.h"
#include "explain/perturbation.h"
#include "explain/reference.h"
#include "tensor/error.h"

// Perturbation family: what the network answers when parts of the image are taken away. The network is a black box.
namespace ks {

namespace {

/// "8" or "[8,6]" (rows, columns) of a parameter, each from 1 to `largest`. Throws Error.
std::array<int, 2> rows_and_columns(const Params& p, const char* name, std::array<int, 2> largest) {
  const json& v = p.value(name);
  const json pair = v.is_array() ? v : json::array({v, v});
  const char* const axis[2] = {"high", "wide"};
  std::array<int, 2> out{};
  if (pair.size() != 2 || !pair[0].is_number_integer() || !pair[1].is_number_integer())
    throw Error(std::string("'") + name + "' is " + v.dump(), "occlusion",
                "give pixels: one whole number, or [rows,columns]");
  for (size_t i = 0; i < 2; ++i) {
    const int64_t size = pair[i].get<int64_t>();
    if (size < 1 || size > largest[i])
      throw Error(std::string("'") + name + "' is " + v.dump() + " px", "occlusion",
                  "the image is " + std::to_string(largest[i]) + " px " + axis[i] + ": give 1 to " +
                      std::to_string(largest[i]));
    out[i] = static_cast<int>(size);
  }
  return out;
}

/// Starts of the windows along one side: 0, stride, 2 stride, ... while the window fits.
std::vector<int> positions(int side, int window, int stride) {
  std::vector<int> out;
  for (int at = 0; at + window <= side; at += stride) out.push_back(at);
  return out;
}

/// M. Zeiler, R. Fergus, ECCV 2014, section 4.2, as a map: a pixel gets the mean, over the windows that cover it, of
/// what covering the window takes from the target's logit. Pixels that no window reaches get 0.
Tensor occlusion(const ExplainRequest& r, const Params& p) {
  const int height = r.classifier.height(), width = r.classifier.width(), channels = r.classifier.channels();
  const std::array<int, 2> window = rows_and_columns(p, "window", {height, width});
  const std::array<int, 2> stride = rows_and_columns(p, "stride", {height, width});
  const std::vector<int> tops = positions(height, window[0], stride[0]), lefts = positions(width, window[1], stride[1]);
  const int64_t samples = r.inputs.dim(0), plane = static_cast<int64_t>(height) * width;

  std::vector<std::vector<double>> answers(static_cast<size_t>(samples),
                                           std::vector<double>(tops.size() * lefts.size()));
  std::vector<double> whole(static_cast<size_t>(samples));
  Evaluator evaluator(r.classifier, Output::logits);
  for (int64_t n = 0; n < samples; ++n) {
    const float* x = r.inputs.sample(n);
    const int target = r.targets[static_cast<size_t>(n)];
    std::copy(x, x + r.inputs.stride(), evaluator.next(target, &whole[static_cast<size_t>(n)]));
    const Tensor reference = reference_input(r, n, p);
    double* answer = answers[static_cast<size_t>(n)].data();
    for (size_t t = 0; t < tops.size(); ++t) {
      for (const int left : lefts) {
        float* covered = evaluator.next(target, answer++);
        std::copy(x, x + r.inputs.stride(), covered);
        for (int c = 0; c < channels; ++c)
          for (int y = tops[t]; y < tops[t] + window[0]; ++y) {
            const int64_t at = c * plane + static_cast<int64_t>(y) * width + left;
            std::copy_n(reference.data.data() + at, window[1], covered + at);
          }
      }
      if (r.progress)
        r.progress((static_cast<double>(n) + static_cast<double>(t + 1) / static_cast<double>(tops.size())) /
                   static_cast<double>(samples));
    }
  }
  evaluator.finish();

  Tensor out(r.inputs.shape);
  for (int64_t n = 0; n < samples; ++n) {
    std::vector<double> sum(static_cast<size_t>(plane));
    std::vector<int> covers(static_cast<size_t>(plane));
    const double* answer = answers[static_cast<size_t>(n)].data();
    for (const int top : tops)
      for (const int left : lefts) {
        const double drop = whole[static_cast<size_t>(n)] - *answer++;
        for (int y = top; y < top + window[0]; ++y)
          for (int x = left; x < left + window[1]; ++x) {
            sum[static_cast<size_t>(y * width + x)] += drop;
            ++covers[static_cast<size_t>(y * width + x)];
          }
      }
    for (int c = 0; c < channels; ++c)
      for (int64_t i = 0; i < plane; ++i) {
        const size_t at = static_cast<size_t>(i);
        out.sample(n)[c * plane + i] = covers[at] ? static_cast<float>(sum[at] / covers[at]) : 0.0f;
      }
  }
  return out;
}

}  // namespace

Method occlusion_method() {
  Method m;
  m.name = "occlusion";
  m.title = "Occlusion";
  m.family = "perturbation";
  m.citation = "M. Zeiler, R. Fergus: Visualizing and understanding convolutional networks, ECCV 2014.";
  m.description =
      "Slides a window of the baseline over the image and notes how much the target's logit falls; a pixel gets "
      "the mean over the windows that cover it.";
  m.misleads =
      "A window is itself something the network never saw in training and may look like damage. Damages smaller than "
      "the window blur to its size, and of two damages that each suffice, covering one changes little: neither shows.";
  m.formula = "Rᵢ = mean over the windows W with i ∈ W of  f_c(x) − f_c(x with W covered)";
  m.parameters = {
      {"window", ParameterType::value, 32, "Side of the window, or [rows,columns]", 1, 4096, "px"},
      {"stride", ParameterType::value, 16, "Step between windows, or [rows,columns]; pixels no window reaches get 0", 1,
       4096, "px"},
  };
  for (Parameter& parameter : reference_parameters()) m.parameters.push_back(std::move(parameter));
  m.explain = occlusion;
  m.needs_gradient = false;
  return m;
}

std::vector<Method> perturbation_methods() {
  return {occlusion_method(),
          feature_ablation_method(),
          lime_method(),
          kernel_shap_method(),
          shapley_sampling_method(),
          rise_method(),
          meaningful_perturbation_method()};
}

}  // namespace ks

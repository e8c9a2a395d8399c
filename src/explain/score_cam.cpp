#include <algorithm>
#include <cmath>

#include "backward/upsample.h"
#include "explain/evaluate.h"
#include "explain/feature_map.h"
#include "explain/method.h"
#include "graph/shapes.h"
#include "graph/simplify.h"

// Score-CAM: H. Wang et al., CVPR workshops 2020, algorithm 1. No gradient: every channel of a feature map becomes a
// mask over the image, and the logit of the masked image tells the channel's weight.
namespace ks {

namespace {

/// The network up to one tensor.
graph::Model cut_at(const Classifier& c, const std::string& tensor) {
  graph::Model model = c.model();
  graph::Value value;
  value.name = tensor;
  const Shape shape = graph::infer_shapes(model, c.input_shape(), c.where()).at(tensor);
  for (int64_t d : shape) value.dimensions.push_back({d, d < 0 ? "N" : ""});
  model.outputs = {value};
  graph::remove_unused(model);
  model.metadata.clear();
  return model;
}

/// rows [H,h] * map [h,w] * columns [W,w] transposed.
std::vector<float> resized(const float* map, const Tensor& rows, const Tensor& columns) {
  const int64_t H = rows.dim(0), h = rows.dim(1), W = columns.dim(0), w = columns.dim(1);
  std::vector<float> wide(static_cast<size_t>(h * W)), out(static_cast<size_t>(H * W));
  // Both matrices have at most two entries in a row.
  for (int64_t x = 0; x < W; ++x)
    for (int64_t k = 0; k < w; ++k)
      if (const float share = columns.data[static_cast<size_t>(x * w + k)]; share != 0)
        for (int64_t y = 0; y < h; ++y) wide[static_cast<size_t>(y * W + x)] += share * map[y * w + k];
  for (int64_t y = 0; y < H; ++y)
    for (int64_t k = 0; k < h; ++k)
      if (const float share = rows.data[static_cast<size_t>(y * h + k)]; share != 0)
        for (int64_t x = 0; x < W; ++x)
          out[static_cast<size_t>(y * W + x)] += share * wide[static_cast<size_t>(k * W + x)];
  return out;
}

Tensor score_cam(const ExplainRequest& r, const Params& p) {
  Classifier& c = r.classifier;
  const std::string layer = feature_map(c, p);
  Session& session = c.derived("activation " + layer, [&] { return cut_at(c, layer); });
  const int64_t samples = r.inputs.dim(0), plane = static_cast<int64_t>(c.height()) * c.width();
  Tensor out({samples, 1, c.height(), c.width()});
  for (int64_t n = 0; n < samples; ++n) {
    const Tensor image = r.inputs.slice(n, n + 1);
    const Tensor activation = session.run({{c.input_name(), &image}}, {layer}).at(0);
    const int64_t channels = activation.dim(1), h = activation.dim(2), w = activation.dim(3);
    const Tensor rows = backward::bilinear_matrix(h, c.height()), columns = backward::bilinear_matrix(w, c.width());
    std::vector<double> scores(static_cast<size_t>(channels));
    std::vector<int64_t> used;  // channels that are not the same everywhere
    Evaluator evaluator(c, p.text("score") == "logit" ? Output::logits : Output::softmax);
    for (int64_t k = 0; k < channels; ++k) {
      const float* map = activation.data.data() + k * h * w;
      const std::vector<float> mask = resized(map, rows, columns);
      const auto [low, high] = std::minmax_element(mask.begin(), mask.end());
      const float bottom = *low, range = *high - *low;
      if (!(range > 0)) continue;
      used.push_back(k);
      float* masked = evaluator.next(r.targets[static_cast<size_t>(n)], &scores[static_cast<size_t>(k)]);
      for (int64_t channel = 0; channel < c.channels(); ++channel)
        for (int64_t i = 0; i < plane; ++i)
          masked[channel * plane + i] =
              image.data[static_cast<size_t>(channel * plane + i)] * ((mask[static_cast<size_t>(i)] - bottom) / range);
      if (r.progress)
        r.progress((static_cast<double>(n) + static_cast<double>(k + 1) / static_cast<double>(channels)) /
                   static_cast<double>(samples));
    }
    evaluator.finish();
    if (used.empty()) continue;
    double top = scores[static_cast<size_t>(used[0])], whole = 0;
    for (int64_t k : used) top = std::max(top, scores[static_cast<size_t>(k)]);
    for (int64_t k : used) whole += std::exp(scores[static_cast<size_t>(k)] - top);
    std::vector<double> sum(static_cast<size_t>(h * w));
    for (int64_t k : used) {
      const double weight = std::exp(scores[static_cast<size_t>(k)] - top) / whole;
      for (int64_t i = 0; i < h * w; ++i)
        sum[static_cast<size_t>(i)] += weight * activation.data[static_cast<size_t>(k * h * w + i)];
    }
    std::vector<float> map(sum.begin(), sum.end());
    if (p.flag("relu"))
      for (float& v : map) v = std::max(v, 0.0f);
    const std::vector<float> large = resized(map.data(), rows, columns);
    std::copy(large.begin(), large.end(), out.sample(n));
  }
  return out;
}

}  // namespace

Method score_cam_method() {
  Method m;
  m.name = "score-cam";
  m.title = "Score-CAM";
  m.family = "cam";
  m.citation =
      "H. Wang et al.: Score-CAM: Score-weighted visual explanations for convolutional neural networks, CVPR workshops "
      "2020";
  m.formula = "max(0, Σₖ wₖ Aₖ),  w = softmax over k of f(x · mask(Aₖ))";
  m.description =
      "Each channel of a feature map, enlarged and scaled to [0,1], masks the image; the logit of what is left, "
      "through a softmax "
      "over the channels, weights the channel. Needs one forward pass a channel and no gradient. The paper's baseline "
      "is the "
      "image of zeros, whose logit is common to all channels and falls out of the softmax.";
  m.misleads =
      "The masked images are darker or greyer than any the network was trained on, and the softmax over channels makes "
      "the map "
      "of one or two channels out of many where logits are large.";
  m.parameters = feature_map_parameters();
  m.parameters.push_back({"relu", ParameterType::boolean, true, "Cut negative values of the map"});
  m.parameters.push_back({"score",
                          ParameterType::choice,
                          "logit",
                          "What weights the channels: the logit or the probability",
                          {},
                          {},
                          "",
                          {"logit", "probability"}});
  m.explain = score_cam;
  return m;
}

}  // namespace ks

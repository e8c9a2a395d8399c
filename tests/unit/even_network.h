#pragma once
#include <cmath>
#include <string>
#include <vector>

#include "linear_classifier.h"
#include "metric/metric.h"

namespace ks::test {

/// A linear network that weighs every pixel alike: its gradient x input is the picture itself, times a weight a
/// channel.
inline Classifier even_network(int channels) {
  constexpr int side = LinearClassifier::side, plane = side * side;
  Tensor weights({2, channels * plane});
  for (int k = 0; k < 2; ++k)
    for (int i = 0; i < channels * plane; ++i)
      weights.sample(k)[i] = (k == 0 ? 1.0f : -0.5f) * (0.4f + 0.3f * static_cast<float>(i / plane));
  return Classifier(graph::write(linear_network(channels, side, side, weights)), "even");
}

/// Pictures with a few soft spots; the normalised values stay well within black and white.
inline Tensor soft_pictures(int channels) {
  constexpr int side = LinearClassifier::side;
  Tensor out({2, channels, side, side});
  for (int n = 0; n < 2; ++n)
    for (int c = 0; c < channels; ++c)
      for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x) {
          const auto spot = [&](double at_x, double at_y, double width) {
            return std::exp(-((x - at_x) * (x - at_x) + (y - at_y) * (y - at_y)) / (2 * width * width));
          };
          out.sample(n)[(c * side + y) * side + x] =
              static_cast<float>(spot(8 + n, 9, 4) - (0.7 + 0.2 * c) * spot(16, 14 + c, 5) + 0.02 * x - 0.01 * y);
        }
  return out;
}

inline MetricResult measure_even(Classifier& classifier, const Tensor& inputs, const std::string& method,
                                 const json& params, const char* metric = "augmentation-robustness") {
  const std::vector<int> targets{0, 1};
  const Tensor map = ks::explain(method, {}, {classifier, inputs, targets, 5});
  return ks::measure(metric, params, {&classifier, &inputs, &targets, map, nullptr, &methods().at(method), nullptr, 5});
}

}  // namespace ks::test

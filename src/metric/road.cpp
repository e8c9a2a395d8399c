#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>

#include "metric/faithfulness.h"
#include "metric/imputation.h"
#include "metric/trial.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/random.h"
#include "tensor/wide.h"

// Y. Rong, T. Leemann, V. Borisov, G. Kasneci, E. Kasneci: A consistent and efficient evaluation strategy for
// attribution methods, ICML 2022: remove and debias. What is removed is imputed from its neighbours, so that the
// removed shape itself tells the network little.
namespace ks {

namespace {

constexpr uint64_t kImputationStream = 2;
constexpr int kMadeTogether = 16;  // pictures, in all threads: they take turns at what is left

std::vector<double> read_percentages(const Params& p) {
  std::vector<double> out;
  for (const json& v : p.value("percentages")) {
    if (!v.is_number() || !(v.get<double>() > 0 && v.get<double>() < 100))
      throw Error("'percentages' holds " + v.dump(), "road", "a percentage lies between 0 and 100, both excluded");
    out.push_back(v.get<double>());
  }
  if (out.empty()) throw Error("'percentages' is an empty list", "road", "give at least one, for example [10,50,90]");
  return out;
}

/// Each pixel's place in the order from the most important down, by the sum over the map's channels.
std::vector<int32_t> pixel_ranks(const Trial& t, int64_t n) {
  std::vector<int64_t> by_sum;
  if (t.maps.channels > 1) {
    const double* map = t.maps.sample(n);
    std::vector<double> sums(map, map + t.pixels);
    for (const double* plane = map + t.pixels; plane != map + t.maps.stride(); plane += t.pixels)
      for (int64_t i = 0; i < t.pixels; ++i) sums[static_cast<size_t>(i)] += plane[i];
    by_sum = descending_order(sums.data(), t.pixels);
  }
  const std::vector<int64_t>& order = by_sum.empty() ? t.prepared_maps->order(n) : by_sum;
  std::vector<int32_t> ranks(order.size());
  for (size_t rank = 0; rank < order.size(); ++rank)
    ranks[static_cast<size_t>(order[rank])] = static_cast<int32_t>(rank);
  return ranks;
}

/// Marks the pixels whose ranks begin with `first` and are so many.
KS_WIDE void mark_removed(const int32_t* ranks, uint32_t first, uint32_t count, uint8_t* removed, int64_t pixels) {
  for (int64_t i = 0; i < pixels; ++i) removed[i] = static_cast<uint32_t>(ranks[i]) - first < count;
}

/// Noise for every value of image n. All of the image's pictures get the same where pixels are removed: what tells
/// them apart is what was removed.
std::vector<float> noise_of(const Trial& t, int64_t n, double deviation) {
  std::vector<float> out(static_cast<size_t>(t.size));
  Random(t.seed(n), kImputationStream).fill_normal(out.data(), out.size());
  for (float& v : out) v *= static_cast<float>(deviation);
  return out;
}

MetricResult road(const MetricRequest& r, const Params& p) {
  Trial t(r, p, "road");
  const std::vector<double> percentages = read_percentages(p);
  const double deviation = p.number("noise");
  const std::string order = p.text("order"), returned = p.text("return");
  const bool accuracy = returned == "accuracy" || returned == "mean-accuracy";
  const size_t points = percentages.size();
  // The most relevant pixels go, the least relevant, or both in turn.
  const std::vector<bool> least = order == "morf"   ? std::vector<bool>{false}
                                  : order == "lerf" ? std::vector<bool>{true}
                                                    : std::vector<bool>{true, false};
  Evaluator evaluator(*r.classifier, output_of(p), r.forwards);
  const size_t pictures = least.size() * points;  // of an image: way by way, point by point
  std::vector<std::vector<float>> logits(static_cast<size_t>(t.images) * pictures);
  const int threads = thread_count(r.classifier->session_options().threads);
  struct Worker {
    Imputer imputer;
    std::vector<uint8_t> removed;
    size_t place = SIZE_MAX;  // of the picture that it is at
  };
  std::vector<Worker> workers;
  for (int i = 0; i < std::min<int64_t>(threads, static_cast<int64_t>(pictures) * t.channels); ++i)
    workers.push_back({Imputer(t.height, t.width), std::vector<uint8_t>(static_cast<size_t>(t.pixels))});
  // One thread makes each picture where the network takes it from.
  std::vector<std::vector<float>> made(
      threads == 1 ? 0 : std::min(pictures, static_cast<size_t>(std::max(threads, kMadeTogether))),
      std::vector<float>(static_cast<size_t>(t.size)));
  for (int64_t n = 0; n < t.images; ++n) {
    if (t.examine(n, ranked_by_position) == MapDefect::undefined) continue;
    const std::vector<int32_t> ranks = pixel_ranks(t, n);
    const std::vector<float> noise = deviation > 0 ? noise_of(t, n, deviation) : std::vector<float>();
    const auto place = [&](size_t i) { return static_cast<size_t>(n) * pictures + i; };
    const auto make = [&](size_t i, int64_t channel, int thread, float* out) {
      Worker& worker = workers[static_cast<size_t>(thread)];
      if (std::exchange(worker.place, place(i)) != place(i)) {
        const size_t way = i / points, point = i % points;
        const auto count = static_cast<int64_t>(static_cast<double>(t.pixels) * percentages[point] / 100);
        const int64_t first = least[way] ? t.pixels - count : 0;
        mark_removed(ranks.data(), static_cast<uint32_t>(first), static_cast<uint32_t>(count), worker.removed.data(),
                     t.pixels);
        worker.imputer.remove(worker.removed);
      }
      const int64_t begin = channel * t.pixels;
      worker.imputer.fill(t.input(n) + begin, noise.empty() ? nullptr : noise.data() + begin, out + begin);
    };
    const auto next = [&](size_t i) {
      if (r.progress) r.progress(static_cast<double>(place(i)) / static_cast<double>(logits.size()));
      return evaluator.next(&logits[place(i)]);
    };
    for (size_t i = 0; made.empty() && i < pictures; ++i) {
      float* out = next(i);
      for (int64_t channel = 0; channel < t.channels; ++channel) make(i, channel, 0, out);
    }
    for (size_t begin = 0; begin < pictures && !made.empty(); begin += made.size()) {
      const size_t count = std::min(made.size(), pictures - begin);
      for_each(static_cast<int64_t>(count) * t.channels, threads, [&](int64_t task, int thread) {
        const auto i = static_cast<size_t>(task / t.channels);
        make(begin + i, task % t.channels, thread, made[i].data());
      });
      for (size_t i = 0; i < count; ++i) std::copy(made[i].begin(), made[i].end(), next(begin + i));
    }
  }
  evaluator.finish();
  const Output output = output_of(p);
  const auto value = [&](int64_t n, size_t way, size_t point) {
    const std::vector<float>& z = logits[static_cast<size_t>(n) * pictures + way * points + point];
    const int target = (*r.targets)[static_cast<size_t>(n)];
    if (accuracy) return std::max_element(z.begin(), z.end()) - z.begin() == target ? 1.0 : 0.0;
    return target_output(z.data(), static_cast<int64_t>(z.size()), target, output);
  };
  t.result.curve_is_score = returned == "accuracy" || returned == "probability";
  for (int64_t n = 0; n < t.images; ++n) {
    std::vector<double>& curve = t.new_curve(n, static_cast<int64_t>(points));
    if (t.prepared_maps->defect(n) == MapDefect::undefined) continue;
    for (size_t point = 0; point < points; ++point)
      curve[point] = value(n, 0, point) - (least.size() > 1 ? value(n, 1, point) : 0);
    t.score(n, std::accumulate(curve.begin(), curve.end(), 0.0) / static_cast<double>(points),
            "the network's output is no finite number");
  }
  if (r.progress) r.progress(1);
  return std::move(t.result);
}

Direction road_direction(const Params& p) {
  return p.text("order") == "morf" ? Direction::lower : Direction::higher;
}

}  // namespace

Metric road_metric() {
  using enum ParameterType;
  PreparationDefaults signed_map;
  signed_map.absolute = false;
  return {
      {"road", "Remove and debias (ROAD)", "faithfulness",
       "Y. Rong, T. Leemann, V. Borisov, G. Kasneci, E. Kasneci: A consistent and efficient evaluation strategy for "
       "attribution methods, ICML 2022.",
       "Removes shares of the pixels, fills each hole smoothly from what surrounds it, with a little noise, and looks "
       "at "
       "what the network says: the most relevant pixels first (low is good), the least relevant (high is good), or the "
       "difference of the two.",
       with_preparation(
           signed_map,
           {{"percentages", list, json::array({10, 20, 30, 40, 50, 60, 70, 80, 90}),
             "Shares of the pixels removed, in %"},
            {"noise", number, 0.01,
             "Standard deviation of the noise on imputed values, after the model's normalisation", 0, 100},
            {"order",
             choice,
             "morf",
             "Which pixels go: the most relevant (morf), the least (lerf), or the output of lerf minus that of morf",
             {},
             {},
             "",
             {"morf", "lerf", "lerf-morf"}},
            {"return",
             choice,
             "mean-probability",
             "Accuracy (1 where the target is the class predicted) or the target's output: a point a percentage, or "
             "their "
             "mean",
             {},
             {},
             "",
             {"accuracy", "probability", "mean-accuracy", "mean-probability"}},
            asked_output_parameter("softmax")}),
       "A small damage is imputed away by healthy bran around it as it should be; a large one is imputed from its own "
       "rim "
       "and stays. Where most pixels are gone, the image is a blur of any kernel, and all maps look alike.",
       "score = mean over p of f_c(x with its p % most relevant pixels imputed),  Σⱼ wᵢⱼ (vᵢ − vⱼ) = 0 for removed i, "
       "w = "
       "1/6 direct, 1/12 diagonal neighbours"},
      Direction::lower,
      true,
      false,
      road,
      nullptr,
      road_direction,
      {{"return", "accuracy"}}};
}

}  // namespace ks

#include <algorithm>
#include <cmath>
#include <numeric>

#include "explain/evaluate.h"
#include "metric/metric.h"
#include "metric/perturb.h"
#include "metric/prepare.h"
#include "tensor/error.h"
#include "tensor/random.h"

// Effective complexity: how many features the network itself can do with, taken in the order of the explanation. The
// one metric of this category that asks the network.
namespace ks {

namespace {

constexpr int64_t usual_steps = 50;

/// Quantus' count: features above a limit, whatever the network does with them.
MetricResult features_above(const MetricRequest& r, const Params& p) {
  const json& limit = p.value("eps");
  if (!limit.is_number() || !(limit.get<double>() >= 0))
    throw Error("'eps' is " + limit.dump(), "effective-complexity", "it must be a number of at least 0, or null");
  const double least = limit.get<double>();
  const std::shared_ptr<const PreparedMaps> maps = prepared(r, p);
  const int64_t count = maps->maps().count, size = maps->maps().stride();
  MetricResult out;
  for (int64_t n = 0; n < count; ++n) {
    const double* a = maps->maps().sample(n);
    if (maps->defect(n) == MapDefect::undefined) {
      out.scores.push_back(kUndefined);
      out.warnings.push_back(image_warning(n, count, undefined_map));
      continue;
    }
    if (maps->defect(n) == MapDefect::zero)
      out.warnings.push_back(
          image_warning(n, count, "the map is zero everywhere: it explains nothing, whatever its score"));
    int64_t above = 0;
    for (int64_t i = 0; i < size; ++i) above += std::fabs(a[i]) > least;
    out.scores.push_back(static_cast<double>(above));
  }
  return out;
}

/// What stands for features that are taken away.
struct Replacement {
  bool pixel = false;  // the colour of one of the image's pixels, drawn
  Baseline baseline;   // otherwise
  int draws = 1;
  std::vector<int64_t> everything;  // all values of an image

  Replacement(const Params& p, const std::string& where, int64_t values) : everything(static_cast<size_t>(values)) {
    std::iota(everything.begin(), everything.end(), int64_t{0});
    pixel = p.value("baseline") == "pixel";
    if (!pixel) baseline = read_baseline(p, where);
    if (pixel || baseline.kind == Baseline::Kind::uniform) draws = p.integer("samples");
  }

  /// The whole image replaced. The same seed gives the same values for every number of features that are kept.
  void fill(const float* x, int64_t channels, int64_t pixels, uint64_t seed, float* out) const {
    if (pixel) {
      const int64_t chosen = Random(seed).below(static_cast<uint32_t>(pixels));
      for (int64_t c = 0; c < channels; ++c) std::fill_n(out + c * pixels, pixels, x[c * pixels + chosen]);
      return;
    }
    Removal removal(x, channels * pixels, baseline, seed);
    removal.remove(everything.data(), everything.data() + everything.size());
    std::copy(removal.values().begin(), removal.values().end(), out);
  }
};

/// The search for one image's k, from small ones up.
struct KeptSearch {
  int64_t image;
  double unchanged = 0;         // the output of the image itself
  int64_t step = 0;             // of the first of `outputs`, in multiples of the step size
  std::vector<double> outputs;  // [k][draw]
};

class EffectiveComplexity {
 public:
  EffectiveComplexity(const MetricRequest& r, const Params& p)
      : request_(r),
        maps_(prepared(r, p)),
        replacement_(p, "effective-complexity", r.inputs->stride()),
        tolerance_(p.number("tolerance")),
        channels_(r.inputs->dim(1)),
        pixels_(maps_->maps().pixels()),
        size_(maps_->maps().stride()),
        step_(p.integer("features_in_step")),
        evaluator_(*r.classifier, output_of(p), r.forwards) {
    if (step_ == 0) step_ = (size_ + usual_steps - 1) / usual_steps;
  }

  MetricResult measure() {
    const int64_t count = maps_->maps().count;
    MetricResult out;
    out.scores.assign(static_cast<size_t>(count), kUndefined);
    std::vector<KeptSearch> active;
    for (int64_t n = 0; n < count; ++n) {
      const MapDefect defect = maps_->defect(n);
      if (defect == MapDefect::undefined) {
        out.warnings.push_back(image_warning(n, count, undefined_map));
        continue;
      }
      if (defect != MapDefect::none)
        out.warnings.push_back(
            image_warning(n, count, "the map is constant: its features are ranked by position alone"));
      active.push_back({.image = n});
    }
    for (KeptSearch& search : active) {
      const float* x = request_.inputs->sample(search.image);
      std::copy(x, x + request_.inputs->stride(), evaluator_.next(target(search), &search.unchanged));
    }
    evaluator_.finish();
    const size_t all = active.size();
    while (!active.empty()) {
      ask(active);
      std::vector<KeptSearch> open;
      for (KeptSearch& search : active) {
        const int64_t k = answer(search);
        if (k < 0) {
          open.push_back(std::move(search));
          continue;
        }
        out.scores[static_cast<size_t>(search.image)] = static_cast<double>(k);
        if (k == 0)
          out.warnings.push_back(image_warning(search.image, count,
                                               "the network answers the same when nothing of the image is kept, so the "
                                               "score says nothing of the map: try another baseline"));
      }
      active = std::move(open);
      if (request_.progress) request_.progress(1 - static_cast<double>(active.size()) / static_cast<double>(all));
    }
    return out;
  }

 private:
  int target(const KeptSearch& search) const { return (*request_.targets)[static_cast<size_t>(search.image)]; }

  /// The next few numbers of features for every image: as many as fill a batch.
  void ask(std::vector<KeptSearch>& active) {
    const int64_t wanted = static_cast<int64_t>(active.size()) * replacement_.draws;
    const int64_t steps = std::max<int64_t>(1, request_.classifier->batch_size() / wanted);
    for (KeptSearch& search : active) {
      const int64_t first = search.step, left = (size_ - 1) / step_ - first + 1;  // all features are the image itself
      search.outputs.assign(static_cast<size_t>(std::clamp<int64_t>(left, 0, steps) * replacement_.draws), 0);
      const float* x = request_.inputs->sample(search.image);
      const std::vector<int64_t>& order = maps_->order(search.image);
      for (size_t i = 0; i < search.outputs.size(); ++i) {
        const int64_t draw = static_cast<int64_t>(i) % replacement_.draws;
        const int64_t k = (first + static_cast<int64_t>(i) / replacement_.draws) * step_;
        float* changed = evaluator_.next(target(search), &search.outputs[i]);
        const uint64_t seed = mix_seed(request_.seed, static_cast<uint64_t>(search.image));
        replacement_.fill(x, channels_, pixels_, mix_seed(seed, static_cast<uint64_t>(draw)), changed);
        for (int64_t rank = 0; rank < k; ++rank) keep(x, order[static_cast<size_t>(rank)], changed);
      }
    }
    evaluator_.finish();
  }

  /// A feature is one value where the map has the image's channels, else a pixel with all of its channels.
  void keep(const float* x, int64_t feature, float* changed) const {
    if (size_ != pixels_) {
      changed[feature] = x[feature];
      return;
    }
    for (int64_t c = 0; c < channels_; ++c) changed[c * pixels_ + feature] = x[c * pixels_ + feature];
  }

  /// The smallest k asked for that suffices, or -1: then the search goes on.
  int64_t answer(KeptSearch& search) const {
    const size_t draws = static_cast<size_t>(replacement_.draws);
    for (size_t begin = 0; begin < search.outputs.size(); begin += draws, ++search.step) {
      double change = 0;
      for (size_t i = begin; i < begin + draws; ++i) change += std::fabs(search.outputs[i] - search.unchanged);
      if (change / static_cast<double>(draws) <= tolerance_) return search.step * step_;
    }
    return search.step * step_ >= size_ ? size_ : -1;
  }

  const MetricRequest& request_;
  std::shared_ptr<const PreparedMaps> maps_;
  Replacement replacement_;
  double tolerance_;
  int64_t channels_, pixels_, size_, step_;
  Evaluator evaluator_;
};

MetricResult effective_complexity(const MetricRequest& r, const Params& p) {
  return p.value("eps").is_null() ? EffectiveComplexity(r, p).measure() : features_above(r, p);
}

}  // namespace

Metric effective_complexity_metric() {
  using enum ParameterType;
  std::vector<Parameter> own = {
      {"eps", value, nullptr,
       "null: what the network needs, as the paper; a number: how many features of the normalised map are above it, as "
       "Quantus counts, without the network"},
      {"tolerance", number, 0.1, "How much the output may change on average when only k features are kept", 0, 1e6},
      {"features_in_step", integer, 0, "Distance between the k that are tried; 0: a fiftieth of the features", 0, 2e9,
       "features"},
      {"samples", integer, 8, "Draws of what replaces the other features, where baseline is pixel or uniform", 1, 1000,
       "draws"}};
  std::vector<Parameter> baseline = baseline_parameters("pixel");
  baseline[0].choices.push_back("pixel");
  baseline[0].help =
      "What replaces the features that are not kept: pixel (all of them the colour of one of the image's pixels, "
      "drawn), uniform "
      "(each drawn between the image's smallest and largest value), black, white, mean (of the image), or a number "
      "after the "
      "model's normalisation";
  own.insert(own.end(), baseline.begin(), baseline.end());
  Parameter output = output_parameter("softmax");
  output.help = "What must not change: the target's probability or its logit";
  own.push_back(std::move(output));
  Metric m{
      {"effective-complexity", "Effective complexity", "complexity",
       "A. Nguyen, M. R. Martínez: On quantitative aspects of model interpretability, arXiv 2007.07584, 2020.",
       "The smallest number of features, in the order of the map, that keep the network's output when all others are "
       "replaced by something else, on average over what that is.",
       with_preparation({}, std::move(own)),
       "A few true pixels on one colour are nothing the network knows, so much of the count can be what it needs to "
       "believe the "
       "picture at all: compare methods on one image, not images. Where the network gives the same answer for an empty "
       "picture, "
       "nothing is needed, and every map scores 0.",
       "min k:  E[ |f_c(x with its k strongest features, all others replaced) − f_c(x)| ] ≤ tolerance\n"
       "with eps:  |{i : |aᵢ| > eps}|"},
      Direction::lower,
      true,
      false,
      effective_complexity};
  m.quantus = {{"eps", 1e-5}};
  m.needs_classifier_with = [](const Params& p) { return p.value("eps").is_null(); };
  return m;
}

}  // namespace ks

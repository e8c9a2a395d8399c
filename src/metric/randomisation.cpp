#include <algorithm>
#include <cmath>
#include <map>

#include "metric/explainer.h"
#include "metric/metric.h"
#include "metric/prepare.h"
#include "metric/random_weights.h"
#include "metric/similarity.h"
#include "tensor/error.h"

// Randomisation: whether an explanation changes when what it explains is replaced, the network's weights by random ones
// or the class by another. A map that stays the same does not show what the network has learned.
namespace ks {

namespace {

LayerOrder layer_order(const Params& p) {
  const std::string name = p.text("layer_order");
  return name == "top_down"    ? LayerOrder::top_down
         : name == "bottom_up" ? LayerOrder::bottom_up
                               : LayerOrder::independent;
}

uint64_t weight_seed(const MetricRequest& r) {
  return r.common_seed ? *r.common_seed : r.seed;
}

/// Similarity of image n's maps; undefined where one of them holds NaN.
double similarity_of(const Similarity& similarity, const Maps& a, const Maps& b, int64_t n) {
  if (map_defect(a.sample(n), a.stride()) == MapDefect::undefined ||
      map_defect(b.sample(n), b.stride()) == MapDefect::undefined)
    return kUndefined;
  return similarity(a, n, b, n);
}

/// Whether image n's own map can be compared; says why not.
bool check_map(const Maps& maps, int64_t n, std::vector<std::string>& warnings) {
  const MapDefect defect = map_defect(maps.sample(n), maps.stride());
  if (defect == MapDefect::none) return true;
  warnings.push_back(
      image_warning(n, maps.count,
                    defect == MapDefect::zero       ? "the map is zero everywhere: there is nothing that could change"
                    : defect == MapDefect::constant ? "the map is constant: there is nothing that could change"
                                                    : undefined_map));
  return false;
}

/// Prepared explanations that must have the shape of the given ones.
Maps prepare_like(const Maps& like, const Tensor& explanations, const Params& p, const std::string& where) {
  Maps maps = prepare(explanations, p);
  if (maps.stride() != like.stride())
    throw Error("the attribution has " + std::to_string(like.channels) +
                    " channels, the explanation of the changed network " + std::to_string(maps.channels),
                where, "pool them: pooling=sum");
  return maps;
}

/// Compares every image's map with those of the randomised networks, which `explain` makes of a classifier.
template <class Explain>
MetricResult compare_with_random(const MetricRequest& r, const Params& p, const std::string& where,
                                 const Maps& original, Explain explain) {
  const Similarity similarity = read_similarity(p);
  RandomisedNetworks networks(*r.classifier, p, layer_order(p), weight_seed(r), where);
  const size_t images = static_cast<size_t>(original.count);
  MetricResult out;
  out.curve_is_score = out.points_first = p.text("return") == "per-layer";
  out.curves.assign(images, {});
  std::vector<bool> usable;
  for (int64_t n = 0; n < original.count; ++n) usable.push_back(check_map(original, n, out.warnings));
  for (size_t step = 0; step < networks.size(); ++step) {
    const std::shared_ptr<Classifier> network = networks.network(step);
    const Maps maps = prepare_like(original, explain(*network), p, where);
    for (size_t n = 0; n < images; ++n)
      out.curves[n].push_back(usable[n] ? similarity_of(similarity, original, maps, static_cast<int64_t>(n))
                                        : kUndefined);
    if (r.progress) r.progress(static_cast<double>(step + 1) / static_cast<double>(networks.size()));
  }
  for (size_t n = 0; n < images; ++n) {
    double sum = 0;
    int defined = 0, layers = 0;
    for (const double value : out.curves[n]) {
      ++layers;
      if (!std::isfinite(value)) continue;
      sum += value;
      ++defined;
    }
    if (usable[n] && defined < layers)
      out.warnings.push_back(image_warning(
          static_cast<int64_t>(n), original.count,
          "after " + std::to_string(layers - defined) + " of " + std::to_string(layers) +
              " randomisations the map is constant or not finite, and has no similarity: they are left out"));
    if (p.flag("include_original") && usable[n]) {
      sum += 1;
      ++defined;
    }
    out.scores.push_back(defined > 0 ? sum / defined : kUndefined);
  }
  return out;
}

MetricResult mprt(const MetricRequest& r, const Params& p) {
  const Explainer explainer(r, p, "mprt");
  // A method that draws gets the numbers of the original map, so that only the weights make a difference.
  return compare_with_random(r, p, "mprt", prepare(r.attributions, p),
                             [&](Classifier& network) { return explainer(network, *r.inputs, *r.targets, r.seed); });
}

/// Means of the explanations of `nr_samples` copies of each image: all but one with Gaussian noise, whose deviation is
/// `noise_magnitude` times the image's range of values. The copies are the same for every network.
Tensor smoothed(const MetricRequest& r, const Params& p, const Explainer& explainer, Classifier& network) {
  const int64_t images = r.inputs->dim(0), draws = p.integer("nr_samples");
  const int64_t together = explainer.method().network ? std::max<int64_t>(1, network.batch_size() / images) : 1;
  std::vector<double> deviations;
  for (int64_t n = 0; n < images; ++n) {
    const auto [low, high] = std::minmax_element(r.inputs->sample(n), r.inputs->sample(n) + r.inputs->stride());
    deviations.push_back(p.number("noise_magnitude") * (static_cast<double>(*high) - *low));
  }
  Tensor mean;
  for (int64_t first = 0; first < draws; first += together) {
    const int64_t count = std::min(together, draws - first);
    Shape shape = r.inputs->shape;
    shape[0] = count * images;
    Tensor copies(shape);
    std::vector<int> targets;
    for (int64_t k = 0; k < count; ++k)
      for (int64_t n = 0; n < images; ++n) {
        const float* x = r.inputs->sample(n);
        float* copy = copies.sample(k * images + n);
        Random random(mix_seed(r.seed, static_cast<uint64_t>(n)), static_cast<uint64_t>(1 + first + k));
        const double deviation =
            first + k + 1 < draws ? deviations[static_cast<size_t>(n)] : 0;  // the last one is the image
        if (deviation > 0)
          random.add_normal(x, static_cast<size_t>(copies.stride()), deviation, copy);
        else
          std::copy(x, x + copies.stride(), copy);
        targets.push_back((*r.targets)[static_cast<size_t>(n)]);
      }
    const uint64_t seed = first + 1 < draws ? mix_seed(r.seed, static_cast<uint64_t>(1 + first)) : r.seed;
    const Tensor maps = explainer(network, copies, targets, seed);
    if (mean.empty()) {
      shape = maps.shape;
      shape[0] = images;
      mean = Tensor(shape);
    }
    for (int64_t i = 0; i < count * images; ++i) {
      const float* map = maps.sample(i);
      float* sum = mean.sample(i % images);
      const int64_t size = maps.stride();
      for (int64_t j = 0; j < size; ++j) sum[j] += map[j] / static_cast<float>(draws);
    }
  }
  return mean;
}

MetricResult smooth_mprt(const MetricRequest& r, const Params& p) {
  const Explainer explainer(r, p, "smooth-mprt");
  const auto explain = [&](Classifier& network) { return smoothed(r, p, explainer, network); };
  return compare_with_random(r, p, "smooth-mprt", prepare(explain(*r.classifier), p), explain);
}

/// Entropy in nats of the histogram of a map's values, with equal bins from its smallest to its largest.
double histogram_entropy(const double* values, int64_t size, int bins) {
  const auto [low, high] = std::minmax_element(values, values + size);
  if (!(*high > *low)) return 0;
  std::vector<int64_t> counts(static_cast<size_t>(bins));
  for (int64_t i = 0; i < size; ++i)
    ++counts[static_cast<size_t>(std::min<double>(bins - 1, std::floor((values[i] - *low) / (*high - *low) * bins)))];
  double entropy = 0;
  for (const int64_t count : counts) {
    const double share = static_cast<double>(count) / static_cast<double>(size);
    if (count > 0) entropy -= share * std::log(share);
  }
  return entropy;
}

MetricResult efficient_mprt(const MetricRequest& r, const Params& p) {
  const Explainer explainer(r, p, "efficient-mprt");
  const Maps original = prepare(r.attributions, p);
  RandomisedNetworks networks(*r.classifier, p, LayerOrder::bottom_up, weight_seed(r), "efficient-mprt");
  const std::shared_ptr<Classifier> network = networks.network(networks.size() - 1);
  const Maps changed = prepare_like(original, explainer(*network, *r.inputs, *r.targets, r.seed), p, "efficient-mprt");
  MetricResult out;
  for (int64_t n = 0; n < original.count; ++n) {
    out.scores.push_back(kUndefined);
    if (!check_map(original, n, out.warnings)) continue;
    if (map_defect(changed.sample(n), changed.stride()) == MapDefect::undefined) {
      out.warnings.push_back(image_warning(n, original.count, "the map of the random network holds NaN or infinity"));
      continue;
    }
    const double before = histogram_entropy(original.sample(n), original.stride(), p.integer("n_bins"));
    out.scores.back() = (histogram_entropy(changed.sample(n), changed.stride(), p.integer("n_bins")) - before) / before;
  }
  if (r.progress) r.progress(1);
  return out;
}

/// The class that each image's target is compared with: given, or drawn among the others.
std::vector<int> other_classes(const MetricRequest& r, const Params& p) {
  const int classes = r.classifier->classes();
  const json &given = p.value("other"), &seed = p.value("seed"), &count = p.value("num_classes");
  const auto fail = [](const char* name, const json& v, const std::string& wanted) {
    throw Error("'" + std::string(name) + "' is " + v.dump(), "random-logit", wanted);
  };
  if (!count.is_null() && count != classes)
    fail("num_classes", count, "the model has " + std::to_string(classes) + " classes");
  if (!seed.is_null() && !(seed.is_number_integer() && seed >= 0))
    fail("seed", seed, "it must be a whole number from 0, or null");
  std::vector<int> out;
  if (!given.is_null()) {
    if (!given.is_array() || given.size() != r.targets->size())
      fail("other", given, "it must be a list of one class for each image, or null");
    for (size_t n = 0; n < given.size(); ++n) {
      if (!given[n].is_number_integer() || given[n] < 0 || given[n] >= classes || given[n] == (*r.targets)[n])
        fail("other", given,
             "each must be a class from 0 to " + std::to_string(classes - 1) + " that is not the image's target");
      out.push_back(given[n].get<int>());
    }
    return out;
  }
  const uint64_t from = seed.is_null() ? r.seed : seed.get<uint64_t>();
  for (size_t n = 0; n < r.targets->size(); ++n) {
    const int drawn = static_cast<int>(Random(mix_seed(from, n)).below(static_cast<uint32_t>(classes - 1)));
    out.push_back(drawn + (drawn >= (*r.targets)[n]));
  }
  return out;
}

MetricResult random_logit(const MetricRequest& r, const Params& p) {
  const Explainer explainer(r, p, "random-logit");
  const Similarity similarity = read_similarity(p);
  const Maps original = prepare(r.attributions, p);
  const Maps other =
      prepare_like(original, explainer(*r.classifier, *r.inputs, other_classes(r, p), r.seed), p, "random-logit");
  MetricResult out;
  for (int64_t n = 0; n < original.count; ++n) {
    const bool usable = check_map(original, n, out.warnings);
    out.scores.push_back(usable ? similarity_of(similarity, original, other, n) : kUndefined);
    if (usable && std::isnan(out.scores.back()))
      out.warnings.push_back(
          image_warning(n, original.count, "the other class's map is constant or not finite, and has no similarity"));
  }
  if (r.progress) r.progress(1);
  return out;
}

constexpr const char* kAdebayo =
    "J. Adebayo, J. Gilmer, M. Muelly, I. Goodfellow, M. Hardt, B. Kim: Sanity checks for saliency maps, NeurIPS 2018.";
constexpr const char* kHedstroem =
    "A. Hedström, L. Weber, S. Lapuschkin, M. M.-C. Höhne: Sanity checks revisited: an exploration to repair the model "
    "parameter "
    "randomisation test, NeurIPS XAI in Action workshop 2023.";

/// What mprt and smooth-mprt share.
std::vector<Parameter> network_parameters(const char* order) {
  using enum ParameterType;
  return joined(
      {{{"layer_order",
         choice,
         order,
         "From the last layer to the first or the other way, each on top of those before, or one layer at a time",
         {},
         {},
         "",
         {"top_down", "bottom_up", "independent"}}},
       layer_parameters(),
       similarity_parameters("spearman"),
       explainer_parameters(),
       {{"return",
         choice,
         "mean",
         "Mean similarity over the layers, or that of each layer: one row a layer",
         {},
         {},
         "",
         {"mean", "per-layer"}},
        {"include_original", boolean, false,
         "Whether the mean counts the original network, whose similarity is 1 (as Quantus)"}}});
}

}  // namespace

std::vector<Metric> randomisation_metrics() {
  using enum ParameterType;
  PreparationDefaults magnitudes, moments, raw, signed_map;
  moments.normalise = "second-moment";
  raw.normalise = "none";
  raw.absolute = signed_map.absolute = false;
  const json as_quantus = {{"normalise_scope", "batch"}, {"ssim_layout", "flat"}, {"include_original", true}};

  Metric cascade{
      {"mprt", "Model parameter randomisation test", "randomisation", kAdebayo,
       "Gives one layer after the other random weights, explains again, and takes the mean similarity to the original "
       "map: a map that shows what the network has learned changes.",
       with_preparation(magnitudes, network_parameters("top_down")),
       "Says that a map depends on the weights, not that it is right. The controls centre, random and Sobel edges "
       "score 1, "
       "for they do not look at the weights. A noisy map changes under anything and scores well; a smooth map, or one "
       "that "
       "multiplies by the image, keeps the kernel's outline and scores worse than it deserves.",
       "score = 1/L Σₗ sim(|e(x; θ)|, |e(x; θ with layers 1 … l random)|)"},
      Direction::lower,
      true,
      false,
      mprt};
  cascade.quantus = as_quantus;

  Metric smooth{
      {"smooth-mprt", "Smooth model parameter randomisation test", "randomisation", kHedstroem,
       "As mprt, but compares means of the explanations of noisy copies of the image, so that noise in the maps does "
       "not pass "
       "for a change.",
       with_preparation(
           moments,
           joined({{{"nr_samples", integer, 50, "Copies of each image; the last one has no noise", 1, 10000, "draws"},
                    {"noise_magnitude", number, 0.1,
                     "Standard deviation of the noise, as a share of the image's range of values", 0, 10}},
                   network_parameters("bottom_up")})),
       "Takes as many explanations as copies times layers. The mean over noisy copies is SmoothGrad's map: what is "
       "measured "
       "is the smoothed method, not the one whose map is shown. The controls centre and Sobel edges still score near "
       "1.",
       "score = 1/L Σₗ sim(|ē(x; θ)|, |ē(x; θ with layers 1 … l random)|),  ē(x) = 1/M Σₘ e(x + εₘ)"},
      Direction::lower,
      true,
      false,
      smooth_mprt};
  smooth.quantus = as_quantus;

  Metric efficient{
      {"efficient-mprt", "Efficient model parameter randomisation test", "randomisation", kHedstroem,
       "Relative rise of the map's complexity when all weights are random: a map of what was learned is simpler than "
       "one "
       "of a random network.",
       with_preparation(
           raw, joined({{{"complexity",
                          choice,
                          "discrete-entropy",
                          "Entropy of the histogram of the map's values",
                          {},
                          {},
                          "",
                          {"discrete-entropy"}},
                         {"n_bins", integer, 100, "Bins of the histogram, from the map's smallest to its largest value",
                          2, 100000}},
                        layer_parameters(),
                        explainer_parameters()})),
       "Looks at the distribution of values only, not at where they are: a map may turn inside out and score 0. The "
       "controls "
       "centre, random and Sobel edges score exactly 0, for they do not look at the weights.",
       "score = (H(e(x; random θ)) − H(e(x; θ))) / H(e(x; θ)),  H: entropy of the histogram"},
      Direction::higher,
      true,
      false,
      efficient_mprt};
  efficient.quantus = {{"normalise_scope", "batch"}};

  Metric logit{{"random-logit", "Random logit", "randomisation",
                "L. Sixt, M. Granz, T. Landgraf: When explanations lie, ICML 2020.",
                "Similarity of the maps of the target and of another class, drawn at random: a map that speaks of the "
                "class changes "
                "with it.",
                with_preparation(
                    signed_map,
                    joined({{{"other", value, nullptr, "The class to compare with, one for each image; null: drawn"},
                             {"seed", value, nullptr, "Seed of the drawn classes; null: that of the run"},
                             {"num_classes", value, nullptr, "How many classes the model must have; null: any number"}},
                            similarity_parameters("ssim"),
                            explainer_parameters()})),
                "Two damages that sit in the same place deserve similar maps, and get a bad score for it. With two "
                "classes, gradients "
                "of the two logits are often each other's negative: similar in magnitude, opposite in sign. The "
                "controls centre, "
                "random and Sobel edges score 1, for they do not look at the class.",
                "score = sim(e_c(x), e_k(x)),  k ≠ c drawn at random"},
               Direction::lower,
               true,
               false,
               random_logit};
  logit.quantus = {{"normalise_scope", "batch"}, {"ssim_layout", "flat"}};
  return {cascade, smooth, efficient, logit};
}

}  // namespace ks

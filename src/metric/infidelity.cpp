#include <algorithm>
#include <cmath>
#include <numeric>

#include "metric/faithfulness.h"
#include "metric/trial.h"
#include "tensor/error.h"
#include "tensor/random.h"

// C.-K. Yeh, C.-Y. Hsieh, A. Suggala, D. I. Inouye, P. K. Ravikumar: On the (in)fidelity and sensitivity of
// explanations, NeurIPS 2019, equation 1: how far what a map says of a perturbation, I . a, is from what the
// perturbation does to the output.
namespace ks {

namespace {

constexpr uint64_t kNoiseStream = 1;

/// Perturbations of one image.
struct Perturbations {
  double whole = kUndefined;      // f(x)
  std::vector<double> predicted;  // I . a
  std::vector<double> without;    // f(x - I)
  std::vector<double> weights;    // sum to 1
};

/// sum of a_i (x_i - y_i); a map of one channel counts for all.
double predicted_change(const Trial& t, int64_t n, const float* perturbed) {
  const double* a = t.maps.sample(n);
  const int64_t marks = t.maps.stride();
  double sum = 0;
  for (int64_t begin = 0; begin < t.size; begin += marks)
    for (int64_t i = 0; i < marks; ++i)
      sum += a[i] * (static_cast<double>(t.input(n)[begin + i]) - perturbed[begin + i]);
  return sum;
}

/// Random pixels, whole ones, at the baseline: "subset of the difference to a baseline" (section 2.1).
void perturb_subsets(Trial& t, int64_t n, const std::vector<double>& shares, Perturbations& out) {
  const int64_t draws = t.params.integer("n_samples");
  const size_t count = shares.size() * static_cast<size_t>(draws);
  out.predicted.assign(count, 0);
  out.without.assign(count, kUndefined);
  out.weights.assign(count, 1 / static_cast<double>(count));
  const Absent absent = t.named_absent(n);
  std::vector<double> by_pixel(static_cast<size_t>(t.pixels));  // what the map says of removing a pixel
  for (int64_t i = 0; i < t.size; ++i)
    by_pixel[static_cast<size_t>(i % t.pixels)] +=
        t.attribution(n, i) * (static_cast<double>(t.input(n)[i]) - absent.values[static_cast<size_t>(i)]);
  const double total = std::accumulate(by_pixel.begin(), by_pixel.end(), 0.0);
  Subsets subsets(t.seed(n), t.pixels, t.request.subsets);
  size_t at = 0;
  for (const double share : shares)
    for (int64_t draw = 0; draw < draws; ++draw, ++at) {
      const Subset& removed = subsets.draw(subset_size(share, t.pixels), draw);
      out.predicted[at] = removed.sum(by_pixel.data(), total);
      t.ask_without(n, removed, absent, &out.without[at]);
    }
}

void perturb_by_noise(Trial& t, int64_t n, Perturbations& out) {
  const int64_t draws = t.params.integer("n_samples");
  const double deviation = t.params.number("noise_std");
  out.predicted.assign(static_cast<size_t>(draws), 0);
  out.without.assign(static_cast<size_t>(draws), kUndefined);
  out.weights.assign(static_cast<size_t>(draws), 1 / static_cast<double>(draws));
  for (int64_t draw = 0; draw < draws; ++draw) {
    Random random(t.seed(n, static_cast<uint64_t>(draw)), kNoiseStream);
    float* perturbed = t.next(n, &out.without[static_cast<size_t>(draw)]);
    random.add_normal(t.input(n), static_cast<size_t>(t.size), deviation, perturbed);
    out.predicted[static_cast<size_t>(draw)] = predicted_change(t, n, perturbed);
  }
}

std::vector<int64_t> patch_sizes(const Trial& t) {
  std::vector<int64_t> sizes;
  for (const json& v : t.params.value("patch_sizes")) {
    const double side = v.is_number() ? v.get<double>() : 0;
    if (side < 1 || side != std::floor(side))
      throw Error("'patch_sizes' holds " + v.dump(), "infidelity", "give whole numbers of pixels, at least 1");
    sizes.push_back(static_cast<int64_t>(std::min(side, static_cast<double>(std::max(t.height, t.width)))));
  }
  if (sizes.empty()) throw Error("'patch_sizes' is an empty list", "infidelity", "give at least one side in pixels");
  return sizes;
}

/// Patches in raster order, each left at the baseline (Quantus).
void perturb_patches(Trial& t, int64_t n, const std::vector<int64_t>& sides, Perturbations& out) {
  std::vector<int64_t> counts;
  for (const int64_t side : sides) {
    counts.push_back(((t.height + side - 1) / side) * ((t.width + side - 1) / side));
    out.weights.insert(out.weights.end(), static_cast<size_t>(counts.back()),
                       1 / static_cast<double>(counts.back()) / static_cast<double>(sides.size()));
  }
  out.predicted.assign(out.weights.size(), 0);
  out.without.assign(out.weights.size(), kUndefined);
  size_t at = 0;
  for (const int64_t side : sides) {
    Removal removal = t.removal(n);
    double sum = 0;
    std::vector<int64_t> features;
    for (int64_t top = 0; top < t.height; top += side)
      for (int64_t left = 0; left < t.width; left += side, ++at) {
        features.clear();
        for (int64_t c = 0; c < t.channels; ++c)
          for (int64_t y = top; y < std::min(top + side, t.height); ++y)
            for (int64_t x = left; x < std::min(left + side, t.width); ++x)
              features.push_back(c * t.pixels + y * t.width + x);
        removal.remove(features.data(), features.data() + features.size());
        for (const int64_t i : features)
          sum += t.attribution(n, i) * (static_cast<double>(t.input(n)[i]) - removal.values()[static_cast<size_t>(i)]);
        out.predicted[at] = sum;
        t.ask(n, removal.values().data(), &out.without[at]);
      }
  }
}

/// Weighted mean of (beta I . a - (f(x) - f(x - I)))^2; beta is 1 or, with `scaled`, the best there is that is not
/// negative: a map that points the wrong way is not turned round.
double squared_error(const Perturbations& p, bool scaled) {
  double beta = 1;
  if (scaled) {
    double product = 0, square = 0;
    for (size_t i = 0; i < p.weights.size(); ++i) {
      product += p.weights[i] * p.predicted[i] * (p.whole - p.without[i]);
      square += p.weights[i] * p.predicted[i] * p.predicted[i];
    }
    beta = square > 0 ? std::max(0.0, product / square) : 0;
  }
  double sum = 0;
  for (size_t i = 0; i < p.weights.size(); ++i) {
    const double d = beta * p.predicted[i] - (p.whole - p.without[i]);
    sum += p.weights[i] * d * d;
  }
  return sum;
}

MetricResult infidelity(const MetricRequest& r, const Params& p) {
  Trial t(r, p, "infidelity");
  const std::string variant = p.text("variant");
  const std::vector<double> shares = read_shares(p, "infidelity");
  const std::vector<int64_t> sides = patch_sizes(t);
  t.expect(variant == "subsets" ? static_cast<int64_t>(shares.size()) * p.integer("n_samples") + 1
                                : p.integer("n_samples"));
  std::vector<Perturbations> all(static_cast<size_t>(t.images));
  for (int64_t n = 0; n < t.images; ++n) {
    Perturbations& perturbations = all[static_cast<size_t>(n)];
    if (t.examine(n, "the map is constant: it says the same of every change") == MapDefect::undefined) continue;
    t.ask(n, t.input(n), &perturbations.whole);
    if (variant == "subsets")
      perturb_subsets(t, n, shares, perturbations);
    else if (variant == "gaussian")
      perturb_by_noise(t, n, perturbations);
    else
      perturb_patches(t, n, sides, perturbations);
  }
  t.finish();
  const std::string scale = p.text("scale");
  const bool scaled = scale == "optimal" || (scale == "variant" && variant == "subsets");
  for (int64_t n = 0; n < t.images; ++n) {
    const Perturbations& perturbations = all[static_cast<size_t>(n)];
    if (!perturbations.weights.empty())
      t.score(n, squared_error(perturbations, scaled), "the network's output is no finite number");
  }
  return std::move(t.result);
}

}  // namespace

Metric infidelity_metric() {
  using enum ParameterType;
  PreparationDefaults raw;
  raw.pooling = "none";
  raw.normalise = "none";
  raw.absolute = false;
  return {
      {"infidelity", "Infidelity", "faithfulness",
       "C.-K. Yeh, C.-Y. Hsieh, A. Suggala, D. I. Inouye, P. K. Ravikumar: On the (in)fidelity and sensitivity of "
       "explanations, NeurIPS 2019.",
       "Mean squared difference between what the map predicts for a perturbation and what the perturbation does to the "
       "output: random pixels at the baseline (subsets), Gaussian noise, or patches that go one after the other.",
       with_preparation(
           raw,
           joined(
               {{{"variant",
                  choice,
                  "subsets",
                  "What perturbs: random pixels, noise, or patches one after the other (as Quantus)",
                  {},
                  {},
                  "",
                  {"subsets", "gaussian", "sequential-patches"}},
                 {"scale",
                  choice,
                  "variant",
                  "Whether the map is multiplied by the positive number that suits it best, as in the authors' "
                  "experiments; "
                  "variant: with subsets yes, else no",
                  {},
                  {},
                  "",
                  {"variant", "optimal", "none"}},
                 {"n_samples", integer, usual_draws, "Draws of the noise, or subsets of each size", 1, 1e6, "draws"},
                 shares_parameter(),
                 {"noise_std", number, 0.1, "Of gaussian: standard deviation, after the model's normalisation", 0, 100},
                 {"patch_sizes", list, json::array({32}), "Of sequential-patches: sides of the patches, in pixels"}},
                baseline_parameters(),
                {asked_output_parameter("logits")}})),
       "The unit is the output's squared: an image whose logit moves little has a low infidelity with any map, so "
       "compare "
       "methods on the same image only. Unscaled, a map in other units than the output (a heatmap, guided backprop) is "
       "punished for its units alone.",
       "score = E_I[(β Iᵀa − (f_c(x) − f_c(x − I)))²],  β = max(0, E[Iᵀa Δf] / E[(Iᵀa)²]) or 1"},
      Direction::lower,
      true,
      false,
      infidelity,
      nullptr,
      nullptr,
      {{"variant", "sequential-patches"}, {"baseline_source", "current"}}};
}

}  // namespace ks

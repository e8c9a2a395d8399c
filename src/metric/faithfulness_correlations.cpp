#include <algorithm>
#include <cmath>
#include <numeric>

#include "metric/faithfulness.h"
#include "metric/similarity.h"
#include "metric/trial.h"
#include "tensor/error.h"

// What an explanation gives to some features, against how the output changes without them: by groups of features of
// neighbouring rank, or by random subsets.
namespace ks {

namespace {

double correlation(const std::string& kind, const std::vector<double>& a, const std::vector<double>& b) {
  const int64_t size = static_cast<int64_t>(a.size());
  return kind == "spearman"      ? spearman(a.data(), b.data(), size)
         : kind == "kendall-tau" ? kendall_tau(a.data(), b.data(), size)
                                 : pearson(a.data(), b.data(), size);
}

Parameter correlation_parameter(const char* usual) {
  return {"similarity", ParameterType::choice,
          usual,        "The correlation",
          {},           {},
          "",           {"pearson", "spearman", "kendall-tau"}};
}

std::vector<double> minus(double from, std::vector<double> values) {
  for (double& v : values) v = from - v;
  return values;
}

/// RankedGroups of features of one rank after the other, and the output without each group alone.
struct RankedGroups {
  double whole = kUndefined;        // f(x)
  std::vector<double> attribution;  // sum over the group
  std::vector<double> without;      // f(x_group), one after the other; with several draws of the baseline [draw][group]
};

/// Asks for image n's groups in the order of rank, or its reverse, which makes the same groups where all are equal in
/// size.
void ask_groups(Trial& t, int64_t n, const Steps& steps, bool ascending, int64_t draws, bool absolute,
                RankedGroups& out) {
  std::vector<int64_t> ranked = t.order(n, steps);
  if (ascending) std::reverse(ranked.begin(), ranked.end());
  const std::vector<int64_t>& order = ranked;
  out.attribution.assign(static_cast<size_t>(steps.count), 0);
  out.without.assign(static_cast<size_t>(steps.count * draws), kUndefined);
  for (int64_t i = 0; i < t.size; ++i) {
    const double a = t.attribution(n, order[static_cast<size_t>(i)]);
    out.attribution[static_cast<size_t>(i / steps.size)] += absolute ? std::fabs(a) : a;
  }
  t.ask(n, t.input(n), &out.whole);
  std::vector<float> values(t.input(n), t.input(n) + t.size);
  for (int64_t draw = 0; draw < draws; ++draw) {
    const std::vector<float> absent = t.absent(n, static_cast<uint64_t>(draw));
    for (int64_t group = 0; group < steps.count; ++group) {
      const int64_t *begin = order.data() + group * steps.size,
                    *end = std::min(begin + steps.size, order.data() + t.size);
      for (const int64_t* i = begin; i != end; ++i) values[static_cast<size_t>(*i)] = absent[static_cast<size_t>(*i)];
      t.ask(n, values.data(), &out.without[static_cast<size_t>(draw * steps.count + group)]);
      for (const int64_t* i = begin; i != end; ++i) values[static_cast<size_t>(*i)] = t.input(n)[*i];
    }
  }
}

MetricResult faithfulness_estimate(const MetricRequest& r, const Params& p) {
  Trial t(r, p, "faithfulness-estimate");
  const Steps steps = t.steps();
  t.expect(steps.count + 1);
  std::vector<RankedGroups> groups(static_cast<size_t>(t.images));
  for (int64_t n = 0; n < t.images; ++n)
    if (t.examine(n, nothing_to_correlate) == MapDefect::none)
      ask_groups(t, n, steps, false, 1, false, groups[static_cast<size_t>(n)]);
  t.finish();
  for (int64_t n = 0; n < t.images; ++n) {
    const RankedGroups& g = groups[static_cast<size_t>(n)];
    if (!g.without.empty())
      t.score(n, correlation(p.text("similarity"), g.attribution, minus(g.whole, g.without)), output_stays);
  }
  return std::move(t.result);
}

MetricResult monotonicity_correlation(const MetricRequest& r, const Params& p) {
  Trial t(r, p, "monotonicity-correlation");
  const Steps steps = t.steps();
  const int64_t draws = t.baseline().kind == Baseline::Kind::uniform ? p.integer("nr_samples") : 1;
  t.expect(steps.count * draws + 1);
  std::vector<RankedGroups> groups(static_cast<size_t>(t.images));
  for (int64_t n = 0; n < t.images; ++n)
    if (t.examine(n, nothing_to_correlate) == MapDefect::none)
      ask_groups(t, n, steps, true, draws, true, groups[static_cast<size_t>(n)]);
  t.finish();
  for (int64_t n = 0; n < t.images; ++n) {
    const RankedGroups& g = groups[static_cast<size_t>(n)];
    if (g.without.empty()) continue;
    const double factor = std::fabs(g.whole) < p.number("eps") ? 1 : 1 / (g.whole * g.whole);
    std::vector<double> change(g.attribution.size());
    for (size_t i = 0; i < g.without.size(); ++i) {
      const double d = g.without[i] - g.whole;
      change[i % change.size()] += d * d * factor / static_cast<double>(draws);
    }
    t.score(n, correlation(p.text("similarity"), g.attribution, change), output_stays);
  }
  return std::move(t.result);
}

/// Asks for the output without each of `runs` random subsets of one size; what the map gives to them goes to `sums`.
void ask_subsets(Trial& t, int64_t n, int64_t size, int64_t runs, const Absent& absent, std::vector<double>& sums,
                 std::vector<double>& without) {
  Subsets subsets(t.seed(n), t.maps.stride(), t.request.subsets);
  sums.assign(static_cast<size_t>(runs), 0);
  without.assign(static_cast<size_t>(runs), kUndefined);
  const double* map = t.maps.sample(n);
  const double total = std::accumulate(map, map + t.maps.stride(), 0.0);
  for (int64_t run = 0; run < runs; ++run) {
    const Subset& removed = subsets.draw(size, run);
    sums[static_cast<size_t>(run)] = removed.sum(map, total);
    t.ask_without(n, removed, absent, &without[static_cast<size_t>(run)]);
  }
}

MetricResult faithfulness_correlation(const MetricRequest& r, const Params& p) {
  Trial t(r, p, "faithfulness-correlation");
  const int64_t runs = p.integer("nr_runs"), given = p.integer("subset_size"), units = t.maps.stride();
  if (given >= units && units > 1)
    throw Error("'subset_size' is " + std::to_string(given), "faithfulness-correlation",
                "it must be less than the map's " + std::to_string(units) + " values, or 0");
  const int64_t size = given > 0 ? given : subset_size(usual_share, units);
  t.expect(runs + 1);
  const size_t count = static_cast<size_t>(t.images);
  std::vector<std::vector<double>> sums(count), without(count);
  std::vector<double> whole(count, kUndefined);
  for (int64_t n = 0; n < t.images; ++n) {
    const size_t k = static_cast<size_t>(n);
    if (t.examine(n, nothing_to_correlate) != MapDefect::none) continue;
    t.ask(n, t.input(n), &whole[k]);
    ask_subsets(t, n, size, runs, t.named_absent(n), sums[k], without[k]);
  }
  t.finish();
  for (size_t k = 0; k < count; ++k)
    if (!without[k].empty())
      t.score(static_cast<int64_t>(k), correlation(p.text("similarity"), sums[k], minus(whole[k], without[k])),
              output_stays);
  return std::move(t.result);
}

/// For each image and size, the correlation over random subsets of that size (Ancona et al.).
MetricResult sensitivity_by_subsets(Trial& t) {
  const Params& p = t.params;
  const std::vector<double> shares = read_shares(p, "sensitivity-n");
  const int64_t runs = p.integer("nr_runs"), units = t.maps.stride();
  const size_t sizes = shares.size();
  t.expect(static_cast<int64_t>(sizes) * runs + 1);
  struct Asked {
    double whole = kUndefined;
    std::vector<std::vector<double>> sums, without;
  };
  std::vector<Asked> asked(static_cast<size_t>(t.images));
  for (int64_t n = 0; n < t.images; ++n) {
    t.new_curve(n, static_cast<int64_t>(sizes));
    if (t.examine(n, nothing_to_correlate) != MapDefect::none) continue;
    Asked& a = asked[static_cast<size_t>(n)];
    a.sums.resize(sizes);
    a.without.resize(sizes);
    t.ask(n, t.input(n), &a.whole);
    const Absent absent = t.named_absent(n);
    for (size_t i = 0; i < sizes; ++i)
      ask_subsets(t, n, subset_size(shares[i], units), runs, absent, a.sums[i], a.without[i]);
  }
  t.finish();
  t.result.curve_is_score = p.text("return") == "curve";
  for (int64_t n = 0; n < t.images; ++n) {
    const Asked& a = asked[static_cast<size_t>(n)];
    if (a.sums.empty()) continue;
    double mean = 0;
    for (size_t i = 0; i < sizes; ++i) {
      const double r = correlation(p.text("similarity"), a.sums[i], minus(a.whole, a.without[i]));
      t.result.curves[static_cast<size_t>(n)][i] = r;
      mean += r / static_cast<double>(sizes);
    }
    t.score(n, mean, output_stays);
  }
  return std::move(t.result);
}

/// For each step of pixel flipping, the correlation over the images of what the map gives to the step's features and
/// the fall of the output so far (Quantus). One curve of all images.
MetricResult sensitivity_across_images(Trial& t) {
  const Params& p = t.params;
  const Steps steps = t.steps();
  const int64_t points = std::min(
      steps.count, static_cast<int64_t>(p.number("n_max_percentage") * static_cast<double>(t.pixels)) / steps.size);
  t.expect(points + 1);
  const size_t count = static_cast<size_t>(points);
  struct Asked {
    double whole = kUndefined;
    std::vector<double> sums, without;
  };
  std::vector<Asked> asked(static_cast<size_t>(t.images));
  for (int64_t n = 0; n < t.images; ++n) {
    if (t.examine(n, ranked_by_position) == MapDefect::undefined) continue;
    Asked& a = asked[static_cast<size_t>(n)];
    a.sums.assign(count, 0);
    a.without.assign(count, kUndefined);
    const std::vector<int64_t> order = t.order(n, steps);
    t.ask(n, t.input(n), &a.whole);
    Removal removal = t.removal(n);
    for (size_t i = 0; i < count; ++i) {
      const int64_t *begin = order.data() + static_cast<int64_t>(i) * steps.size,
                    *end = std::min(begin + steps.size, order.data() + t.size);
      for (const int64_t* feature = begin; feature != end; ++feature) a.sums[i] += t.attribution(n, *feature);
      removal.remove(begin, end);
      t.ask(n, removal.values().data(), &a.without[i]);
    }
  }
  t.finish();
  std::vector<double> curve;
  double mean = 0;
  for (size_t i = 0; i < count; ++i) {
    std::vector<double> sums, falls;
    for (const Asked& a : asked)
      if (!a.sums.empty()) {
        sums.push_back(a.sums[i]);
        falls.push_back(a.whole - a.without[i]);
      }
    curve.push_back(sums.size() > 1 ? correlation(p.text("similarity"), sums, falls) : kUndefined);
    mean += curve.back() / static_cast<double>(count);
  }
  for (int64_t n = 0; n < t.images; ++n)
    if (!asked[static_cast<size_t>(n)].sums.empty())
      t.score(n, count > 0 ? mean : kUndefined,
              t.images == 1 ? "one image alone: this variant correlates over several" : output_stays);
  t.result.curves = {std::move(curve)};
  t.result.curve_is_score = p.text("return") == "curve";
  return std::move(t.result);
}

MetricResult sensitivity_n(const MetricRequest& r, const Params& p) {
  Trial t(r, p, "sensitivity-n");
  return p.text("variant") == "subsets" ? sensitivity_by_subsets(t) : sensitivity_across_images(t);
}

bool across_images(const Params& p) {
  return p.text("variant") == "across-samples";
}

}  // namespace

std::vector<Metric> correlation_metrics() {
  using enum ParameterType;
  PreparationDefaults signed_map;
  signed_map.absolute = false;
  const Parameter runs = {"nr_runs", integer, usual_draws, "Random subsets (of each size)", 2, 1e6, "subsets"};
  const std::vector<Parameter> alone = {baseline_parameters()[0]};  // of features that do not go one after the other
  return {
      {{"faithfulness-estimate", "Faithfulness estimate", "faithfulness",
        "D. Alvarez-Melis, T. Jaakkola: Towards robust interpretability with self-explaining neural networks, NeurIPS "
        "2018.",
        "Removes each group of features of neighbouring rank alone and correlates what the map gives to the group with "
        "the "
        "fall of the target's probability.",
        with_preparation(
            signed_map,
            joined({{step_parameter()}, alone, {correlation_parameter("pearson"), asked_output_parameter("softmax")}})),
        "Removing one group of fifty hardly moves the output of a network that is sure: the correlation is then that "
        "of tiny "
        "changes. Fifty groups are few, and one outlier among them can carry Pearson's coefficient.",
        "score = corr_G(Σᵢ∈G aᵢ, f_c(x) − f_c(x without G)), G groups in the order of aᵢ"},
       Direction::higher,
       true,
       false,
       faithfulness_estimate},
      {{"monotonicity-correlation", "Monotonicity correlation", "faithfulness",
        "A. Nguyen, M. R. Martínez: On quantitative aspects of model interpretability, arXiv 2007.07584, 2020.",
        "Removes each group of features of neighbouring rank alone and rank-correlates the group's magnitude in the "
        "map with "
        "the relative squared change of the output. The paper takes the expectation over replacements: "
        "baseline=uniform with "
        "nr_samples draws; the default, one replacement, shares its images with the faithfulness estimate.",
        with_preparation(signed_map,
                         joined({{step_parameter(),
                                  {"nr_samples", integer, 10, "Draws of a uniform baseline; the others have one value",
                                   1, 10000, "draws"},
                                  {"eps", number, 1e-5, "Outputs smaller than this are not divided by", 0, 1}},
                                 alone,
                                 {correlation_parameter("spearman"), asked_output_parameter("softmax")}})),
        "Magnitudes only: a map that marks evidence for the wrong class as strongly as evidence for the right one is "
        "not "
        "found out. RankedGroups whose removal changes next to nothing still have ranks, by float noise.",
        "score = Spearman_G(Σᵢ∈G |aᵢ|, E[(f_c(x with G replaced) − f_c(x))²] / f_c(x)²)"},
       Direction::higher,
       true,
       false,
       monotonicity_correlation,
       nullptr,
       nullptr,
       {{"abs", true}}},
      {{"faithfulness-correlation", "Faithfulness correlation", "faithfulness",
        "U. Bhatt, A. Weller, J. M. F. Moura: Evaluating and aggregating feature-based model explanations, IJCAI 2020.",
        "Removes random subsets of one size and correlates what the map gives to a subset with the fall of the "
        "target's "
        "output.",
        with_preparation(signed_map,
                         joined({{runs,
                                  {"subset_size", integer, 0,
                                   "Pixels of a pooled map, or channel values (pooling=none), in a subset; 0: a tenth",
                                   0, 2e9, "features"}},
                                 alone,
                                 {correlation_parameter("pearson"), asked_output_parameter("logits")}})),
        "Random pixels are salt and pepper all over the kernel: what is measured is how the network takes that noise, "
        "more "
        "than any one damage. With a hundred subsets the coefficient of a useless map strays by ± 0.1.",
        "score = corr_S(Σᵢ∈S aᵢ, f_c(x) − f_c(x without S)), S random of |S| = subset_size"},
       Direction::higher,
       true,
       false,
       faithfulness_correlation},
      {{"sensitivity-n", "Sensitivity-n", "faithfulness",
        "M. Ancona, E. Ceolini, C. Öztireli, M. Gross: Towards better understanding of gradient-based attribution "
        "methods for "
        "deep neural networks, ICLR 2018.",
        "Faithfulness correlation for subsets of several sizes n: the curve over n, and its mean. The variant "
        "across-samples "
        "(Quantus) correlates over the images instead, at each step of pixel flipping.",
        with_preparation(
            signed_map,
            joined(
                {{{"variant",
                   choice,
                   "subsets",
                   "Over random subsets of each image, or across the images",
                   {},
                   {},
                   "",
                   {"subsets", "across-samples"}},
                  runs,
                  shares_parameter(),
                  step_parameter(),
                  {"n_max_percentage", number, 0.8,
                   "Across samples: how far the curve goes, as a share of the pixels (counted as features)", 0.001, 1}},
                 baseline_parameters(),
                 {correlation_parameter("pearson"),
                  asked_output_parameter("logits"),
                  {"return",
                   choice,
                   "mean",
                   "Mean of the correlations, or their curve",
                   {},
                   {},
                   "",
                   {"mean", "curve"}}}})),
        "Only for a linear network can a map reach 1 for all n; for others a high value at small n says little of "
        "large n. "
        "Across samples one number stands for all images, and with few images it is chance.",
        "ρₙ = Pearson_S(Σᵢ∈S aᵢ, f_c(x) − f_c(x without S)), |S| = n;  score = mean over n of ρₙ"},
       Direction::higher,
       true,
       false,
       sensitivity_n,
       across_images,
       nullptr,
       {{"variant", "across-samples"}, {"baseline_source", "current"}, {"output", "softmax"}, {"return", "curve"}}},
  };
}

}  // namespace ks

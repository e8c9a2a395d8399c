#include "metric/localisation.h"

#include <algorithm>
#include <cmath>
#include <limits>

// Localisation: how well an explanation agrees with an annotation s. They presume that the network looks where people
// do: a network that decides by something else is explained rightly by a map that scores badly here.
namespace ks {

MetricResult each_annotated(const MetricRequest& r, const Params& p, LocalisationScore score) {
  const std::shared_ptr<const PreparedMaps> prepared_maps = prepared(r, p);
  const Maps& maps = prepared_maps->maps();
  const std::shared_ptr<const Annotations> pixels = annotations(r);
  MetricResult out;
  for (int64_t n = 0; n < maps.count; ++n) {
    const int64_t area = maps.channels * pixels->area[static_cast<size_t>(n)];
    std::vector<uint8_t> repeated;
    if (maps.channels > 1)
      for (int64_t c = 0; c < maps.channels; ++c)
        repeated.insert(repeated.end(), pixels->inside[static_cast<size_t>(n)].begin(),
                        pixels->inside[static_cast<size_t>(n)].end());
    const std::vector<uint8_t>& inside = maps.channels > 1 ? repeated : pixels->inside[static_cast<size_t>(n)];
    const auto warn = [&](const char* what) { out.warnings.push_back(image_warning(n, maps.count, what)); };
    const MapDefect defect = prepared_maps->defect(n);
    double value = kUndefined;
    if (area == 0) {
      warn("the annotation is empty, so nothing can be found in it");
    } else if (defect == MapDefect::undefined) {
      warn(undefined_map);
    } else if (defect == MapDefect::zero) {
      warn("the map is zero everywhere, so it points nowhere");
    } else {
      if (area == maps.stride()) warn("the annotation covers the whole image: every map agrees with it");
      if (defect == MapDefect::constant) warn("the map is constant: its features are ranked by position alone");
      value = score({*prepared_maps, n, maps.sample(n), maps.stride(), inside, area}, p);
    }
    out.scores.push_back(value);
  }
  return out;
}

int64_t hits_of_strongest(const Annotated& a, int64_t k) {
  int64_t hits = 0;
  for (const int64_t i : a.maps.top(a.n, k)) hits += a.inside[static_cast<size_t>(i)];
  return hits;
}

namespace {

double mass_inside(const Annotated& a, const Params&) {
  double inside = 0, sum = 0;
  for (int64_t i = 0; i < a.size; ++i) {
    sum += a.map[i];
    if (a.inside[static_cast<size_t>(i)]) inside += a.map[i];
  }
  return sum != 0 ? inside / sum : kUndefined;
}

double rank_inside(const Annotated& a, const Params&) {
  return static_cast<double>(hits_of_strongest(a, a.area)) / static_cast<double>(a.area);
}

/// 1 where a feature of the largest value lies inside, any of them where several are largest.
double pointing_hit(const Annotated& a, const Params& p) {
  const double largest = *std::max_element(a.map, a.map + a.size);
  for (int64_t i = 0; i < a.size; ++i)
    if (a.map[i] == largest && a.inside[static_cast<size_t>(i)]) return p.flag("weighted") ? 1 - a.share() : 1;
  return 0;
}

double top_k_inside(const Annotated& a, const Params& p) {
  const int64_t k = std::min<int64_t>(p.integer("k"), a.size);
  const double share = static_cast<double>(hits_of_strongest(a, k)) / static_cast<double>(k);
  return p.flag("concept_influence") ? share / a.share() : share;
}

double localised_share(const Annotated& a, const Params& p) {
  if (a.share() > p.number("max_size")) return kUndefined;
  const double least = p.flag("positive_attributions") ? 0.0 : -std::numeric_limits<double>::infinity();
  double inside = 0, sum = 0;
  for (int64_t i = 0; i < a.size; ++i) {
    const double v = std::max(a.map[i], least);
    sum += v;
    if (a.inside[static_cast<size_t>(i)]) inside += v;
  }
  const double share = inside / (sum + 1e-9);
  if (share > 1) return kUndefined;  // values of both signs: no share
  return p.flag("weighted") ? share / a.share() : share;
}

/// Area under the ROC curve: the probability that a feature inside has the larger value, ties counting half. From the
/// sum of the ranks of the features inside (H. B. Mann, D. R. Whitney, 1947), equal values sharing the mean of theirs.
double roc_area(const Annotated& a, const Params&) {
  if (a.area == a.size) return kUndefined;
  const std::vector<int64_t>& order = a.maps.order(a.n);
  const std::vector<double>& values = a.maps.descending(a.n);
  double ranks = 0;
  size_t begin = 0, end = 0;  // of the group of equal values that was looked at last
  for (size_t k = 0; k < order.size(); ++k) {
    if (!a.inside[static_cast<size_t>(order[k])]) continue;
    if (k >= end) {
      const size_t before = end;
      for (begin = k; begin > before && values[begin - 1] == values[k];) --begin;
      for (end = k + 1; end < order.size() && values[end] == values[k];) ++end;
    }
    ranks += static_cast<double>(begin + 1 + end) / 2;
  }
  const double area = static_cast<double>(a.area), outside = static_cast<double>(a.size - a.area);
  return 1 + ((area + 1) / 2 - ranks / area) / outside;
}

const char* const kArras =
    "L. Arras, A. Osman, W. Samek: CLEVR-XAI: a benchmark dataset for the ground truth evaluation of neural network "
    "explanations, Information Fusion 2022.";

}  // namespace

std::vector<Metric> localisation_metrics() {
  using enum ParameterType;
  PreparationDefaults raw;
  raw.absolute = false;
  return {
      {{"relevance-mass-accuracy", "Relevance mass accuracy", "localisation", kArras,
        "The share of the map's whole relevance that lies inside the annotation.", with_preparation({}),
        "A map spread evenly scores the annotation's share of the image, so a large annotation is easy. With signed "
        "values "
        "(abs=false) the total can vanish and the ratio leave [0,1].",
        "Σ over the annotation of aᵢ / Σ over the image of aᵢ"},
       Direction::higher,
       false,
       true,
       annotated<mass_inside>},
      {{"relevance-rank-accuracy", "Relevance rank accuracy", "localisation", kArras,
        "Of the k strongest features, k being the annotation's area, the share that lies inside it.",
        with_preparation({}),
        "Knows only the order of the values, not how strong they are; where a map has few values (segments), ties are "
        "broken "
        "by position.",
        "|top-k(a) ∩ M| / k,  k = |M|"},
       Direction::higher,
       false,
       true,
       annotated<rank_inside>},
      {{"pointing-game", "Pointing game", "localisation",
        "J. Zhang, S. A. Bargal, Z. Lin, J. Brandt, X. Shen, S. Sclaroff: Top-down neural attention by excitation "
        "backprop, "
        "IJCV 2018 (without its tolerance of 15 pixels).",
        "1 where the strongest feature lies in the annotation, else 0.",
        with_preparation(raw,
                         {{"weighted", boolean, false, "A hit counts 1 minus the annotation's share of the image"}}),
        "One pixel decides, so it says little about one image and much about many; a large annotation is hit by "
        "chance.",
        "[argmaxᵢ aᵢ ∈ M]"},
       Direction::higher,
       false,
       true,
       annotated<pointing_hit>},
      {{"top-k-intersection", "Top-k intersection", "localisation",
        "J. Theiner, E. Müller-Budack, R. Ewerth: Interpretable semantic photo geolocalization, WACV 2022.",
        "Of the k strongest features, the share inside the annotation.",
        with_preparation(raw, {{"k", integer, 1000, "Strongest features looked at", 1, 2e9, "features"},
                               {"concept_influence", boolean, false, "Divide by the annotation's share of the image"}}),
        "With k larger than the annotation it cannot reach 1, so small damages score low however good the map is.",
        "|top-k(a) ∩ M| / k"},
       Direction::higher,
       false,
       true,
       annotated<top_k_inside>},
      {{"attribution-localisation", "Attribution localisation", "localisation",
        "M. Kohlbrenner, A. Bauer, S. Nakajima, A. Binder, W. Samek, S. Lapuschkin: Towards best practice in "
        "explaining neural "
        "network decisions with LRP, IJCNN 2020.",
        "Share of the positive attribution that lies inside the annotation.",
        with_preparation(
            raw, {{"positive_attributions", boolean, true, "Count positive values only, as the paper"},
                  {"weighted", boolean, false,
                   "Divide by the annotation's share of the image, as the paper's weighted form"},
                  {"max_size", number, 1.0, "Undefined where the annotation's share of the image is larger", 0, 1}}),
        "Does not see negative values: a map that also calls half of the annotation contrary evidence can score 1. "
        "With "
        "negative values kept, shares above 1 are undefined.",
        "Σ over M of aᵢ⁺ / Σ over the image of aᵢ⁺"},
       Direction::higher,
       false,
       true,
       annotated<localised_share>},
      {{"auc", "Area under the ROC curve", "localisation",
        "T. Fawcett: An introduction to ROC analysis, Pattern Recognition Letters 2006.",
        "Probability that a feature inside the annotation is stronger than one outside: 0.5 for noise.",
        with_preparation({}),
        "All features count alike, so the order among the many weak ones matters as much as the peak; with a small "
        "annotation "
        "even a map with many false spots scores near 1.",
        "P(aᵢ > aⱼ) + ½ P(aᵢ = aⱼ),  i ∈ M, j ∉ M"},
       Direction::higher,
       false,
       true,
       annotated<roc_area>},
      iou_metric(),
      boundary_distance_metric(),
      focus_metric(),
  };
}

}  // namespace ks

#include <cmath>
#include <limits>

#include "metric/metric.h"
#include "metric/prepare.h"

// Localisation: how well an explanation agrees with an annotation s. They presume that the network looks where people
// do: a network that decides by something else is explained rightly by a map that scores badly here.
namespace ks {

namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

/// One image: the prepared map and which of its features lie in the annotation.
struct Annotated {
  const double* map;
  std::vector<uint8_t> inside;  // one a feature: repeated over the channels where the map has several
  int64_t size;                 // number of features
  int64_t area;                 // number of features inside
};

/// Applies a function to every image; where annotation or map leave it without meaning: NaN and a warning.
MetricResult each_annotated(const MetricRequest& r, const Params& p, double (*score)(const Annotated&)) {
  const Maps maps = prepare(r.attributions, p);
  MetricResult out;
  for (int64_t n = 0; n < maps.count; ++n) {
    Annotated a{maps.sample(n), {}, maps.stride(), 0};
    const float* mask = r.masks->sample(n);
    for (int64_t i = 0; i < a.size; ++i) {
      a.inside.push_back(mask[i % maps.pixels()] > 0.5f);
      a.area += a.inside.back();
    }
    const auto warn = [&](const char* what) { out.warnings.push_back(image_warning(n, maps.count, what)); };
    const MapDefect defect = map_defect(a.map, a.size);
    double value = kUndefined;
    if (a.area == 0) {
      warn("the annotation is empty, so nothing can be found in it");
    } else if (defect == MapDefect::undefined) {
      warn("the map holds NaN or infinity");
    } else if (defect == MapDefect::zero) {
      warn("the map is zero everywhere, so it points nowhere");
    } else {
      if (a.area == a.size) warn("the annotation covers the whole image: every map agrees with it");
      if (defect == MapDefect::constant) warn("the map is constant: its features are ranked by position alone");
      value = score(a);
    }
    out.scores.push_back(value);
  }
  return out;
}

double mass_inside(const Annotated& a) {
  double inside = 0, sum = 0;
  for (int64_t i = 0; i < a.size; ++i) {
    sum += a.map[i];
    if (a.inside[static_cast<size_t>(i)]) inside += a.map[i];
  }
  return sum != 0 ? inside / sum : kUndefined;
}

double rank_inside(const Annotated& a) {
  int64_t hits = 0;
  for (const int64_t i : top_features(a.map, a.size, a.area)) hits += a.inside[static_cast<size_t>(i)];
  return static_cast<double>(hits) / static_cast<double>(a.area);
}

MetricResult relevance_mass_accuracy(const MetricRequest& r, const Params& p) {
  return each_annotated(r, p, mass_inside);
}

MetricResult relevance_rank_accuracy(const MetricRequest& r, const Params& p) {
  return each_annotated(r, p, rank_inside);
}

const char* const kArras =
    "L. Arras, A. Osman, W. Samek: CLEVR-XAI: a benchmark dataset for the ground truth evaluation of neural network "
    "explanations, Information Fusion 2022.";

}  // namespace

std::vector<Metric> localisation_metrics() {
  return {
      {{"relevance-mass-accuracy", "Relevance mass accuracy", "localisation", kArras,
        "Share of the map's total that lies inside the annotation. A map spread evenly scores the annotation's share "
        "of the image; "
        "with signed values (abs=false) the total can vanish and the ratio leave [0,1].",
        with_preparation({})},
       Direction::higher,
       false,
       true,
       relevance_mass_accuracy},
      {{"relevance-rank-accuracy", "Relevance rank accuracy", "localisation", kArras,
        "Of the k strongest features, k being the annotation's area, the share that lies inside it. Knows only the "
        "order of the "
        "values; where a map has few values (segments), ties are broken by position.",
        with_preparation({})},
       Direction::higher,
       false,
       true,
       relevance_rank_accuracy},
  };
}

}  // namespace ks

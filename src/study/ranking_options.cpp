#include "study/ranking_options.h"

#include <algorithm>

#include "metric/metric.h"
#include "study/fields.h"

namespace ks {

namespace {

constexpr size_t most_variants = 20;

AnnotationVariant read_variant(const Field& field) {
  using enum AnnotationVariant::Kind;
  field.expect_keys({"erode", "dilate", "shift", "box"});
  if (field.value().size() != 1) field.fail("must say one of erode, dilate, shift, box");
  const auto pixels = [](const Field& f, int low) { return static_cast<int>(f.integer(low, most_annotation_pixels)); };
  if (field.has("erode")) return {erode, pixels(field.at("erode"), 1), 0};
  if (field.has("dilate")) return {dilate, pixels(field.at("dilate"), 1), 0};
  if (field.has("shift")) {
    const std::vector<Field> way = field.at("shift").items(2);
    if (way.size() != 2) field.at("shift").fail("is no pair of pixels", "give [right, down]");
    return {shift, pixels(way[0], -most_annotation_pixels), pixels(way[1], -most_annotation_pixels)};
  }
  if (!field.at("box").flag()) field.at("box").fail("is false", "leave it out");
  return {box, 0, 0};
}

json write_variant(const AnnotationVariant& variant) {
  switch (variant.kind) {
    case AnnotationVariant::Kind::erode:
      return {{"erode", variant.x}};
    case AnnotationVariant::Kind::dilate:
      return {{"dilate", variant.x}};
    case AnnotationVariant::Kind::shift:
      return {{"shift", {variant.x, variant.y}}};
    case AnnotationVariant::Kind::box:
      return {{"box", true}};
  }
  return {};
}

json closed_object(json properties) {
  return {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
}

}  // namespace

StudyRanking read_ranking(const Field& field) {
  StudyRanking out;
  field.expect_keys({"overall", "rank_of", "weights", "monte_carlo", "annotation_variants"});
  if (field.has("overall")) out.rank.overall = field.at("overall").text();
  if (field.has("rank_of")) {
    const std::string of = field.at("rank_of").text();
    if (of != "means" && of != "images") field.at("rank_of").fail("is '" + of + "'", "it must be means or images");
    out.rank.of = of == "images" ? RankOf::images : RankOf::means;
  }
  if (field.has("weights")) {
    const Field weights = field.at("weights");
    const json given = weights.object();
    for (const auto& item : given.items()) out.rank.weights[item.key()] = weights.at(item.key().c_str()).number(0, 1e6);
  }
  if (field.has("monte_carlo")) {
    const Field drawing = field.at("monte_carlo");
    drawing.expect_keys({"draws", "metrics"});
    if (drawing.has("draws")) out.monte_carlo.draws = static_cast<int>(drawing.at("draws").integer(0, most_draws));
    if (drawing.has("metrics")) {
      const Field metrics = drawing.at("metrics");
      const std::string text = metrics.text();
      if (std::find(metric_draw_names.begin(), metric_draw_names.end(), text) == metric_draw_names.end())
        metrics.fail("is '" + text + "'", "it must be one of " + join(metric_draw_names));
      out.monte_carlo.metrics = parse_metric_draw(text);
    }
  }
  if (field.has("annotation_variants")) {
    out.annotation_variants.clear();
    for (const Field& variant : field.at("annotation_variants").items(most_variants))
      out.annotation_variants.push_back(read_variant(variant));
  }
  return out;
}

json write_ranking(const StudyRanking& ranking) {
  const StudyRanking usual;
  json out = json::object();
  if (ranking.rank.overall != usual.rank.overall) out["overall"] = ranking.rank.overall;
  if (ranking.rank.of != usual.rank.of) out["rank_of"] = "images";
  for (const auto& [category, weight] : ranking.rank.weights) out["weights"][category] = weight;
  if (ranking.monte_carlo.draws != usual.monte_carlo.draws) out["monte_carlo"]["draws"] = ranking.monte_carlo.draws;
  if (ranking.monte_carlo.metrics != usual.monte_carlo.metrics)
    out["monte_carlo"]["metrics"] = to_string(ranking.monte_carlo.metrics);
  if (ranking.annotation_variants != usual.annotation_variants) {
    out["annotation_variants"] = json::array();
    for (const AnnotationVariant& v : ranking.annotation_variants)
      out["annotation_variants"].push_back(write_variant(v));
  }
  return out;
}

json ranking_schema() {
  json weights = json::object();
  for (const Metric& metric : metrics())
    weights[metric.family] = {{"type", "number"}, {"minimum", 0}, {"maximum", 1e6}};
  const json radius = {{"type", "integer"}, {"minimum", 1}, {"maximum", most_annotation_pixels}};
  const json way = {{"type", "integer"}, {"minimum", -most_annotation_pixels}, {"maximum", most_annotation_pixels}};
  json variant = closed_object({{"erode", radius},
                                {"dilate", radius},
                                {"shift", {{"type", "array"}, {"items", way}, {"minItems", 2}, {"maxItems", 2}}},
                                {"box", {{"const", true}}}});
  variant["minProperties"] = variant["maxProperties"] = 1;
  variant["description"] = "pixels of the network's input";
  json usual = json::array();
  for (const AnnotationVariant& v : usual_annotation_variants()) usual.push_back(write_variant(v));
  const MonteCarloOptions drawing;
  return closed_object(
      {{"overall", {{"enum", overall_rankings().names()}, {"default", "mean-rank"}}},
       {"rank_of",
        {{"enum", {"means", "images"}},
         {"default", "means"},
         {"description", "what a metric ranks: the means over the images, or the methods on each image"}}},
       {"weights", closed_object(std::move(weights))},
       {"monte_carlo",
        closed_object(
            {{"draws", {{"type", "integer"}, {"minimum", 0}, {"maximum", most_draws}, {"default", drawing.draws}}},
             {"metrics", {{"enum", metric_draw_names}, {"default", to_string(drawing.metrics)}}}})},
       {"annotation_variants",
        {{"type", "array"},
         {"maxItems", most_variants},
         {"items", std::move(variant)},
         {"default", std::move(usual)}}}});
}

}  // namespace ks

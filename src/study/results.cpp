#include "study/results.h"

#include <cmath>
#include <cstdio>

#include "study/cells.h"

namespace ks {

namespace {

json image_json(const StudyResults& results, const ImageResult& image) {
  json out = {{"id", image.id}};
  if (!image.error.empty()) {
    out["error"] = image.error;
    return out;
  }
  const Prediction& p = image.prediction;
  out["predicted"] = {{"index", p.predicted},
                      {"class", results.classes.at(static_cast<size_t>(p.predicted))},
                      {"probability", p.probabilities.at(static_cast<size_t>(p.predicted))}};
  out["target"] = {{"index", p.target}, {"class", results.classes.at(static_cast<size_t>(p.target))}};
  out["probabilities"] = p.probabilities;
  out["logits"] = p.logits;
  out["annotated_share"] = image.has_mask ? json(image.annotated_share) : json();
  return out;
}

json method_json(const StudyResults& results, size_t m, const std::string& id) {
  const StudyMethod& chosen = results.study.methods[m];
  const Method& method = methods().at(chosen.name);
  json milliseconds = json::array(), errors = json::object();
  for (size_t i = 0; i < results.cells[m].size(); ++i) {
    const CellResult& cell = results.cells[m][i];
    milliseconds.push_back(cell.done ? json(cell.milliseconds) : json());
    if (!cell.error.empty()) errors[results.images[i].id] = cell.error;
  }
  json out = {{"id", id},
              {"name", chosen.name},
              {"label", method_label(results.study, m)},
              {"params", check_parameters(method, chosen.params).all()},
              {"citation", method.citation},
              {"milliseconds", std::move(milliseconds)}};
  if (!errors.empty()) out["errors"] = std::move(errors);
  return out;
}

json metric_json(const StudyResults& results, size_t k, const std::string& id,
                 const std::vector<std::string>& methods) {
  const StudyMetric& chosen = results.study.metrics[k];
  const Metric& metric = metrics().at(chosen.name);
  json scores = json::object(), means = json::object(), curves = json::object();
  for (size_t m = 0; m < methods.size(); ++m) {
    json row = json::array(), row_curves = json::array();
    bool has_curves = false;
    for (const ScoreResult& result : results.scores[k][m]) {
      row.push_back(result.done ? number_or_null(result.score.value) : json());
      json curve = json::array();
      for (double v : result.score.curve) curve.push_back(number_or_null(v));
      has_curves = has_curves || !curve.empty();
      row_curves.push_back(std::move(curve));
    }
    scores[methods[m]] = std::move(row);
    if (has_curves) curves[methods[m]] = std::move(row_curves);
    const MeanScore mean = mean_score(results, k, m);
    means[methods[m]] = {
        {"mean", number_or_null(mean.mean)}, {"deviation", number_or_null(mean.deviation)}, {"count", mean.count}};
  }
  json out = {{"id", id},
              {"name", chosen.name},
              {"title", metric.title},
              {"family", metric.family},
              {"direction", to_string(direction_of(metric, chosen.params))},
              {"params", check_parameters(metric, chosen.params).all()},
              {"citation", metric.citation},
              {"scores", std::move(scores)},
              {"means", std::move(means)}};
  if (!curves.empty()) out["curves"] = std::move(curves);
  return out;
}

/// A field of RFC 4180.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

/// Enough digits to give back the same double.
std::string exact_number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

}  // namespace

json ranking_json(const StudyResults& results) {
  const std::vector<std::string> methods = method_ids(results.study), metrics = metric_ids(results.study);
  json out = json::array();
  for (size_t m : results.ranking.order) {
    json ranks = json::object(), categories = json::object();
    for (size_t k = 0; k < metrics.size(); ++k) ranks[metrics[k]] = number_or_null(results.ranking.ranks[k][m]);
    for (size_t c = 0; c < results.ranking.categories.size(); ++c)
      categories[results.ranking.categories[c].name] = number_or_null(results.ranking.category_ranks[c][m]);
    out.push_back({{"method", methods[m]},
                   {"label", method_label(results.study, m)},
                   {"overall", number_or_null(results.ranking.overall[m])},
                   {"categories", std::move(categories)},
                   {"ranks", std::move(ranks)}});
  }
  return out;
}

MeanScore mean_score(const StudyResults& results, size_t metric, size_t method) {
  MeanScore out;
  double sum = 0;
  for (const ScoreResult& result : results.scores.at(metric).at(method))
    if (result.done && std::isfinite(result.score.value)) {
      sum += result.score.value;
      ++out.count;
    }
  if (out.count == 0) return {std::nan(""), std::nan(""), 0};
  out.mean = sum / out.count;
  double squares = 0;
  for (const ScoreResult& result : results.scores[metric][method])
    if (result.done && std::isfinite(result.score.value))
      squares += (result.score.value - out.mean) * (result.score.value - out.mean);
  out.deviation = out.count > 1 ? std::sqrt(squares / (out.count - 1)) : 0;
  return out;
}

json results_json(const StudyResults& results, const std::string& program) {
  const std::vector<std::string> methods = method_ids(results.study), metrics = metric_ids(results.study);
  json out = {{"program", program},
              {"complete", results.complete},
              {"seconds", results.seconds},
              {"runtime_seconds", results.runtime_seconds},
              {"runtime",
               {{"provider", results.runtime.provider},
                {"threads", results.runtime.threads},
                {"onnxruntime", results.runtime.version},
                {"reason", results.runtime.reason}}},
              {"model",
               {{"sha256", results.model_hash},
                {"input", {3, results.input_height, results.input_width}},
                {"classes", results.classes}}},
              {"study", write_study(results.study)},
              {"images", json::array()},
              {"methods", json::array()},
              {"metrics", json::array()}};
  for (const ImageResult& image : results.images) out["images"].push_back(image_json(results, image));
  for (size_t m = 0; m < methods.size(); ++m) out["methods"].push_back(method_json(results, m, methods[m]));
  for (size_t k = 0; k < metrics.size(); ++k) out["metrics"].push_back(metric_json(results, k, metrics[k], methods));
  out["ranking"] = {{"overall", results.study.ranking.rank.overall}, {"methods", ranking_json(results)}};
  out["certainty"] = certainty_json(score_table(results), results.certainty);
  if (!results.annotations.orders.empty())
    out["annotation_variants"] = annotation_effect_json(results.annotations, methods);
  out["warnings"] = results.warnings();
  return out;
}

std::string scores_csv(const StudyResults& results) {
  const std::vector<std::string> methods = method_ids(results.study), ids = metric_ids(results.study);
  std::string out = "image,method,metric,score,direction\r\n";
  for (size_t i = 0; i < results.images.size(); ++i)
    for (size_t m = 0; m < methods.size(); ++m)
      for (size_t k = 0; k < ids.size(); ++k) {
        const ScoreResult& result = results.scores[k][m][i];
        if (!result.done || std::isnan(result.score.value)) continue;
        out += csv_field(results.images[i].id) + "," + csv_field(methods[m]) + "," + csv_field(ids[k]) + "," +
               exact_number(result.score.value) + "," +
               to_string(direction_of(metrics().at(results.study.metrics[k].name), results.study.metrics[k].params)) +
               "\r\n";
      }
  return out;
}

}  // namespace ks

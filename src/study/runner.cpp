#include "study/runner.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <set>

#include "runtime/clock.h"
#include "tensor/error.h"

namespace ks {

namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Progress over images whose steps cost very different times: the steps of the image before are the measure.
class Steps {
 public:
  Steps(size_t images, size_t steps, const Progress& progress)
      : images_(static_cast<double>(images)), weights_(steps, 1.0), measured_(steps, 0.0), progress_(progress) {}

  /// Runs one step; its own Progress, given to `work`, fills its share.
  template <class F>
  void run(size_t image, size_t step, const F& work) {
    double before = 0, all = 0;
    for (size_t i = 0; i < weights_.size(); ++i) {
      all += weights_[i];
      if (i < step) before += weights_[i];
    }
    const auto report = [&](double fraction) {
      if (!progress_) return;
      const double within = (before + std::clamp(fraction, 0.0, 1.0) * weights_[step]) / all;
      progress_(std::min(1.0, (static_cast<double>(image) + within) / images_));
    };
    report(0);
    const auto begin = std::chrono::steady_clock::now();
    work(report);
    measured_[step] = seconds_since(begin) + 1e-6;
    if (step + 1 == weights_.size()) weights_ = measured_;
  }

 private:
  double images_;
  std::vector<double> weights_, measured_;
  const Progress& progress_;
};

/// Names made unique by a number where one is used several times: lime, lime-2.
template <class T>
std::vector<std::string> unique_names(const std::vector<T>& choices) {
  std::vector<std::string> out;
  for (size_t i = 0; i < choices.size(); ++i) {
    int before = 0;
    for (size_t j = 0; j < i; ++j) before += choices[j].name == choices[i].name;
    out.push_back(choices[i].name + (before == 0 ? "" : "-" + std::to_string(before + 1)));
  }
  return out;
}

void rank_results(StudyResults& results) {
  const ScoreTable table = score_table(results);
  const StudyRanking& ranking = results.study.ranking;
  results.ranking = rank_methods(table, ranking.rank);
  results.certainty =
      order_certainty(table, ranking.rank, ranking.monte_carlo, static_cast<uint64_t>(results.study.seed));
  results.annotations = annotation_effect(table, ranking, results.varied);
}

/// A warning with everything it was said of.
struct Remark {
  std::string text;
  std::set<size_t> metrics, methods, images;
};

void remark_on(std::vector<Remark>& remarks, const std::string& text, std::optional<size_t> metric, size_t method,
               size_t image) {
  auto found = std::find_if(remarks.begin(), remarks.end(), [&](const Remark& r) { return r.text == text; });
  if (found == remarks.end()) found = remarks.insert(remarks.end(), Remark{text});
  if (metric) found->metrics.insert(*metric);
  found->methods.insert(method);
  found->images.insert(image);
}

/// "wheat-1, wheat-2", or "all images" where that is many.
template <class F>
std::string name_all(const std::set<size_t>& members, size_t of, const std::string& plural, const F& name) {
  if (members.size() == of && of > 2) return "all " + plural;
  if (members.size() > 8) return std::to_string(members.size()) + " of " + std::to_string(of) + " " + plural;
  std::string out;
  for (size_t member : members) out += (out.empty() ? "" : ", ") + name(member);
  return out;
}

/// "the map is constant (Occlusion; Sparseness, Complexity; all images)"
std::string sentence_of(const StudyResults& results, const Remark& remark) {
  if (remark.methods.empty()) return remark.text;
  const Study& study = results.study;
  const std::string images =
      name_all(remark.images, results.images.size(), "images", [&](size_t i) { return results.images[i].id; });
  const std::string methods =
      name_all(remark.methods, study.methods.size(), "methods", [&](size_t m) { return method_label(study, m); });
  const std::string metrics = name_all(remark.metrics, study.metrics.size(), "metrics",
                                       [&](size_t k) { return ks::metrics().at(study.metrics[k].name).title; });
  return remark.text + " (" + methods + (metrics.empty() ? "" : "; " + metrics) + "; " + images + ")";
}

void open_results(const Study& study, Engine& engine, StudyResults& out) {
  const Classifier& classifier = engine.classifier();
  out.study = study;
  out.runtime = runtime_info();
  out.model_hash = classifier.hash();
  out.input_width = classifier.width();
  out.input_height = classifier.height();
  out.classes = classifier.class_names();
  for (size_t i = 0; i < engine.images().size(); ++i) {
    const EngineImage& image = engine.images()[i];
    ImageResult result{.id = image.id, .error = image.error};
    if (image.error.empty()) {
      result.prediction = engine.prediction(i);
      result.has_mask = image.has_mask();
      if (image.has_mask())
        result.annotated_share =
            static_cast<double>(image.mask.area()) / static_cast<double>(image.mask.width * image.mask.height);
    }
    out.images.push_back(std::move(result));
  }
  const size_t images = out.images.size();
  out.cells.assign(study.methods.size(), std::vector<CellResult>(images));
  out.scores.assign(study.metrics.size(), std::vector(study.methods.size(), std::vector<ScoreResult>(images)));
  const bool annotated =
      std::any_of(out.images.begin(), out.images.end(), [](const ImageResult& i) { return i.annotated_share > 0; });
  out.varied.clear();
  for (size_t v = 0; annotated && v < study.ranking.annotation_variants.size(); ++v) {
    auto& scores = out.varied.emplace_back(study.metrics.size());
    for (size_t k = 0; k < study.metrics.size(); ++k)
      if (metrics().at(study.metrics[k].name).needs_mask)
        scores[k].assign(study.methods.size(), std::vector<double>(images, kUndefined));
  }
}

}  // namespace

void run_study(const Study& study, Engine& engine, const MapCallback& on_map, const Progress& progress,
               StudyResults& results) {
  const auto begin = std::chrono::steady_clock::now();
  const double runtime_before = seconds_in_runtime();
  const auto take_time = [&] {
    results.seconds = seconds_since(begin);
    results.runtime_seconds = seconds_in_runtime() - runtime_before;
  };
  engine.open(study, progress ? Progress([&](double) { progress(0); }) : Progress());
  open_results(study, engine, results);
  const size_t methods = study.methods.size(), metrics = study.metrics.size();
  // Metrics that compare images come last, when all maps have been there; without a store the maps must stay for them.
  std::vector<size_t> own, comparing;
  for (size_t k = 0; k < metrics; ++k) (Engine::compares_images(study.metrics[k]) ? comparing : own).push_back(k);
  const size_t rounds = results.images.size() + (comparing.empty() ? 0 : 1);
  Steps steps(rounds, 1 + methods * (1 + metrics), progress);
  const auto measure = [&](size_t k, size_t m, size_t i, const Progress& report) {
    if (!results.cells[m][i].done) return;
    ScoreResult& score = results.scores[k][m][i];
    try {
      score.score = engine.measure(i, study.methods[m], study.metrics[k], report);
      score.done = true;
    } catch (const Error& e) {
      score.error = e.what();
    }
    if (!score.done || results.images[i].annotated_share == 0) return;
    for (size_t v = 0; v < results.varied.size(); ++v) {
      if (results.varied[v][k].empty()) continue;
      try {
        results.varied[v][k][m][i] =
            engine.measure(i, study.methods[m], study.metrics[k], report, &study.ranking.annotation_variants[v]).value;
      } catch (const Error&) {
        // Stays undefined: the variant may have left nothing of a small annotation.
      }
    }
  };
  try {
    for (size_t i = 0; i < results.images.size(); ++i) {
      if (!results.images[i].error.empty()) continue;
      steps.run(i, 0, [&](const Progress& report) { engine.explain_together(i, study.methods, report); });
      for (size_t m = 0; m < methods; ++m) {
        CellResult& cell = results.cells[m][i];
        steps.run(i, 1 + m * (1 + metrics), [&](const Progress& report) {
          try {
            const Explanation& explanation = engine.explain(i, study.methods[m], report);
            cell.milliseconds = explanation.milliseconds;
            if (on_map) on_map(i, m, explanation.map);
            cell.done = true;
          } catch (const Error& e) {
            cell.error = e.what();
          }
        });
        for (const size_t k : own)
          steps.run(i, 1 + m * (1 + metrics) + 1 + k, [&](const Progress& report) { measure(k, m, i, report); });
      }
      if (comparing.empty() || engine.has_store()) engine.forget_maps(i);
      take_time();
    }
    for (size_t m = 0; m < methods && !comparing.empty(); ++m) {
      for (const size_t k : comparing)
        steps.run(rounds - 1, 1 + m * (1 + metrics) + 1 + k, [&](const Progress& report) {
          for (size_t i = 0; i < results.images.size(); ++i) measure(k, m, i, report);
        });
      for (size_t i = 0; i < results.images.size() && engine.has_store(); ++i) engine.forget_maps(i);
    }
    results.complete = true;
  } catch (const Cancelled&) {
    take_time();
    rank_results(results);
    throw;
  }
  rank_results(results);
  take_time();
}

ScoreTable score_table(const StudyResults& results) {
  ScoreTable table{.methods = method_ids(results.study), .metrics = metric_ids(results.study)};
  for (size_t k = 0; k < results.scores.size(); ++k) {
    const StudyMetric& metric = results.study.metrics[k];
    table.directions.push_back(direction_of(metrics().at(metric.name), metric.params));
    table.families.push_back(metrics().at(metric.name).family);
    table.scores.emplace_back();
    for (const auto& row : results.scores[k]) {
      std::vector<double> scores;
      for (const ScoreResult& result : row) scores.push_back(result.done ? result.score.value : kUndefined);
      table.scores.back().push_back(std::move(scores));
    }
  }
  return table;
}

std::vector<std::string> method_ids(const Study& study) {
  return unique_names(study.methods);
}
std::vector<std::string> metric_ids(const Study& study) {
  return unique_names(study.metrics);
}

std::vector<std::string> StudyResults::warnings() const {
  std::vector<Remark> remarks;
  for (const ImageResult& image : images)
    if (!image.error.empty()) remarks.push_back({image.error});
  for (size_t m = 0; m < cells.size(); ++m)
    for (size_t i = 0; i < cells[m].size(); ++i)
      if (!cells[m][i].error.empty()) remark_on(remarks, cells[m][i].error, {}, m, i);
  for (size_t k = 0; k < scores.size(); ++k)
    for (size_t m = 0; m < scores[k].size(); ++m)
      for (size_t i = 0; i < scores[k][m].size(); ++i) {
        const ScoreResult& result = scores[k][m][i];
        if (!result.error.empty()) remark_on(remarks, result.error, k, m, i);
        for (const std::string& warning : result.score.warnings) remark_on(remarks, warning, k, m, i);
      }
  std::vector<std::string> out;
  for (const Remark& remark : remarks) out.push_back(sentence_of(*this, remark));
  return out;
}

int StudyResults::failures() const {
  int count = 0;
  for (const ImageResult& image : images) count += !image.error.empty();
  for (const auto& row : cells)
    for (const CellResult& cell : row) count += !cell.error.empty();
  for (const auto& table : scores)
    for (const auto& row : table)
      for (const ScoreResult& score : row) count += !score.error.empty();
  return count;
}

std::string method_label(const Study& study, size_t method) {
  const StudyMethod& chosen = study.methods.at(method);
  if (!chosen.label.empty()) return chosen.label;
  std::string label = methods().at(chosen.name).title;
  const bool alone = std::count_if(study.methods.begin(), study.methods.end(),
                                   [&](const StudyMethod& m) { return m.name == chosen.name; }) == 1;
  if (alone || chosen.params.empty()) return label;
  std::string values;
  for (const auto& [name, value] : chosen.params.items())
    values += (values.empty() ? "" : ", ") + name + " " + (value.is_string() ? value.get<std::string>() : value.dump());
  return label + " (" + values + ")";
}

}  // namespace ks

#include "study/runner.h"

#include <algorithm>
#include <chrono>
#include <cmath>

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
}

}  // namespace

void run_study(const Study& study, Engine& engine, const MapCallback& on_map, const Progress& progress,
               StudyResults& results) {
  const auto begin = std::chrono::steady_clock::now();
  engine.open(study, progress ? Progress([&](double) { progress(0); }) : Progress());
  open_results(study, engine, results);
  const size_t methods = study.methods.size(), metrics = study.metrics.size();
  Steps steps(results.images.size(), methods * (1 + metrics), progress);
  try {
    for (size_t i = 0; i < results.images.size(); ++i) {
      if (!results.images[i].error.empty()) continue;
      for (size_t m = 0; m < methods; ++m) {
        CellResult& cell = results.cells[m][i];
        steps.run(i, m * (1 + metrics), [&](const Progress& report) {
          try {
            const Explanation& explanation = engine.explain(i, study.methods[m], report);
            cell.milliseconds = explanation.milliseconds;
            if (on_map) on_map(i, m, explanation.map);
            cell.done = true;
          } catch (const Error& e) {
            cell.error = e.what();
          }
        });
        for (size_t k = 0; k < metrics; ++k) {
          ScoreResult& score = results.scores[k][m][i];
          steps.run(i, m * (1 + metrics) + 1 + k, [&](const Progress& report) {
            if (!cell.done) return;
            try {
              score.score = engine.measure(i, study.methods[m], study.metrics[k], report);
              score.done = true;
            } catch (const Error& e) {
              score.error = e.what();
            }
          });
        }
      }
      engine.forget_maps(i);
      results.seconds = seconds_since(begin);
    }
    results.complete = true;
  } catch (const Cancelled&) {
    results.seconds = seconds_since(begin);
    throw;
  }
  results.seconds = seconds_since(begin);
}

std::vector<std::string> StudyResults::warnings() const {
  std::vector<std::pair<std::string, int>> told;
  const auto tell = [&](const std::string& sentence) {
    for (auto& [known, times] : told)
      if (known == sentence) {
        ++times;
        return;
      }
    told.emplace_back(sentence, 1);
  };
  for (const ImageResult& image : images)
    if (!image.error.empty()) tell(image.error);
  for (size_t m = 0; m < cells.size(); ++m)
    for (const CellResult& cell : cells[m])
      if (!cell.error.empty()) tell(method_label(study, m) + ": " + cell.error);
  for (size_t k = 0; k < scores.size(); ++k)
    for (size_t m = 0; m < scores[k].size(); ++m)
      for (size_t i = 0; i < scores[k][m].size(); ++i) {
        const ScoreResult& result = scores[k][m][i];
        const std::string name = metrics().at(study.metrics[k].name).title;
        if (!result.error.empty()) tell(name + " of " + method_label(study, m) + ": " + result.error);
        for (const std::string& warning : result.score.warnings)
          tell(name + ", image " + images[i].id + ": " + warning);
      }
  std::vector<std::string> out;
  for (const auto& [sentence, times] : told)
    out.push_back(times == 1 ? sentence : sentence + " (" + std::to_string(times) + " times)");
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

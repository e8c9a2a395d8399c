#include "app/schedule.h"

#include <algorithm>
#include <cmath>

namespace ks::app {

namespace {

constexpr size_t most_unused_cells = 150;  // about 90 MB of maps with three channels of 224 x 224

bool picture_is_there(const Model& model, size_t image) {
  const Picture* picture = model.picture(image);
  return picture && picture->state == State::done;
}

bool is_missing(const Model& model, size_t image, size_t method) {
  const Cell* cell = model.cell(image, method);
  return !cell || cell->state == State::waiting;
}

// Seconds one explanation takes: the mean of those computed, else a guess from what the method is.
double expected_seconds(const Model& model, size_t method) {
  double sum = 0;
  int count = 0;
  for (size_t i = 0; i < model.study.images.size(); ++i) {
    const Cell* cell = model.cell(i, method);
    if (!cell || cell->state != State::done) continue;
    sum += cell->milliseconds / 1000;
    ++count;
  }
  if (count > 0) return sum / count;
  const MethodInfo* info = model.method_info(model.study.methods[method].name);
  if (!info || info->family == "baseline") return 0.5;
  if (!info->needs_gradient) return 10.0;  // hundreds of forward passes
  return info->shares_pass ? 0.5 : 5.0;    // one network, or the same one many times
}

// Metrics that only look at the map are instant, those that run the network are not, those that explain again are slow.
int metric_cost(const Model& model, size_t metric) {
  const MetricInfo* info = model.metric_info(model.study.metrics[metric].name);
  if (!info || !info->needs_classifier) return 0;
  return info->family == "robustness" || info->family == "randomisation" ? 2 : 1;
}

std::vector<size_t> methods_by_cost(const Model& model) {
  std::vector<double> seconds;
  std::vector<size_t> order;
  for (size_t m = 0; m < model.study.methods.size(); ++m) {
    order.push_back(m);
    seconds.push_back(expected_seconds(model, m));
  }
  // Within a factor of four the study's own order holds.
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::floor(std::log2(seconds[a] + 1e-3) / 2) < std::floor(std::log2(seconds[b] + 1e-3) / 2);
  });
  return order;
}

bool shares_pass(const Model& model, size_t method) {
  const MethodInfo* info = model.method_info(model.study.methods[method].name);
  return info && info->shares_pass;
}

}  // namespace

std::vector<size_t> methods_of_pass(const Model& model, const Task& task) {
  std::vector<size_t> out;
  const bool first = std::none_of(model.cells.begin(), model.cells.end(),
                                  [](const auto& entry) { return entry.second.state == State::done; });
  if (first || task.metric || !shares_pass(model, task.method)) return out;
  for (size_t m = 0; m < model.study.methods.size(); ++m)
    if (m == task.method || (shares_pass(model, m) && is_missing(model, task.image, m))) out.push_back(m);
  if (out.size() < 2) out.clear();
  return out;
}

std::optional<Task> next_task(const Model& model) {
  const size_t images = model.study.images.size(), methods = model.study.methods.size();
  if (images == 0 || methods == 0) return std::nullopt;
  const size_t image = model.selected_image(), method = model.selected_method();
  if (picture_is_there(model, image) && is_missing(model, image, method)) return Task{image, method};
  const std::vector<size_t> order = methods_by_cost(model);
  for (size_t i = 0; i < images; ++i)
    for (size_t m : order)
      if (shares_pass(model, m) && picture_is_there(model, i) && is_missing(model, i, m)) return Task{i, m};
  for (size_t m : order)
    for (size_t i = 0; i < images; ++i)
      if (picture_is_there(model, i) && is_missing(model, i, m)) return Task{i, m};

  std::vector<size_t> metrics;
  for (size_t k = 0; k < model.study.metrics.size(); ++k) metrics.push_back(k);
  std::stable_sort(metrics.begin(), metrics.end(),
                   [&](size_t a, size_t b) { return metric_cost(model, a) < metric_cost(model, b); });
  for (size_t k : metrics) {
    for (size_t m : order) {
      for (size_t i = 0; i < images; ++i) {
        const Cell* cell = model.cell(i, m);
        if (!cell || cell->state != State::done) continue;
        const Score* score = model.score(i, m, k);
        if (!score || score->state == State::waiting) return Task{i, m, k};
      }
    }
  }
  return std::nullopt;
}

double seconds_left(const Model& model) {
  double seconds = 0;
  bool measured = false;
  for (size_t m = 0; m < model.study.methods.size(); ++m) {
    int missing = 0;
    for (size_t i = 0; i < model.study.images.size(); ++i) {
      const Cell* cell = model.cell(i, m);
      if (cell && cell->state == State::done) measured = true;
      if (!picture_is_there(model, i)) continue;
      if (!cell || cell->state == State::waiting) ++missing;
      if (cell && cell->state == State::running) seconds += (1 - cell->progress) * expected_seconds(model, m);
    }
    seconds += missing * expected_seconds(model, m);
  }
  return measured ? seconds : -1;
}

bool needs_cell(const Model& model, const std::string& key) {
  for (size_t i = 0; i < model.picture_keys.size(); ++i)
    for (size_t m = 0; m < model.method_keys.size(); ++m)
      if (cell_key(model, i, m) == key) return true;
  return false;
}

bool needs_score(const Model& model, const std::string& key) {
  for (size_t i = 0; i < model.picture_keys.size(); ++i)
    for (size_t m = 0; m < model.method_keys.size(); ++m)
      for (size_t k = 0; k < model.metric_keys.size(); ++k)
        if (score_key(model, i, m, k) == key) return true;
  return false;
}

void forget_unused(Model& model) {
  const size_t used = model.picture_keys.size() * model.method_keys.size();
  if (model.cells.size() <= used + most_unused_cells) return;
  for (auto it = model.cells.begin(); it != model.cells.end();)
    it = needs_cell(model, it->first) ? std::next(it) : model.cells.erase(it);
  for (auto it = model.scores.begin(); it != model.scores.end();)
    it = needs_score(model, it->first) ? std::next(it) : model.scores.erase(it);
}

std::string free_image_id(const Study& study, const std::string& id) {
  const auto taken = [&](const std::string& name) {
    return std::any_of(study.images.begin(), study.images.end(), [&](const StudyImage& i) { return i.id == name; });
  };
  if (!taken(id)) return id;
  for (int n = 2;; ++n) {
    std::string numbered = id.substr(0, 58) + "-" + std::to_string(n);
    if (!taken(numbered)) return numbered;
  }
}

}  // namespace ks::app

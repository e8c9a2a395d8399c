#include "app/model.h"

#include <algorithm>

#include "app/text.h"
#include "tensor/hash.h"

namespace ks::app {

namespace {

constexpr size_t most_undo = 200;

template <class Map, class Key>
auto find_in(const Map& map, const Key& key) -> const typename Map::mapped_type* {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

template <class Info>
const Info* find_info(const std::vector<Info>& infos, const std::string& name) {
  for (const Info& info : infos)
    if (info.name == name) return &info;
  return nullptr;
}

// The study changed, by whatever way.
void changed(Model& model) {
  const std::vector<std::string> before = model.picture_keys;
  update_keys(model);
  if (model.picture_keys != before) ++model.picture_revision;
}

}  // namespace

const Picture* Model::picture(size_t image) const {
  return image < picture_keys.size() ? find_in(pictures, picture_keys[image]) : nullptr;
}
const Cell* Model::cell(size_t image, size_t method) const {
  return find_in(cells, cell_key(*this, image, method));
}
const Score* Model::score(size_t image, size_t method, size_t metric) const {
  return find_in(scores, score_key(*this, image, method, metric));
}
const MethodInfo* Model::method_info(const std::string& name) const {
  return find_info(methods, name);
}
const MetricInfo* Model::metric_info(const std::string& name) const {
  return find_info(metrics, name);
}

size_t Model::selected_image() const {
  for (size_t i = 0; i < study.images.size(); ++i)
    if (study.images[i].id == study.view.selected_image) return i;
  return 0;
}

size_t Model::selected_method() const {
  const size_t count = study.methods.size();
  return count == 0 ? 0 : std::min(static_cast<size_t>(std::max(study.view.selected_method, 0)), count - 1);
}

std::string cell_key(const Model& model, size_t image, size_t method) {
  return model.picture_keys.at(image) + "\n" + model.method_keys.at(method);
}

std::string score_key(const Model& model, size_t image, size_t method, size_t metric) {
  return cell_key(model, image, method) + "\n" + model.metric_keys.at(metric);
}

std::string method_title(const Model& model, size_t method) {
  const StudyMethod& m = model.study.methods.at(method);
  if (!m.label.empty()) return m.label;
  const MethodInfo* info = model.method_info(m.name);
  return info ? info->title : ui::title_of_name(m.name);
}

std::string metric_title(const Model& model, size_t metric) {
  const std::string& name = model.study.metrics.at(metric).name;
  const MetricInfo* info = model.metric_info(name);
  return info ? info->title : ui::title_of_name(name);
}

std::string class_name(const Model& model, int index) {
  if (index >= 0 && index < static_cast<int>(model.network.classes.size())) return model.network.classes[index];
  return "class " + std::to_string(index);
}

// A key names everything its cell depends on, so that a change computes again only what it touches.
void update_keys(Model& model) {
  const json document = write_study(model.study);
  const auto part = [&](const char* key) { return document.contains(key) ? document.at(key).dump() : std::string(); };
  const std::string common = part("model") + part("target") + part("seed");
  model.picture_keys.clear();
  for (const json& image : document.at("images")) {
    const std::string text = common + image.dump();
    // An embedded picture makes a long text: its hash stands for it.
    model.picture_keys.push_back(text.size() < 400 ? text : sha256(text));
  }
  const auto keys_of = [](const auto& choices) {
    std::vector<std::string> keys;
    for (const auto& choice : choices) keys.push_back(choice.name + choice.params.dump());
    return keys;
  };
  model.method_keys = keys_of(model.study.methods);
  model.metric_keys = keys_of(model.study.metrics);
}

void edit(Model& model, const std::function<void(Study&)>& change, const std::string& merge_key) {
  Study next = model.study;
  change(next);
  if (next == model.study) return;
  const bool merges = !merge_key.empty() && merge_key == model.merge_key && !model.undo.empty();
  if (!merges) model.undo.push_back(model.study);
  if (model.undo.size() > most_undo) model.undo.erase(model.undo.begin());
  model.redo.clear();
  model.merge_key = merge_key;
  model.study = std::move(next);
  changed(model);
}

void look(Model& model, const std::function<void(StudyView&)>& change) {
  change(model.study.view);
}

void undo(Model& model) {
  if (model.undo.empty()) return;
  model.redo.push_back(std::move(model.study));
  model.study = std::move(model.undo.back());
  model.undo.pop_back();
  model.merge_key.clear();
  changed(model);
}

void redo(Model& model) {
  if (model.redo.empty()) return;
  model.undo.push_back(std::move(model.study));
  model.study = std::move(model.redo.back());
  model.redo.pop_back();
  model.merge_key.clear();
  changed(model);
}

void open_study(Model& model, Study study) {
  if (!model.study.images.empty() || !model.study.methods.empty()) model.undo.push_back(std::move(model.study));
  model.redo.clear();
  model.merge_key.clear();
  model.study = std::move(study);
  changed(model);
}

void show_error(Model& model, const std::string& sentence) {
  for (const Banner& banner : model.banners)
    if (banner.text == sentence) return;
  model.banners.push_back({sentence});
  if (model.banners.size() > 3) model.banners.erase(model.banners.begin());
}

void show_toast(Model& model, const std::string& sentence) {
  model.toasts.assign(1, {sentence});
}

Work work_of(const Model& model) {
  Work work;
  const auto ended = [&](State state) {
    work.failed += state == State::failed;
    return state == State::done || state == State::failed;
  };
  for (size_t i = 0; i < model.study.images.size(); ++i) {
    const Picture* picture = model.picture(i);
    if (picture && picture->state == State::failed) continue;
    for (size_t m = 0; m < model.study.methods.size(); ++m) {
      const Cell* cell = model.cell(i, m);
      const bool failed = cell && cell->state == State::failed;
      ++work.explanations;
      work.explanations_done += cell && ended(cell->state);
      for (size_t k = 0; k < model.study.metrics.size() && !failed; ++k) {
        const Score* score = model.score(i, m, k);
        ++work.scores;
        work.scores_done += score && ended(score->state);
      }
    }
  }
  return work;
}

}  // namespace ks::app

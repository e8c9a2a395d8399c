#include "app/bridge.h"

#include <emscripten.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "app/platform.h"
#include "app/schedule.h"
#include "tensor/error.h"

// clang-format off
EM_JS(void, host_post, (const char* text, const char* bytes, int size), {
  Module.host.post(UTF8ToString(text), size > 0 ? HEAPU8.slice(bytes, bytes + size).buffer : null);
})
// clang-format on

namespace ks::app {

namespace {

uint64_t new_serial() {
  static uint64_t last = 0;
  return ++last;
}

ParameterType parameter_type(const std::string& name) {
  if (name == "integer") return ParameterType::integer;
  if (name == "boolean") return ParameterType::boolean;
  if (name == "choice") return ParameterType::choice;
  if (name == "text") return ParameterType::text;
  if (name == "list") return ParameterType::list;
  if (name == "value") return ParameterType::value;
  return ParameterType::number;
}

// What describe() (registry/registry.h) wrote.
void read_entry(const json& j, Entry& entry) {
  entry.name = j.at("name");
  entry.title = j.value("title", entry.name);
  entry.family = j.value("family", "");
  entry.citation = j.value("citation", "");
  entry.description = j.value("description", "");
  entry.misleads = j.value("misleads", "");
  entry.formula = j.value("formula", "");
  for (const json& p : j.value("parameters", json::array())) {
    Parameter parameter{.name = p.at("name"), .type = parameter_type(p.value("type", "number"))};
    parameter.default_value = p.value("default", json());
    parameter.help = p.value("help", "");
    if (p.contains("min")) parameter.min = p.at("min").get<double>();
    if (p.contains("max")) parameter.max = p.at("max").get<double>();
    parameter.unit = p.value("unit", "");
    if (p.contains("choices")) parameter.choices = p.at("choices").get<std::vector<std::string>>();
    entry.parameters.push_back(std::move(parameter));
  }
}

// `size` bytes of `bytes` from `offset`. Throws Error when they are not there.
const char* bytes_at(const std::string& bytes, const json& offset, size_t size) {
  const auto begin = offset.get<size_t>();
  if (begin > bytes.size() || size > bytes.size() - begin) throw Error("the core's answer is shorter than it says");
  return bytes.data() + begin;
}

json spec(const StudyMethod& method) {
  return {{"name", method.name}, {"params", method.params}};
}
json spec(const StudyMetric& metric) {
  return {{"name", metric.name}, {"params", metric.params}};
}

void read_picture(const json& j, const std::string& bytes, Picture& picture) {
  picture = Picture();
  picture.serial = new_serial();
  if (j.contains("error") && j.at("error").is_string() && !j.at("error").get<std::string>().empty()) {
    picture.state = State::failed;
    picture.error = j.at("error");
    return;
  }
  picture.width = j.at("width");
  picture.height = j.at("height");
  const size_t area = static_cast<size_t>(picture.width) * picture.height;
  const char* rgba = bytes_at(bytes, j.at("rgba"), area * 4);
  picture.rgba.assign(rgba, rgba + area * 4);
  if (j.contains("mask") && !j.at("mask").is_null()) {
    Mask mask(picture.width, picture.height);
    std::memcpy(mask.inside.data(), bytes_at(bytes, j.at("mask"), area), area);
    picture.outline = trace_contours(mask);
    picture.annotated_share = static_cast<double>(mask.area()) / static_cast<double>(area);
  }
  picture.probabilities = j.value("probabilities", std::vector<float>());
  picture.predicted = j.value("predicted", -1);
  picture.target = j.value("target", picture.predicted);
  picture.state = State::done;
}

}  // namespace

int Bridge::post(Request request, json message, const std::string& bytes) {
  const int id = next_id_++;
  message["id"] = id;
  requests_.emplace(id, std::move(request));
  host_post(message.dump(-1, ' ', false, json::error_handler_t::replace).c_str(), bytes.data(),
            static_cast<int>(bytes.size()));
  return id;
}

void Bridge::start() {
  post({Kind::init}, {{"op", "init"}});
}

void Bridge::add_image(const std::string& name, std::string bytes) {
  post({Kind::add_image, "", name}, {{"op", "add-image"}, {"name", name}}, bytes);
}

void Bridge::add_model(const std::string& name, std::string bytes) {
  post({Kind::add_model, "", name}, {{"op", "add-model"}, {"name", name}}, bytes);
}

void Bridge::post_study(Model& model) {
  Request request{Kind::study};
  for (size_t i = 0; i < model.study.images.size(); ++i) {
    request.pictures.push_back({model.study.images[i].id, model.picture_keys[i]});
    Picture& picture = model.pictures[model.picture_keys[i]];
    if (picture.state == State::failed) picture.state = State::waiting;
  }
  request.study = model.study;
  sent_revision_ = model.picture_revision;
  study_pending_ = post(std::move(request), {{"op", "study"}, {"study", write_study(model.study)}});
}

bool Bridge::post_next(Model& model) {
  const std::optional<Task> task = next_task(model);
  if (!task) return false;
  const std::string& image = model.study.images[task->image].id;
  const json method = spec(model.study.methods[task->method]);
  if (!task->metric) {
    const std::string key = cell_key(model, task->image, task->method);
    Cell& cell = model.cells[key];
    cell.state = State::running;
    cell.progress = 0;
    json together = json::array();
    for (const size_t m : methods_of_pass(model, *task)) together.push_back(spec(model.study.methods[m]));
    computing_ =
        post({Kind::explain, key}, {{"op", "explain"}, {"image", image}, {"method", method}, {"together", together}});
  } else {
    const std::string key = score_key(model, task->image, task->method, *task->metric);
    model.scores[key].state = State::running;
    computing_ = post({Kind::measure, key}, {{"op", "measure"},
                                             {"image", image},
                                             {"method", method},
                                             {"metric", spec(model.study.metrics[*task->metric])}});
  }
  return true;
}

void Bridge::pump(Model& model) {
  if (!core_ready_ || model.phase == Phase::failed || model.study.images.empty()) return;
  if (sent_revision_ != model.picture_revision && !study_pending_) post_study(model);
  if (computing_) {
    const Request& request = requests_.at(computing_);
    const bool obsolete =
        request.kind == Kind::explain ? !needs_cell(model, request.key) : !needs_score(model, request.key);
    if ((obsolete || model.paused || study_pending_) && !cancelling_) {
      cancelling_ = true;
      host_post(json{{"op", "cancel"}, {"id", next_id_++}, {"target", computing_}}.dump().c_str(), nullptr, 0);
    }
    return;
  }
  if (study_pending_ || model.phase != Phase::ready || model.paused) return;
  if (!post_next(model)) forget_unused(model);
}

void Bridge::receive(Model& model, const std::string& text, std::string bytes) {
  try {
    const json message = json::parse(text);
    if (message.contains("event")) return receive_event(model, message);
    const auto found = requests_.find(message.value("id", 0));
    if (found == requests_.end()) return;
    const Request request = std::move(found->second);
    const int id = found->first;
    requests_.erase(found);
    if (id == computing_) computing_ = 0, cancelling_ = false;
    if (id == study_pending_) study_pending_ = 0;
    if (!message.value("ok", false)) return fail(model, request, message);
    switch (request.kind) {
      case Kind::init:
        return receive_init(model, message);
      case Kind::study:
        return receive_study(model, request, message, bytes);
      case Kind::explain:
        return receive_cell(model, request, message, bytes);
      case Kind::measure:
        return receive_score(model, request, message);
      case Kind::add_image:
        edit(model, [&](Study& study) {
          StudyImage image{.id = message.at("image").at("id"),
                           .source = {.kind = Source::Kind::data, .text = message.at("image").at("data")}};
          image.id = free_image_id(study, image.id);
          study.view.selected_image = image.id;
          study.images.push_back(std::move(image));
        });
        if (message.contains("note") && message.at("note").is_string()) show_toast(model, message.at("note"));
        return;
      case Kind::add_model: {
        json document = write_study(model.study);
        document["model"] = message.at("model");
        const Study changed = read_study(document);
        edit(model, [&](Study& study) { study = changed; });
        return;
      }
    }
  } catch (const std::exception& error) {
    show_error(model, std::string("An answer of the core could not be read: ") + error.what());
  }
}

void Bridge::receive_event(Model& model, const json& message) {
  const std::string event = message.at("event");
  if (event == "progress") {
    const int id = message.value("id", 0);
    const float fraction = message.value("fraction", 0.0f);
    if (id == study_pending_) model.loading_progress = fraction;
    if (id != computing_ || !requests_.count(id)) return;
    const Request& request = requests_.at(id);
    if (request.kind == Kind::explain) model.cells[request.key].progress = fraction;
  } else if (event == "status") {
    model.loading_text = message.value("text", model.loading_text);
    model.loading_progress = message.value("fraction", -1.0f);
  } else if (event == "fatal") {
    model.phase = Phase::failed;
    show_error(model, message.value("error", "the core stopped; reload the page"));
  }
}

void Bridge::receive_init(Model& model, const json& answer) {
  const json& runtime = answer.at("runtime");
  model.runtime = {runtime.value("provider", ""), runtime.value("version", ""), runtime.value("reason", ""),
                   runtime.value("threads", 0)};
  for (const json& j : answer.at("registries").at("methods")) {
    MethodInfo info;
    read_entry(j, info);
    info.needs_gradient = j.value("needs_gradient", true);
    info.shares_pass = j.value("shares_pass", false);
    model.methods.push_back(std::move(info));
  }
  for (const json& j : answer.at("registries").at("metrics")) {
    MetricInfo info;
    read_entry(j, info);
    info.direction = j.value("direction", "higher");
    info.needs_mask = j.value("needs_mask", false);
    info.needs_classifier = j.value("needs_classifier", false);
    model.metrics.push_back(std::move(info));
  }
  core_ready_ = true;
}

void Bridge::receive_study(Model& model, const Request& request, const json& answer, const std::string& bytes) {
  const json& network = answer.at("model");
  model.network = {network.value("title", ""), network.value("width", 0), network.value("height", 0),
                   network.value("classes", std::vector<std::string>())};
  if (answer.contains("runtime")) {
    const json& runtime = answer.at("runtime");
    model.runtime = {runtime.value("provider", ""), runtime.value("version", ""), runtime.value("reason", ""),
                     runtime.value("threads", 0)};
  }
  for (const json& j : answer.at("images")) {
    const std::string id = j.at("id");
    for (const auto& [requested, key] : request.pictures)
      if (requested == id) read_picture(j, bytes, model.pictures[key]);
  }
  accepted_ = request.study;
  model.phase = Phase::ready;
}

void Bridge::receive_cell(Model& model, const Request& request, const json& answer, const std::string& bytes) {
  Cell& cell = model.cells[request.key];
  Shape shape = answer.at("shape").get<Shape>();
  if (shape.size() == 4 && shape[0] == 1) shape.erase(shape.begin());
  const auto count = static_cast<size_t>(element_count(shape));
  if (shape.size() != 3 || bytes.size() != count * sizeof(float)) throw Error("the core's map has the wrong size");
  std::vector<float> values(count);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  cell.map = Tensor(shape, std::move(values));
  cell.milliseconds = answer.value("milliseconds", 0.0);
  cell.state = State::done;
  cell.error.clear();
  cell.serial = new_serial();
}

void Bridge::receive_score(Model& model, const Request& request, const json& answer) {
  Score& score = model.scores[request.key];
  const json& value = answer.at("score");
  score.value = value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN();
  score.remark.clear();
  score.direction = answer.value("direction", "");
  for (const json& warning : answer.value("warnings", json::array())) {
    if (!score.remark.empty()) score.remark += "; ";
    score.remark += warning.get<std::string>();
  }
  score.state = State::done;
}

void Bridge::fail(Model& model, const Request& request, const json& answer) {
  const std::string error = answer.value("error", "the core gave no reason");
  const bool cancelled = answer.value("cancelled", false);
  switch (request.kind) {
    case Kind::init:
      model.phase = Phase::failed;
      show_error(model, error);
      break;
    case Kind::study:
      show_error(model, error);
      // Back to the study that worked; the one that does not is gone from the page but not from the user's link.
      if (request.study != model.study) break;  // changed since: that one is being asked for
      if (accepted_) {
        model.study = *accepted_;
        update_keys(model);
        sent_revision_ = model.picture_revision;
      } else if (built_in_ && *built_in_ != model.study) {
        open_study(model, *built_in_);
      } else {
        model.phase = Phase::closed;
      }
      break;
    case Kind::explain: {
      Cell& cell = model.cells[request.key];
      cell.state = cancelled ? State::waiting : State::failed;
      if (!cancelled) cell.error = error;
      break;
    }
    case Kind::measure: {
      Score& score = model.scores[request.key];
      score.state = cancelled ? State::waiting : State::failed;
      if (!cancelled) score.remark = error;
      break;
    }
    case Kind::add_image:
    case Kind::add_model:
      show_error(model, error);
      break;
  }
}

}  // namespace ks::app

#include "worker/service.h"

#include <algorithm>

#include "explain/timing.h"
#include "picture/image.h"
#include "study/cells.h"
#include "study/check.h"
#include "tensor/base64.h"
#include "tensor/error.h"

namespace ks {

namespace {

constexpr int embedded_side = 320;    // pixels: the longest side of a picture in a link
constexpr int embedded_quality = 82;  // JPEG
constexpr int usual_repeats = 15;     // of a timed method

json runtime_json() {
  const RuntimeInfo info = runtime_info();
  return {{"provider", info.provider}, {"threads", info.threads}, {"version", info.version}, {"reason", info.reason}};
}

/// "Kernel 12 (left).JPG" -> "Kernel-12-left": letters, digits, '.', '_' and '-', as a study's ids want it.
std::string id_of(const std::string& name) {
  const size_t dot = name.rfind('.');
  std::string out;
  for (char c : name.substr(0, dot == 0 ? std::string::npos : dot)) {
    const bool fine =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    if (fine)
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "image" : out.substr(0, 40);
}

StudyMethod read_method(const json& j) {
  StudyMethod m;
  m.name = j.at("name").get<std::string>();
  m.params = j.value("params", json::object());
  return m;
}

}  // namespace

Service::Service(Loader loader, SessionOptions options)
    : options_(options),
      engine_(
          [this, loader = std::move(loader)](const std::string& what, const Source& source) {
            if (source.kind != Source::Kind::file) return loader(what, source);
            const auto it = files_.find(source.text);
            if (it != files_.end()) return it->second;
            throw Error("'" + source.text + "' is a file on somebody's machine, not here", what,
                        "drop the file onto this page");
          },
          options) {}

Message Service::handle(const json& request, const std::string& bytes, const Progress& progress) {
  Message answer;
  try {
    answer = dispatch(request, bytes, progress);
    answer.head["ok"] = true;
  } catch (const Cancelled&) {
    answer = {{{"ok", false}, {"cancelled", true}, {"error", "cancelled"}}, {}};
  } catch (const Error& e) {
    answer = {{{"ok", false}, {"error", e.what()}}, {}};
  } catch (const std::bad_alloc&) {
    answer = {{{"ok", false}, {"error", "There is not enough memory for this; use fewer samples or a smaller image"}},
              {}};
  } catch (const std::exception& e) {
    answer = {{{"ok", false}, {"error", std::string("A fault of this program: ") + e.what()}, {"fault", true}}, {}};
  }
  if (request.is_object() && request.contains("id")) answer.head["id"] = request.at("id");
  return answer;
}

Message Service::dispatch(const json& request, const std::string& bytes, const Progress& progress) {
  const std::string op = request.at("op").get<std::string>();
  if (op == "init") return init();
  if (op == "study") return open_study(request, progress);
  if (op == "explain") return explain(request, progress);
  if (op == "measure") return measure(request, progress);
  if (op == "time") return time(request);
  if (op == "add-image") return add_image(request, bytes);
  if (op == "add-model") return add_model(request, bytes);
  throw std::logic_error("there is no operation '" + op + "'");
}

Message Service::init() const {
  Message out;
  json all_methods = json::array(), all_metrics = json::array();
  for (const Method& m : methods()) {
    json j = describe(m);
    j["needs_gradient"] = m.needs_gradient;
    j["shares_pass"] = m.network && !m.explain;
    all_methods.push_back(std::move(j));
  }
  for (const Metric& m : metrics()) {
    json j = describe(m);
    j["direction"] = to_string(m.direction);
    j["needs_mask"] = m.needs_mask;
    j["needs_classifier"] = m.needs_classifier;
    all_metrics.push_back(std::move(j));
  }
  out.head = {{"runtime", runtime_json()}, {"registries", {{"methods", all_methods}, {"metrics", all_metrics}}}};
  return out;
}

Message Service::open_study(const json& request, const Progress& progress) {
  const Study study = read_study(request.at("study"));
  check_study(study);
  engine_.open(study, progress);
  const Classifier& c = engine_.classifier();
  Message out;
  out.head = {{"study", write_study(engine_.study())},
              {"runtime", runtime_json()},
              {"model",
               {{"title", engine_.study().model.text},
                {"hash", c.hash()},
                {"width", c.width()},
                {"height", c.height()},
                {"classes", c.class_names()}}},
              {"images", json::array()}};
  for (size_t i = 0; i < engine_.images().size(); ++i) {
    const EngineImage& image = engine_.images()[i];
    json j = {{"id", image.id}};
    if (!image.error.empty()) {
      j["error"] = image.error;
    } else {
      const Prediction& p = engine_.prediction(i);
      j["width"] = image.picture.width;
      j["height"] = image.picture.height;
      j["rgba"] = out.bytes.size();
      for (size_t k = 0; k + 2 < image.picture.rgb.size(); k += 3) {
        out.bytes.append(reinterpret_cast<const char*>(image.picture.rgb.data() + k), 3);
        out.bytes += '\xff';
      }
      j["mask"] = nullptr;
      if (image.has_mask()) {
        j["mask"] = out.bytes.size();
        out.bytes.append(image.mask.inside.begin(), image.mask.inside.end());
      }
      j["probabilities"] = p.probabilities;
      j["predicted"] = p.predicted;
      j["target"] = p.target;
    }
    out.head["images"].push_back(std::move(j));
  }
  return out;
}

size_t Service::image_index(const std::string& id) const {
  const auto& images = engine_.images();
  for (size_t i = 0; i < images.size(); ++i)
    if (images[i].id == id) {
      if (!images[i].error.empty()) throw Error(images[i].error);
      return i;
    }
  throw Error("there is no image '" + id + "' in the study");
}

Message Service::explain(const json& request, const Progress& progress) {
  const size_t image = image_index(request.at("image").get<std::string>());
  std::vector<StudyMethod> together;
  for (const json& m : request.value("together", json::array())) together.push_back(read_method(m));
  if (!together.empty()) engine_.explain_together(image, together, progress);
  const Explanation& e = engine_.explain(image, read_method(request.at("method")), progress);
  Message out;
  out.head = {{"shape", e.map.shape}, {"milliseconds", e.milliseconds}};
  out.bytes.assign(reinterpret_cast<const char*>(e.map.data.data()), e.map.data.size() * sizeof(float));
  return out;
}

Message Service::measure(const json& request, const Progress& progress) {
  const size_t image = image_index(request.at("image").get<std::string>());
  const json& m = request.at("metric");
  const StudyMetric metric{m.at("name").get<std::string>(), m.value("params", json::object())};
  const Score& s = engine_.measure(image, read_method(request.at("method")), metric, progress);
  Message out;
  out.head = {{"score", number_or_null(s.value)},
              {"curve", s.curve},
              {"warnings", s.warnings},
              {"direction", to_string(direction_of(metrics().at(metric.name), metric.params))},
              {"milliseconds", s.milliseconds}};
  return out;
}

Message Service::time(const json& request) {
  const size_t image = image_index(request.at("image").get<std::string>());
  const StudyMethod method = read_method(request.at("method"));
  const std::vector<int> targets = {engine_.prediction(image).target};
  const MethodTiming t =
      time_method(method.name, method.params, {engine_.classifier(), engine_.images()[image].input, targets},
                  std::clamp(request.value("repeats", usual_repeats), 1, 1000));
  Message out;
  out.head = {{"forward", t.forward}, {"method", t.method}, {"first", t.first}};
  return out;
}

Message Service::add_image(const json& request, const std::string& bytes) const {
  const std::string name = request.at("name").get<std::string>();
  Image image = decode_image(bytes, name);
  check_image_size(image, smallest_picture_side, name);
  Message out;
  const int longest = std::max(image.width, image.height);
  if (longest > embedded_side) {
    const double scale = static_cast<double>(embedded_side) / longest;
    image = resize_image(image, std::max(1, static_cast<int>(image.width * scale + 0.5)),
                         std::max(1, static_cast<int>(image.height * scale + 0.5)));
    check_image_size(image, smallest_picture_side, name);
    out.head["note"] = name + " is kept at " + std::to_string(image.width) + "x" + std::to_string(image.height) +
                       " pixels, so that a link can carry it";
  }
  out.head["image"] = {{"id", id_of(name)}, {"data", encode_base64(encode_jpeg(image, embedded_quality))}};
  return out;
}

Message Service::add_model(const json& request, const std::string& bytes) {
  const std::string name = request.at("name").get<std::string>();
  const Classifier checked(bytes, name, options_);  // throws the sentence; the study stays as it is
  files_[name] = bytes;
  Message out;
  out.head = {{"model", {{"file", name}}}, {"classes", checked.class_names()}};
  return out;
}

}  // namespace ks

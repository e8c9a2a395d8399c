#include "study/study.h"

#include <algorithm>
#include <set>

#include "study/fields.h"

namespace ks {

namespace {

// Bounds that no honest study reaches and that keep a hostile one from filling the memory.
constexpr size_t most_images = 10000, most_methods = 200, most_metrics = 200;
constexpr size_t most_embedded = 4 << 20;  // characters of base64
constexpr int most_levels = 32;

bool is_name(const std::string& text, const char* extra) {
  if (text.empty() || text.size() > 64 || text[0] == '.') return false;
  return std::all_of(text.begin(), text.end(), [extra](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string(extra).find(c) != std::string::npos;
  });
}

std::string read_sha256(const Field& field) {
  const std::string text = field.text();
  const bool fits = text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
                      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                    });
  if (!fits) field.fail("is no SHA-256", "give 64 lower-case hexadecimal digits, as sha256sum prints them");
  return text;
}

/// The one source that `field` names out of `kinds`.
Source read_source(const Field& field, const std::vector<Source::Kind>& kinds) {
  std::string known;
  std::optional<Source::Kind> kind;
  for (Source::Kind k : kinds) {
    known += (known.empty() ? "" : ", ") + std::string(to_string(k));
    if (!field.has(to_string(k))) continue;
    if (kind) field.fail("has both '" + std::string(to_string(*kind)) + "' and '" + to_string(k) + "'", "keep one");
    kind = k;
  }
  if (!kind) field.fail("does not say where it comes from", "give one of: " + known);
  const Field value = field.at(to_string(*kind));
  Source source{.kind = *kind};
  switch (*kind) {
    case Source::Kind::builtin:
      source.text = value.text();
      if (!is_name(source.text, "-_")) value.fail("'" + source.text + "' is no built-in name");
      break;
    case Source::Kind::url: {
      source.text = value.text(2000);
      const bool local = source.text.rfind("http://localhost", 0) == 0 || source.text.rfind("http://127.0.0.1", 0) == 0;
      if (source.text.rfind("https://", 0) != 0 && !local)
        value.fail("'" + source.text.substr(0, 60) + "' is no https address");
      if (!field.has("sha256"))
        field.fail("has no 'sha256'", "give the SHA-256 of the file, so that everybody gets the same one");
      source.sha256 = read_sha256(field.at("sha256"));
      break;
    }
    case Source::Kind::file:
      source.text = value.text(4000);
      if (source.text.empty()) value.fail("is empty", "give a path");
      break;
    case Source::Kind::data:
      source.text = value.text(most_embedded);
      if (source.text.empty()) value.fail("is empty", "give the base64 of a JPEG or PNG file");
      break;
    case Source::Kind::generate:
      source.recipe = value.object();
      break;
  }
  if (field.has("sha256") && *kind != Source::Kind::url) field.at("sha256").fail("belongs to a 'url' only");
  return source;
}

StudyImage read_image(const Field& field) {
  using Kind = Source::Kind;
  field.expect_keys({"id", "generate", "builtin", "url", "sha256", "file", "data", "mask"});
  StudyImage image;
  image.id = field.at("id").text();
  if (!is_name(image.id, "._-"))
    field.at("id").fail("'" + image.id + "' is no id", "use up to 64 letters, digits, '.', '_' and '-'");
  image.source = read_source(field, {Kind::generate, Kind::builtin, Kind::url, Kind::file, Kind::data});
  if (field.has("mask")) {
    if (image.source.kind == Kind::generate)
      field.at("mask").fail("does not belong to a generated picture", "it comes with its own");
    image.mask = field.at("mask").text(most_embedded);
  }
  return image;
}

template <class T>
T read_choice(const Field& field) {  // a method or a metric: a name alone, or an object
  T out;
  if (field.value().is_string()) {
    out.name = field.text();
    return out;
  }
  out.name = field.at("name").text();
  if (field.has("params")) out.params = field.at("params").object();
  return out;
}

StudyMethod read_method(const Field& field) {
  if (!field.value().is_string()) field.expect_keys({"name", "params", "label"});
  StudyMethod method = read_choice<StudyMethod>(field);
  if (field.has("label")) method.label = field.at("label").text();
  return method;
}

StudyMetric read_metric(const Field& field) {
  if (!field.value().is_string()) field.expect_keys({"name", "params"});
  return read_choice<StudyMetric>(field);
}

StudyView read_view(const Field& field) {
  field.expect_keys({"pooling", "normalisation", "colormap", "opacity", "annotation", "selected", "panel"});
  StudyView view;
  if (field.has("pooling")) view.pooling = field.at("pooling").text();
  if (field.has("normalisation")) view.normalisation = field.at("normalisation").text();
  if (field.has("colormap")) view.colormap = field.at("colormap").text();
  if (field.has("opacity")) view.opacity = field.at("opacity").number(0, 1);
  if (field.has("annotation")) view.annotation = field.at("annotation").flag();
  if (field.has("selected")) {
    const Field selected = field.at("selected");
    selected.expect_keys({"image", "method"});
    if (selected.has("image")) view.selected_image = selected.at("image").text();
    if (selected.has("method"))
      view.selected_method = static_cast<int>(selected.at("method").integer(0, most_methods - 1));
  }
  if (field.has("panel")) view.panel = field.at("panel").text();
  return view;
}

void read_version(const Field& root) {
  if (!root.has("kernelscope"))
    root.fail("the study has no version", "write \"kernelscope\": " + std::to_string(study_version) + " into it");
  const int64_t version = root.at("kernelscope").integer(1, 1000000);
  if (version > study_version)
    root.at("kernelscope")
        .fail("the study is of version " + std::to_string(version) + ", this program knows versions up to " +
                  std::to_string(study_version),
              "get a newer Kernelscope to open it");
}

json write_source(const Source& source) {
  json out = json::object();
  if (source.kind == Source::Kind::generate)
    out["generate"] = source.recipe;
  else
    out[to_string(source.kind)] = source.text;
  if (source.kind == Source::Kind::url) out["sha256"] = source.sha256;
  return out;
}

json write_view(const StudyView& view) {
  const StudyView usual;
  json out = json::object();
  if (view.pooling != usual.pooling) out["pooling"] = view.pooling;
  if (view.normalisation != usual.normalisation) out["normalisation"] = view.normalisation;
  if (view.colormap != usual.colormap) out["colormap"] = view.colormap;
  if (view.opacity != usual.opacity) out["opacity"] = view.opacity;
  if (view.annotation != usual.annotation) out["annotation"] = view.annotation;
  if (!view.selected_image.empty()) out["selected"]["image"] = view.selected_image;
  if (view.selected_method != usual.selected_method) out["selected"]["method"] = view.selected_method;
  if (!view.panel.empty()) out["panel"] = view.panel;
  return out;
}

}  // namespace

const char* to_string(Source::Kind kind) {
  switch (kind) {
    case Source::Kind::builtin:
      return "builtin";
    case Source::Kind::url:
      return "url";
    case Source::Kind::file:
      return "file";
    case Source::Kind::data:
      return "data";
    case Source::Kind::generate:
      return "generate";
  }
  return "";
}

Study read_study(const json& document) {
  const Field root(document, "");
  if (!document.is_object()) root.fail("the study is no JSON object");
  read_version(root);
  root.expect_keys(
      {"kernelscope", "title", "model", "images", "target", "methods", "metrics", "ranking", "view", "seed"});
  Study study;
  if (root.has("title")) study.title = root.at("title").text();
  const Field model = root.at("model");
  model.expect_keys({"builtin", "url", "sha256", "file"});
  study.model = read_source(model, {Source::Kind::builtin, Source::Kind::url, Source::Kind::file});
  std::set<std::string> ids;
  for (const Field& field : root.at("images").items(most_images)) {
    study.images.push_back(read_image(field));
    if (!ids.insert(study.images.back().id).second)
      field.at("id").fail("'" + study.images.back().id + "' is the id of an earlier image, too");
  }
  if (root.has("target")) {
    const Field target = root.at("target");
    if (target.value().is_number())
      study.target = static_cast<int>(target.integer(0, 1000000));
    else
      study.target = target.text();
  }
  if (root.has("methods"))
    for (const Field& field : root.at("methods").items(most_methods)) study.methods.push_back(read_method(field));
  if (root.has("metrics"))
    for (const Field& field : root.at("metrics").items(most_metrics)) study.metrics.push_back(read_metric(field));
  if (root.has("ranking")) study.ranking = read_ranking(root.at("ranking"));
  if (root.has("view")) study.view = read_view(root.at("view"));
  if (root.has("seed")) study.seed = root.at("seed").integer(0, 4294967295);
  return study;
}

json parse_json(const std::string& text, const std::string& where) {
  const auto limit = [&](int depth, json::parse_event_t, json&) {
    if (depth > most_levels) throw Error("is nested more than " + std::to_string(most_levels) + " levels deep", where);
    return true;
  };
  try {
    return json::parse(text, limit);
  } catch (const json::parse_error& e) {
    const size_t at = std::min<size_t>(e.byte == 0 ? 0 : e.byte - 1, text.size());
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    const size_t start = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
    const size_t column = at - (start == std::string::npos ? 0 : start + 1) + 1;
    throw Error("is no valid JSON from line " + std::to_string(line) + ", column " + std::to_string(column) + " on",
                where, "look for a missing comma, quote or bracket there");
  }
}

Study parse_study(const std::string& text, const std::string& where) {
  const json document = parse_json(text, where);
  try {
    return read_study(document);
  } catch (const Error& e) {
    throw Error(e.problem(), where + (e.where().empty() ? "" : ": " + e.where()), e.hint());
  }
}

json write_study(const Study& study) {
  json out = {{"kernelscope", study_version}};
  if (!study.title.empty()) out["title"] = study.title;
  out["model"] = write_source(study.model);
  out["images"] = json::array();
  for (const StudyImage& image : study.images) {
    json entry = {{"id", image.id}};
    entry.update(write_source(image.source));
    if (!image.mask.empty()) entry["mask"] = image.mask;
    out["images"].push_back(std::move(entry));
  }
  if (const int* index = std::get_if<int>(&study.target))
    out["target"] = *index;
  else if (std::get<std::string>(study.target) != "predicted")
    out["target"] = std::get<std::string>(study.target);
  out["methods"] = json::array();
  for (const StudyMethod& method : study.methods) {
    json entry = {{"name", method.name}};
    if (!method.params.empty()) entry["params"] = method.params;
    if (!method.label.empty()) entry["label"] = method.label;
    out["methods"].push_back(std::move(entry));
  }
  out["metrics"] = json::array();
  for (const StudyMetric& metric : study.metrics) {
    json entry = {{"name", metric.name}};
    if (!metric.params.empty()) entry["params"] = metric.params;
    out["metrics"].push_back(std::move(entry));
  }
  json ranking = write_ranking(study.ranking);
  if (!ranking.empty()) out["ranking"] = std::move(ranking);
  const json view = write_view(study.view);
  if (!view.empty()) out["view"] = view;
  if (study.seed != 1) out["seed"] = study.seed;
  return out;
}

}  // namespace ks

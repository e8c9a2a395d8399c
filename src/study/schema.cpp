#include "explain/method.h"
#include "metric/metric.h"
#include "picture/colormap.h"
#include "picture/normalisation.h"
#include "picture/pooling.h"
#include "study/check.h"
#include "study/pictures.h"

namespace ks {

namespace {

/// A number in range or one of the choices; a choice that ends in a colon takes a name after it.
json number_or_choice_schema(const Parameter& parameter) {
  json number = {{"type", "number"}};
  if (parameter.min) number["minimum"] = *parameter.min;
  if (parameter.max) number["maximum"] = *parameter.max;
  json any = json::array({std::move(number)});
  for (const std::string& choice : parameter.choices) {
    if (choice.back() == ':')
      any.push_back({{"type", "string"}, {"pattern", "^" + choice + "."}});
    else
      any.push_back({{"const", choice}});
  }
  return any;
}

json parameter_schema(const Parameter& parameter) {
  json out = json::object();
  switch (parameter.type) {
    case ParameterType::number:
      out["type"] = "number";
      break;
    case ParameterType::integer:
      out["type"] = "integer";
      break;
    case ParameterType::boolean:
      out["type"] = "boolean";
      break;
    case ParameterType::choice:
      out["enum"] = parameter.choices;
      break;
    case ParameterType::text:
      out["type"] = "string";
      break;
    case ParameterType::list:
      out["type"] = "array";
      if (!parameter.choices.empty()) out["items"] = {{"anyOf", number_or_choice_schema(parameter)}};
      break;
    case ParameterType::value:
      if (!parameter.choices.empty()) out["anyOf"] = number_or_choice_schema(parameter);
      break;
  }
  const bool ranges_inside = parameter.type == ParameterType::list || out.contains("anyOf");
  if (parameter.min && !ranges_inside) out["minimum"] = *parameter.min;
  if (parameter.max && !ranges_inside) out["maximum"] = *parameter.max;
  out["default"] = parameter.default_value;
  out["description"] = parameter.help + (parameter.unit.empty() ? "" : " [" + parameter.unit + "]");
  return out;
}

json parameters_schema(const Entry& entry) {
  json properties = json::object();
  for (const Parameter& p : entry.parameters) properties[p.name] = parameter_schema(p);
  return {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
}

/// An object {"name": ..., "params": {...}} for one entry.
json entry_schema(const Entry& entry, bool labelled) {
  json properties = {{"name", {{"const", entry.name}}}, {"params", parameters_schema(entry)}};
  if (labelled) properties["label"] = {{"type", "string"}, {"maxLength", 200}};
  return {{"title", entry.title}, {"description", entry.description},
          {"type", "object"},     {"properties", std::move(properties)},
          {"required", {"name"}}, {"additionalProperties", false}};
}

template <class T>
json choices_schema(const Registry<T>& registry, bool labelled) {
  json any = json::array();
  any.push_back({{"enum", registry.names()}});
  for (const T& entry : registry) any.push_back(entry_schema(entry, labelled));
  return {{"type", "array"}, {"maxItems", 200}, {"items", {{"anyOf", std::move(any)}}}};
}

json object_schema(json properties, json required) {
  json out = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

json text_schema(const char* description) {
  return {{"type", "string"}, {"description", description}};
}

json source_schema(const std::vector<Source::Kind>& kinds, json properties, json required) {
  const json sha = {{"type", "string"}, {"pattern", "^[0-9a-f]{64}$"}};
  json one_of = json::array();
  for (Source::Kind kind : kinds) {
    json needed = json::array({to_string(kind)});
    switch (kind) {
      case Source::Kind::builtin:
        properties["builtin"] = text_schema("what comes with the program");
        break;
      case Source::Kind::url:
        properties["url"] = {{"type", "string"}, {"pattern", "^https://"}};
        properties["sha256"] = sha;
        needed.push_back("sha256");
        break;
      case Source::Kind::file:
        properties["file"] = text_schema("a path, relative to the study's file");
        break;
      case Source::Kind::data:
        properties["data"] = text_schema("base64 of a JPEG or PNG file");
        break;
      case Source::Kind::generate:
        properties["generate"] = parameters_schema(recipe_entry());
        break;
    }
    one_of.push_back({{"required", std::move(needed)}});
  }
  json out = object_schema(std::move(properties), std::move(required));
  out["oneOf"] = std::move(one_of);
  return out;
}

}  // namespace

json study_schema() {
  using Kind = Source::Kind;
  json image_properties = {
      {"id", {{"type", "string"}, {"pattern", "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$"}}},
      {"mask", text_schema("annotation: a path beside 'file', else base64 of a PNG; white is inside")}};
  json view = object_schema(
      {{"pooling", {{"enum", poolings().names()}}},
       {"normalisation", {{"enum", normalisations().names()}}},
       {"colormap", {{"enum", colormaps().names()}}},
       {"opacity", {{"type", "number"}, {"minimum", 0}, {"maximum", 1}}},
       {"annotation", {{"type", "boolean"}}},
       {"selected", object_schema({{"image", {{"type", "string"}}}, {"method", {{"type", "integer"}, {"minimum", 0}}}},
                                  json::array())},
       {"panel", {{"type", "string"}}}},
      json::array());
  json out = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Kernelscope study"}};
  out.update(
      object_schema({{"kernelscope", {{"type", "integer"}, {"minimum", 1}, {"maximum", study_version}}},
                     {"title", {{"type", "string"}, {"maxLength", 200}}},
                     {"model", source_schema({Kind::builtin, Kind::url, Kind::file}, json::object(), json::array())},
                     {"images",
                      {{"type", "array"},
                       {"maxItems", 10000},
                       {"items", source_schema({Kind::generate, Kind::builtin, Kind::url, Kind::file, Kind::data},
                                               std::move(image_properties), json::array({"id"}))}}},
                     {"target",
                      {{"anyOf", {{{"type", "integer"}, {"minimum", 0}}, {{"type", "string"}}}},
                       {"default", "predicted"},
                       {"description", "\"predicted\", the name of a class, or its index"}}},
                     {"methods", choices_schema(methods(), true)},
                     {"metrics", choices_schema(metrics(), false)},
                     {"ranking", ranking_schema()},
                     {"view", std::move(view)},
                     {"seed", {{"type", "integer"}, {"minimum", 0}, {"maximum", 4294967295}, {"default", 1}}}},
                    json::array({"kernelscope", "model", "images"})));
  return out;
}

}  // namespace ks

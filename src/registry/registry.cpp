#include "registry/registry.h"

#include <algorithm>
#include <cmath>

#include "tensor/error.h"

namespace ks {

namespace {

std::string range_text(const Parameter& p) {
  const auto text = [](double v) { return json(v == std::floor(v) ? json(static_cast<int64_t>(v)) : json(v)).dump(); };
  if (p.min && p.max) return "from " + text(*p.min) + " to " + text(*p.max);
  if (p.min) return "at least " + text(*p.min);
  return "at most " + text(*p.max);
}

const char* type_name(ParameterType type) {
  switch (type) {
    case ParameterType::number:
      return "number";
    case ParameterType::integer:
      return "integer";
    case ParameterType::boolean:
      return "boolean";
    case ParameterType::choice:
      return "choice";
    case ParameterType::text:
      return "text";
    case ParameterType::list:
      return "list";
    case ParameterType::value:
      return "value";
  }
  return "";
}

void check_number(const Parameter& p, const json& v, const std::string& where) {
  const double x = v.get<double>();
  if (!std::isfinite(x) || (p.min && x < *p.min) || (p.max && x > *p.max))
    throw Error("'" + p.name + "' is " + v.dump(), where, "it must be " + (p.min || p.max ? range_text(p) : "finite"));
}

/// "a number from -10 to 10, mean, blur or image:..." in words.
std::string number_or_choices(const Parameter& p) {
  std::string out = "a number" + (p.min || p.max ? " " + range_text(p) : "");
  for (size_t i = 0; i < p.choices.size(); ++i)
    out += (i + 1 == p.choices.size() ? " or " : ", ") + p.choices[i] + (p.choices[i].back() == ':' ? "NAME" : "");
  return out;
}

bool is_choice(const Parameter& p, const std::string& text) {
  return std::any_of(p.choices.begin(), p.choices.end(), [&](const std::string& choice) {
    return choice.back() == ':' ? text.size() > choice.size() && text.rfind(choice, 0) == 0 : text == choice;
  });
}

/// A number in range or one of the choices.
json check_number_or_choice(const Parameter& p, const json& v, const std::string& where) {
  if (v.is_string() && is_choice(p, v.get<std::string>())) return v;
  const double x = v.is_number() ? v.get<double>() : NAN;
  if (std::isfinite(x) && (!p.min || x >= *p.min) && (!p.max || x <= *p.max)) return x;
  throw Error("'" + p.name + "' is " + v.dump(), where, "it must be " + number_or_choices(p));
}

json check_value(const Parameter& p, const json& v, const std::string& where) {
  const auto wrong = [&](const std::string& wanted) {
    throw Error("'" + p.name + "' is " + v.dump(), where, "it must be " + wanted);
  };
  switch (p.type) {
    case ParameterType::number:
      if (!v.is_number()) wrong("a number");
      check_number(p, v, where);
      return v.get<double>();
    case ParameterType::integer:
      if (!v.is_number() || v.get<double>() != std::floor(v.get<double>()) || std::fabs(v.get<double>()) > 2e9)
        wrong("a whole number");
      check_number(p, v, where);
      return static_cast<int64_t>(v.get<double>());
    case ParameterType::boolean:
      if (!v.is_boolean()) wrong("true or false");
      return v;
    case ParameterType::choice:
      if (!v.is_string() || std::find(p.choices.begin(), p.choices.end(), v.get<std::string>()) == p.choices.end())
        wrong("one of " + join(p.choices));
      return v;
    case ParameterType::text:
      if (!v.is_string()) wrong("a text");
      return v;
    case ParameterType::list:
      if (!v.is_array()) wrong("a list");
      if (!p.choices.empty()) {
        json checked = json::array();
        for (const json& element : v) checked.push_back(check_number_or_choice(p, element, where));
        return checked;
      }
      return v;
    case ParameterType::value:
      return p.choices.empty() ? v : check_number_or_choice(p, v, where);
  }
  return v;
}

}  // namespace

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : ", ") + w;
  return out;
}

Params check_parameters(const Entry& entry, const json& given) {
  if (!given.is_null() && !given.is_object())
    throw Error("parameters are " + given.dump(), entry.name, "give an object of names and values");
  if (given.is_object()) {
    std::vector<std::string> known;
    for (const Parameter& p : entry.parameters) known.push_back(p.name);
    for (const auto& item : given.items()) {
      if (std::find(known.begin(), known.end(), item.key()) == known.end())
        throw Error("has no parameter '" + item.key() + "'", entry.name,
                    known.empty() ? "it takes none" : "it takes " + join(known));
    }
  }
  json checked = json::object();
  for (const Parameter& p : entry.parameters) {
    const bool present = given.is_object() && given.contains(p.name);
    checked[p.name] = present ? check_value(p, given.at(p.name), entry.name) : p.default_value;
  }
  return Params(std::move(checked));
}

std::string allowed_values(const Parameter& p) {
  if (!p.choices.empty() && p.type != ParameterType::choice)
    return (p.type == ParameterType::list ? "a list, each element " : "") + number_or_choices(p);
  if (!p.choices.empty()) return "one of " + join(p.choices);
  if (p.min || p.max) return range_text(p);
  return p.type == ParameterType::boolean ? "true or false"
         : p.type == ParameterType::value ? "any"
                                          : type_name(p.type);
}

json parse_parameter(const std::string& text) {
  json value = json::parse(text, nullptr, false);
  return value.is_discarded() ? json(text) : value;
}

json describe(const Entry& entry) {
  json parameters = json::array();
  for (const Parameter& p : entry.parameters) {
    json out = {{"name", p.name}, {"type", type_name(p.type)}, {"default", p.default_value}, {"help", p.help}};
    if (p.min) out["min"] = *p.min;
    if (p.max) out["max"] = *p.max;
    if (!p.unit.empty()) out["unit"] = p.unit;
    if (!p.choices.empty()) out["choices"] = p.choices;
    parameters.push_back(std::move(out));
  }
  return {{"name", entry.name},
          {"title", entry.title},
          {"family", entry.family},
          {"citation", entry.citation},
          {"description", entry.description},
          {"misleads", entry.misleads},
          {"formula", entry.formula},
          {"parameters", std::move(parameters)}};
}

std::string nearest_name(const std::string& name, const std::vector<std::string>& known) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    std::vector<size_t> row(candidate.size() + 1);
    for (size_t j = 0; j <= candidate.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= name.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= candidate.size(); ++j) {
        const size_t replaced = diagonal + (name[i - 1] != candidate[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

void throw_unknown_name(const std::string& kind, const std::string& name, const std::vector<std::string>& known) {
  const std::string near = nearest_name(name, known);
  throw Error("there is no " + kind + " '" + name + "'", "",
              near.empty() ? "known: " + join(known) : "did you mean '" + near + "'?");
}

}  // namespace ks

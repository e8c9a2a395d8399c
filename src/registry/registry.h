#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ks {

using json = nlohmann::ordered_json;

enum class ParameterType {
  number,   // finite double
  integer,  // whole number
  boolean,
  choice,  // one of `choices`
  text,    // any string: a tensor name, a file
  list,    // JSON array; each element like `value`
  value    // any JSON value, where a parameter takes several kinds (a number or "all"); the function checks it, unless
           // there are `choices`
};

/// One parameter of a registry entry. From it come the command line's help, the app's sliders and the check of a study.
struct Parameter {
  std::string name;  // snake_case
  ParameterType type = ParameterType::number;
  json default_value;
  std::string help;                // one line
  std::optional<double> min = {};  // inclusive
  std::optional<double> max = {};  // inclusive
  std::string unit = {};           // "px", "samples", ...; empty for a plain number
  /// The texts a `choice` takes. Of a `value` or a `list`: it takes finite numbers in range and these texts, and one
  /// that ends in a colon takes a name after it ("image:" takes "image:healthy").
  std::vector<std::string> choices = {};
};

/// What every registry entry says of itself. `name` is kebab-case and final: studies carry it.
struct Entry {
  std::string name;
  std::string title;
  std::string family;
  std::string citation;
  std::string description;  // one or two sentences: what it computes
  std::vector<Parameter> parameters;
  std::string misleads = {};  // one or two sentences: when its picture or number must not be trusted
  std::string formula = {};   // in plain Unicode, one line or several
};

/// Checked parameters: every declared one is present and in range.
class Params {
 public:
  Params() = default;
  explicit Params(json values) : values_(std::move(values)) {}

  double number(const char* name) const { return values_.at(name).get<double>(); }
  int integer(const char* name) const { return values_.at(name).get<int>(); }
  bool flag(const char* name) const { return values_.at(name).get<bool>(); }
  std::string text(const char* name) const { return values_.at(name).get<std::string>(); }
  const json& value(const char* name) const { return values_.at(name); }
  bool has(const char* name) const { return values_.contains(name); }
  /// All parameters in the order of the entry: part of a cache key.
  const json& all() const { return values_; }

 private:
  json values_ = json::object();
};

/// Fills in defaults. Throws Error naming the entry and the parameter when one is unknown, of the wrong type or out of
/// range.
Params check_parameters(const Entry& entry, const json& given);

/// Which values a parameter takes, in words: "from 1 to 1000", "one of slic, grid", "true or false", "text", "any".
std::string allowed_values(const Parameter& parameter);

/// "0.5" -> 0.5, "[8,8]" -> list, "true" -> true; what is no JSON stays a string.
json parse_parameter(const std::string& text);

/// One entry as JSON: for `kernelscope list --json`, the app's panels and the study's schema.
json describe(const Entry& entry);

/// "a, b, c": a list of names for a message.
std::string join(const std::vector<std::string>& words);

/// "did you mean" for user-visible names: the nearest of `known` in edit distance, or empty when none is near.
std::string nearest_name(const std::string& name, const std::vector<std::string>& known);

/// Throws the Error for an unknown name of `kind` ("method", "metric", ...), with the nearest known one as hint.
[[noreturn]] void throw_unknown_name(const std::string& kind, const std::string& name,
                                     const std::vector<std::string>& known);

/// A table of entries of type T, which derives from Entry. Built once by a function `const Registry<T>& things()`.
template <class T>
class Registry {
 public:
  Registry(std::string kind, std::vector<T> entries) : kind_(std::move(kind)), entries_(std::move(entries)) {}

  const T* find(const std::string& name) const {
    for (const T& entry : entries_)
      if (entry.name == name) return &entry;
    return nullptr;
  }
  /// Throws Error for an unknown name, with a suggestion.
  const T& at(const std::string& name) const {
    if (const T* entry = find(name)) return *entry;
    throw_unknown_name(kind_, name, names());
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const T& entry : entries_) out.push_back(entry.name);
    return out;
  }
  const std::string& kind() const { return kind_; }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  size_t size() const { return entries_.size(); }

 private:
  std::string kind_;
  std::vector<T> entries_;
};

}  // namespace ks

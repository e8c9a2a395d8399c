#pragma once
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "registry/registry.h"
#include "tensor/error.h"

namespace ks {

/// A JSON value of a document together with its place in it ("images[2].generate"), for messages. The readers throw
/// Error with that place.
class Field {
 public:
  Field(const json& value, std::string place) : value_(value), place_(std::move(place)) {}

  const json& value() const { return value_; }
  const std::string& place() const { return place_; }

  [[noreturn]] void fail(const std::string& what, const std::string& hint = "") const {
    throw Error(what, place_, hint);
  }

  /// The value must be an object and have no other keys than these.
  void expect_keys(const std::vector<std::string>& known) const {
    if (!value_.is_object()) fail("is " + kind() + ", not an object");
    for (const auto& item : value_.items()) {
      bool found = false;
      for (const std::string& key : known) found = found || key == item.key();
      if (found) continue;
      const std::string near = nearest_name(item.key(), known);
      std::string hint = "known are: ";
      for (size_t i = 0; i < known.size(); ++i) hint += (i ? ", " : "") + known[i];
      fail((place_.empty() ? "the study has" : "has") + std::string(" an unknown key '") + item.key() + "'",
           near.empty() ? hint : "did you mean '" + near + "'?");
    }
  }

  bool has(const char* key) const { return value_.is_object() && value_.contains(key); }
  Field at(const char* key) const {
    const std::string place = place_.empty() ? key : place_ + "." + key;
    if (!has(key)) throw Error("is missing", place);
    return {value_.at(key), place};
  }
  std::vector<Field> items(size_t most) const {
    if (!value_.is_array()) fail("is " + kind() + ", not a list");
    if (value_.size() > most)
      fail("has " + std::to_string(value_.size()) + " entries", "at most " + std::to_string(most) + " are possible");
    std::vector<Field> out;
    for (size_t i = 0; i < value_.size(); ++i) out.emplace_back(value_[i], place_ + "[" + std::to_string(i) + "]");
    return out;
  }

  std::string text(size_t most = 200) const {
    if (!value_.is_string()) fail("is " + kind() + ", not a text");
    const std::string& text = value_.get_ref<const std::string&>();
    if (text.size() > most) fail("is longer than " + std::to_string(most) + " characters");
    return text;
  }
  double number(double low, double high) const {
    if (!value_.is_number()) fail("is " + kind() + ", not a number");
    const double x = value_.get<double>();
    if (!(x >= low && x <= high)) fail("is " + value_.dump(), "it must be from " + plain(low) + " to " + plain(high));
    return x;
  }
  int64_t integer(int64_t low, int64_t high) const {
    const double x = number(static_cast<double>(low), static_cast<double>(high));
    if (x != std::floor(x)) fail("is " + value_.dump(), "it must be a whole number");
    return static_cast<int64_t>(x);
  }
  bool flag() const {
    if (!value_.is_boolean()) fail("is " + kind() + ", not true or false");
    return value_.get<bool>();
  }
  json object() const {
    if (!value_.is_object()) fail("is " + kind() + ", not an object");
    return value_;
  }

 private:
  static std::string plain(double x) {
    return json(x == std::floor(x) ? json(static_cast<int64_t>(x)) : json(x)).dump();
  }
  std::string kind() const {
    switch (value_.type()) {
      case json::value_t::null:
        return "null";
      case json::value_t::object:
        return "an object";
      case json::value_t::array:
        return "a list";
      case json::value_t::string:
        return "a text";
      case json::value_t::boolean:
        return "true or false";
      default:
        return "a number";
    }
  }

  const json& value_;
  std::string place_;
};

}  // namespace ks

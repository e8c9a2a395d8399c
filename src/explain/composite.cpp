#include "explain/composite.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include "tensor/error.h"

namespace ks {

namespace {

using backward::Composite;
using backward::LayerKind;
using backward::Rule;
using backward::RuleKind;

/// A rule's name and the parameters it takes.
struct RuleName {
  RuleKind kind;
  std::vector<std::string> parameters;
};

const std::map<std::string, RuleName>& rules() {
  static const std::map<std::string, RuleName> table = {
      {"0", {RuleKind::zero, {}}},
      {"epsilon", {RuleKind::epsilon, {"epsilon"}}},
      {"gamma", {RuleKind::gamma, {"gamma", "stabilizer"}}},
      {"generalised-gamma", {RuleKind::generalised_gamma, {"gamma", "stabilizer"}}},
      {"z-plus", {RuleKind::z_plus, {"stabilizer"}}},
      {"alpha-beta", {RuleKind::alpha_beta, {"alpha", "beta", "stabilizer"}}},
      {"z-box", {RuleKind::z_box, {"low", "high", "stabilizer"}}},
      {"w-square", {RuleKind::w_square, {"stabilizer"}}},
      {"flat", {RuleKind::flat, {"stabilizer"}}},
      {"pass", {RuleKind::pass, {}}},
      {"norm", {RuleKind::norm, {"stabilizer"}}},
      {"gradient", {RuleKind::gradient, {}}}};
  return table;
}

/// Where a kind of layer's rule stands in the composite, and which kinds of nodes it must suit.
struct Slot {
  Rule Composite::*rule;
  std::vector<LayerKind> kinds;
};

const std::map<std::string, Slot>& slots() {
  static const std::map<std::string, Slot> table = {
      {"first", {&Composite::first, {LayerKind::convolution}}},
      {"convolution", {&Composite::convolution, {LayerKind::convolution}}},
      {"dense", {&Composite::dense, {LayerKind::dense}}},
      {"activation", {&Composite::activation, {LayerKind::activation}}},
      {"sum", {&Composite::sum, {LayerKind::sum}}},
      {"average-pool", {&Composite::average_pool, {LayerKind::average_pool}}},
      {"max-pool", {&Composite::max_pool, {LayerKind::max_pool}}},
      {"normalisation", {&Composite::normalisation, {LayerKind::normalisation}}},
      {"product", {&Composite::product, {LayerKind::product}}}};
  return table;
}

template <class Map>
std::vector<std::string> keys(const Map& map) {
  std::vector<std::string> out;
  for (const auto& [key, value] : map) out.push_back(key);
  return out;
}

/// What is wrong with the entry of one layer.
[[noreturn]] void fail(const std::string& key, const std::string& what, const std::string& hint = "") {
  throw Error("'" + key + "' " + what, "rules", hint);
}

float number(const json& given, const std::string& key, const char* name, float fallback, double min, double max) {
  if (!given.contains(name)) return fallback;
  const json& value = given.at(name);
  if (!value.is_number()) fail(key, std::string("has ") + name + " " + value.dump(), "it must be a number");
  const double v = value.get<double>();
  if (!(v >= min && v <= max)) {
    std::ostringstream range;
    range << "it must be from " << min << " to " << max;
    fail(key, std::string("has ") + name + " " + value.dump(), range.str());
  }
  return static_cast<float>(v);
}

Rule parse_rule(const std::string& key, const json& given, const CompositeDefaults& defaults) {
  const json entry = given.is_object() ? given : json{{"rule", given}};
  if (!entry.contains("rule")) fail(key, "has no rule", "write for example {\"rule\": \"epsilon\", \"epsilon\": 1e-6}");
  json name = entry.at("rule");
  if (name.is_number_integer() && name == 0) name = "0";
  if (!name.is_string()) fail(key, "has the rule " + name.dump(), "the rules are " + join(keys(rules())));
  const auto it = rules().find(name.get<std::string>());
  if (it == rules().end()) {
    const std::string near = nearest_name(name.get<std::string>(), keys(rules()));
    fail(key, "has the unknown rule " + name.dump(),
         near.empty() ? "the rules are " + join(keys(rules())) : "did you mean '" + near + "'?");
  }
  const auto& takes = it->second.parameters;
  for (const auto& [parameter, value] : entry.items())
    if (parameter != "rule" && parameter != "layer" && std::find(takes.begin(), takes.end(), parameter) == takes.end())
      fail(key, "gives the rule " + name.dump() + " the parameter '" + parameter + "', which it has not",
           takes.empty() ? "it takes none" : "it takes " + join(takes));
  Rule rule;
  rule.kind = it->second.kind;
  rule.use_bias = defaults.use_bias;
  rule.stabilizer = number(entry, key, rule.kind == RuleKind::epsilon ? "epsilon" : "stabilizer", rule.stabilizer,
                           rule.kind == RuleKind::epsilon ? 0 : 1e-12, 1);
  rule.gamma = number(entry, key, "gamma", rule.gamma, 0, 100);
  rule.alpha = number(entry, key, "alpha", rule.alpha, 0, 100);
  rule.beta = number(entry, key, "beta", rule.beta, 0, 100);
  if (rule.kind == RuleKind::alpha_beta && std::abs(rule.alpha - rule.beta - 1) > 1e-5f)
    fail(key, "has alpha " + json(rule.alpha).dump() + " and beta " + json(rule.beta).dump(), "alpha - beta must be 1");
  rule.low = number(entry, key, "low", defaults.low, -1e6, 1e6);
  rule.high = number(entry, key, "high", defaults.high, -1e6, 1e6);
  if (rule.kind == RuleKind::z_box && !(rule.low < rule.high)) fail(key, "has a box with low not below high");
  return rule;
}

class Parser {
 public:
  Parser(const Classifier& c, const CompositeDefaults& defaults)
      : defaults_(defaults), pass_(c.model(), c.input_shape(), c.backend(), c.where()) {
    const auto usual = [&](RuleKind kind) {
      Rule rule;
      rule.kind = kind;
      rule.use_bias = defaults.use_bias;
      return rule;
    };
    out_ = {usual(RuleKind::epsilon),  usual(RuleKind::epsilon), usual(RuleKind::epsilon),
            usual(RuleKind::pass),     usual(RuleKind::norm),    usual(RuleKind::norm),
            usual(RuleKind::gradient), usual(RuleKind::norm),    usual(RuleKind::norm)};
    for (const graph::Node& node : c.model().nodes)
      for (const std::string& name : {node.name, node.outputs.at(0)})
        if (!name.empty()) nodes_[name] = &node;
  }

  void add(const std::string& key, const json& given) {
    const Rule rule = parse_rule(key, given, defaults_);
    const auto slot = slots().find(key);
    if (slot != slots().end()) {
      for (LayerKind kind : slot->second.kinds) check(key, rule.kind, kind);
      out_.*slot->second.rule = rule;
      seen_.insert(key);
      return;
    }
    const auto node = nodes_.find(key);
    if (node == nodes_.end()) {
      std::vector<std::string> known = keys(slots());
      for (const auto& [name, value] : nodes_) known.push_back(name);
      const std::string near = nearest_name(key, known);
      fail(key, "is no kind of layer, and no node or tensor of the network",
           (near.empty() ? "" : "did you mean '" + near + "'? ") + "kinds are " + join(keys(slots())));
    }
    check(key, rule.kind, backward::kind_of(pass_, *node->second));
    out_.named[key] = rule;
  }

  /// The first layer follows the convolutions where the table does not name it.
  Composite finish() {
    if (!seen_.count("first")) out_.first = out_.convolution;
    return out_;
  }

 private:
  void check(const std::string& key, RuleKind rule, LayerKind kind) {
    if (backward::allows(kind, rule)) return;
    std::vector<std::string> fit;
    std::string rule_name;
    for (const auto& [name, candidate] : rules()) {
      if (backward::allows(kind, candidate.kind)) fit.push_back(name);
      if (candidate.kind == rule) rule_name = name;
    }
    fail(key, "cannot take the rule '" + rule_name + "'", "it can take " + join(fit));
  }

  CompositeDefaults defaults_;
  backward::Pass pass_;
  Composite out_;
  std::map<std::string, const graph::Node*> nodes_;
  std::set<std::string> seen_;
};

}  // namespace

Composite parse_composite(const json& table, const Classifier& classifier, const CompositeDefaults& defaults) {
  Parser parser(classifier, defaults);
  if (table.is_object()) {
    for (const auto& [key, rule] : table.items()) parser.add(key, rule);
  } else if (table.is_array()) {
    for (const json& entry : table) {
      if (!entry.is_object() || !entry.contains("layer") || !entry.at("layer").is_string())
        throw Error("an entry of the list is " + entry.dump(), "rules",
                    "write for example {\"layer\": \"convolution\", \"rule\": \"z-plus\"}");
      parser.add(entry.at("layer").get<std::string>(), entry);
    }
  } else {
    throw Error("the table is " + table.dump(), "rules", "it must be an object or a list");
  }
  return parser.finish();
}

}  // namespace ks

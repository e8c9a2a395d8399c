#include <cstdio>
#include <iomanip>
#include <iostream>
#include <memory>
#include <sstream>

#include "cli/command.h"
#include "explain/method.h"
#include "grain/annotate.h"
#include "metric/metric.h"
#include "picture/colormap.h"
#include "picture/normalisation.h"
#include "picture/pooling.h"
#include "rank/rank.h"
#include "segment/segments.h"
#include "tensor/error.h"

namespace ks::cli {

namespace {

/// One registry, seen as its entries.
struct Listing {
  std::string name;  // plural
  std::vector<Entry> entries;
};

template <class T>
Listing listing(const std::string& name, const Registry<T>& registry) {
  return {name, {registry.begin(), registry.end()}};
}

std::vector<Listing> listings() {
  return {listing("methods", methods()),
          listing("metrics", metrics()),
          listing("poolings", poolings()),
          listing("normalisations", normalisations()),
          listing("colormaps", colormaps()),
          listing("segmentations", segmentations()),
          listing("annotation-styles", annotation_styles()),
          listing("overall-rankings", overall_rankings())};
}

void print_entry(const Entry& entry, bool details) {
  std::cout << "  " << std::left << std::setw(30) << entry.name << " " << entry.title << "\n";
  if (!details) return;
  std::cout << "      " << entry.description << "\n";
  if (!entry.misleads.empty()) std::cout << "      " << entry.misleads << "\n";
  std::istringstream formula(entry.formula);
  for (std::string line; std::getline(formula, line);) std::cout << "      " << line << "\n";
  if (!entry.citation.empty()) std::cout << "      " << entry.citation << "\n";
  for (const ks::Parameter& p : entry.parameters)
    std::cout << "      --param " << p.name << "=" << p.default_value.dump() << (p.unit.empty() ? "" : " " + p.unit)
              << "   " << p.help << "\n";
}

}  // namespace

Action list(CLI::App& app) {
  struct Options {
    std::string registry, entry;
  };
  auto options = std::make_shared<Options>();
  app.add_option("registry", options->registry, "Which registry (methods, metrics, ...); all when left out");
  app.add_option("entry", options->entry, "One entry of it, with its parameters");
  return [options](Context& context) {
    const std::vector<Listing> all = listings();
    std::vector<std::string> names;
    for (const Listing& l : all) names.push_back(l.name);
    ks::json out = ks::json::object();
    bool found = options->registry.empty();
    for (const Listing& l : all) {
      if (!options->registry.empty() && l.name != options->registry) continue;
      found = true;
      bool found_entry = options->entry.empty();
      out[l.name] = ks::json::array();
      if (!context.json) std::cout << l.name << "\n";
      for (const Entry& entry : l.entries) {
        if (!options->entry.empty() && entry.name != options->entry) continue;
        found_entry = true;
        out[l.name].push_back(describe(entry));
        if (!context.json) print_entry(entry, !options->entry.empty());
      }
      if (!found_entry) {
        std::vector<std::string> known;
        for (const Entry& entry : l.entries) known.push_back(entry.name);
        throw_unknown_name("entry of " + l.name, options->entry, known);
      }
    }
    if (!found) throw_unknown_name("registry", options->registry, names);
    if (context.json) context.print(out);
  };
}

}  // namespace ks::cli

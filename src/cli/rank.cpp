#include "rank/rank.h"

#include <cmath>
#include <iomanip>
#include <iostream>
#include <memory>

#include "cli/command.h"
#include "rank/score_table.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace ks::cli {

namespace {

json to_json(const ScoreTable& scores, const RankTable& table, const std::string& overall) {
  json rows = json::array();
  for (const size_t m : table.order) {
    json ranks = json::object(), means = json::object();
    for (size_t k = 0; k < scores.metrics.size(); ++k) {
      ranks[scores.metrics[k]] = table.ranks[k][m];
      means[scores.metrics[k]] = table.means[k][m];
    }
    rows.push_back({{"method", scores.methods[m]}, {"overall", table.overall[m]}, {"ranks", ranks}, {"means", means}});
  }
  return {{"overall", overall}, {"methods", rows}};
}

void print_number(double value, int width, int digits) {
  if (std::isnan(value))
    std::cout << std::setw(width) << "-";
  else
    std::cout << std::setw(width) << std::fixed << std::setprecision(digits) << value;
}

/// One line a method, best first; one column a metric with rank and mean score.
void print_table(const ScoreTable& scores, const RankTable& table) {
  size_t name_width = 6;
  for (const std::string& name : scores.methods) name_width = std::max(name_width, name.size());
  std::cout << std::left << std::setw(static_cast<int>(name_width)) << "method" << std::right << std::setw(13)
            << table.overall_title;
  for (const std::string& name : scores.metrics)
    std::cout << std::setw(static_cast<int>(std::max<size_t>(name.size(), 14) + 2)) << name;
  std::cout << "\n";
  for (const size_t m : table.order) {
    std::cout << std::left << std::setw(static_cast<int>(name_width)) << scores.methods[m] << std::right;
    print_number(table.overall[m], 13, 2);
    for (size_t k = 0; k < scores.metrics.size(); ++k) {
      const double rank = table.ranks[k][m];
      print_number(rank, static_cast<int>(std::max<size_t>(scores.metrics[k].size(), 14) + 2) - 10,
                   rank == std::floor(rank) ? 0 : 2);
      std::cout << " ";
      print_number(table.means[k][m], 9, 4);
    }
    std::cout << "\n";
  }
  std::cout << "\nUnder each metric: rank (1 is best), mean score (";
  for (size_t k = 0; k < scores.metrics.size(); ++k)
    std::cout << (k ? ", " : "") << scores.metrics[k] << " " << to_string(scores.directions[k]);
  std::cout << " is better).\n";
}

}  // namespace

Action rank(CLI::App& app) {
  struct Options {
    std::string file, overall = "mean-rank", of = "means";
  };
  auto o = std::make_shared<Options>();
  app.add_option("scores", o->file, "scores.csv or results.json of `kernelscope run`")->required();
  app.add_option("--overall", o->overall, "How the ranks per metric become one order: mean-rank, median-rank");
  app.add_option("--of", o->of,
                 "What is ranked: the means over the images, or the methods on each image (then averaged)")
      ->check(CLI::IsMember({"means", "images"}));
  return [o](Context& context) {
    overall_rankings().at(o->overall);
    const std::string text = read_file(o->file);
    const size_t first = text.find_first_not_of(" \t\r\n");
    const bool is_json = first != std::string::npos && text[first] == '{';
    const ScoreTable scores = is_json ? read_results_scores(text, o->file) : read_scores_csv(text, o->file);
    const RankTable table = rank_methods(scores, o->overall, o->of == "images" ? RankOf::images : RankOf::means);
    if (context.json)
      context.print(to_json(scores, table, o->overall));
    else
      print_table(scores, table);
  };
}

}  // namespace ks::cli

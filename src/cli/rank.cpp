#include "rank/certainty.h"

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

json to_json(const ScoreTable& scores, const RankTable& table, const OrderCertainty& certainty,
             const RankOptions& options) {
  json rows = json::array();
  for (const size_t m : table.order) {
    json ranks = json::object(), means = json::object(), categories = json::object();
    for (size_t k = 0; k < scores.metrics.size(); ++k) {
      ranks[scores.metrics[k]] = table.ranks[k][m];
      means[scores.metrics[k]] = table.means[k][m];
    }
    for (size_t c = 0; c < table.categories.size(); ++c)
      categories[table.categories[c].name] = table.category_ranks[c][m];
    rows.push_back({{"method", scores.methods[m]},
                    {"overall", table.overall[m]},
                    {"categories", categories},
                    {"ranks", ranks},
                    {"means", means}});
  }
  return {{"overall", options.overall}, {"methods", rows}, {"certainty", certainty_json(scores, certainty)}};
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

/// One line a method: its places in the redrawn orders.
void print_monte_carlo(const ScoreTable& scores, const MonteCarloOrder& order) {
  if (order.draws == 0) return;
  size_t name_width = 6;
  for (const std::string& name : scores.methods) name_width = std::max(name_width, name.size());
  std::cout << "\nImages and metrics drawn anew " << order.draws << " times:\n"
            << std::left << std::setw(static_cast<int>(name_width)) << "method" << std::right
            << "  mean rank   95 % of draws   first   best three\n";
  for (const size_t m : order.order) {
    std::cout << std::left << std::setw(static_cast<int>(name_width)) << scores.methods[m] << std::right;
    print_number(order.mean_rank[m], 11, 2);
    print_number(order.low[m], 8, 1);
    std::cout << " to";
    print_number(order.high[m], 5, 1);
    print_number(100 * order.first[m], 7, 1);
    std::cout << " %";
    print_number(100 * order.best_three[m], 11, 1);
    std::cout << " %\n";
  }
}

void print_tests(const ScoreTable& scores, const OrderCertainty& certainty) {
  const FriedmanTest& test = certainty.over_images;
  if (test.blocks > 1 && test.order.size() > 1) {
    std::cout << "\nFriedman's test over " << test.blocks << " images: chi-squared " << std::setprecision(2)
              << std::fixed << test.chi_squared << ", p " << std::scientific << test.f_p
              << " (Iman and Davenport); mean ranks nearer than " << std::fixed << test.critical_difference
              << " do not differ.\n";
    for (const auto& group : test.groups) {
      std::cout << "  no difference:";
      for (const size_t m : group) std::cout << " " << scores.methods[m];
      std::cout << "\n";
    }
  }
  if (!certainty.agreement.contradictions.empty())
    std::cout << "\nMetrics that contradict each other (Kendall's tau):\n";
  for (const Contradiction& c : certainty.agreement.contradictions)
    std::cout << "  " << scores.metrics[c.a] << " and " << scores.metrics[c.b] << ": " << std::setprecision(2)
              << std::fixed << c.tau << "\n";
  std::cout << "\nControls:\n";
  for (size_t k = 0; k < scores.metrics.size(); ++k)
    std::cout << "  " << scores.metrics[k] << ": " << certainty.controls[k].sentence << "\n";
}

}  // namespace

Action rank(CLI::App& app) {
  struct Options {
    std::string file, of = "means", draw = "one-per-category";
    std::vector<std::string> weights;
    RankOptions rank;
    MonteCarloOptions monte_carlo;
    uint64_t seed = 1;
  };
  auto o = std::make_shared<Options>();
  app.add_option("scores", o->file, "scores.csv or results.json of `kernelscope run`")->required();
  app.add_option("--overall", o->rank.overall, "How the ranks per metric become one order: mean-rank, median-rank");
  app.add_option("--of", o->of,
                 "What is ranked: the means over the images, or the methods on each image (then averaged)")
      ->check(CLI::IsMember({"means", "images"}));
  app.add_option("--weight", o->weights, "CATEGORY=W: what a category of metrics counts; may be given several times");
  app.add_option("--monte-carlo", o->monte_carlo.draws, "How often images and metrics are drawn anew; 0: never")
      ->check(CLI::Range(0, most_draws));
  app.add_option("--metrics", o->draw, "Which metrics a draw takes: one-per-category, random-weights, all")
      ->check(CLI::IsMember(metric_draw_names));
  app.add_option("--seed", o->seed, "Of the draws")->check(CLI::Range(uint64_t{0}, uint64_t{4294967295}));
  return [o](Context& context) {
    o->rank.of = o->of == "images" ? RankOf::images : RankOf::means;
    o->monte_carlo.metrics = parse_metric_draw(o->draw);
    const json weights = parse_pairs(o->weights);
    for (const auto& [category, weight] : weights.items()) {
      if (!weight.is_number()) throw Error("the weight of " + category + " is no number", "--weight");
      o->rank.weights[category] = weight.get<double>();
    }
    check_rank_options(o->rank);
    const std::string text = read_file(o->file);
    const size_t first = text.find_first_not_of(" \t\r\n");
    const bool is_json = first != std::string::npos && text[first] == '{';
    const ScoreTable scores = is_json ? read_results_scores(text, o->file) : read_scores_csv(text, o->file);
    const RankTable table = rank_methods(scores, o->rank);
    const OrderCertainty certainty = order_certainty(scores, o->rank, o->monte_carlo, o->seed);
    if (context.json) {
      context.print(to_json(scores, table, certainty, o->rank));
    } else {
      print_table(scores, table);
      print_monte_carlo(scores, certainty.monte_carlo);
      print_tests(scores, certainty);
    }
  };
}

}  // namespace ks::cli

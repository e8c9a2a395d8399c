#include "rank/certainty.h"

#include <cmath>

namespace ks {

namespace {

/// NaN and infinity are null in JSON.
json finite(double value) {
  return std::isfinite(value) ? json(value) : json();
}

json names_of(const std::vector<size_t>& members, const std::vector<std::string>& names) {
  json out = json::array();
  for (const size_t m : members) out.push_back(names[m]);
  return out;
}

json matrix_json(const std::vector<std::vector<double>>& values, const std::vector<std::string>& names) {
  json out = json::object();
  for (size_t a = 0; a < values.size(); ++a)
    for (size_t b = 0; b < values.size(); ++b)
      if (a != b) out[names[a]][names[b]] = finite(values[a][b]);
  return out;
}

json monte_carlo_json(const ScoreTable& table, const MonteCarloOrder& order) {
  json rows = json::array();
  for (const size_t m : order.order)
    rows.push_back({{"method", table.methods[m]},
                    {"mean_rank", order.mean_rank[m]},
                    {"interval", {order.low[m], order.high[m]}},
                    {"first", order.first[m]},
                    {"best_three", order.best_three[m]}});
  return {{"draws", order.draws}, {"methods", std::move(rows)}, {"better", matrix_json(order.better, table.methods)}};
}

json friedman_json(const ScoreTable& table, const FriedmanTest& test) {
  json ranks = json::object(), groups = json::array();
  for (const size_t m : test.order) ranks[table.methods[m]] = finite(test.mean_ranks[m]);
  for (const auto& group : test.groups) groups.push_back(names_of(group, table.methods));
  return {{"images", test.blocks},
          {"chi_squared", finite(test.chi_squared)},
          {"p", finite(test.p)},
          {"f", finite(test.f)},
          {"f_p", finite(test.f_p)},
          {"level", test.level},
          {"critical_difference", finite(test.critical_difference)},
          {"mean_ranks", std::move(ranks)},
          {"groups", std::move(groups)}};
}

json agreement_json(const ScoreTable& table, const Agreement& agreement) {
  json contradictions = json::array();
  for (const Contradiction& c : agreement.contradictions)
    contradictions.push_back(
        {{"metrics", {table.metrics[c.a], table.metrics[c.b]}}, {"tau", finite(c.tau)}, {"p", finite(c.p)}});
  return {{"order", names_of(agreement.order, table.metrics)},
          {"tau", matrix_json(agreement.tau, table.metrics)},
          {"contradictions", std::move(contradictions)}};
}

json control_json(const ScoreTable& table, const ControlVerdict& verdict) {
  json checks = json::object();
  for (const ControlCheck& check : verdict.checks)
    checks[table.methods[check.method]] = {{"difference", finite(check.difference)},
                                           {"interval", {finite(check.low), finite(check.high)}},
                                           {"worse", check.worse}};
  return {{"verdict", to_string(verdict.verdict)},
          {"sentence", verdict.sentence},
          {"methods", verdict.methods},
          {"better_than_random", verdict.better_than_random},
          {"checks", std::move(checks)}};
}

}  // namespace

OrderCertainty order_certainty(const ScoreTable& table, const RankOptions& rank, const MonteCarloOptions& monte_carlo,
                               uint64_t seed) {
  OrderCertainty out;
  out.monte_carlo = monte_carlo_order(table, rank, monte_carlo, seed);
  out.over_images = friedman_test(blocks_of_study(table, rank));
  for (size_t k = 0; k < table.metrics.size(); ++k) out.per_metric.push_back(friedman_test(blocks_of_metric(table, k)));
  out.agreement = metric_agreement(table);
  out.controls = check_controls(table, seed);
  return out;
}

json certainty_json(const ScoreTable& table, const OrderCertainty& certainty) {
  json per_metric = json::object(), controls = json::object();
  for (size_t k = 0; k < certainty.per_metric.size(); ++k)
    per_metric[table.metrics[k]] = friedman_json(table, certainty.per_metric[k]);
  for (size_t k = 0; k < certainty.controls.size(); ++k)
    controls[table.metrics[k]] = control_json(table, certainty.controls[k]);
  return {{"monte_carlo", monte_carlo_json(table, certainty.monte_carlo)},
          {"friedman", {{"all", friedman_json(table, certainty.over_images)}, {"metrics", std::move(per_metric)}}},
          {"agreement", agreement_json(table, certainty.agreement)},
          {"controls", std::move(controls)}};
}

}  // namespace ks

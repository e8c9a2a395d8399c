#include "app/ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rank/rank.h"

namespace ks::app {

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

ScoreSummary::Entry gather(const Model& model, size_t metric, size_t method) {
  ScoreSummary::Entry e;
  e.low = std::numeric_limits<double>::infinity();
  e.high = -e.low;
  double sum = 0;
  for (size_t i = 0; i < model.study.images.size(); ++i) {
    const Picture* picture = model.picture(i);
    if (picture && picture->state == State::failed) continue;
    ++e.images;
    const Score* score = model.score(i, method, metric);
    const Cell* cell = model.cell(i, method);
    if (cell && cell->state == State::failed) {
      ++e.done, ++e.undefined;
      e.remark = cell->error;
      continue;
    }
    if (!score || (score->state != State::done && score->state != State::failed)) continue;
    ++e.done;
    if (!score->remark.empty()) e.remark = score->remark;
    if (score->state == State::failed || std::isnan(score->value)) {
      ++e.undefined;
      continue;
    }
    sum += score->value;
    e.low = std::min(e.low, score->value);
    e.high = std::max(e.high, score->value);
  }
  const int defined = e.done - e.undefined;
  e.mean = defined > 0 ? sum / defined : nothing;
  e.rank = nothing;
  return e;
}

Direction parse_direction_name(const std::string& name) {
  for (const Direction d : {Direction::higher, Direction::lower, Direction::zero})
    if (name == to_string(d)) return d;
  return Direction::none;
}

bool is_control(const Model& model, size_t method) {
  const MethodInfo* info = model.method_info(model.study.methods[method].name);
  return info && info->family == "baseline";
}

/// Which scores of a metric are better. Only the worker knows what its parameters make of that, and says so with each
/// score.
std::string direction_of(const Model& model, size_t metric) {
  for (size_t i = 0; i < model.study.images.size(); ++i) {
    for (size_t m = 0; m < model.study.methods.size(); ++m) {
      const Score* score = model.score(i, m, metric);
      if (score && !score->direction.empty()) return score->direction;
    }
  }
  const MetricInfo* info = model.metric_info(model.study.metrics[metric].name);
  return info ? info->direction : "none";
}

// A metric takes part once all its scores are there.
void rank(const Model& model, ScoreSummary& summary) {
  const size_t methods = model.study.methods.size();
  summary.control_is_not_last.assign(summary.entries.size(), false);
  if (summary.entries.empty() || methods < 2 || !overall_rankings().find(model.study.ranking.rank.overall)) return;
  ScoreTable& table = summary.table;
  summary.complete = true;
  for (const StudyMethod& m : model.study.methods) table.methods.push_back(m.name);
  for (size_t k = 0; k < summary.entries.size(); ++k) {
    const MetricInfo* info = model.metric_info(model.study.metrics[k].name);
    table.metrics.push_back(model.study.metrics[k].name);
    table.families.push_back(info ? info->family : "other");
    table.directions.push_back(parse_direction_name(summary.directions[k]));
    bool complete = true;
    for (const auto& e : summary.entries[k]) complete = complete && e.images > 0 && e.done == e.images;
    summary.complete = summary.complete && complete;
    auto& rows = table.scores.emplace_back(methods, std::vector<double>(model.study.images.size(), nothing));
    for (size_t m = 0; m < methods && complete; ++m) {
      for (size_t i = 0; i < model.study.images.size(); ++i) {
        const Score* score = model.score(i, m, k);
        if (score && score->state == State::done) rows[m][i] = score->value;
      }
    }
  }
  const RankTable ranks = rank_methods(table, model.study.ranking.rank);
  for (size_t k = 0; k < summary.entries.size(); ++k) {
    double best = nothing, worst = nothing, control = nothing;
    for (size_t m = 0; m < methods; ++m) {
      const double rank = summary.entries[k][m].rank = ranks.ranks[k][m];
      if (std::isnan(rank)) continue;
      if (!(rank >= best)) best = rank;
      if (!(rank <= worst)) worst = rank;
      if (is_control(model, m)) control = rank;
    }
    for (auto& e : summary.entries[k]) e.best = e.rank == best && best < worst;
    summary.control_is_not_last[k] = control < worst;
  }
  summary.overall = ranks.overall;
  for (size_t m = 0; m < methods; ++m) {
    if (std::isnan(ranks.overall[m])) continue;
    summary.place[m] = 1;
    for (const double other : ranks.overall) summary.place[m] += other < ranks.overall[m];
  }
}

}  // namespace

ScoreSummary score_summary(const Model& model) {
  const size_t methods = model.study.methods.size(), metrics = model.study.metrics.size();
  ScoreSummary table;
  table.overall.assign(methods, nothing);
  table.place.assign(methods, 0);
  for (size_t k = 0; k < metrics; ++k) {
    auto& row = table.entries.emplace_back();
    for (size_t m = 0; m < methods; ++m) row.push_back(gather(model, k, m));
    table.directions.push_back(direction_of(model, k));
  }
  rank(model, table);
  return table;
}

const MonteCarloOrder& RedrawnOrder::of(const ScoreSummary& summary, const Study& study) {
  if (!summary.complete) {
    static const MonteCarloOrder none;
    return none;
  }
  std::string key;
  const auto add = [&](const void* bytes, size_t size) { key.append(static_cast<const char*>(bytes), size); };
  for (const auto& metric : summary.table.scores)
    for (const auto& method : metric) add(method.data(), method.size() * sizeof(double));
  for (const std::string& direction : summary.directions) key += direction;
  key += write_ranking(study.ranking).dump() + std::to_string(study.seed);
  const Fingerprint now = fingerprint(key);
  if (now == of_) return order_;
  of_ = now;
  order_ = monte_carlo_order(summary.table, study.ranking.rank, study.ranking.monte_carlo,
                             static_cast<uint64_t>(study.seed));
  return order_;
}

}  // namespace ks::app

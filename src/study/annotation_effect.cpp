#include "study/annotation_effect.h"

#include <algorithm>
#include <cmath>

#include "metric/similarity.h"
#include "study/cells.h"

namespace ks {

namespace {

double tau_of_places(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> x, y;
  for (size_t m = 0; m < a.size(); ++m)
    if (!std::isnan(a[m]) && !std::isnan(b[m])) {
      x.push_back(a[m]);
      y.push_back(b[m]);
    }
  return x.size() < 2 ? kUndefined : kendall_tau(x.data(), y.data(), static_cast<int64_t>(x.size()));
}

}  // namespace

AnnotationEffect annotation_effect(const ScoreTable& table, const StudyRanking& ranking,
                                   const std::vector<std::vector<std::vector<std::vector<double>>>>& varied) {
  AnnotationEffect out;
  const auto places_of = [&](const ScoreTable& scores) {
    return rank_values(rank_methods(scores, ranking.rank).overall, Direction::lower);
  };
  bool any = false;
  for (const auto& metrics : varied)
    for (const auto& rows : metrics) any = any || !rows.empty();
  if (!any) return out;
  out.low = out.high = out.places = places_of(table);
  for (size_t v = 0; v < varied.size(); ++v) {
    ScoreTable other = table;
    for (size_t k = 0; k < varied[v].size(); ++k)
      if (!varied[v][k].empty()) other.scores[k] = varied[v][k];
    AnnotationEffect::Order order{ranking.annotation_variants[v], places_of(other)};
    order.tau = tau_of_places(out.places, order.places);
    for (size_t m = 0; m < order.places.size(); ++m) {
      out.low[m] = std::fmin(out.low[m], order.places[m]);
      out.high[m] = std::fmax(out.high[m], order.places[m]);
    }
    out.orders.push_back(std::move(order));
  }
  return out;
}

json annotation_effect_json(const AnnotationEffect& effect, const std::vector<std::string>& methods) {
  json orders = json::array(), ranks = json::object();
  for (const AnnotationEffect::Order& order : effect.orders) {
    json places = json::object();
    for (size_t m = 0; m < methods.size(); ++m) places[methods[m]] = number_or_null(order.places[m]);
    orders.push_back({{"annotation", describe(order.variant)}, {"tau", number_or_null(order.tau)}, {"places", places}});
  }
  for (size_t m = 0; m < effect.places.size(); ++m)
    ranks[methods[m]] = {{"place", number_or_null(effect.places[m])},
                         {"interval", {number_or_null(effect.low[m]), number_or_null(effect.high[m])}}};
  return {{"methods", std::move(ranks)}, {"variants", std::move(orders)}};
}

}  // namespace ks

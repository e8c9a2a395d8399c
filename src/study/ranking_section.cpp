#include "study/ranking_section.h"

#include <cmath>
#include <cstdio>

#include "study/markup.h"
#include "study/report.h"
#include "study/results.h"

namespace ks {

namespace {

// Tables with more metrics have turned heads and say the scores only where the pointer rests.
constexpr size_t most_wide_columns = 8;

/// "0.250 ± 0.050": both with the digits that suit the mean.
std::string mean_text(const MeanScore& mean) {
  if (mean.count < 2 || std::fabs(mean.mean) < 1e-3 || std::fabs(mean.mean) >= 1e5) return short_number(mean.mean);
  const double size = std::fabs(mean.mean);
  return short_number(mean.mean) + " ± " + fixed(mean.deviation, size < 10 ? 3 : size < 100 ? 2 : 1);
}

/// Rank 1 is the darkest blue; text on dark cells is white.
std::string shaded(double rank, size_t methods) {
  if (std::isnan(rank)) return "\">–";
  const double worth = methods > 1 ? 1 - (rank - 1) / static_cast<double>(methods - 1) : 1;
  const double shade = 0.85 * worth * worth;
  return std::string(shade > 0.6 ? " strong" : "") + "\" style=\"background: rgba(var(--rank), " + fixed(shade, 2) +
         ")\">" + fixed(rank, rank == std::floor(rank) ? 0 : 1);
}

/// Heads of the table: the categories above, the metrics below.
std::string heads(const StudyResults& r, const std::vector<std::string>& labels, bool dense) {
  std::string above = "<tr class=\"families\"><th class=\"name\"></th><th></th>",
              below = "<tr><th class=\"name\">Method</th>";
  const auto head = [&](const std::string& kind, const std::string& text) {
    return "<th class=\"" + kind + "\"><span class=\"turned\">" + text + "</span></th>";
  };
  below += head("overall", escape_markup(r.ranking.overall_title));
  for (const Category& category : r.ranking.categories) {
    const size_t columns = category.metrics.size();
    above += "<th class=\"family\" colspan=\"" + std::to_string(columns + (columns > 1)) + "\">" +
             escape_markup(category.name) + "</th>";
    if (columns > 1) below += head("cell whole", "mean rank of " + escape_markup(category.name));
    for (const size_t k : category.metrics) {
      const Metric& metric = metrics().at(r.study.metrics[k].name);
      const Direction direction = direction_of(metric, r.study.metrics[k].params);
      below += head("cell", escape_markup(labels[k]) +
                                (dense ? std::string("\u00a0") + direction_arrow(direction)
                                       : std::string("<span class=\"way\">") + direction_text(direction) + "</span>"));
    }
  }
  return "<thead>" + above + "</tr>" + below + "</tr></thead>";
}

}  // namespace

const char* direction_arrow(Direction direction) {
  switch (direction) {
    case Direction::higher:
      return "↑";
    case Direction::lower:
      return "↓";
    case Direction::zero:
      return "→\u00a00";
    case Direction::none:
      return "";
  }
  return "";
}

std::vector<std::string> metric_labels(const Study& study) {
  std::vector<std::string> out;
  const std::vector<std::string> ids = metric_ids(study);
  for (size_t k = 0; k < ids.size(); ++k) {
    const std::string& name = study.metrics[k].name;
    // "lime-2" -> " 2"
    out.push_back(metrics().at(name).title + (ids[k] == name ? "" : " " + ids[k].substr(name.size() + 1)));
  }
  return out;
}

std::string ranking_section(const StudyResults& r) {
  const size_t methods = r.study.methods.size();
  if (methods == 0 || r.study.metrics.empty()) return "";
  const std::vector<std::string> labels = metric_labels(r.study);
  const bool dense = labels.size() > most_wide_columns;
  const RankOptions& options = r.study.ranking.rank;
  std::string note = "For every metric the methods are ranked, 1 is best; ";
  note += dense ? "↑ more is better, ↓ less is better; the mean score over the images ± its standard deviation shows "
                  "where the "
                  "pointer rests. "
                : "below the rank stands the mean score over the images ± its standard deviation. ";
  if (options.of == RankOf::images) note += "Methods are ranked on each image, and these ranks averaged. ";
  note += "The order is by " + escape_markup(lower_first(r.ranking.overall_title)) +
          (options.weights.empty() ? " over the metrics, each counting the same."
                                   : " over the metrics. Each category counts as a whole: ");
  for (size_t c = 0; c < r.ranking.categories.size() && !options.weights.empty(); ++c) {
    const std::string& name = r.ranking.categories[c].name;
    const auto given = options.weights.find(name);
    note += (c ? ", " : "") + escape_markup(name) + " " +
            (given == options.weights.end() ? "1" : json(given->second).dump());
  }
  if (!options.weights.empty()) note += ".";
  std::string out = "<h2>Ranking</h2>\n<p class=\"note\">" + note +
                    "</p>\n<div class=\"scroll\"><table class=\"ranking" + (dense ? " dense" : "") + "\">" +
                    heads(r, labels, dense) + "<tbody>\n";
  for (size_t place = 0; place < r.ranking.order.size(); ++place) {
    const size_t m = r.ranking.order[place];
    out += std::string("<tr") + (place == 0 ? " class=\"best\"" : "") + "><th class=\"name\">" +
           escape_markup(method_label(r.study, m)) + "</th><td class=\"overall\">" + fixed(r.ranking.overall[m], 2) +
           "</td>";
    for (size_t c = 0; c < r.ranking.categories.size(); ++c) {
      const Category& category = r.ranking.categories[c];
      if (category.metrics.size() > 1)
        out += "<td class=\"cell whole" + shaded(r.ranking.category_ranks[c][m], methods) + "</td>";
      for (const size_t k : category.metrics) {
        const std::string score = mean_text(mean_score(r, k, m));
        out += "<td" + (dense ? " title=\"" + labels[k] + ": " + score + "\"" : std::string()) + " class=\"cell" +
               shaded(r.ranking.ranks[k][m], methods) + (dense ? "" : "<span class=\"score\">" + score + "</span>") +
               "</td>";
      }
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

}  // namespace ks

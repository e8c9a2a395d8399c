#include "study/certainty_section.h"

#include <algorithm>
#include <cmath>

#include "explain/method.h"
#include "study/markup.h"
#include "study/ranking_section.h"

namespace ks {

namespace {

/// "a, b and c"
std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) out += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
  return out;
}

std::string note(const std::string& text) {
  return "<p class=\"note\">" + text + "</p>\n";
}

std::string thousands(int n) {
  std::string out = std::to_string(n);
  for (size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, "\u202f");
  return out;
}

std::string chance_text(double p) {
  return std::isnan(p) ? "–" : p < 0.001 ? "< 0.001" : fixed(p, 3);
}

/// A square table with turned column heads; `cell` gives a cell's class and style attributes and its text.
template <class F>
std::string matrix(const std::vector<std::string>& names, const std::vector<size_t>& order, const F& cell) {
  std::string out = "<div class=\"scroll\"><table class=\"matrix\"><thead><tr><th class=\"name\"></th>";
  for (const size_t b : order) out += "<th><span class=\"turned\">" + escape_markup(names[b]) + "</span></th>";
  out += "</tr></thead><tbody>\n";
  for (const size_t a : order) {
    out += "<tr><th class=\"name\">" + escape_markup(names[a]) + "</th>";
    for (const size_t b : order) out += a == b ? "<td class=\"self\"></td>" : cell(a, b);
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string toned(double strength, const char* colour, const std::string& text, const std::string& title,
                  bool outlined = false) {
  return std::string("<td class=\"") + (strength > 0.6 ? "strong " : "") + (outlined ? "outlined" : "") +
         "\" style=\"background: rgba(var(--" + colour + "), " + fixed(0.85 * strength, 2) + ")\" title=\"" +
         escape_markup(title) + "\">" + text + "</td>";
}

std::string redraws(const StudyResults& r, const std::vector<MethodMark>& marks) {
  const MonteCarloOrder& mc = r.certainty.monte_carlo;
  if (mc.draws == 0 || mc.order.size() < 2) return "";
  const auto label = [&](size_t m) { return "<strong>" + escape_markup(marks[m].label) + "</strong>"; };
  const size_t best = mc.order[0];
  std::vector<std::string> rivals;
  size_t unsettled = 0;
  for (const size_t m : mc.order)
    if (m != best && mc.better[best][m] < 0.95 && ++unsettled <= 5)
      rivals.push_back(label(m) + " (" + percent(1 - mc.better[best][m], 0) + ")");
  std::string out = "<p>" + label(best) + " is first in " + percent(mc.first[best], 0) + " of the draws. ";
  if (unsettled == 0)
    out += "It stands before each other method in at least 95\u00a0% of them.";
  else
    out += "Its lead is not settled against " +
           (unsettled <= 5 ? listed(rivals) : std::to_string(unsettled) + " methods, among them " + listed(rivals)) +
           (unsettled == 1 ? ", which stands before it in that share of the draws."
                           : ", which stand before it in these shares of the draws.");
  std::vector<std::string> knowing_nothing;
  for (const size_t m : mc.order)
    if (marks[m].control && (m == best || mc.better[best][m] < 0.95)) knowing_nothing.push_back(label(m));
  if (!knowing_nothing.empty())
    out += " " + listed(knowing_nothing) + (knowing_nothing.size() == 1 ? " knows" : " know") +
           " nothing of the network: as long as that is so near the top, these metrics together do not show on this "
           "data that "
           "the methods explain it.";
  if (best != r.ranking.order[0])
    out +=
        " The table above has " + label(r.ranking.order[0]) + " first: there the images are as they are and " +
        (r.study.ranking.rank.weights.empty() ? "every metric counts the same." : "all metrics of a category count.");
  out += "</p>\n";
  if (r.images.size() < 2)
    out += note("With one image, only the choice of metrics is redrawn: the intervals say nothing about other images.");
  const MetricDraw how = r.study.ranking.monte_carlo.metrics;
  const std::string drawn = how == MetricDraw::one_per_category ? "one metric of each category was drawn"
                            : how == MetricDraw::random_weights ? "every metric was given a random weight"
                                                                : "all metrics were taken";
  out += note("The " + count_of(r.images.size(), "image") + " were drawn with replacement and " + drawn + ", " +
              thousands(mc.draws) +
              " times, and the methods ranked each time. Grey: controls, which know nothing of the network.");
  out += "<div class=\"scroll\">" + monte_carlo_svg(mc, marks) + "</div>\n";
  std::vector<std::string> names;
  for (const MethodMark& mark : marks) names.push_back(mark.label);
  out += "<h3>Who stands before whom</h3>\n" +
         note("In how many percent of the draws the method of the row stands before that of the column; 50 is a draw.");
  return out + matrix(names, mc.order, [&](size_t a, size_t b) {
           const double p = mc.better[a][b];
           return toned(std::max(0.0, 2 * p - 1), "rank", fixed(100 * p, 0),
                        names[a] + " before " + names[b] + ": " + fixed(100 * p, 1) + " %");
         });
}

std::string critical_differences(const StudyResults& r, const std::vector<MethodMark>& marks) {
  const FriedmanTest& test = r.certainty.over_images;
  if (test.blocks < 2 || marks.size() < 2) return "";
  std::string out = "<h3>Which methods can be told apart</h3>\n";
  out += "<p>" +
         std::string(test.differs() ? "The methods differ"
                                    : "The images give no reason to say that the methods differ at all") +
         " (Friedman’s test over " + std::to_string(test.blocks) + " images: χ² = " + fixed(test.chi_squared, 1) +
         ", p " + (test.f_p < 0.001 ? "" : "= ") + chance_text(test.f_p) + " by Iman and Davenport).</p>\n";
  out += note(
      "On each image the methods are ranked over all metrics; the axis has the mean of these ranks over the images, so "
      "it may differ from the order above. Methods under one bar are nearer than Nemenyi’s critical difference: at the "
      "5\u00a0% level, these images cannot tell them apart (Demšar 2006).");
  return out + "<div class=\"scroll\">" + critical_difference_svg(test, marks) + "</div>\n";
}

std::string agreement(const StudyResults& r, const std::vector<std::string>& labels) {
  const Agreement& agreement = r.certainty.agreement;
  if (labels.size() < 2 || r.study.methods.size() < 3) return "";
  constexpr size_t most_named = 6;
  std::string out = "<h3>Do the metrics agree</h3>\n";
  std::vector<std::string> pairs;
  for (const Contradiction& c : agreement.contradictions)
    if (pairs.size() < most_named)
      pairs.push_back("<strong>" + escape_markup(labels[c.a]) + "</strong> against <strong>" +
                      escape_markup(labels[c.b]) + "</strong> (" + short_number(std::round(100 * c.tau) / 100) + ")");
  if (pairs.empty())
    out += "<p>No two metrics contradict each other beyond chance.</p>\n";
  else
    out += "<p>" + std::string(agreement.contradictions.size() == 1 ? "Two metrics order" : "Some metrics order") +
           " the methods in opposite ways, and a mean over them hides that: " + listed(pairs) +
           (agreement.contradictions.size() > most_named
                ? ", and " + std::to_string(agreement.contradictions.size() - most_named) + " more pairs"
                : "") +
           ".</p>\n";
  out += note(
      "Kendall’s tau-b between the orders that two metrics give, in hundredths: 100 the same order, −100 the opposite, "
      "0 "
      "nothing in common. Metrics that agree stand together. Outlined: opposite beyond chance (p &lt; 0.05).");
  return out + matrix(labels, agreement.order, [&](size_t a, size_t b) {
           const double tau = agreement.tau[a][b];
           if (std::isnan(tau)) return std::string("<td>–</td>");
           const bool opposite =
               std::any_of(agreement.contradictions.begin(), agreement.contradictions.end(),
                           [&](const Contradiction& c) { return (c.a == a && c.b == b) || (c.a == b && c.b == a); });
           const double shown = std::round(100 * tau);
           return toned(std::fabs(tau), tau < 0 ? "against" : "rank",
                        (shown < 0 ? "−" : "") + fixed(std::fabs(shown), 0), labels[a] + " and " + labels[b], opposite);
         });
}

std::string controls(const StudyResults& r, const std::vector<std::string>& labels) {
  if (labels.empty()) return "";
  size_t blind = 0, checked = 0;
  for (const ControlVerdict& v : r.certainty.controls) {
    blind += v.verdict == Verdict::cannot_tell;
    checked += v.verdict != Verdict::unchecked;
  }
  std::string out = "<h3>What each metric can tell</h3>\n<p>";
  if (checked == 0)
    out += "No metric could be checked against random maps.";
  else if (blind == 0)
    out += "All " + std::to_string(checked) + " metrics that could be checked tell the methods from random maps.";
  else
    out += "<strong>" + std::to_string(blind) + " of " + count_of(checked, "metric") +
           "</strong> cannot tell the methods from random maps on this data; do not build on the order that " +
           (blind == 1 ? "it gives." : "they give.");
  out +=
      "</p>\n" +
      note(
          "Controls know nothing of the network and belong below the median method. Difference: by how much the median "
          "method is better than the control, in the metric’s unit, with its 95\u00a0% interval over redrawn images; "
          "one that "
          "holds 0 is no difference. Orange: the control is not worse beyond chance. p: Friedman’s test of whether the "
          "methods differ under this metric.");
  // The controls that are there, as columns.
  std::vector<size_t> columns;
  for (size_t m = 0; m < r.study.methods.size(); ++m)
    if (methods().at(r.study.methods[m].name).family == "baseline") columns.push_back(m);
  out += "<div class=\"scroll\"><table class=\"controls\"><thead><tr><th class=\"name\">Metric</th><th>Verdict</th>";
  for (const size_t m : columns)
    out += "<th class=\"number\">Difference to " + escape_markup(method_label(r.study, m)) + "</th>";
  out += "<th class=\"number\">Better than random</th><th class=\"number\">p</th></tr></thead><tbody>\n";
  for (const Category& category : r.ranking.categories) {
    out += "<tr class=\"family\"><th class=\"name\" colspan=\"" + std::to_string(columns.size() + 4) + "\">" +
           escape_markup(category.name) + "</th></tr>\n";
    for (const size_t k : category.metrics) {
      const ControlVerdict& v = r.certainty.controls[k];
      const char* words = v.verdict == Verdict::tells         ? "tells"
                          : v.verdict == Verdict::cannot_tell ? "cannot tell"
                                                              : "not checked";
      out += "<tr title=\"" + escape_markup(v.sentence) + "\"><th class=\"name\">" + escape_markup(labels[k]) +
             "</th><td><span class=\"verdict " + to_string(v.verdict) + "\">" + words + "</span></td>";
      for (const size_t m : columns) {
        const auto check =
            std::find_if(v.checks.begin(), v.checks.end(), [&](const ControlCheck& c) { return c.method == m; });
        if (check == v.checks.end())
          out += "<td class=\"number\">–</td>";
        else
          out += std::string("<td class=\"number") + (check->worse ? "" : " doubtful") + "\">" +
                 short_number(check->difference) + "<span class=\"way\">" + short_number(check->low) + " to " +
                 short_number(check->high) + "</span></td>";
      }
      const bool counted = v.verdict != Verdict::unchecked;
      out += "<td class=\"number\">" +
             (counted ? std::to_string(v.better_than_random) + " of " + std::to_string(v.methods) : "–") +
             "</td><td class=\"number\">" + chance_text(r.certainty.per_metric[k].f_p) + "</td></tr>\n";
    }
  }
  return out + "</tbody></table></div>\n";
}

std::string annotations(const StudyResults& r, const std::vector<MethodMark>& marks) {
  const AnnotationEffect& effect = r.annotations;
  if (effect.orders.empty() || marks.size() < 2) return "";
  double least = 1;
  for (const AnnotationEffect::Order& order : effect.orders) least = std::fmin(least, order.tau);
  std::string out =
      "<h3>If the annotations were drawn otherwise</h3>\n<p>Over the ways below, the order agrees with the one above "
      "with "
      "Kendall’s tau of at least " +
      fixed(least, 2) + ".</p>\n";
  out += note(
      "Metrics that need an annotation were measured again with it changed, as another person might have drawn it "
      "(pixels of the "
      "network’s input); all other metrics stay. Places in the overall order.");
  out +=
      "<div class=\"scroll\"><table class=\"annotations\"><thead><tr><th class=\"name\">Method</th><th "
      "class=\"number\">As drawn</th>";
  for (const AnnotationEffect::Order& order : effect.orders)
    out += "<th class=\"number\">" + escape_markup(describe(order.variant)) + "</th>";
  out += "<th class=\"number\">From … to</th></tr></thead><tbody>\n";
  const auto place = [](double p) { return fixed(p, p == std::floor(p) ? 0 : 1); };
  for (const size_t m : r.ranking.order) {
    out += "<tr><th class=\"name\">" + escape_markup(marks[m].label) + "</th><td class=\"number\">" +
           place(effect.places[m]) + "</td>";
    for (const AnnotationEffect::Order& order : effect.orders)
      out += std::string("<td class=\"number") + (order.places[m] == effect.places[m] ? " same" : "") + "\">" +
             place(order.places[m]) + "</td>";
    out += "<td class=\"number\">" +
           (effect.low[m] == effect.high[m] ? place(effect.low[m])
                                            : place(effect.low[m]) + " to " + place(effect.high[m])) +
           "</td></tr>\n";
  }
  out += "<tr class=\"sum\"><th class=\"name\">Kendall’s tau</th><td></td>";
  for (const AnnotationEffect::Order& order : effect.orders)
    out += "<td class=\"number\">" + fixed(order.tau, 2) + "</td>";
  return out + "<td></td></tr></tbody></table></div>\n";
}

}  // namespace

std::vector<MethodMark> method_marks(const Study& study) {
  std::vector<MethodMark> out;
  for (size_t m = 0; m < study.methods.size(); ++m)
    out.push_back({method_label(study, m), methods().at(study.methods[m].name).family == "baseline"});
  return out;
}

std::string certainty_section(const StudyResults& r) {
  if (r.study.methods.empty() || r.study.metrics.empty()) return "";
  const std::vector<MethodMark> marks = method_marks(r.study);
  const std::vector<std::string> labels = metric_labels(r.study);
  return "<section class=\"certainty\"><h2>How certain is this order</h2>\n" + redraws(r, marks) +
         critical_differences(r, marks) + agreement(r, labels) + controls(r, labels) + annotations(r, marks) +
         "</section>\n";
}

}  // namespace ks

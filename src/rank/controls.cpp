#include "rank/controls.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "explain/method.h"
#include "rank/bootstrap.h"
#include "rank/score_table.h"

namespace ks {

namespace {

const char* const no_random = "Not checked: the study has no random maps to compare with, add the method random";

/// What the redraws of one comparison gave.
struct Redrawn {
  double difference = kUndefined;
  std::vector<double> draws;

  /// The value that `share` of the draws lie below.
  double quantile(double share) {
    const size_t at = static_cast<size_t>(share * static_cast<double>(draws.size() - 1) + 0.5);
    std::nth_element(draws.begin(), draws.begin() + static_cast<std::ptrdiff_t>(at), draws.end());
    return draws[at];
  }
};

double median_of(std::vector<double> values) {
  for (double& v : values)
    if (std::isnan(v)) v = std::numeric_limits<double>::infinity();  // of costs: an undefined one is worst
  const auto half = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), half, values.end());
  if (values.size() % 2 == 1) return *half;
  return (*half + *std::max_element(values.begin(), half)) / 2;
}

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

const char* what_it_rewards(const std::string& control) {
  if (control == "sobel") return "it rates edges, which know nothing of the network, no worse than the median method";
  if (control == "centre")
    return "it rates a blob in the middle of the picture, which knows nothing of the network, no worse than the median "
           "method";
  return "";
}

std::string sentence_of(const ScoreTable& table, const ControlVerdict& v) {
  std::string out;
  for (const ControlCheck& check : v.checks) {
    if (method_name(table.methods[check.method]) != "random") continue;
    if (std::isnan(check.difference))
      out = "Not checked: the metric says nothing of the random maps";
    else if (check.worse)
      out = "Tells random maps from the methods: " + std::to_string(v.better_than_random) + " of " +
            std::to_string(v.methods) + " are better beyond chance, the median by " + number_text(check.difference);
    else if (check.difference > 0)
      out = "Cannot tell on this data: the median method is better than random maps by " +
            number_text(check.difference) + ", which is within what redrawn images give (" + number_text(check.low) +
            " to " + number_text(check.high) + ")";
    else
      out = "Cannot tell on this data: random maps do no worse than the median method";
    break;
  }
  std::string more;
  for (const ControlCheck& check : v.checks) {
    const std::string reason = check.worse ? "" : what_it_rewards(method_name(table.methods[check.method]));
    if (!reason.empty()) more += (more.empty() ? "" : "; ") + reason;
  }
  if (out.empty()) out = no_random;
  return out + (more.empty() ? "" : "; " + more) + ".";
}

}  // namespace

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::tells:
      return "tells";
    case Verdict::cannot_tell:
      return "cannot-tell";
    case Verdict::unchecked:
      return "unchecked";
  }
  return "";
}

bool is_control(const std::string& method_id) {
  const Method* method = methods().find(method_name(method_id));
  return method && method->family == "baseline";
}

std::vector<ControlVerdict> check_controls(const ScoreTable& table, uint64_t seed, int draws) {
  std::vector<size_t> controls, networks;
  for (size_t m = 0; m < table.methods.size(); ++m) (is_control(table.methods[m]) ? controls : networks).push_back(m);
  std::vector<ControlVerdict> out(table.metrics.size());
  Bootstrap bootstrap(table, RankOf::means);
  std::vector<double> means;
  for (size_t k = 0; k < table.metrics.size(); ++k) {
    ControlVerdict& v = out[k];
    v.methods = static_cast<int>(networks.size());
    size_t said = 0;
    for (size_t i = 0; i < bootstrap.images(); ++i) {
      bool any = false;
      for (const auto& row : table.scores[k]) any = any || !std::isnan(row[i]);
      said += any;
    }
    const std::string refusal = table.directions[k] == Direction::none ? "Not checked: neither more nor less is better"
                                : networks.empty() ? "Not checked: the study has no method that looks at the network"
                                : controls.empty() ? no_random
                                : said < 2         ? "Not checked: one image cannot show what is chance, add more"
                                                   : "";
    if (!refusal.empty()) {
      v.sentence = refusal + ".";
      continue;
    }
    // Of every control against the median, and of random maps against every method.
    std::vector<Redrawn> medians(controls.size()), each(networks.size());
    const auto random = std::find_if(controls.begin(), controls.end(),
                                     [&](size_t m) { return method_name(table.methods[m]) == "random"; });
    std::vector<double> costs(table.methods.size()), of_networks;
    const auto compare = [&](const auto& take) {
      bootstrap.means(k, means);
      for (size_t m = 0; m < means.size(); ++m) costs[m] = cost_of(means[m], table.directions[k]);
      of_networks.clear();
      for (const size_t m : networks) of_networks.push_back(costs[m]);
      const double median = median_of(of_networks);
      for (size_t c = 0; c < controls.size(); ++c) take(medians[c], costs[controls[c]] - median);
      for (size_t n = 0; n < networks.size() && random != controls.end(); ++n)
        take(each[n], costs[*random] - costs[networks[n]]);
    };
    bootstrap.take_all();
    compare([](Redrawn& r, double difference) { r.difference = difference; });
    for (int draw = 0; draw < draws; ++draw) {
      Random source(seed, static_cast<uint64_t>(draw));
      bootstrap.draw(source);
      compare([](Redrawn& r, double difference) {
        if (!std::isnan(difference)) r.draws.push_back(difference);
      });
    }
    for (size_t c = 0; c < controls.size(); ++c) {
      ControlCheck check{.method = controls[c], .difference = medians[c].difference};
      if (!medians[c].draws.empty()) {
        check.low = medians[c].quantile(0.025);
        check.high = medians[c].quantile(0.975);
      }
      check.worse = check.difference > 0 && check.low > 0;
      v.checks.push_back(check);
    }
    for (Redrawn& r : each) v.better_than_random += r.difference > 0 && !r.draws.empty() && r.quantile(0.025) > 0;
    if (random != controls.end() && !std::isnan(medians[static_cast<size_t>(random - controls.begin())].difference))
      v.verdict =
          v.checks[static_cast<size_t>(random - controls.begin())].worse ? Verdict::tells : Verdict::cannot_tell;
    v.sentence = sentence_of(table, v);
  }
  return out;
}

}  // namespace ks

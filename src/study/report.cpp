#include "study/report.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>

#include "picture/colormap.h"
#include "picture/normalisation.h"
#include "picture/overlay.h"
#include "picture/pooling.h"
#include "study/certainty_section.h"
#include "study/markup.h"
#include "study/ranking_section.h"
#include "study/results.h"

namespace ks {

namespace {

std::string time_text(double seconds) {
  char text[32];
  if (seconds < 100)
    std::snprintf(text, sizeof text, "%.1f s", seconds);
  else
    std::snprintf(text, sizeof text, "%d min %02d s", static_cast<int>(seconds) / 60, static_cast<int>(seconds) % 60);
  return text;
}

std::string source_text(const Source& source) {
  const size_t slash = source.text.find_last_of("/\\");
  return slash == std::string::npos || source.kind != Source::Kind::file ? source.text : source.text.substr(slash + 1);
}

std::string parameters_text(const Entry& entry, const json& given) {
  const Params checked = check_parameters(entry, given);
  std::string out;
  for (const auto& [name, value] : checked.all().items())
    out += (out.empty() ? "" : ", ") + escape_markup(name) + "&nbsp;=&nbsp;" +
           escape_markup(value.is_string() ? value.get<std::string>() : value.dump());
  return out.empty() ? "none" : out;
}

std::string header(const StudyResults& r, const ReportNotes& notes) {
  const std::string title = r.study.title.empty() ? "Untitled study" : r.study.title;
  std::string facts;
  const auto fact = [&](const std::string& text) { facts += "<span>" + escape_markup(text) + "</span>"; };
  fact(count_of(r.study.images.size(), "image"));
  fact(count_of(r.study.methods.size(), "method"));
  fact(count_of(r.study.metrics.size(), "metric"));
  fact("model " + source_text(r.study.model) + ", " + std::to_string(r.input_width) + "×" +
       std::to_string(r.input_height));
  fact(
      "computed in " + time_text(r.seconds) + " on " + r.runtime.provider + ", " +
      count_of(static_cast<size_t>(r.runtime.threads), "thread") +
      (r.runtime_seconds > 0 ? ", " + fixed(100 * r.runtime_seconds / r.seconds, 0) + " % of it in ONNX Runtime" : ""));
  if (!notes.date.empty()) fact(notes.date);
  return "<header><div class=\"eyebrow\">Kernelscope report</div><h1>" + escape_markup(title) +
         "</h1><div class=\"facts\">" + facts + "</div></header>\n";
}

std::string warnings(const StudyResults& r) {
  const std::vector<std::string> sentences = r.warnings();
  std::string out;
  if (!r.complete)
    out += "<div class=\"warnings\">The run was interrupted: this report holds what was finished until then.</div>\n";
  if (sentences.empty()) return out;
  out += "<div class=\"warnings\"><strong>Worth knowing</strong><ul>";
  for (const std::string& sentence : sentences) out += "<li>" + escape_markup(sentence) + "</li>";
  return out + "</ul></div>\n";
}

std::string row_header(const StudyResults& r, const ImageResult& image) {
  const Prediction& p = image.prediction;
  const std::string& name = r.classes.at(static_cast<size_t>(p.predicted));
  std::string out = "<span class=\"id\">" + escape_markup(image.id) + "</span><br>" + escape_markup(name) + " " +
                    percent(p.probabilities.at(static_cast<size_t>(p.predicted)));
  if (p.target != p.predicted) out += "<br>explained: " + escape_markup(r.classes.at(static_cast<size_t>(p.target)));
  if (image.has_mask)
    out += "<br><span class=\"small\">" +
           (image.annotated_share > 0 ? "annotated " + percent(image.annotated_share) : "no damage annotated") +
           "</span>";
  return out;
}

std::string grid(const StudyResults& r, const Figures& figures) {
  if (figures.images.empty()) return "";
  std::string out = "<h2>Explanations</h2>\n" + legend_html(r.study.view);
  if (figures.images.size() < r.images.size())
    out += "<p class=\"note\">The first " + std::to_string(figures.images.size()) + " of " +
           count_of(r.images.size(), "image") + ".</p>\n";
  out += "<div class=\"scroll\"><table class=\"grid\"><thead><tr><th class=\"corner\"></th><th>Image</th>";
  for (size_t m = 0; m < r.study.methods.size(); ++m) out += "<th>" + escape_markup(method_label(r.study, m)) + "</th>";
  out += "</tr></thead><tbody>\n";
  for (size_t i = 0; i < figures.images.size(); ++i) {
    const ImageResult& image = r.images[figures.images[i]];
    out += "<tr><th>" + row_header(r, image) + "</th><td><img alt=\"" + escape_markup(image.id) + "\" src=\"" +
           jpeg_uri(figures.pictures[i]) + "\"></td>";
    for (size_t m = 0; m < figures.overlays[i].size(); ++m) {
      if (figures.overlays[i][m].width == 0) {
        out += "<td class=\"none\">no map</td>";
        continue;
      }
      const std::string name = method_label(r.study, m) + " of " + image.id;
      out += "<td><img alt=\"" + escape_markup(name) + "\" title=\"" +
             escape_markup(name + "; the strongest colour is at ±") + short_number(figures.limits[i][m]) + "\" src=\"" +
             jpeg_uri(figures.overlays[i][m]) + "\"></td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string score_tables(const StudyResults& r) {
  if (r.study.metrics.empty() || r.study.methods.empty()) return "";
  std::string out = "<section class=\"screen-only\"><h2>Scores of every image</h2>\n";
  for (size_t k = 0; k < r.study.metrics.size(); ++k) {
    const Metric& metric = metrics().at(r.study.metrics[k].name);
    out += "<details><summary>" + escape_markup(metric.title) + " <span class=\"note\">" +
           direction_text(direction_of(metric, r.study.metrics[k].params)) +
           "</span></summary><div class=\"scroll\"><table><thead><tr><th>Image</th>";
    for (size_t m = 0; m < r.study.methods.size(); ++m)
      out += "<th class=\"number\">" + escape_markup(method_label(r.study, m)) + "</th>";
    out += "</tr></thead><tbody>";
    for (size_t i = 0; i < r.images.size(); ++i) {
      out += "<tr><th>" + escape_markup(r.images[i].id) + "</th>";
      for (size_t m = 0; m < r.study.methods.size(); ++m) {
        const ScoreResult& score = r.scores[k][m][i];
        out += "<td class=\"number\">" + (score.done ? short_number(score.score.value) : "–") + "</td>";
      }
      out += "</tr>";
    }
    out += "</tbody></table></div></details>\n";
  }
  return out + "</section>\n";
}

/// The median over the images: the first one also pays for making the network.
std::string typical_time(const std::vector<CellResult>& cells) {
  std::vector<double> times;
  for (const CellResult& cell : cells)
    if (cell.done) times.push_back(cell.milliseconds);
  if (times.empty()) return "–";
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  const double ms = times[times.size() / 2];
  char text[32];
  std::snprintf(text, sizeof text, ms < 10 ? "%.1f ms" : ms < 10000 ? "%.0f ms" : "%.3g ms", ms);
  return text;
}

std::string method_table(const StudyResults& r) {
  if (r.study.methods.empty()) return "";
  std::string out =
      "<h2>Methods</h2>\n<div class=\"scroll\"><table class=\"reference\"><thead><tr><th>Method</th><th>Parameters</th>"
      "<th class=\"number\">Time per image</th><th>Source</th></tr></thead><tbody>\n";
  for (size_t m = 0; m < r.study.methods.size(); ++m) {
    const Method& method = methods().at(r.study.methods[m].name);
    out += "<tr><th>" + escape_markup(method_label(r.study, m)) + "</th><td class=\"parameters\">" +
           parameters_text(method, r.study.methods[m].params) + "</td><td class=\"number\">" +
           typical_time(r.cells[m]) + "</td><td>" + escape_markup(method.citation) + "</td></tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string metric_table(const StudyResults& r) {
  if (r.study.metrics.empty()) return "";
  std::string out =
      "<h2>Metrics</h2>\n<div class=\"scroll\"><table class=\"reference\"><thead><tr><th>Metric</th><th>What it "
      "measures</th>"
      "<th>Parameters</th><th>Source</th></tr></thead><tbody>\n";
  for (const StudyMetric& chosen : r.study.metrics) {
    const Metric& metric = metrics().at(chosen.name);
    out += "<tr><th>" + escape_markup(metric.title) + "<span class=\"way\">" + escape_markup(metric.family) + ", " +
           direction_text(direction_of(metric, chosen.params)) + "</span></th><td>" +
           escape_markup(metric.description + " " + metric.misleads) + "</td><td class=\"parameters\">" +
           parameters_text(metric, chosen.params) + "</td><td>" + escape_markup(metric.citation) + "</td></tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string reproduce(const StudyResults& r, const ReportNotes& notes) {
  std::string out = "<h2>Do it again</h2>\n";
  if (!notes.command_line.empty())
    out += "<p>On the command line, with the study below as a file:</p><pre>" + escape_markup(notes.command_line) +
           "</pre>\n";
  if (!notes.share_url.empty())
    out += "<p>In the browser, <a href=\"" + escape_markup(notes.share_url) +
           "\">open this study</a>; the link carries all of it:</p>" + "<pre class=\"link\">" +
           escape_markup(notes.share_url) + "</pre>\n";
  else if (!notes.no_share.empty())
    out += "<p class=\"note\">No link to share: " + escape_markup(notes.no_share) + ".</p>\n";
  out += "<details class=\"screen-only\"><summary>The study as JSON</summary><pre>" +
         escape_markup(write_study(r.study).dump(2, ' ', false, json::error_handler_t::replace)) + "</pre></details>\n";
  return out;
}

}  // namespace

const char* direction_text(Direction direction) {
  switch (direction) {
    case Direction::higher:
      return "higher is better ↑";
    case Direction::lower:
      return "lower is better ↓";
    case Direction::zero:
      return "nearer 0 is better";
    case Direction::none:
      return "not ranked";
  }
  return "";
}

std::string legend_html(const StudyView& view) {
  const Colormap& colormap = colormaps().at(view.colormap);
  const std::string bar = "<img alt=\"colour scale\" src=\"" + png_uri(colour_bar(colormap, 150, 12)) + "\">";
  std::string out = "<div class=\"legend\"><span>" + std::string(colormap.diverging ? "against the class" : "0") + bar +
                    (colormap.diverging ? "for it" : "strong") +
                    "</span><span>channels: " + escape_markup(poolings().at(view.pooling).title) +
                    "</span><span>scale: " + escape_markup(normalisations().at(view.normalisation).title) + "</span>";
  if (view.annotation) out += "<span><i></i>annotated damage</span>";
  return out + "</div>\n";
}

std::string report_html(const StudyResults& results, const Figures& figures, const ReportNotes& notes) {
  const std::string title = results.study.title.empty() ? "Kernelscope report" : results.study.title;
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>" +
         escape_markup(title) + "</title><style>" + report_css + "</style></head><body>\n" + header(results, notes) +
         ranking_section(results) + warnings(results) + certainty_section(results) + grid(results, figures) +
         score_tables(results) + method_table(results) + metric_table(results) + reproduce(results, notes) +
         "<footer>Made by " + escape_markup(notes.program) + " with ONNX Runtime " +
         escape_markup(results.runtime.version) + " (" + escape_markup(results.runtime.provider) + "). Model SHA-256 " +
         escape_markup(results.model_hash) + ".</footer>\n</body></html>\n";
}

}  // namespace ks

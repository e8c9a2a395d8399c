#include "study/reference_page.h"

#include <cctype>

#include "study/markup.h"
#include "study/report.h"

namespace ks {

namespace {

const char* const reference_css = R"css(
body { max-width: 1000px; }
nav { border-bottom: 1px solid var(--line); display: flex; flex-wrap: wrap; gap: 4px 20px; margin-bottom: 28px; padding-bottom: 10px; }
nav a { text-decoration: none; }
nav a[aria-current] { color: var(--ink); font-weight: 600; }
nav .home { font-weight: 600; margin-right: auto; }
.cards { display: grid; gap: 18px; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); margin-top: 12px; }
.card { border: 1px solid var(--line); border-radius: 6px; color: inherit; display: block; overflow: hidden; text-decoration: none; }
.card:hover, .card:focus-visible { border-color: var(--accent); }
.card img, .card .none { aspect-ratio: 1; display: block; height: auto; width: 100%; }
.none { align-items: center; background: var(--panel); color: var(--soft); display: flex; font-size: 13px; justify-content: center;
  padding: 12px; text-align: center; }
.card strong { display: block; padding: 10px 12px 0; }
.card span { color: var(--soft); display: block; font-size: 13px; line-height: 1.4; padding: 2px 12px 12px; }
.pictures { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(min(230px, 100%), 1fr)); margin: 12px 0; max-width: 720px; }
.pictures figure { max-width: 352px; }
figure { margin: 0; }
figure img, figure .none { aspect-ratio: 1; display: block; height: auto; image-rendering: pixelated; width: 100%; }
figcaption { color: var(--soft); font-size: 13px; margin-top: 4px; }
.formula { border-left: 3px solid var(--accent); font-family: "STIX Two Math", "Cambria Math", "DejaVu Sans", serif; font-size: 16px;
  line-height: 1.9; white-space: pre-wrap; }
.misleads { background: #fff8e6; border-left: 4px solid #d99a1c; margin-top: 12px; max-width: 82ch; padding: 10px 16px; }
.misleads p { margin: 0; }
.misleads strong { display: block; }
h1 code, h2 code { color: var(--soft); font-size: 14px; font-weight: 400; margin-left: 8px; }
h2 + p { margin-top: 4px; }
.controls { display: grid; gap: 16px; grid-template-columns: repeat(4, 1fr); margin: 12px 0; max-width: 860px; }
.controls figcaption { line-height: 1.4; }
.controls .score { color: var(--ink); display: block; font-size: 17px; font-variant-numeric: tabular-nums; font-weight: 600; }
.controls .best .score { color: var(--accent); }
.metric-list { width: 100%; }
.metric-list td, .metric-list th { font-size: 13.5px; }
.metric-list th:first-child { width: 250px; }
.metric-list td:nth-child(2) { white-space: nowrap; width: 150px; }
.parameters td:first-child { white-space: nowrap; }
.parameters td { font-size: 13.5px; }
.neighbours { border-top: 1px solid var(--line); display: flex; gap: 16px; justify-content: space-between; margin-top: 40px; padding-top: 12px; }
@media (max-width: 600px) {
  .controls { grid-template-columns: repeat(2, 1fr); }
  body { padding: 20px 16px 40px; }
  h1 { font-size: 24px; }
  nav .home { width: 100%; }
  .metric-list thead { display: none; }
  .metric-list th, .metric-list td { border: 0; display: block; padding: 0; width: auto !important; }
  .metric-list tr { border-bottom: 1px solid var(--line); display: block; padding: 8px 0; }
  .parameters thead { display: none; }
  .parameters tr { border-bottom: 1px solid var(--line); display: block; padding: 8px 0; }
  .parameters td { border: 0; display: inline-block; padding: 0 10px 0 0; }
  .parameters td:empty { display: none; }
  .parameters td:nth-child(2)::before { content: "= "; }
  .parameters td:last-child { display: block; }
}
)css";

struct Section {
  const char *file, *title;
};
constexpr Section sections[] = {{"index.html", "Methods"},
                                {"segmentations.html", "Segmentations"},
                                {"metrics.html", "Metrics"},
                                {"poolings.html", "Channel pooling"},
                                {"normalisations.html", "Normalisation"}};

}  // namespace

std::string reference_page(const std::string& title, const std::string& up, const std::string& section,
                           const std::string& body, const std::string& program) {
  std::string nav =
      "<nav aria-label=\"Reference\"><a class=\"home\" href=\"" + up + "index.html\">Kernelscope reference</a>";
  for (const Section& s : sections)
    nav += "<a href=\"" + up + s.file + "\"" + (s.file == section ? " aria-current=\"true\"" : "") + ">" + s.title +
           "</a>";
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width, initial-scale=1\"><title>" +
         escape_markup(title) + " – Kernelscope reference</title><style>" + report_css + reference_css +
         "</style></head><body>\n" + nav + "</nav>\n<main>\n" + body + "</main>\n<footer>Made by " +
         escape_markup(program) +
         " from its registries: what stands here is what the program does.</footer>\n</body></html>\n";
}

std::string family_title(std::string family) {
  const size_t capitals = family.size() <= 3 ? family.size() : 1;
  for (size_t i = 0; i < capitals; ++i)
    family[i] = static_cast<char>(std::toupper(static_cast<unsigned char>(family[i])));
  return family;
}

std::string value_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "null" : value.dump();
}

std::string parameter_table(const Entry& entry) {
  if (entry.parameters.empty()) return "<p class=\"note\">It has no parameters.</p>\n";
  std::string out =
      "<div class=\"scroll\"><table class=\"parameters\"><thead><tr><th>Parameter</th><th>Default</th><th>Values</th>"
      "<th>Unit</th><th>What it does</th></tr></thead><tbody>\n";
  for (const Parameter& p : entry.parameters)
    out += "<tr><td><code>" + escape_markup(p.name) + "</code></td><td><code>" +
           escape_markup(value_text(p.default_value)) + "</code></td><td>" + escape_markup(allowed_values(p)) +
           "</td><td>" + escape_markup(p.unit) + "</td><td>" + escape_markup(p.help) + "</td></tr>\n";
  return out + "</tbody></table></div>\n";
}

std::string formula_html(const Entry& entry) {
  return entry.formula.empty() ? "" : "<pre class=\"formula\">" + escape_markup(entry.formula) + "</pre>\n";
}

std::string misleads_html(const Entry& entry) {
  if (entry.misleads.empty()) return "";
  return "<div class=\"misleads\"><p><strong>When it misleads</strong>" + escape_markup(entry.misleads) +
         "</p></div>\n";
}

std::string citation_html(const Entry& entry) {
  return entry.citation.empty() ? "" : "<p class=\"note\">Source: " + escape_markup(entry.citation) + "</p>\n";
}

std::string figure_html(const std::string& picture, const std::string& caption) {
  return "<figure>" + picture + "<figcaption>" + escape_markup(caption) + "</figcaption></figure>\n";
}

std::string image_html(const Image& picture, const std::string& alt) {
  return "<img alt=\"" + escape_markup(alt) + "\" src=\"" + jpeg_uri(picture) + "\" width=\"" +
         std::to_string(picture.width) + "\" height=\"" + std::to_string(picture.height) + "\">";
}

StudyView reference_view() {
  StudyView view;
  view.normalisation = "percentile";
  view.opacity = 0.7;
  return view;
}

std::string neighbours_html(const Entry* before, const Entry* after) {
  std::string out = "<div class=\"neighbours\"><span>";
  if (before) out += "<a href=\"" + escape_markup(before->name) + ".html\">← " + escape_markup(before->title) + "</a>";
  out += "</span><span>";
  if (after) out += "<a href=\"" + escape_markup(after->name) + ".html\">" + escape_markup(after->title) + " →</a>";
  return out + "</span></div>\n";
}

}  // namespace ks

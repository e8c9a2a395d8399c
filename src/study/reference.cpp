#include "study/reference.h"

#include <algorithm>
#include <cctype>

#include "explain/method.h"
#include "metric/metric.h"
#include "picture/colormap.h"
#include "picture/normalisation.h"
#include "picture/overlay.h"
#include "picture/pooling.h"
#include "segment/segments.h"
#include "study/markup.h"
#include "study/report.h"
#include "tensor/error.h"

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
.parameters td:first-child { white-space: nowrap; }
.parameters td { font-size: 13.5px; }
.neighbours { border-top: 1px solid var(--line); display: flex; gap: 16px; justify-content: space-between; margin-top: 40px; padding-top: 12px; }
@media (max-width: 600px) {
  body { padding: 20px 16px 40px; }
  h1 { font-size: 24px; }
  nav .home { width: 100%; }
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

/// `up`: "" for a page at the top, "../" for one in a folder. `section`: the file of the one that the page belongs to.
std::string page(const std::string& title, const std::string& up, const std::string& section, const std::string& body,
                 const std::string& program) {
  std::string nav = "<nav aria-label=\"Reference\"><a class=\"home\" href=\"" + up + "index.html\">Kernelscope reference</a>";
  for (const Section& s : sections)
    nav += "<a href=\"" + up + s.file + "\"" + (s.file == section ? " aria-current=\"true\"" : "") + ">" + s.title + "</a>";
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width, initial-scale=1\"><title>" +
         escape_markup(title) + " – Kernelscope reference</title><style>" + report_css + reference_css + "</style></head><body>\n" +
         nav + "</nav>\n<main>\n" + body + "</main>\n<footer>Made by " + escape_markup(program) +
         " from its registries: what stands here is what the program does.</footer>\n</body></html>\n";
}

/// "Perturbation"; a short family is an abbreviation: "CAM".
std::string family_title(std::string family) {
  const size_t capitals = family.size() <= 3 ? family.size() : 1;
  for (size_t i = 0; i < capitals; ++i) family[i] = static_cast<char>(std::toupper(static_cast<unsigned char>(family[i])));
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
    out += "<tr><td><code>" + escape_markup(p.name) + "</code></td><td><code>" + escape_markup(value_text(p.default_value)) + "</code></td><td>" +
           escape_markup(allowed_values(p)) + "</td><td>" + escape_markup(p.unit) + "</td><td>" + escape_markup(p.help) + "</td></tr>\n";
  return out + "</tbody></table></div>\n";
}

std::string formula_html(const Entry& entry) {
  return entry.formula.empty() ? "" : "<pre class=\"formula\">" + escape_markup(entry.formula) + "</pre>\n";
}

std::string misleads_html(const Entry& entry) {
  if (entry.misleads.empty()) return "";
  return "<div class=\"misleads\"><p><strong>When it misleads</strong>" + escape_markup(entry.misleads) + "</p></div>\n";
}

std::string citation_html(const Entry& entry) {
  return entry.citation.empty() ? "" : "<p class=\"note\">Source: " + escape_markup(entry.citation) + "</p>\n";
}

std::string figure(const std::string& picture, const std::string& caption) {
  return "<figure>" + picture + "<figcaption>" + escape_markup(caption) + "</figcaption></figure>\n";
}

std::string image_html(const Image& picture, const std::string& alt) {
  return "<img alt=\"" + escape_markup(alt) + "\" src=\"" + jpeg_uri(picture) + "\" width=\"" + std::to_string(picture.width) +
         "\" height=\"" + std::to_string(picture.height) + "\">";
}

/// All entries of a registry on one page, each with what it has to say. `extra` says more of an entry.
template <class T, class Extra>
std::string entries_page(const Registry<T>& registry, const std::string& title, const std::string& lead, const Extra& extra) {
  std::string out = "<header><h1>" + escape_markup(title) + "</h1><p>" + escape_markup(lead) + "</p></header>\n";
  for (const T& entry : registry) {
    out += "<section id=\"" + escape_markup(entry.name) + "\"><h2>" + escape_markup(entry.title) + "<code>" + escape_markup(entry.name) + "</code></h2>\n<p>" +
           escape_markup(entry.description) + "</p>\n" + extra(entry) + formula_html(entry) + misleads_html(entry);
    if (!entry.parameters.empty()) out += parameter_table(entry);
    out += citation_html(entry) + "</section>\n";
  }
  return out;
}

/// What the reference shows of one method.
struct MethodPicture {
  Image overlay;      // with the annotation's outline; no pixels where there is none
  double limit = 0;   // the raw value of the strongest colour
  std::string error;  // the sentence of a method that cannot explain this subject
};

StudyView reference_view() {
  StudyView view;
  view.normalisation = "percentile";
  view.opacity = 0.7;
  return view;
}

class Reference {
 public:
  Reference(const ReferenceSubject& subject, const std::string& program)
      : subject_(subject),
        program_(program),
        input_(image_to_tensor(subject.kernel.image, subject.classifier.preprocessing())),
        target_(subject.classifier.predict(input_)),
        outlined_(subject.kernel.image) {
    outline(outlined_);
  }

  std::vector<SiteFile> make(const Progress& progress) {
    std::vector<const Method*> all;
    for (const Method& m : methods()) all.push_back(&m);
    for (size_t k = 0; k < all.size(); ++k) {
      if (progress) progress(static_cast<double>(k) / static_cast<double>(all.size()));
      pictures_.push_back(explain_with(*all[k]));
    }
    std::vector<SiteFile> files;
    const auto add = [&](const std::string& path, const std::string& title, const std::string& section, const std::string& body) {
      const std::string up = path.find('/') == std::string::npos ? "" : "../";
      files.push_back({path, page(title, up, section, body, program_)});
    };
    add("index.html", "Explanation methods", "index.html", index(all));
    for (size_t k = 0; k < all.size(); ++k)
      add("methods/" + all[k]->name + ".html", all[k]->title, "index.html", method_page(all, k));
    add("segmentations.html", "Segmentations", "segmentations.html",
        entries_page(segmentations(), "Segmentations",
                     "How an image is cut into parts, for methods that switch parts off. The lines are the borders with the "
                     "default parameters.",
                     [&](const Segmentation& s) { return borders(s); }));
    add("metrics.html", "Metrics", "metrics.html",
        entries_page(metrics(), "Metrics",
                     "How good an explanation is cannot be seen; each metric measures one side of it. In formulas, a is the map, "
                     "M the annotation, x the image, f_c the network's output for the explained class.",
                     [](const Metric& m) {
                       return "<p class=\"note\">" + escape_markup(m.family) + ", " + direction_text(m.direction) +
                              (m.needs_mask ? ", needs an annotation" : "") + "</p>\n";
                     }));
    const auto nothing = [](const Entry&) { return std::string(); };
    add("poolings.html", "Channel pooling", "poolings.html",
        entries_page(poolings(), "Channel pooling", "How the values of a pixel's channels become one, before a map is drawn.",
                     nothing));
    add("normalisations.html", "Normalisation", "normalisations.html",
        entries_page(normalisations(), "Normalisation", "How a map's values become colours, from -1 to 1.", nothing));
    files.push_back({"kernel.png", encode_png(subject_.kernel.image)});
    if (progress) progress(1);
    return files;
  }

 private:
  void outline(Image& picture) const {
    if (subject_.kernel.damage.area() > 0) draw_outline(picture, subject_.kernel.damage, std::max(1, picture.width / 110));
  }

  MethodPicture explain_with(const Method& method) const {
    MethodPicture out;
    try {
      const Tensor raw = explain(method.name, {}, {subject_.classifier, input_, target_});
      const Tensor map = pool_channels(raw, poolings().at(view_.pooling));
      out.limit = display_limit(view_.normalisation, {}, {&map});
      out.overlay = overlay(subject_.kernel.image, map, 0, out.limit, colormaps().at(view_.colormap), {.opacity = view_.opacity});
      outline(out.overlay);
    } catch (const Error& e) {
      out.error = e.what();
    }
    return out;
  }

  std::string class_name() const {
    return subject_.classifier.class_names().at(static_cast<size_t>(target_[0]));
  }

  std::string picture_html(const Method& m, const MethodPicture& picture) const {
    if (!picture.error.empty()) return "<div class=\"none\">" + escape_markup(picture.error) + "</div>";
    return image_html(picture.overlay, m.title + ": its map over the kernel");
  }

  std::string index(const std::vector<const Method*>& all) const {
    std::string out =
        "<header><h1>Explanation methods</h1><p>Each method answers, in its own way, which pixels made the network decide as it "
        "did. Here all of them explain why the network <code>" +
        escape_markup(subject_.model) + "</code> answers “" + escape_markup(class_name()) + "” for " + escape_markup(subject_.what) +
        ". The green line is the damage: a network that looks at the right thing has its evidence there, if the method shows "
        "it. Before you trust one, read when it misleads.</p></header>\n<div class=\"pictures\">" +
        figure(image_html(outlined_, "the kernel with the outline of its damage"), "The kernel, its damage outlined") + "</div>\n" +
        legend_html(view_);
    std::vector<std::string> families;
    for (const Method* m : all)
      if (std::find(families.begin(), families.end(), m->family) == families.end()) families.push_back(m->family);
    for (const std::string& family : families) {
      const std::string title = family_title(family);
      out += "<h2>" + escape_markup(title) + "</h2>\n<div class=\"cards\">\n";
      for (size_t k = 0; k < all.size(); ++k)
        if (all[k]->family == family)
          out += "<a class=\"card\" href=\"methods/" + escape_markup(all[k]->name) + ".html\">" + picture_html(*all[k], pictures_[k]) +
                 "<strong>" + escape_markup(all[k]->title) + "</strong><span>" + escape_markup(all[k]->description) + "</span></a>\n";
      out += "</div>\n";
    }
    return out;
  }

  std::string method_page(const std::vector<const Method*>& all, size_t k) const {
    const Method& m = *all[k];
    const MethodPicture& picture = pictures_[k];
    std::string out = "<header><div class=\"eyebrow\">" + escape_markup(m.family) + "</div><h1>" + escape_markup(m.title) + "<code>" + escape_markup(m.name) +
                      "</code></h1><div class=\"facts\"><span>" +
                      (m.needs_gradient ? "goes back through the network" : "needs only the network's answers") + "</span><span>" +
                      (m.network && !m.explain ? "one graph: can be exported" : "many runs of the network") +
                      "</span></div></header>\n<p>" + escape_markup(m.description) + "</p>\n" + misleads_html(m) + "<div class=\"pictures\">\n" +
                      figure(image_html(outlined_, "the kernel with the outline of its damage"),
                             "The kernel: the network answers “" + class_name() + "”. Its damage is outlined") +
                      figure(picture_html(m, picture),
                             picture.error.empty() ? "What the method shows; the strongest colours are at ±" + short_number(picture.limit)
                                                   : "The method cannot explain this network") +
                      "</div>\n" + legend_html(view_) + "<h2>Formula</h2>\n" + formula_html(m) +
                      "<p class=\"small\">R is the attribution, x the image, f_c the logit of the explained class c. In formulas of "
                      "layers, a are a layer's inputs, w its weights, z its outputs; v⁺ = max(v, 0), v⁻ = min(v, 0).</p>\n"
                      "<h2>Parameters</h2>\n" +
                      parameter_table(m) + "<h2>Make this picture</h2>\n<pre>" + escape_markup(command_line(m)) +
                      "</pre>\n<p class=\"small\">The picture to begin with is <a href=\"../kernel.png\">kernel.png</a>.</p>\n";
    if (!m.citation.empty()) out += "<h2>Source</h2>\n<p>" + escape_markup(m.citation) + "</p>\n";
    out += "<div class=\"neighbours\"><span>";
    if (k > 0) out += "<a href=\"" + escape_markup(all[k - 1]->name) + ".html\">← " + escape_markup(all[k - 1]->title) + "</a>";
    out += "</span><span>";
    if (k + 1 < all.size()) out += "<a href=\"" + escape_markup(all[k + 1]->name) + ".html\">" + escape_markup(all[k + 1]->title) + " →</a>";
    return out + "</span></div>\n";
  }

  std::string command_line(const Method& m) const {
    return "kernelscope explain --model " + subject_.model + " --image kernel.png --method " + m.name +
           " --normalisation " + view_.normalisation + " --opacity 0.7 --output " + m.name + ".png";
  }

  std::string borders(const Segmentation& s) const {
    Image picture = subject_.kernel.image;
    const Segments segments = segment(s.name, {}, picture);
    draw_borders(picture, segments);
    return "<div class=\"pictures\">" +
           figure(image_html(picture, "the borders of " + s.title), std::to_string(segments.count) + " segments") + "</div>\n";
  }

  const ReferenceSubject& subject_;
  std::string program_;
  StudyView view_ = reference_view();
  Tensor input_;
  std::vector<int> target_;
  Image outlined_;
  std::vector<MethodPicture> pictures_;
};

}  // namespace

std::vector<SiteFile> reference_site(const ReferenceSubject& subject, const std::string& program, const Progress& progress) {
  return Reference(subject, program).make(progress);
}

}  // namespace ks

#include "study/reference.h"

#include <algorithm>

#include "explain/method.h"
#include "metric/metric.h"
#include "picture/colormap.h"
#include "picture/normalisation.h"
#include "picture/overlay.h"
#include "picture/pooling.h"
#include "segment/segments.h"
#include "study/markup.h"
#include "study/reference_metrics.h"
#include "study/reference_page.h"
#include "study/report.h"
#include "tensor/error.h"

namespace ks {

namespace {

/// All entries of a registry on one page, each with what it has to say. `extra` says more of an entry.
template <class T, class Extra>
std::string entries_page(const Registry<T>& registry, const std::string& title, const std::string& lead,
                         const Extra& extra) {
  std::string out = "<header><h1>" + escape_markup(title) + "</h1><p>" + escape_markup(lead) + "</p></header>\n";
  for (const T& entry : registry) {
    out += "<section id=\"" + escape_markup(entry.name) + "\"><h2>" + escape_markup(entry.title) + "<code>" +
           escape_markup(entry.name) + "</code></h2>\n<p>" + escape_markup(entry.description) + "</p>\n" +
           extra(entry) + formula_html(entry) + misleads_html(entry);
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

constexpr double share_of_methods = 0.6;  // of the time

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
      if (progress) progress(share_of_methods * static_cast<double>(k) / static_cast<double>(all.size()));
      pictures_.push_back(explain_with(*all[k]));
    }
    std::vector<SiteFile> files;
    const auto add = [&](const std::string& path, const std::string& title, const std::string& section,
                         const std::string& body) {
      const std::string up = path.find('/') == std::string::npos ? "" : "../";
      files.push_back({path, reference_page(title, up, section, body, program_)});
    };
    add("index.html", "Explanation methods", "index.html", index(all));
    for (size_t k = 0; k < all.size(); ++k)
      add("methods/" + all[k]->name + ".html", all[k]->title, "index.html", method_page(all, k));
    add("segmentations.html", "Segmentations", "segmentations.html",
        entries_page(
            segmentations(), "Segmentations",
            "How an image is cut into parts, for methods that switch parts off. The lines are the borders with the "
            "default parameters.",
            [&](const Segmentation& s) { return borders(s); }));
    add("metrics.html", "Metrics", "metrics.html", metrics_index());
    const Progress rest =
        progress ? Progress([&](double fraction) { progress(share_of_methods + (1 - share_of_methods) * fraction); })
                 : Progress();
    for (const MetricPage& page : metric_pages(subject_, rest))
      add("metrics/" + page.name + ".html", page.title, "metrics.html", page.body);
    const auto nothing = [](const Entry&) { return std::string(); };
    add("poolings.html", "Channel pooling", "poolings.html",
        entries_page(poolings(), "Channel pooling",
                     "How the values of a pixel's channels become one, before a map is drawn.", nothing));
    add("normalisations.html", "Normalisation", "normalisations.html",
        entries_page(normalisations(), "Normalisation", "How a map's values become colours, from -1 to 1.", nothing));
    files.push_back({"kernel.png", encode_png(subject_.kernel.image)});
    const Mask& damage = subject_.kernel.damage;
    files.push_back(
        {"damage.png",
         encode_png(damage.width > 0 ? damage : Mask(subject_.kernel.image.width, subject_.kernel.image.height))});
    if (progress) progress(1);
    return files;
  }

 private:
  void outline(Image& picture) const {
    if (subject_.kernel.damage.area() > 0)
      draw_outline(picture, subject_.kernel.damage, std::max(1, picture.width / 110));
  }

  MethodPicture explain_with(const Method& method) const {
    MethodPicture out;
    try {
      const Tensor raw = explain(method.name, {}, {subject_.classifier, input_, target_});
      const Tensor map = pool_channels(raw, poolings().at(view_.pooling));
      out.limit = display_limit(view_.normalisation, {}, {&map});
      out.overlay =
          overlay(subject_.kernel.image, map, 0, out.limit, colormaps().at(view_.colormap), {.opacity = view_.opacity});
      outline(out.overlay);
    } catch (const Error& e) {
      out.error = e.what();
    }
    return out;
  }

  std::string class_name() const { return subject_.classifier.class_names().at(static_cast<size_t>(target_[0])); }

  std::string picture_html(const Method& m, const MethodPicture& picture) const {
    if (!picture.error.empty()) return "<div class=\"none\">" + escape_markup(picture.error) + "</div>";
    return image_html(picture.overlay, m.title + ": its map over the kernel");
  }

  std::string index(const std::vector<const Method*>& all) const {
    std::string out =
        "<header><h1>Explanation methods</h1><p>Each method answers, in its own way, which pixels made the network "
        "decide as it "
        "did. Here all of them explain why the network <code>" +
        escape_markup(subject_.model) + "</code> answers “" + escape_markup(class_name()) + "” for " +
        escape_markup(subject_.what) +
        ". The green line is the damage: a network that looks at the right thing has its evidence there, if the method "
        "shows "
        "it. Before you trust one, read when it misleads.</p></header>\n<div class=\"pictures\">" +
        figure_html(image_html(outlined_, "the kernel with the outline of its damage"),
                    "The kernel, its damage outlined") +
        "</div>\n" + legend_html(view_);
    std::vector<std::string> families;
    for (const Method* m : all)
      if (std::find(families.begin(), families.end(), m->family) == families.end()) families.push_back(m->family);
    for (const std::string& family : families) {
      const std::string title = family_title(family);
      out += "<h2>" + escape_markup(title) + "</h2>\n<div class=\"cards\">\n";
      for (size_t k = 0; k < all.size(); ++k)
        if (all[k]->family == family)
          out += "<a class=\"card\" href=\"methods/" + escape_markup(all[k]->name) + ".html\">" +
                 picture_html(*all[k], pictures_[k]) + "<strong>" + escape_markup(all[k]->title) + "</strong><span>" +
                 escape_markup(all[k]->description) + "</span></a>\n";
      out += "</div>\n";
    }
    return out;
  }

  std::string method_page(const std::vector<const Method*>& all, size_t k) const {
    const Method& m = *all[k];
    const MethodPicture& picture = pictures_[k];
    std::string out =
        "<header><div class=\"eyebrow\">" + escape_markup(m.family) + "</div><h1>" + escape_markup(m.title) + "<code>" +
        escape_markup(m.name) + "</code></h1><div class=\"facts\"><span>" +
        (m.needs_gradient ? "goes back through the network" : "needs only the network's answers") + "</span><span>" +
        (m.network && !m.explain ? "one graph: can be exported"
         : m.complete            ? "made of other methods' maps"
                                 : "many runs of the network") +
        "</span></div></header>\n<p>" + escape_markup(m.description) + "</p>\n" + misleads_html(m) +
        "<div class=\"pictures\">\n" +
        figure_html(image_html(outlined_, "the kernel with the outline of its damage"),
                    "The kernel: the network answers “" + class_name() + "”. Its damage is outlined") +
        figure_html(picture_html(m, picture),
                    picture.error.empty()
                        ? "What the method shows; the strongest colours are at ±" + short_number(picture.limit)
                        : "The method cannot explain this network") +
        "</div>\n" + legend_html(view_) + "<h2>Formula</h2>\n" + formula_html(m) +
        "<p class=\"small\">R is the attribution, x the image, f_c the logit of the explained class c. In formulas of "
        "layers, a are a layer's inputs, w its weights, z its outputs; v⁺ = max(v, 0), v⁻ = min(v, 0).</p>\n"
        "<h2>Parameters</h2>\n" +
        parameter_table(m) + "<h2>Make this picture</h2>\n<pre>" + escape_markup(command_line(m)) +
        "</pre>\n<p class=\"small\">The picture to begin with is <a href=\"../kernel.png\">kernel.png</a>.</p>\n";
    if (!m.citation.empty()) out += "<h2>Source</h2>\n<p>" + escape_markup(m.citation) + "</p>\n";
    return out + neighbours_html(k > 0 ? all[k - 1] : nullptr, k + 1 < all.size() ? all[k + 1] : nullptr);
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
           figure_html(image_html(picture, "the borders of " + s.title), std::to_string(segments.count) + " segments") +
           "</div>\n";
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

std::vector<SiteFile> reference_site(const ReferenceSubject& subject, const std::string& program,
                                     const Progress& progress) {
  return Reference(subject, program).make(progress);
}

}  // namespace ks

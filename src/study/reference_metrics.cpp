#include "study/reference_metrics.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

#include "explain/cut.h"
#include "explain/evaluate.h"
#include "metric/explainer.h"
#include "metric/metric.h"
#include "metric/prepare.h"
#include "metric/range.h"
#include "picture/colormap.h"
#include "picture/normalisation.h"
#include "picture/overlay.h"
#include "picture/pooling.h"
#include "study/markup.h"
#include "study/reference_page.h"
#include "study/report.h"
#include "tensor/error.h"

namespace ks {

namespace {

/// What every metric must tell apart: three maps that know nothing of the network, and one that comes from it.
constexpr const char* measured_methods[] = {"random", "sobel", "centre", "gradient"};

/// Parameters that cost a forward pass, or several, for each unit, and how many are enough for a page.
struct Lowered {
  const char* parameter;
  int enough;
};
constexpr Lowered lowered[] = {{"nr_samples", 3}, {"n_samples", 25}, {"samples", 4},      {"nr_runs", 25},
                               {"levels", 2},     {"nr_steps", 7},   {"nr_segments", 20}, {"regions", 20}};
constexpr int64_t enough_steps = 20;  // of a curve

struct ControlScore {
  double value = kUndefined;
  std::string remark;  // why it is undefined, or the Error's sentence
};

std::string capital(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

std::string differences_text(const json& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters.items())
    out += (out.empty() ? "" : ", ") + name + "=" + value_text(value);
  return out;
}

class MetricReference {
 public:
  explicit MetricReference(const ReferenceSubject& subject) : subject_(subject) {
    std::vector<Tensor> inputs, masks;
    const auto add = [&](const RenderedKernel& kernel) {
      inputs.push_back(image_to_tensor(kernel.image, subject.classifier.preprocessing()));
      Tensor mask({1, 1, kernel.image.height, kernel.image.width});
      std::copy(kernel.damage.inside.begin(), kernel.damage.inside.end(),
                mask.data.begin());  // none of a healthy kernel
      masks.push_back(std::move(mask));
    };
    add(subject.kernel);
    for (const RenderedKernel& kernel : subject.others) add(kernel);
    inputs_ = concatenate(inputs);
    masks_ = concatenate(masks);
    targets_ = subject.classifier.predict(inputs_);
    for (const char* name : measured_methods) {
      const Method& method = methods().at(name);
      maps_.push_back(explain(name, {}, {subject.classifier, inputs_, targets_, seed}));
      method_parameters_.push_back(check_parameters(method, {}));
      pictures_.push_back(picture_of(maps_.back().slice(0, 1)));
    }
  }

  std::vector<MetricPage> pages(const Progress& progress) {
    std::vector<const Metric*> all;
    for (const Metric& m : metrics()) all.push_back(&m);
    std::vector<MetricPage> out;
    for (size_t k = 0; k < all.size(); ++k) {
      if (progress) progress(static_cast<double>(k) / static_cast<double>(all.size()));
      out.push_back(
          {all[k]->name, all[k]->title,
           body(*all[k]) + neighbours_html(k > 0 ? all[k - 1] : nullptr, k + 1 < all.size() ? all[k + 1] : nullptr)});
    }
    return out;
  }

 private:
  static constexpr uint64_t seed = 1;

  Image picture_of(const Tensor& raw) const {
    const Tensor map = pool_channels(raw, poolings().at(view_.pooling));
    Image out = overlay(subject_.kernel.image, map, 0, display_limit(view_.normalisation, {}, {&map}),
                        colormaps().at(view_.colormap), {.opacity = view_.opacity});
    if (subject_.kernel.damage.area() > 0) draw_outline(out, subject_.kernel.damage, std::max(1, out.width / 110));
    return out;
  }

  /// Those of a metric's parameters that a page sets lower than they are.
  json lowered_parameters(const Metric& m) const {
    json out = json::object();
    for (const Parameter& p : m.parameters) {
      for (const Lowered& l : lowered)
        if (p.name == l.parameter && p.default_value.is_number() && p.default_value > l.enough) out[p.name] = l.enough;
      if (p.name == "features_in_step" && p.default_value == 0)
        out[p.name] =
            3 * (inputs_.dim(2) * inputs_.dim(3) / (3 * enough_steps)) * (m.name == "effective-complexity" ? 1 : 3);
    }
    return out;
  }

  ControlScore score(const Metric& m, const json& parameters, size_t k) {
    const bool compares = compares_images(m, check_parameters(m, parameters));
    const auto part = [&](const Tensor& all) { return compares ? all : all.slice(0, 1); };
    const Tensor inputs = part(inputs_), masks = part(masks_), maps = part(maps_[k]);
    const std::vector<int> targets(targets_.begin(), targets_.begin() + inputs.dim(0));
    MetricRequest request{
        &subject_.classifier,   &inputs, &targets, maps,    &masks,     &methods().at(measured_methods[k]),
        &method_parameters_[k], seed,    nullptr,  nullptr, &forwards_, &explanations_};
    request.segments = &segments_;
    ControlScore out;
    try {
      const MetricResult result = measure(m.name, parameters, request);
      out.value = result.scores.at(0);
      const std::vector<std::string> remarks = warnings_about(0, inputs.dim(0), result.warnings);
      if (std::isnan(out.value)) out.remark = remarks.empty() ? "not defined for this map" : remarks[0];
    } catch (const Error& e) {
      out.remark = e.what();
    }
    return out;
  }

  std::string scores_html(const Metric& m) {
    const json parameters = lowered_parameters(m);
    const Direction direction = direction_of(m, parameters);
    std::vector<ControlScore> scores;
    for (size_t k = 0; k < maps_.size(); ++k) scores.push_back(score(m, parameters, k));
    const auto badness = [&](double v) {
      return direction == Direction::higher ? -v : direction == Direction::lower ? v : std::fabs(v);
    };
    double best = std::numeric_limits<double>::infinity();
    bool differ = false;
    for (const ControlScore& s : scores) {
      if (!std::isnan(s.value)) best = std::min(best, badness(s.value));
      differ = differ || short_number(s.value) != short_number(scores[0].value);
    }
    std::string out =
        "<h2>What it says of four maps</h2>\n<p>Of " + escape_markup(subject_.what) +
        ". Noise, the edges of the picture and its centre know nothing of the network; the gradient comes from it. A "
        "metric that does not put the gradient ahead may be right, but has to be asked why." +
        std::string(differ ? "" : " Here it cannot tell the four apart.") +
        (parameters.empty() ? ""
                            : " To be quick, with <code>" + escape_markup(differences_text(parameters)) + "</code>.") +
        "</p>\n<div class=\"controls\">\n";
    for (size_t k = 0; k < scores.size(); ++k) {
      const bool is_best = differ && direction != Direction::none && badness(scores[k].value) == best;
      const std::string title = methods().at(measured_methods[k]).title;
      out += "<figure" + std::string(is_best ? " class=\"best\"" : "") + ">" +
             image_html(pictures_[k], "the map of " + title) + "<figcaption><span class=\"score\">" +
             short_number(scores[k].value) + (is_best ? " <small>best</small>" : "") + "</span>" +
             escape_markup(title) + (scores[k].remark.empty() ? "" : ": " + escape_markup(scores[k].remark)) +
             "</figcaption></figure>\n";
    }
    return out + "</div>\n" + legend_html(view_) + command_html(m, parameters);
  }

  /// How to have the gradient's score on the command line; nothing for a metric that needs several images.
  std::string command_html(const Metric& m, const json& parameters) const {
    if (compares_images(m, check_parameters(m, parameters))) return "";
    const std::string input = " --model " + subject_.model + " --image kernel.png";
    std::string measure_line =
        "kernelscope measure" + input + " --target predicted --attribution gradient.npy --method gradient";
    if (m.needs_mask) measure_line += " --mask damage.png";
    measure_line += " --metric " + m.name;
    for (const auto& [name, value] : parameters.items()) measure_line += " --param " + name + "=" + value_text(value);
    return "<h2>Measure the gradient</h2>\n<pre>" +
           escape_markup("kernelscope explain" + input + " --method gradient --output gradient.npy\n" + measure_line +
                         " --seed " + std::to_string(seed)) +
           "</pre>\n<p class=\"small\">With <a href=\"../kernel.png\">kernel.png</a>" +
           (m.needs_mask ? " and its annotation, <a href=\"../damage.png\">damage.png</a>" : "") + ".</p>\n";
  }

  static std::string compat_html(const Metric& m) {
    if (!m.quantus.is_object()) return "";
    std::string out =
        "<h2>What Quantus computes instead</h2>\n<p>With <code>compat=quantus</code> the parameters that are not given "
        "have the values with which Quantus computes this metric:</p>\n<div class=\"scroll\"><table "
        "class=\"parameters\"><thead><tr><th>Parameter</th>"
        "<th>After the paper</th><th>As Quantus</th></tr></thead><tbody>\n";
    const json usual = check_parameters(m, {}).all();
    for (const auto& [name, value] : m.quantus.items())
      out += "<tr><td><code>" + escape_markup(name) + "</code></td><td><code>" +
             escape_markup(value_text(usual.at(name))) + "</code></td><td><code>" + escape_markup(value_text(value)) +
             "</code></td></tr>\n";
    return out + "</tbody></table></div>\n";
  }

  std::string body(const Metric& m) {
    std::string facts = "<span>" + std::string(direction_text(m.direction)) + "</span>";
    if (m.direction_with) facts += "<span>depends on its parameters</span>";
    if (m.needs_mask) facts += "<span>needs an annotation</span>";
    facts += m.needs_classifier ? "<span>asks the network</span>" : "<span>looks at the map alone</span>";
    if (m.compares_images) facts += "<span>compares images of a study</span>";
    std::string out = "<header><div class=\"eyebrow\">" + escape_markup(m.family) + "</div><h1>" +
                      escape_markup(m.title) + "<code>" + escape_markup(m.name) + "</code></h1><div class=\"facts\">" +
                      facts + "</div></header>\n<p>" + escape_markup(m.description) + "</p>\n" + misleads_html(m) +
                      "<h2>Formula</h2>\n" + formula_html(m) +
                      "<p class=\"small\">a is the map after pooling and normalisation, M the annotation, x the image, "
                      "f_c the network's "
                      "output for the explained class c, e(x) the explanation of x.</p>\n<h2>Range</h2>\n<p>" +
                      escape_markup(capital(metric_range(m.name))) + ".</p>\n" + scores_html(m) + compat_html(m) +
                      "<h2>Parameters</h2>\n" + parameter_table(m);
    if (!m.citation.empty()) out += "<h2>Source</h2>\n<p>" + escape_markup(m.citation) + "</p>\n";
    return out;
  }

  const ReferenceSubject& subject_;
  const StudyView view_ = reference_view();
  Tensor inputs_, masks_;
  std::vector<int> targets_;
  std::vector<Tensor> maps_;
  std::vector<Params> method_parameters_;
  std::vector<Image> pictures_;
  ForwardMemo forwards_;
  ExplanationMemo explanations_;
  SegmentsMemo segments_;
};

}  // namespace

std::vector<MetricPage> metric_pages(const ReferenceSubject& subject, const Progress& progress) {
  return MetricReference(subject).pages(progress);
}

std::string metrics_index() {
  std::string out =
      "<header><h1>Metrics</h1><p>How good an explanation is cannot be seen; each metric measures one side of it. "
      "Before you rank "
      "methods by one, read when it misleads.</p></header>\n";
  std::vector<std::string> families;
  for (const Metric& m : metrics())
    if (std::find(families.begin(), families.end(), m.family) == families.end()) families.push_back(m.family);
  for (const std::string& family : families) {
    out += "<h2>" + escape_markup(family_title(family)) +
           "</h2>\n<div class=\"scroll\"><table class=\"metric-list\"><thead><tr><th>Metric</th><th>Best</th><th>What "
           "it computes</th></tr>"
           "</thead><tbody>\n";
    for (const Metric& m : metrics())
      if (m.family == family)
        out += "<tr><th><a href=\"metrics/" + escape_markup(m.name) + ".html\">" + escape_markup(m.title) +
               "</a></th><td>" + direction_text(m.direction) + "</td><td>" + escape_markup(m.description) +
               "</td></tr>\n";
    out += "</tbody></table></div>\n";
  }
  return out;
}

}  // namespace ks

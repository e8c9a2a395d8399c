#include <stdexcept>

#include "metric/metric.h"
#include "tensor/error.h"

namespace ks {

const char* to_string(Direction direction) {
  switch (direction) {
    case Direction::higher:
      return "higher";
    case Direction::lower:
      return "lower";
    case Direction::zero:
      return "zero";
    case Direction::none:
      return "none";
  }
  return "";
}

namespace {

/// "features_in_step=1, baseline=black"
std::string differences(const json& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters.items())
    out += (out.empty() ? "" : ", ") + name + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  return out;
}

}  // namespace

bool needs_classifier(const Metric& metric, const Params& parameters) {
  return metric.needs_classifier_with ? metric.needs_classifier_with(parameters) : metric.needs_classifier;
}

bool compares_images(const Metric& metric, const Params& parameters) {
  return metric.compares_images && metric.compares_images(parameters);
}

bool makes_pictures(const Metric& metric, const Params& parameters) {
  return metric.makes_pictures && metric.makes_pictures(parameters);
}

const Registry<Metric>& metrics() {
  static const Registry<Metric> registry("metric", [] {
    std::vector<Metric> all;
    for (auto family : {faithfulness_metrics, robustness_metrics, complexity_metrics, localisation_metrics,
                        randomisation_metrics, axiomatic_metrics})
      for (Metric& m : family()) {
        if (m.quantus.is_object())
          m.parameters.push_back(
              {"compat",
               ParameterType::choice,
               "paper",
               "Whose definition the parameters that are not given follow: with quantus " + differences(m.quantus),
               {},
               {},
               "",
               {"paper", "quantus"}});
        all.push_back(std::move(m));
      }
    return all;
  }());
  return registry;
}

Params check_parameters(const Metric& metric, const json& given) {
  const Entry& entry = metric;
  if (!metric.quantus.is_object() || !given.is_object() || given.value("compat", json("paper")) != "quantus")
    return check_parameters(entry, given);
  json filled = metric.quantus;
  for (const auto& [name, value] : given.items()) filled[name] = value;
  return check_parameters(entry, filled);
}

json scores_as_json(const MetricResult& result) {
  if (!result.curve_is_score) return result.scores;
  // A curve that stands for all images together is given once.
  if (result.curves.size() == 1 && result.scores.size() > 1) return result.curves[0];
  if (!result.points_first || result.curves.empty()) return result.curves;
  json rows = json::array();
  for (size_t i = 0; i < result.curves[0].size(); ++i) {
    rows.push_back(json::array());
    for (const std::vector<double>& curve : result.curves) rows.back().push_back(curve[i]);
  }
  return rows;
}

Direction direction_of(const Metric& metric, const json& parameters) {
  return metric.direction_with ? metric.direction_with(check_parameters(metric, parameters)) : metric.direction;
}

namespace {

/// Shapes must agree: what is wrong with them is the user's files.
void check_request(const Metric& m, const Params& params, const MetricRequest& r) {
  const Shape& a = r.attributions.shape;
  const auto wrong = [](const std::string& what, const Shape& shape, const std::string& wanted) {
    throw Error("the " + what + " has shape " + to_string(shape), "", "it must be " + wanted);
  };
  const bool with_maps = r.attributions.size() > 0 || !makes_pictures(m, params);
  if (with_maps && (a.size() != 4 || a[0] < 1 || a[1] < 1 || r.attributions.size() == 0))
    wrong("attribution", a, "[N,C,H,W] or [N,1,H,W]");
  if (needs_classifier(m, params)) {
    if (!r.classifier || !r.inputs || !r.targets)
      throw Error("needs a model, inputs and targets", m.name, "give --model, --input or --image, and --target");
    const Shape& x = r.inputs->shape;
    if (x.size() != 4 || x[1] != r.classifier->channels() || x[2] != r.classifier->height() ||
        x[3] != r.classifier->width())
      wrong("input", x,
            to_string({with_maps ? a[0] : 1, r.classifier->channels(), r.classifier->height(), r.classifier->width()}) +
                ", as the model takes it");
    if (with_maps && (a[0] != x[0] || (a[1] != 1 && a[1] != x[1]) || a[2] != x[2] || a[3] != x[3]))
      wrong("attribution", a, to_string(x) + " like the input, or with one channel");
    if (static_cast<int64_t>(r.targets->size()) != x[0])
      throw std::logic_error("measure: targets and inputs differ in number");
    check_targets(*r.targets, *r.classifier);
  }
  if (m.needs_mask) {
    if (!r.masks) throw Error("needs an annotation", m.name, "give --mask");
    const Shape wanted{a[0], 1, a[2], a[3]};
    if (r.masks->shape != wanted) wrong("mask", r.masks->shape, to_string(wanted) + " like the attribution");
  }
}

}  // namespace

MetricResult measure(const std::string& metric, const json& parameters, const MetricRequest& request) {
  const Metric& m = metrics().at(metric);
  const Params params = check_parameters(m, parameters);
  check_request(m, params, request);
  return m.measure(request, params);
}

}  // namespace ks

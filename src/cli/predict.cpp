#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>

#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/samples.h"
#include "tensor/error.h"
#include "train/trainer.h"

namespace ks::cli {

namespace {

struct PredictOptions {
  InputOptions input;
  std::string data, split = "test";
};

void predict_images(const PredictOptions& o, Classifier& classifier, const Context& context) {
  const Tensor inputs = o.input.open_inputs(classifier);
  const Tensor p = classifier.probabilities(inputs);
  json out = json::array();
  for (int64_t n = 0; n < p.dim(0); ++n) {
    const float* row = p.sample(n);
    const auto best = static_cast<size_t>(std::max_element(row, row + p.stride()) - row);
    const std::string name =
        o.input.images.empty() ? o.input.array + "[" + std::to_string(n) + "]" : o.input.images[static_cast<size_t>(n)];
    json probabilities = json::object();
    for (size_t k = 0; k < classifier.class_names().size(); ++k) probabilities[classifier.class_names()[k]] = row[k];
    out.push_back({{"input", name},
                   {"class", classifier.class_names()[best]},
                   {"probability", row[best]},
                   {"probabilities", probabilities}});
    if (!context.json)
      std::cout << name << ": " << classifier.class_names()[best] << ", " << percent(row[best]) << "\n";
  }
  if (context.json) context.print({{"model", o.input.model}, {"predictions", out}});
}

void predict_data(const PredictOptions& o, Classifier& classifier, const Context& context) {
  const std::vector<std::string>& classes = classifier.class_names();
  const train::Samples samples =
      load_test_samples(o.data, o.split, classes, classifier.width(), classifier.height(), context);
  const train::Evaluation e =
      train::evaluate([&](const Tensor& x) { return classifier.probabilities(x); }, samples, classifier.preprocessing(),
                      o.input.threads, context.progress("predicting"));
  json wrong = json::array(), confusion = json::object();
  for (size_t i = 0; i < samples.samples.size(); ++i) {
    const train::Sample& s = samples.samples[i];
    if (e.predictions[i] == s.label) continue;
    wrong.push_back({{"image", s.name},
                     {"class", classes[static_cast<size_t>(s.label)]},
                     {"predicted", classes[static_cast<size_t>(e.predictions[i])]},
                     {"probability", e.confidences[i]}});
  }
  for (size_t k = 0; k < classes.size(); ++k) {
    json row = json::object();
    for (size_t j = 0; j < classes.size(); ++j) row[classes[j]] = e.confusion[k][j];
    confusion[classes[k]] = row;
  }
  if (context.json) {
    context.print({{"model", o.input.model},
                   {"sha256", classifier.hash()},
                   {"data", samples.description},
                   {"split", o.split},
                   {"images", samples.samples.size()},
                   {"accuracy", e.accuracy},
                   {"loss", e.loss},
                   {"confusion", confusion},
                   {"wrong", wrong}});
    return;
  }
  std::cout << percent(e.accuracy) << " of " << samples.samples.size() << " pictures right\n";
  for (size_t k = 0; k < classes.size(); ++k) {
    std::cout << "  " << classes[k] << ":";
    for (size_t j = 0; j < classes.size(); ++j)
      std::cout << (j ? ", " : " ") << e.confusion[k][j] << " taken for " << classes[j];
    std::cout << "\n";
  }
  for (const json& w : wrong)
    std::cout << "  wrong: " << w["image"].get<std::string>() << " is " << w["class"].get<std::string>()
              << ", taken for " << w["predicted"].get<std::string>() << " with "
              << percent(w["probability"].get<double>()) << "\n";
}

}  // namespace

Action predict(CLI::App& app) {
  auto o = std::make_shared<PredictOptions>();
  o->input.define(app, false);
  app.add_option("--data", o->data,
                 "Score the model on a data set, or on a folder with one folder of pictures per class");
  app.add_option("--split", o->split, "Of a data set: train, validation, test or all")
      ->check(CLI::IsMember({"train", "validation", "test", "all"}))
      ->capture_default_str();
  return [o](Context& context) {
    if (!o->data.empty() && (!o->input.images.empty() || !o->input.array.empty()))
      throw Error("--data excludes --image and --input", "", "give either pictures or a data set");
    const auto classifier = o->input.open_model();
    if (o->data.empty())
      predict_images(*o, *classifier, context);
    else
      predict_data(*o, *classifier, context);
  };
}

}  // namespace ks::cli

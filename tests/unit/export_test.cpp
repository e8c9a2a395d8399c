#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "difference.h"
#include "explain/export.h"
#include "picture/normalisation.h"
#include "picture/pooling.h"
#include "support.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/npy.h"

namespace ks::export_test {

TEST_SUITE_BEGIN("explain");

TEST_CASE("an exported explainer gives what explain gives") {
  const std::string folder = test::path("tests/golden/methods/grainnet/");
  Classifier classifier(read_file(folder + "model.onnx"), "grainnet");
  const Tensor x = load_npy(folder + "input.npy");
  const std::vector<int> predicted = classifier.predict(x), ones(x.dim(0), 1);
  int exported = 0;
  for (const Method& m : methods()) {
    if (!m.network) {
      CHECK_THROWS_AS(export_explainer(classifier, m.name, {}, {.target = ExportTarget::predicted}), Error);
      continue;
    }
    ++exported;
    for (ExportTarget target : {ExportTarget::predicted, ExportTarget::fixed}) {
      CAPTURE(m.name);
      Session session(graph::write(export_explainer(classifier, m.name, {}, {.target = target, .target_class = 1})), {},
                      m.name);
      const auto out = session.run({{"input", &x}}, {"logits", "attribution"});
      const Tensor expected =
          explain(m.name, {}, {classifier, x, target == ExportTarget::predicted ? predicted : ones});
      double peak = 0, worst = 0;
      for (int64_t i = 0; i < expected.size(); ++i) {
        peak = std::max(peak, std::fabs(static_cast<double>(expected.data[i])));
        worst = std::max(worst, std::fabs(static_cast<double>(expected.data[i]) - out[1].data[i]));
      }
      CHECK(worst <= 1e-5 * peak);
      CHECK(out[0].shape == Shape{x.dim(0), classifier.classes()});
    }
  }
  CHECK(exported >= 11);
}

namespace {

/// What pool_channels and display_value make of raw attributions, image by image.
Tensor displayed(const Tensor& raw, const ExportOptions& o) {
  Tensor out = pool_channels(raw, poolings().at(o.pooling));
  if (o.normalisation.empty()) return out;
  for (int64_t n = 0; n < out.dim(0); ++n) {
    const Tensor map = out.slice(n, n + 1);
    const double limit = display_limit(o.normalisation, o.normalisation_parameters, {&map});
    for (int64_t i = 0; i < out.stride(); ++i)
      out.sample(n)[i] = display_value(map.data[static_cast<size_t>(i)], limit);
  }
  return out;
}

}  // namespace

TEST_CASE("pooling and normalisation in the graph give what the picture functions give") {
  for (const std::string model : {"grainnet", "vggbn"}) {
    const std::string folder = test::path("tests/golden/methods/" + model + "/");
    Classifier classifier(read_file(folder + "model.onnx"), model);
    const Tensor x = load_npy(folder + "input.npy").slice(0, 2);
    const std::vector<int> targets = classifier.predict(x);
    for (const std::string method :
         {"gradient", "input-x-gradient", "lrp-epsilon-plus-flat", "lrp-epsilon-gamma-box"}) {
      const Tensor raw = explain(method, {}, {classifier, x, targets});
      for (const Pooling& pooling : poolings())
        for (const ExportOptions& o :
             std::vector<ExportOptions>{{.pooling = pooling.name},
                                        {.pooling = pooling.name, .normalisation = "max-abs"},
                                        {.pooling = pooling.name, .normalisation = "percentile"},
                                        {.pooling = pooling.name,
                                        .normalisation = "percentile",
                                        .normalisation_parameters = {{"percentile", 73.7}}},
                                        {.pooling = pooling.name,
                                        .normalisation = "percentile",
                                        .normalisation_parameters = {{"percentile", 100}}}}) {
          CAPTURE(model);
          CAPTURE(method);
          CAPTURE(pooling.name);
          CAPTURE(o.normalisation);
          const graph::Model exported = export_explainer(classifier, method, {}, o);
          CHECK(exported.outputs[1].shape() == Shape{-1, 1, x.dim(2), x.dim(3)});
          CHECK(exported.metadata.at("kernelscope.pooling") == pooling.name);
          CHECK(exported.metadata.count("kernelscope.normalisation") == !o.normalisation.empty());
          Session session(graph::write(exported), {}, method);
          const Tensor got = session.run({{"input", &x}}, {"attribution"}).at(0);
          CHECK(test::share_of_peak(displayed(raw, o), got) <= 1e-5);
        }
    }
  }
}

TEST_CASE("a map of zeros stays one") {
  const std::string folder = test::path("tests/golden/methods/grainnet/");
  Classifier classifier(read_file(folder + "model.onnx"), "grainnet");
  const Tensor x(load_npy(folder + "input.npy").slice(0, 1).shape);  // input x gradient of zeros is zero
  for (const char* normalisation : {"max-abs", "percentile"}) {
    Session session(graph::write(export_explainer(classifier, "input-x-gradient", {},
                                                  {.pooling = "strongest", .normalisation = normalisation})),
                    {}, "zeros");
    const Tensor got = session.run({{"input", &x}}, {"attribution"}).at(0);
    CHECK(std::all_of(got.data.begin(), got.data.end(), [](float v) { return v == 0; }));
  }
}

TEST_CASE("what cannot be part of a graph is refused in a sentence") {
  const std::string folder = test::path("tests/golden/methods/grainnet/");
  Classifier classifier(read_file(folder + "model.onnx"), "grainnet");
  const auto sentence = [&](const ExportOptions& o) -> std::string {
    try {
      export_explainer(classifier, "gradient", {}, o);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  for (const char* name : {"max-abs-study", "percentile-study"})
    CHECK(sentence({.pooling = "sum", .normalisation = name}).find("looks at all maps of a study") !=
          std::string::npos);
  CHECK(sentence({.normalisation = "max-abs"}).find("name a channel pooling") != std::string::npos);
  CHECK(sentence({.pooling = "summ"}).find("did you mean 'sum'") != std::string::npos);
  CHECK(sentence({.pooling = "sum", .normalisation = "percentile", .normalisation_parameters = {{"percentile", 20}}})
            .find("'percentile' is 20") != std::string::npos);
}

TEST_SUITE_END();

}  // namespace ks::export_test

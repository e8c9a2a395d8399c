#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "explain/export.h"
#include "support.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/npy.h"

using namespace ks;

TEST_SUITE_BEGIN("explain");

TEST_CASE("an exported explainer gives what explain gives") {
  const std::string folder = test::path("tests/golden/methods/grainnet/");
  Classifier classifier(read_file(folder + "model.onnx"), "grainnet");
  const Tensor x = load_npy(folder + "input.npy");
  const std::vector<int> predicted = classifier.predict(x), ones(x.dim(0), 1);
  int exported = 0;
  for (const Method& m : methods()) {
    if (!m.network) {
      CHECK_THROWS_AS(export_explainer(classifier, m.name, {}, ExportTarget::predicted), Error);
      continue;
    }
    ++exported;
    for (ExportTarget target : {ExportTarget::predicted, ExportTarget::fixed}) {
      CAPTURE(m.name);
      Session session(graph::write(export_explainer(classifier, m.name, {}, target, 1)), {}, m.name);
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

TEST_SUITE_END();

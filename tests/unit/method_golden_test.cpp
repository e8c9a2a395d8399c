#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "explain/method.h"
#include "support.h"
#include "tensor/file.h"
#include "tensor/npy.h"

namespace ks::method_golden_test {

TEST_SUITE_BEGIN("explain");

namespace {

/// Every case of a fixture folder (Captum and zennit, see tests/golden/README.md) through the library.
void check_suite(const std::string& model) {
  const std::string folder = test::path("tests/golden/methods/" + model + "/");
  const json suite = json::parse(read_file(folder + "cases.json"));
  Classifier classifier(read_file(folder + "model.onnx"), model);
  const Tensor input = load_npy(folder + suite.at("input").get<std::string>());
  int cases = 0;
  for (const json& c : suite.at("cases")) {
    ++cases;
    const std::vector<int> targets = c.at("target").get<std::vector<int>>();
    const Tensor expected = load_npy(folder + c.at("expected").get<std::string>());
    const Tensor got = explain(c.at("method").get<std::string>(), c.at("params"), {classifier, input, targets});
    CAPTURE(model);
    CAPTURE(c.at("id").get<std::string>());
    REQUIRE(got.shape == expected.shape);
    const double rtol = c.at("rtol").get<double>(), atol = c.at("atol").get<double>();
    int64_t bad = 0;
    double worst = 0, peak = 0;
    for (int64_t i = 0; i < got.size(); ++i) {
      const double d = std::fabs(static_cast<double>(got.data[i]) - expected.data[i]);
      if (!(d <= atol + rtol * std::fabs(expected.data[i]))) ++bad;
      worst = std::max(worst, d);
      peak = std::max(peak, std::fabs(static_cast<double>(expected.data[i])));
    }
    CAPTURE(worst / peak);
    CHECK(bad == 0);
  }
  CHECK(cases >= 19);
}

}  // namespace

TEST_CASE("methods equal Captum and zennit: plain network") {
  check_suite("plain");
}
TEST_CASE("methods equal Captum and zennit: residual network with batch norm") {
  check_suite("grainnet");
}
TEST_CASE("methods equal Captum and zennit: VGG-like network with average pooling") {
  check_suite("vggbn");
}

TEST_SUITE_END();

}  // namespace ks::method_golden_test

#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "metric/metric.h"
#include "metric/prepare.h"
#include "metric/similarity.h"
#include "support.h"
#include "tensor/file.h"
#include "tensor/npy.h"

namespace ks::metric_golden_test {

TEST_SUITE_BEGIN("metric");

namespace {

/// Numbers of a value or of nested lists of them; null is NaN.
void flatten(const json& v, std::vector<double>& out) {
  if (v.is_array()) {
    for (const json& item : v) flatten(item, out);
  } else {
    out.push_back(v.is_null() ? NAN : v.get<double>());
  }
}

std::vector<double> numbers(const json& v) {
  std::vector<double> out;
  flatten(v, out);
  return out;
}

/// Scores against a case of the fixtures (computed with Quantus, see tests/golden/METRICS.md); returns the number
/// outside.
int deviations(const json& c, const std::vector<double>& got) {
  const std::vector<double> wanted = numbers(c.at("expected"));
  REQUIRE(got.size() == wanted.size());
  const bool stochastic = c.at("kind") == "stochastic";
  const std::vector<double> spread = stochastic ? numbers(c.at("std")) : std::vector<double>(wanted.size());
  const double atol = c.value("atol", 0.0), rtol = stochastic ? 0.02 : c.at("rtol").get<double>();
  int bad = 0;
  for (size_t i = 0; i < wanted.size(); ++i)
    bad += !(std::fabs(got[i] - wanted[i]) <= 4 * spread[i] + rtol * std::fabs(wanted[i]) + atol);
  return bad;
}

/// The parameters of a case; one that names an array is given as its values.
json parameters_of(const json& c, const std::string& folder) {
  json out = c.at("params");
  for (auto& [name, value] : out.items())
    if (value.is_string() && value.get<std::string>().ends_with(".npy")) {
      const Tensor array = load_npy(folder + value.get<std::string>());
      value = std::vector<int64_t>(array.data.begin(), array.data.end());
    }
  return out;
}

void check_suite(const std::string& name, size_t cases) {
  const std::string folder = test::path("tests/golden/metrics/" + name + "/");
  const json suite = json::parse(read_file(folder + "cases.json"));
  Classifier classifier(read_file(folder + "model.onnx"), name);
  const Tensor input = load_npy(folder + "input.npy"), mask = load_npy(folder + "mask.npy");
  const std::vector<int> targets = suite.at("target").get<std::vector<int>>();
  CHECK(suite.at("cases").size() == cases);
  for (const json& c : suite.at("cases")) {
    CAPTURE(c.at("id").get<std::string>());
    const Tensor attribution = load_npy(folder + c.at("attribution").get<std::string>());
    const std::string metric = c.at("metric").get<std::string>();
    const json parameters = parameters_of(c, folder);
    const MetricResult result = measure(metric, parameters, {&classifier, &input, &targets, attribution, &mask});
    CHECK(deviations(c, numbers(scores_as_json(result))) == 0);
    CHECK(to_string(direction_of(metrics().at(metric), parameters)) == c.at("direction").get<std::string>());
  }
}

}  // namespace

TEST_CASE("metrics equal Quantus: plain network") {
  check_suite("plain-24", 328);
}
TEST_CASE("metrics equal Quantus: residual network") {
  check_suite("resnet-32", 334);
}

TEST_CASE("normalisations equal Quantus") {
  const std::string folder = test::path("tests/golden/metrics/functions/");
  const json suite = json::parse(read_file(folder + "cases.json"));
  int checked = 0;
  for (const json& c : suite.at("cases")) {
    if (c.at("metric") != "normalisation") continue;
    CAPTURE(c.at("id").get<std::string>());
    const Maps maps = prepare(load_npy(folder + c.at("attribution").get<std::string>()), Params(c.at("params")));
    CHECK(deviations(c, maps.values) == 0);
    ++checked;
  }
  CHECK(checked == 18);
}

TEST_CASE("similarities equal SciPy and scikit-image") {
  const std::string folder = test::path("tests/golden/metrics/functions/");
  const json suite = json::parse(read_file(folder + "cases.json"));
  const Params raw(json{{"pooling", "none"}, {"normalise", "none"}, {"normalise_scope", "sample"}, {"abs", false}});
  Entry entry;
  entry.name = "similarity";
  entry.parameters = similarity_parameters("spearman");
  int checked = 0;
  for (const json& c : suite.at("cases")) {
    if (c.at("metric") != "similarity") continue;
    CAPTURE(c.at("id").get<std::string>());
    json params = c.at("params");
    const Maps a = prepare(load_npy(folder + c.at("attribution").get<std::string>()), raw),
               b = prepare(load_npy(folder + params.at("reference").get<std::string>()), raw);
    params.erase("reference");
    params.erase("pooling");
    const Similarity similarity = read_similarity(check_parameters(entry, params));
    std::vector<double> scores;
    for (int64_t n = 0; n < a.count; ++n) scores.push_back(similarity(a, n, b, n));
    CHECK(deviations(c, scores) == 0);
    ++checked;
  }
  CHECK(checked == 50);
}

TEST_SUITE_END();

}  // namespace ks::metric_golden_test

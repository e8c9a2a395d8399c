#include <doctest/doctest.h>

#include "explain/timing.h"
#include "networks.h"
#include "support.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "worker/service.h"

namespace ks::timing_test {

TEST_SUITE_BEGIN("explain");

TEST_CASE("a method of many gradients takes longer than the forward pass timed beside it") {
  Random random(2);
  Classifier classifier(read_file(test::path("tests/golden/methods/grainnet/model.onnx")), "grainnet");
  const Tensor x = test::random_tensor(random, {1, 3, classifier.height(), classifier.width()});
  const int64_t before = classifier.forward_count();
  const MethodTiming t = time_method("integrated-gradients", {{"steps", 64}}, {classifier, x, {0}}, 5);
  CHECK(classifier.forward_count() - before == 6);
  CHECK(t.forward > 0);
  CHECK(t.method > 2 * t.forward);
  CHECK(t.first > 0);
  CHECK_THROWS_AS(time_method("gradeint", {}, {classifier, x, {0}}, 1), Error);
}

TEST_CASE("the page's service times a method of an image of its study") {
  Service service([](const std::string&, const Source&) {
    return read_file(test::path("tests/golden/methods/grainnet/model.onnx"));
  });
  const auto ask = [&](const json& request) { return service.handle(request, "", nullptr).head; };
  const json study = {{"kernelscope", 1},
                      {"model", {{"builtin", "grainnet"}}},
                      {"images", {{{"id", "a"}, {"generate", {{"species", "wheat"}, {"size", 48}}}}}}};
  REQUIRE(ask({{"op", "study"}, {"study", study}}).at("ok") == true);
  const json answer = ask({{"op", "time"},
                           {"image", "a"},
                           {"method", {{"name", "smoothgrad"}, {"params", {{"samples", 32}}}}},
                           {"repeats", 3}});
  REQUIRE(answer.at("ok") == true);
  CHECK(answer.at("method").get<double>() > answer.at("forward").get<double>());
  CHECK(answer.at("first").get<double>() > 0);
  const json wrong = ask({{"op", "time"}, {"image", "b"}, {"method", {{"name", "gradient"}}}});
  CHECK(wrong.at("ok") == false);
  CHECK(wrong.at("error") == "there is no image 'b' in the study");
}

TEST_SUITE_END();

}  // namespace ks::timing_test

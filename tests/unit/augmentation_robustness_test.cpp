#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "contribution_scene.h"
#include "even_network.h"
#include "metric/augmentation.h"
#include "metric/metric.h"
#include "tensor/error.h"

namespace ks::augmentation_robustness_test {
using test::even_network;
using test::measure_even;
using test::soft_pictures;
using test::warns;

namespace {

constexpr int kPlane = test::LinearClassifier::side * test::LinearClassifier::side;

}  // namespace

TEST_SUITE_BEGIN("metric");

TEST_CASE("a change of a picture is made in the picture's colours, and by as much as it says") {
  const Preprocessing pre{.width = 24, .height = 24};
  const AugmentationLimits limits{45, 0.2, 1.3, 0.3, 20, 1, 2, 0.1};
  const auto picture = [&](const Tensor& input) {
    Tensor out = input;
    for (int c = 0; c < 3; ++c)
      for (int i = 0; i < kPlane; ++i)
        out.data[static_cast<size_t>(c * kPlane + i)] =
            input.data[static_cast<size_t>(c * kPlane + i)] * pre.deviation[static_cast<size_t>(c)] +
            pre.mean[static_cast<size_t>(c)];
    return out;
  };
  Tensor input = soft_pictures(3).slice(0, 1);
  for (float& v : input.data) v *= 0.5f;
  const auto changed = [&](AugmentationFamily family, double strength, uint64_t seed) {
    Tensor out(input.shape);
    PictureChange(family, strength, 0, limits, seed, 24, 24).apply(input.data.data(), 3, pre, out.data.data());
    return out;
  };
  const Tensor before = picture(input);
  int darker = 0, grey = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Tensor light = picture(changed(AugmentationFamily::brightness, 0.5, seed)),
                 colour = picture(changed(AugmentationFamily::saturation, 1, seed));
    const bool down = light.data[0] < before.data[0];
    darker += down;
    for (size_t i = 0; i < light.data.size(); ++i)
      CHECK(light.data[i] == doctest::Approx(before.data[i] * (down ? 0.85 : 1.15)).epsilon(1e-4));
    grey += std::fabs(colour.data[5] - colour.data[5 + kPlane]) < 1e-5 &&
            std::fabs(colour.data[5] - colour.data[5 + 2 * kPlane]) < 1e-5;
  }
  CHECK((darker > 8 && darker < 32));  // each way about equally often
  CHECK((grey > 8 && grey < 32));      // the full limit takes all colour, or doubles it
  const Tensor noisy = picture(changed(AugmentationFamily::noise, 1, 1)),
               half = picture(changed(AugmentationFamily::noise, 0.5, 1));
  double squares = 0;
  for (size_t i = 0; i < noisy.data.size(); ++i) {
    const double d = noisy.data[i] - before.data[i];
    squares += d * d;
    CHECK(half.data[i] - before.data[i] == doctest::Approx(d / 2).epsilon(0.01));  // one path
  }
  CHECK(std::sqrt(squares / static_cast<double>(noisy.data.size())) == doctest::Approx(0.1).epsilon(0.1));
  // Nothing leaves the range of pictures.
  for (float& v : input.data) v = v > 0 ? 2 : -1.5f;
  for (uint64_t seed = 0; seed < 10; ++seed)
    for (const AugmentationFamily family :
         {AugmentationFamily::brightness, AugmentationFamily::noise, AugmentationFamily::hue})
      for (const float v : picture(changed(family, 1, seed)).data) CHECK((v > -1e-5 && v < 1 + 1e-5));
}

TEST_CASE("augmentation-robustness: what follows the picture by construction agrees with itself") {
  Classifier even = even_network(3);
  const Tensor inputs = soft_pictures(3);
  const auto scores = [&](const char* method, const json& params) {
    return measure_even(even, inputs, method, params).scores;
  };
  for (const char* measure : {"correlation", "top-k"})
    for (const char* similarity : {"spearman", "pearson"}) {
      CAPTURE(measure);
      CAPTURE(similarity);
      const auto with = [&](const char* method, const json& names) {
        return scores(method, {{"augmentations", names}, {"measure", measure}, {"similarity", similarity}});
      };
      for (size_t n = 0; n < 2; ++n) {
        // Whole pixels move without loss.
        CHECK(with("input-x-gradient", {"flip", "translation"})[n] == doctest::Approx(1).epsilon(1e-6));
        CHECK(with("sobel", json::array({"flip"}))[n] == doctest::Approx(1).epsilon(1e-6));
        // Turning and turning back interpolates twice.
        CHECK(with("input-x-gradient", {"rotation", "scale"})[n] > (measure == std::string("top-k") ? 0.8 : 0.97));
        CHECK(with("input-x-gradient", {"rotation", "scale"})[n] < 1 - 1e-6);
        CHECK(with("centre", {"brightness", "hue", "saturation", "blur", "noise"})[n] ==
              doctest::Approx(1).epsilon(1e-9));
        CHECK(with("centre", json::array({"translation"}))[n] < 0.95);
      }
    }
  for (const double score : scores("random", {})) CHECK(std::fabs(score) < 0.05);
  // Two random sets of 5 % share 5 %.
  for (const double score : scores("random", {{"measure", "top-k"}})) CHECK((score > 0.02 && score < 0.08));
  CHECK(direction_of(metrics().at("augmentation-robustness"), {}) == Direction::higher);
}

TEST_CASE("augmentation-robustness: agreement falls as the change grows, along one path for each kind") {
  Classifier even = even_network(3);
  const Tensor inputs = soft_pictures(3);
  const auto curve = [&](const json& names, json params = json::object()) {
    params["augmentations"] = names;
    return measure_even(even, inputs, "input-x-gradient", params).curves[0];
  };
  const auto noise = curve(json::array({"noise"}), {{"levels", 6}, {"noise", 0.3}});
  REQUIRE(noise.size() == 6);
  CHECK(std::is_sorted(noise.begin(), noise.end(), std::greater<>()));
  CHECK(noise.front() > 0.9);
  CHECK(noise.back() < 0.8);
  // Kinds do not depend on what else is asked for, nor levels on how many there are.
  const auto both = curve({"rotation", "flip", "noise"}, {{"levels", 2}}),
             turned = curve(json::array({"rotation"}), {{"levels", 4}});
  REQUIRE(both.size() == 6);
  CHECK(both[0] == doctest::Approx(turned[1]));
  CHECK(both[1] == doctest::Approx(turned[3]));
  CHECK(both[5] == doctest::Approx(curve(json::array({"noise"}), {{"levels", 1}})[0]));
  CHECK(
      measure_even(even, inputs, "input-x-gradient", {{"augmentations", {"rotation", "flip", "noise"}}, {"levels", 2}})
          .scores[0] ==
      doctest::Approx(((both[0] + both[1]) / 2 + (both[2] + both[3]) / 2 + (both[4] + both[5]) / 2) / 3));
  // Only what both pictures show is compared: a map moved half out of the picture still agrees.
  CHECK(curve(json::array({"translation"}), {{"translation", 0.5}})[3] == doctest::Approx(1).epsilon(1e-6));
}

TEST_CASE("augmentation-robustness: names that are none, grey pictures, maps that vanish") {
  Classifier even = even_network(3), grey = even_network(1);
  const Tensor inputs = soft_pictures(3);
  for (const json& names : {json{"rotate"}, json{"flip", "flip"}, json::array(), json::array({1}), json("flip")}) {
    CAPTURE(names.dump());
    CHECK_THROWS_AS(measure_even(even, inputs, "centre", {{"augmentations", names}}), Error);
  }
  const Tensor grey_inputs = soft_pictures(1);
  CHECK(measure_even(grey, grey_inputs, "sobel", {}).curves[0].size() == 6 * 4 + 2);
  CHECK_THROWS_AS(measure_even(grey, grey_inputs, "sobel", {{"augmentations", {"hue"}}}), Error);
  // The changed pictures' maps are the even network's gradient, which is the same everywhere.
  const json blank = {{"augmentations", {"brightness", "flip"}}, {"explanation", "gradient"}};
  const MetricResult vanished = measure_even(even, inputs, "sobel", blank);
  CHECK(vanished.scores == std::vector<double>{0, 0});
  for (const char* image : {"image 1", "image 2"})
    CHECK(warns(vanished, std::string(image) + ": the map is the same everywhere under 6 of 6 changes"));
}

TEST_SUITE_END();

}  // namespace ks::augmentation_robustness_test

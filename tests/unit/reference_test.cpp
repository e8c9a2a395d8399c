#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "explain/reference.h"
#include "networks.h"
#include "picture/blur.h"
#include "support.h"
#include "tensor/error.h"

namespace ks::reference_test {

namespace {

constexpr int kSide = 16;

struct Network {
  Classifier classifier{
      graph::write([] {
        Random random(3);
        return test::linear_network(3, kSide, kSide, test::random_tensor(random, {2, 3 * kSide * kSide}));
      }()),
      "linear"};
  Tensor inputs = [] {
    Random random(4);
    return test::random_tensor(random, {3, 3, kSide, kSide});
  }();
  std::vector<int> targets = {0, 1, 0};
  ExplainRequest request{classifier, inputs, targets, 7};

  Tensor reference(const json& parameters, int64_t sample = 1, uint64_t draw = 0) const {
    const bool several = parameters.contains("baselines");
    const Entry entry{.name = "m",
                      .parameters = several ? reference_set_parameters(json::array({0.0})) : reference_parameters()};
    return reference_input(request, sample, check_parameters(entry, parameters), draw);
  }
};

template <class F>
std::string sentence(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_SUITE_BEGIN("explain");

TEST_CASE("a Gaussian blur keeps the mean, has the asked variance, and can be done in steps") {
  const int width = 61, height = 47;
  std::vector<float> point(static_cast<size_t>(width) * height);
  point[23 * width + 30] = 1;
  for (const double sigma : {0.4, 1.0, 3.0}) {
    std::vector<float> plane = point;
    gaussian_blur(plane.data(), width, height, sigma);
    double sum = 0, across = 0, down = 0;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const double v = plane[static_cast<size_t>(y * width + x)];
        sum += v;
        across += v * (x - 30) * (x - 30);
        down += v * (y - 23) * (y - 23);
      }
    CHECK(sum == doctest::Approx(1).epsilon(1e-5));
    CHECK(across == doctest::Approx(sigma * sigma).epsilon(1e-3));
    CHECK(down == doctest::Approx(sigma * sigma).epsilon(1e-3));
  }

  Random random(5);
  const Tensor noise = test::random_tensor(random, {height, width});
  for (const double sigma : {2.0, 25.0, 400.0}) {  // 400: the kernel is folded several times over the mirrored picture
    std::vector<float> once = noise.data, twice = noise.data;
    gaussian_blur(once.data(), width, height, sigma);
    gaussian_blur(twice.data(), width, height, 0.3 * sigma);
    gaussian_blur(twice.data(), width, height, std::sqrt(0.91) * sigma);
    double worst = 0;
    for (size_t i = 0; i < once.size(); ++i) worst = std::max(worst, std::fabs(double(once[i]) - twice[i]));
    CHECK(worst < 2e-6);
    const double mean = std::accumulate(noise.data.begin(), noise.data.end(), 0.0) / static_cast<double>(noise.size());
    CHECK(std::accumulate(once.begin(), once.end(), 0.0) / static_cast<double>(once.size()) ==
          doctest::Approx(mean).epsilon(1e-4));
    if (sigma == 400) CHECK(once[0] == doctest::Approx(mean).epsilon(1e-4));
  }
  std::vector<float> same = noise.data;
  gaussian_blur(same.data(), width, height, 0);
  CHECK(same == noise.data);
}

TEST_CASE("every kind of reference") {
  const Network n;
  const int plane = kSide * kSide;
  CHECK(n.reference({}).data == std::vector<float>(3 * plane, 0.0f));
  CHECK(n.reference({{"baseline", -1.5}}).data == std::vector<float>(3 * plane, -1.5f));

  const Tensor mean = n.reference({{"baseline", "mean"}});
  for (int c = 0; c < 3; ++c) {
    const float* x = n.inputs.sample(1) + c * plane;
    CHECK(mean.data[static_cast<size_t>(c * plane + 5)] ==
          doctest::Approx(std::accumulate(x, x + plane, 0.0) / plane).epsilon(1e-6));
  }

  const Tensor blur = n.reference({{"baseline", "blur"}, {"baseline_sigma", 2}});
  std::vector<float> third(n.inputs.sample(1) + 2 * plane, n.inputs.sample(1) + 3 * plane);
  gaussian_blur(third.data(), kSide, kSide, 2);
  CHECK(std::vector<float>(blur.data.begin() + 2 * plane, blur.data.end()) == third);

  const Tensor noise = n.reference({{"baseline", "noise"}});
  const Preprocessing& p = n.classifier.preprocessing();
  for (size_t c = 0; c < 3; ++c) {
    const auto begin = noise.data.begin() + static_cast<long>(c) * plane;
    const auto [low, high] = std::minmax_element(begin, begin + plane);
    const double black = -p.mean[c] / p.deviation[c], white = (1 - p.mean[c]) / p.deviation[c], range = white - black;
    CHECK(*low >= black - 1e-5);
    CHECK(*low < black + 0.1 * range);
    CHECK(*high <= white + 1e-5);
    CHECK(*high > white - 0.1 * range);
  }
}

TEST_CASE("noise is another for every seed, image and draw, and the same again alone") {
  Network n;
  const json noise = {{"baseline", "noise"}};
  const Tensor first = n.reference(noise);
  CHECK(n.reference(noise).data == first.data);
  CHECK(n.reference(noise, 2).data != first.data);
  CHECK(n.reference(noise, 1, 1).data != first.data);
  const Params params = check_parameters({.name = "m", .parameters = reference_parameters()}, noise);
  const Tensor one = n.inputs.slice(1, 2);
  CHECK(reference_input({n.classifier, one, {1}, 7, nullptr, nullptr, 1}, 0, params).data == first.data);
  CHECK(reference_input({n.classifier, one, {1}, 8, nullptr, nullptr, 1}, 0, params).data != first.data);
}

TEST_CASE("a set of references is gone through in turn") {
  Network n;
  n.request.pictures = [&](const std::string&) { return n.inputs.slice(2, 3); };
  const json set = {{"baselines", {0.5, "image:b"}}};
  CHECK(n.reference(set, 0, 0).data[3] == 0.5f);
  CHECK(n.reference(set, 0, 1).data == n.inputs.slice(2, 3).data);
  CHECK(n.reference(set, 0, 2).data[3] == 0.5f);
  CHECK(reference_pictures(Params(json{{"baselines", {0.5, "image:b", "image:c"}}})) ==
        std::vector<std::string>{"b", "c"});
  CHECK(reference_pictures(Params(json{{"baseline", "image:x"}})) == std::vector<std::string>{"x"});
  CHECK(reference_pictures(Params(json{{"baseline", "blur"}})).empty());
}

TEST_CASE("a wrong reference is a sentence with the parameter's name") {
  Network n;
  CHECK(sentence([&] {
          n.reference({{"baseline", "grey"}});
        }) == "m: 'baseline' is \"grey\"; it must be a number from -10 to 10, mean, blur, noise or image:NAME");
  CHECK(sentence([&] { n.reference({{"baseline", "image:"}}); }).find("'baseline' is \"image:\"") != std::string::npos);
  CHECK(sentence([&] { n.reference({{"baseline", 11}}); }).find("'baseline' is 11") != std::string::npos);
  CHECK(sentence([&] { n.reference({{"baseline", nullptr}}); }).find("'baseline' is null") != std::string::npos);
  CHECK(sentence([&] {
          n.reference({{"baseline", "blur"}, {"baseline_sigma", 0}});
        }).find("'baseline_sigma'") != std::string::npos);
  CHECK(sentence([&] {
          n.reference({{"baselines", json::array()}});
        }) == "'baselines' is an empty list; give at least one reference");
  CHECK(sentence([&] {
          n.reference({{"baselines", {0, "grey"}}});
        }).find("'baselines' is \"grey\"") != std::string::npos);
  CHECK(sentence([&] {
          n.reference({{"baseline", "image:b"}});
        }) == "'baseline' \"image:b\": no other pictures are known here; give a number, mean, blur or noise");
  n.request.pictures = [](const std::string& id) -> Tensor { throw Error("cannot be read", id); };
  CHECK(sentence([&] { n.reference({{"baseline", "image:b"}}); }) == "'baseline' \"image:b\": b cannot be read");
  n.request.pictures = [](const std::string&) { return Tensor({1, 3, 8, 8}); };
  CHECK(sentence([&] {
          n.reference({{"baseline", "image:b"}});
        }) == "'baseline' \"image:b\": has shape [1,3,8,8]; the model takes [1,3,16,16]");
}

TEST_SUITE_END();

}  // namespace ks::reference_test

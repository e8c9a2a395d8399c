#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "contribution_scene.h"
#include "metric/imputation.h"
#include "metric/trial.h"

namespace ks::faithfulness_test {
using test::ContributionScene;
using test::scaled;
using test::warns;

namespace {

constexpr int kSide = ContributionScene::side, kPixels = ContributionScene::pixels, kSize = ContributionScene::size;

/// Sum of a map over each patch of `side` px, in raster order.
std::vector<double> sums_of_patches(const float* map, int side) {
  const int across = kSide / side;
  std::vector<double> sums(static_cast<size_t>(across * across));
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x)
        sums[static_cast<size_t>(y / side * across + x / side)] += map[c * kPixels + y * kSide + x];
  return sums;
}

}  // namespace

TEST_SUITE_BEGIN("metric");

TEST_CASE("the usual step divides the pixels into about fifty steps") {
  const Steps usual = steps_of(0, 3, 224 * 224, 1);
  CHECK(usual.count == 49);
  CHECK(usual.size == 3 * 1024);
  CHECK(usual.whole_pixels);
  CHECK_FALSE(steps_of(0, 3, 224 * 224, 3).whole_pixels);
  CHECK(steps_of(0, 3, 24 * 24, 1).count == 48);
  CHECK(steps_of(0, 3, 32 * 32, 1).count == 64);
  CHECK(steps_of(0, 1, 10007, 1).size == 201);  // a prime number
  CHECK(steps_of(10, 3, 4, 1).count == 2);
  CHECK(steps_of(1000, 3, 4, 1).size == 12);
}

TEST_CASE("random subsets: of their size, the same for the same question, every unit alike") {
  Subsets subsets(5, 50), again(5, 50), other(6, 50);
  for (const int64_t size : {2, 10, 25, 40, 48}) {
    std::vector<int> drawn(50);
    std::vector<double> numbers(50);
    std::iota(numbers.begin(), numbers.end(), 1.0);
    for (int number = 0; number < 400; ++number) {
      const Subset subset = subsets.draw(size, number);
      CHECK(subset.size() == size);
      std::vector<int> marks(50, !subset.listed);
      for (const int64_t unit : subset.units) marks[static_cast<size_t>(unit)] = subset.listed;
      CHECK(std::accumulate(marks.begin(), marks.end(), int64_t{0}) == size);  // none twice
      double sum = 0;
      for (size_t i = 0; i < 50; ++i) {
        drawn[i] += marks[i];
        sum += marks[i] * numbers[i];
      }
      CHECK(subset.sum(numbers.data(), 1275) == doctest::Approx(sum));
      if (number == 3) {
        CHECK(again.draw(size, 3).units == subset.units);
        CHECK(other.draw(size, 3).units != subset.units);
      }
    }
    const double share = static_cast<double>(size) / 50, spread = std::sqrt(400 * share * (1 - share));
    for (const int count : drawn) CHECK(std::fabs(count - 400 * share) < 5 * spread);
  }
  SubsetMemo memo;
  Subsets first(5, 50, &memo), second(5, 50, &memo), fewer(5, 49, &memo);
  for (const int64_t size : {2, 48}) {
    const Subset drawn = first.draw(size, 7);
    CHECK(drawn.units == subsets.draw(size, 7).units);
    CHECK(second.draw(size, 7).units == drawn.units);
    CHECK(second.draw(size, 7).listed == drawn.listed);
    CHECK(first.draw(size, 8).units == subsets.draw(size, 8).units);
    fewer.draw(size, 7);
  }
  CHECK(memo.hits() == 4);
  CHECK(subset_size(0.1, 50) == 5);
  CHECK(subset_size(0.001, 50) == 1);
  CHECK(subset_size(0.999, 50) == 49);
}

TEST_CASE("a uniform baseline draws within the image's values, the same for the same seed") {
  const std::vector<float> x{4, -2, 1, 5, 0, 3};
  std::vector<int64_t> all(6);
  std::iota(all.begin(), all.end(), 0);
  const auto after = [&](uint64_t seed) {
    Removal removal(x.data(), 6, {Baseline::Kind::uniform}, seed);
    removal.remove(all.data(), all.data() + 6);
    return removal.values();
  };
  const std::vector<float> first = after(1);
  for (const float v : first) CHECK((v >= -2 && v <= 5));
  CHECK(std::adjacent_find(first.begin(), first.end()) == first.end());  // each feature has its own draw
  CHECK(after(1) == first);
  CHECK(after(2) != first);
}

TEST_CASE("deletion and insertion of a linear network: both ends known, together the whole output") {
  ContributionScene s(1);
  const auto removed = s.measure("deletion", s.contributions, ContributionScene::exact()),
             restored = s.measure("insertion", s.contributions, ContributionScene::exact()),
             curve = s.measure("deletion", s.contributions,
                               ContributionScene::exact({{"return", "curve"}, {"features_in_step", 500}}));
  const Tensor noise = ContributionScene::noise_map(3);
  const auto noise_removed = s.measure("deletion", noise, ContributionScene::exact()).scores,
             wrong_removed = s.measure("deletion", scaled(s.contributions, -1), ContributionScene::exact()).scores,
             noise_restored = s.measure("insertion", noise, ContributionScene::exact()).scores,
             wrong_restored = s.measure("insertion", scaled(s.contributions, -1), ContributionScene::exact()).scores;
  CHECK(curve.curve_is_score);
  for (size_t n = 0; n < 3; ++n) {
    const double whole = s.logit(static_cast<int64_t>(n));
    CHECK(removed.curves[n].size() == 49);
    CHECK(removed.curves[n].front() == doctest::Approx(whole).epsilon(1e-4));
    CHECK(std::fabs(removed.curves[n].back()) < 1e-3);
    CHECK(removed.scores[n] + restored.scores[n] == doctest::Approx(whole).epsilon(1e-3));
    CHECK(removed.scores[n] < noise_removed[n]);
    CHECK(noise_removed[n] < wrong_removed[n]);
    CHECK(restored.scores[n] > noise_restored[n]);
    CHECK(noise_restored[n] > wrong_restored[n]);
    // Four steps, the last of 228 features, count by their widths.
    const std::vector<double>& y = curve.curves[n];
    REQUIRE(y.size() == 5);
    const double area = 500 * (y[0] / 2 + y[1] + y[2] + y[3] / 2) + 228 * (y[3] + y[4]) / 2;
    CHECK(curve.scores[n] == doctest::Approx(area / kSize));
  }
  CHECK(metrics().at("deletion").direction == Direction::lower);
  CHECK(metrics().at("insertion").direction == Direction::higher);
}

TEST_CASE("insertion starts from the blurred image: without blur nothing is left to insert") {
  ContributionScene s(2);
  const auto soft = s.measure("insertion", s.contributions, {{"output", "logits"}}),
             sharp = s.measure("insertion", s.contributions, {{"output", "logits"}, {"baseline_sigma", 0.1}});
  for (size_t n = 0; n < 3; ++n) {
    const double whole = s.logit(static_cast<int64_t>(n));
    CHECK(soft.curves[n].back() == doctest::Approx(whole).epsilon(1e-4));
    CHECK(sharp.curves[n].front() == doctest::Approx(whole).epsilon(0.05));
    CHECK(std::fabs(soft.curves[n].front() - whole) > 0.2 * std::fabs(whole));
  }
}

TEST_CASE("monotonicity: a network that only gains rises with every step, its mirror image falls") {
  ContributionScene s(3), mirrored(3);
  s.make_all_positive();
  mirrored.make_all_positive();
  for (int n = 0; n < 3; ++n)
    for (int i = 0; i < kSize; ++i) mirrored.inputs.sample(n)[i] *= -1;
  for (const char* order : {"ascending", "descending"})
    for (const char* returned : {"bool", "fraction"}) {
      const json params = ContributionScene::exact({{"order", order}, {"return", returned}});
      CHECK(s.measure("monotonicity", s.contributions, params).scores == std::vector<double>(3, 1));
      CHECK(mirrored.measure("monotonicity", s.contributions, params).scores == std::vector<double>(3, 0));
    }
  // Half of noise's steps rise.
  ContributionScene plain(4);
  for (const double share :
       plain
           .measure("monotonicity", ContributionScene::noise_map(5), ContributionScene::exact({{"return", "fraction"}}))
           .scores) {
    CHECK(share > 0.25);
    CHECK(share < 0.75);
  }
  CHECK(std::isnan(
      s.measure("monotonicity", s.contributions, ContributionScene::exact({{"features_in_step", kSize}})).scores[0]));
}

TEST_CASE("region perturbation and selectivity of a linear network fall by what the patches contribute") {
  ContributionScene s(5);
  const json params = ContributionScene::exact({{"patch_size", 4}, {"return", "curve"}});
  json least = params;
  least["order"] = "lerf";
  const auto falls = s.measure("region-perturbation", s.contributions, params),
             least_falls = s.measure("region-perturbation", s.contributions, least),
             left = s.measure("selectivity", s.contributions, params);
  for (size_t n = 0; n < 3; ++n) {
    std::vector<double> sums = sums_of_patches(s.contributions.sample(static_cast<int64_t>(n)), 4);
    std::sort(sums.begin(), sums.end(), std::greater<>());
    const double whole = s.logit(static_cast<int64_t>(n));
    REQUIRE(falls.curves[n].size() == 36);
    double fall = 0, least_fall = 0, area = 0;
    for (size_t i = 0; i < 36; ++i) {
      fall += sums[i];
      least_fall += sums[35 - i];
      area += fall / 37;
      CHECK(std::fabs(falls.curves[n][i] - fall) < 1e-3);
      CHECK(std::fabs(least_falls.curves[n][i] - least_fall) < 1e-3);
      CHECK(std::fabs(left.curves[n][i] - (whole - fall)) < 1e-3);
    }
    CHECK(falls.scores[n] == doctest::Approx(area).epsilon(1e-4));
    CHECK(falls.scores[n] > least_falls.scores[n]);
    CHECK(left.scores[n] == doctest::Approx(trapezoid(left.curves[n])));
  }
  CHECK(direction_of(metrics().at("region-perturbation"), params) == Direction::higher);
  CHECK(direction_of(metrics().at("region-perturbation"), least) == Direction::lower);
  CHECK(s.measure("region-perturbation", s.contributions).curves[0].size() == 36);  // 6 x 6 patches of 4 px
}

TEST_CASE("irof: given segments in the order of their mean, and segments of our own") {
  ContributionScene s(6);
  s.make_all_positive();
  json labels = json::array();
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x)
      labels.push_back(y < kSide / 2 ? 7 : x < kSide / 2 ? -1 : 40);  // three of unequal size
  const json params = ContributionScene::exact({{"segments", labels}});
  const auto mean = s.measure("irof", s.contributions, params),
             wrong = s.measure("irof", scaled(s.contributions, -1), params);
  json area = params;
  area["return"] = "aoc";
  const auto quantus = s.measure("irof", s.contributions, area);
  for (size_t n = 0; n < 3; ++n) {
    const float* a = s.contributions.sample(static_cast<int64_t>(n));
    std::vector<std::pair<double, double>> segments(3);  // mean, sum
    for (int i = 0; i < kSize; ++i) {
      const int y = i % kPixels / kSide, x = i % kSide;
      segments[y < kSide / 2 ? 0 : x < kSide / 2 ? 1 : 2].second += a[i];
    }
    for (size_t k = 0; k < 3; ++k) segments[k].first = segments[k].second / (k == 0 ? 2 : 1);
    std::sort(segments.begin(), segments.end(), std::greater<>());
    const double whole = s.logit(static_cast<int64_t>(n)), q1 = 1 - segments[0].second / whole,
                 q2 = q1 - segments[1].second / whole;
    CHECK(mean.scores[n] == doctest::Approx((1 - q1 + 1 - q2 + 1) / 4).epsilon(1e-4));
    CHECK(quantus.scores[n] == doctest::Approx(3 - (q1 + q2) / 2 - q2 / 2).epsilon(1e-4));
    CHECK(mean.scores[n] > wrong.scores[n]);
  }
  // Nested lists, one labelling for each image.
  json rows = json::array();
  for (int y = 0; y < kSide; ++y) rows.push_back(json(labels.begin() + y * kSide, labels.begin() + (y + 1) * kSide));
  CHECK(s.measure("irof", s.contributions, ContributionScene::exact({{"segments", {rows, rows, rows}}})).scores ==
        mean.scores);
  const auto own = s.measure("irof", s.contributions);
  CHECK(own.curves[0].size() > 10);
  for (const double score : own.scores) CHECK((score > 0 && score < 1));
  // A negative output has no share.
  const auto none =
      s.measure("irof", s.contributions, ContributionScene::exact({{"segments", labels}, {"baseline", "black"}}));
  CHECK(none.warnings.empty());
  for (float& v : s.inputs.data) v *= -1;
  CHECK(std::isnan(s.measure("irof", s.contributions, params).scores[0]));
  CHECK(warns(s.measure("irof", s.contributions, params), "not positive"));
}

TEST_CASE("imputation: ramps come back exactly, every removed pixel is its neighbours' weighted mean") {
  const int height = 33, width = 40, plane = height * width;
  std::vector<float> image(2 * plane);
  std::vector<uint8_t> hole(static_cast<size_t>(plane));
  for (int i = 0; i < plane; ++i) {
    const int y = i / width, x = i % width;
    image[static_cast<size_t>(i)] = 0.3f * static_cast<float>(x) - 0.2f * static_cast<float>(y);
    image[static_cast<size_t>(plane + i)] = 5;
    hole[static_cast<size_t>(i)] = y > 0 && x > 0 && y < height - 1 && x < width - 1;
  }
  Random random(3);
  std::vector<float> ramp = image;  // with anything in the hole
  for (size_t i = 0; i < ramp.size(); ++i)
    if (hole[i % hole.size()]) ramp[i] = static_cast<float>(10 * random.normal());
  Imputer imputer(height, width);
  imputer.remove(hole);
  for (int c = 0; c < 2; ++c) imputer.fill(ramp.data() + c * plane, nullptr, ramp.data() + c * plane);
  for (size_t i = 0; i < image.size(); ++i) CHECK(std::fabs(ramp[i] - image[i]) < 1e-4);

  for (float& v : image) v = static_cast<float>(random.normal());
  for (const double share : {0.1, 0.5, 0.9, 0.999}) {
    for (uint8_t& r : hole) r = random.chance(share);
    hole[77] = 0;
    std::vector<float> filled = image;
    imputer.remove(hole);
    for (int c = 0; c < 2; ++c) imputer.fill(image.data() + c * plane, nullptr, filled.data() + c * plane);
    double worst = 0;
    for (int c = 0; c < 2; ++c)
      for (int i = 0; i < plane; ++i) {
        const float* v = filled.data() + c * plane;
        if (!hole[static_cast<size_t>(i)]) {
          CHECK(v[i] == image[static_cast<size_t>(c * plane + i)]);
          continue;
        }
        double sum = 0, weights = 0;
        for (int dy = -1; dy <= 1; ++dy)
          for (int dx = -1; dx <= 1; ++dx) {
            const int y = i / width + dy, x = i % width + dx;
            if ((dy == 0 && dx == 0) || y < 0 || x < 0 || y >= height || x >= width) continue;
            const double w = dy == 0 || dx == 0 ? 1.0 / 6 : 1.0 / 12;
            sum += w * v[y * width + x];
            weights += w;
          }
        worst = std::max(worst, std::fabs(v[i] - sum / weights));
      }
    CHECK(worst < 1e-5);
  }
}

TEST_CASE("imputation: along a single row or column what is removed lies on a line between what is kept") {
  const int length = 64;
  std::vector<float> image(length, 7.0f), filled(length);
  std::vector<uint8_t> hole(length, 1);
  for (const auto& [at, value] : std::vector<std::pair<size_t, float>>{{3, 0.5f}, {20, -1.0f}, {63, 2.0f}}) {
    image[at] = value;
    hole[at] = 0;
  }
  for (const bool row : {true, false}) {
    Imputer imputer(row ? 1 : length, row ? length : 1);
    imputer.remove(hole);
    imputer.fill(image.data(), nullptr, filled.data());
    for (int i = 0; i < length; ++i) {
      const double expected = i < 3 ? 0.5 : i < 20 ? 0.5 - 1.5 * (i - 3) / 17 : -1 + 3.0 * (i - 20) / 43;
      CHECK(std::fabs(filled[static_cast<size_t>(i)] - expected) < 1e-3);
    }
  }
}

TEST_CASE("imputation: in holes up to the border it is what successive overrelaxation in double precision comes to") {
  const int height = 90, width = 101, plane = height * width;
  std::vector<float> image(static_cast<size_t>(plane));
  std::vector<uint8_t> hole(static_cast<size_t>(plane), 1);
  Random random(4);
  for (int i = 0; i < plane; ++i) {
    const int y = i / width, x = i % width;
    image[static_cast<size_t>(i)] = std::sin(0.05f * static_cast<float>(x)) + 0.02f * static_cast<float>(y);
    if (std::hypot(x - 20.0, y - 70.0) < 12 || random.chance(0.0005)) hole[static_cast<size_t>(i)] = 0;
  }
  std::vector<double> exact(image.begin(), image.end());
  for (int round = 0; round < 1500; ++round)
    for (int i = 0; i < plane; ++i) {
      if (!hole[static_cast<size_t>(i)]) continue;
      double sum = 0, weights = 0;
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx) {
          const int y = i / width + dy, x = i % width + dx;
          if ((dy == 0 && dx == 0) || y < 0 || x < 0 || y >= height || x >= width) continue;
          const double w = dy == 0 || dx == 0 ? 2 : 1;
          sum += w * exact[static_cast<size_t>(y * width + x)];
          weights += w;
        }
      exact[static_cast<size_t>(i)] += 1.9 * (sum / weights - exact[static_cast<size_t>(i)]);
    }
  std::vector<float> filled = image, noisy = image;
  const std::vector<float> noise(static_cast<size_t>(plane), 0.25f);
  Imputer imputer(height, width);
  imputer.remove(hole);
  imputer.fill(image.data(), nullptr, filled.data());
  imputer.fill(image.data(), noise.data(), noisy.data());
  double worst = 0, largest = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    worst = std::max(worst, std::fabs(filled[i] - exact[i]));
    if (!hole[i]) largest = std::max(largest, std::fabs(exact[i]));
    CHECK(noisy[i] == filled[i] + (hole[i] ? 0.25f : 0.0f));
  }
  CHECK(worst < 1e-4 * largest);
}

TEST_CASE("road: relevant pixels gone lowers the output, irrelevant ones raise it; the difference is that of the two") {
  ContributionScene s(12);
  const auto run = [&](const Tensor& map, const char* order, const char* returned = "mean-probability") {
    return s.measure("road", map, {{"order", order}, {"return", returned}, {"output", "logits"}});
  };
  const auto most = run(s.contributions, "morf"), least = run(s.contributions, "lerf"),
             both = run(s.contributions, "lerf-morf"), opposite = run(scaled(s.contributions, -1), "morf"),
             verdicts = run(s.contributions, "morf", "accuracy");
  CHECK(most.curves[0].size() == 9);
  CHECK_FALSE(most.curve_is_score);
  CHECK(verdicts.curve_is_score);
  for (size_t n = 0; n < 3; ++n) {
    CHECK(most.scores[n] < least.scores[n]);
    CHECK(most.scores[n] < opposite.scores[n]);
    CHECK(both.scores[n] == doctest::Approx(least.scores[n] - most.scores[n]).epsilon(1e-4));
    for (const double verdict : verdicts.curves[n]) CHECK((verdict == 0 || verdict == 1));
  }
  CHECK(direction_of(metrics().at("road"), {{"order", "lerf"}}) == Direction::higher);
  CHECK(direction_of(metrics().at("road"), json::object()) == Direction::lower);
  CHECK(s.measure("road", s.contributions, {}, nullptr, 1).scores !=
        s.measure("road", s.contributions, {}, nullptr, 2).scores);
}

TEST_SUITE_END();

}  // namespace ks::faithfulness_test

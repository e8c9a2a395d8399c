#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "tensor/error.h"
#include "tensor/npy.h"
#include "tensor/random.h"
#include "tensor/tensor.h"

namespace ks::tensor_test {

TEST_SUITE_BEGIN("tensor");

TEST_CASE("npy survives a round trip and is cut off with a sentence") {
  const Tensor t({2, 3}, {1, -2, 3.5f, 4, 5, 1e-30f});
  const std::string bytes = encode_npy(t);
  CHECK(bytes.size() % 4 == 0);
  CHECK((bytes.find('\n') + 1) % 64 == 0);
  const Tensor back = decode_npy(bytes, "x");
  CHECK(back.shape == t.shape);
  CHECK(back.data == t.data);
  for (size_t cut : {size_t{0}, size_t{5}, size_t{20}, bytes.size() - 1})
    CHECK_THROWS_AS(decode_npy(bytes.substr(0, cut), "x"), Error);
}

TEST_CASE("Philox matches the reference's known answers") {
  // Random123's kat_vectors: philox4x32-10 with counter 0 and key 0.
  Random r(0, 0);
  CHECK(r.next() == 0x6627e8d5);
  CHECK(r.next() == 0xe169c58d);
  CHECK(r.next() == 0xbc57ac4c);
  CHECK(r.next() == 0x9b00dbd8);
}

TEST_CASE("normal numbers by the many: their distribution, and the same whatever their number") {
  constexpr size_t count = 200000;
  std::vector<float> z(count), few(7), again(10), moved(10);
  Random(7, 3).fill_normal(z.data(), count);
  Random(7, 3).fill_normal(few.data(), few.size());
  CHECK(std::equal(few.begin(), few.end(), z.begin()));
  double sum = 0, squares = 0, fourth = 0, neighbours = 0;
  for (size_t i = 0; i < count; ++i) {
    const double v = z[i];
    sum += v;
    squares += v * v;
    fourth += v * v * v * v;
    if (i > 0) neighbours += v * z[i - 1];
  }
  CHECK(std::fabs(sum / count) < 0.01);
  CHECK(squares / count == doctest::Approx(1).epsilon(0.01));
  CHECK(fourth / count == doctest::Approx(3).epsilon(0.03));
  CHECK(std::fabs(neighbours / count) < 0.01);
  std::sort(z.begin(), z.end());
  double distance = 0;  // Kolmogorov's, from the normal distribution
  for (size_t i = 0; i < count; ++i)
    distance =
        std::max(distance, std::fabs((static_cast<double>(i) + 0.5) / count - 0.5 * std::erfc(-z[i] / std::sqrt(2.0))));
  CHECK(distance < 1.63 / std::sqrt(static_cast<double>(count)));  // what 1 % of samples exceed
  // One stream goes on; noise lands on what is there, in place too.
  Random one(9), two(9);
  one.fill_normal(again.data(), again.size());
  std::fill(moved.begin(), moved.end(), 5.0f);
  two.add_normal(moved.data(), moved.size(), 2, moved.data());
  for (size_t i = 0; i < again.size(); ++i) CHECK(moved[i] == doctest::Approx(5 + 2 * again[i]));
  one.fill_normal(moved.data(), moved.size());
  CHECK(moved != again);
}

TEST_CASE("numbers by the many are made of the same words as single ones") {
  constexpr size_t count = 4 * 70 + 3;  // several blocks of vectors, and a part of one
  std::vector<float> z(count), u(count);
  Random(11, 5).fill_normal(z.data(), count);
  Random(11, 5).fill_uniform(u.data(), count, -2, 3);
  Random words(11, 5);
  const auto share = [](uint32_t word) { return static_cast<double>(word) / 4294967296.0; };
  for (size_t i = 0; i + 1 < count; i += 2) {
    const uint32_t first = words.next(), second = words.next();
    const double radius = std::sqrt(-2 * std::log(share(first) + 0.5 / 4294967296.0)),
                 angle = 2 * std::numbers::pi * share(second);
    CHECK(std::fabs(z[i] - radius * std::cos(angle)) < 2e-6);
    CHECK(std::fabs(z[i + 1] - radius * std::sin(angle)) < 2e-6);
    CHECK(std::fabs(u[i] - (-2 + 5 * share(first))) < 1e-6);
    CHECK(std::fabs(u[i + 1] - (-2 + 5 * share(second))) < 1e-6);
  }
  for (const float v : u) CHECK((v >= -2 && v <= 3));
  // A stream goes on where it was: whole counters are used.
  Random one(4), two(4);
  std::vector<float> parts(8), whole(8);
  one.fill_uniform(parts.data(), 3, 0, 1);
  one.fill_uniform(parts.data() + 4, 4, 0, 1);
  two.fill_uniform(whole.data(), 8, 0, 1);
  CHECK(std::equal(parts.begin() + 4, parts.end(), whole.begin() + 4));
}

TEST_CASE("normal numbers have mean 0 and deviation 1") {
  Random r(7, 3);
  double sum = 0, squares = 0;
  const int n = 100000;
  for (int i = 0; i < n; ++i) {
    const double v = r.normal();
    sum += v;
    squares += v * v;
  }
  CHECK(std::fabs(sum / n) < 0.015);
  CHECK(std::fabs(squares / n - 1) < 0.02);
}

TEST_CASE("concatenate and slice are inverse") {
  const Tensor a({1, 2}, {1, 2}), b({2, 2}, {3, 4, 5, 6});
  const Tensor c = concatenate({a, b});
  CHECK(c.shape == Shape{3, 2});
  CHECK(c.slice(1, 3).data == b.data);
}

TEST_SUITE_END();

}  // namespace ks::tensor_test

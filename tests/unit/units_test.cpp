#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "study/units.h"
#include "tensor/error.h"

namespace ks::units_test {

TEST_SUITE_BEGIN("units");

namespace {

using Pair = std::pair<size_t, size_t>;

std::set<Pair> pairs(const std::vector<Unit>& units) {
  std::set<Pair> out;
  for (const Unit& u : units) out.insert({u.image, u.method});
  return out;
}

}  // namespace

TEST_CASE("shards are a partition") {
  for (const size_t count : {1u, 2u, 3u, 7u, 40u}) {
    std::set<Pair> all;
    size_t units = 0;
    for (size_t i = 0; i < count; ++i) {
      const std::vector<Unit> mine = units_of({i, count}, 5, 4, false);
      units += mine.size();
      all.merge(pairs(mine));
    }
    CHECK(units == 20);
    CHECK(all.size() == 20);
  }
  // With as many images as shards an image stays whole: its metrics share forward passes.
  for (const Unit& u : units_of({1, 3}, 5, 4, false)) CHECK(u.image % 3 == 1);
  CHECK(units_of({19, 20}, 5, 4, false) == std::vector<Unit>{{4, 3}});
}

TEST_CASE("units of all images are dealt out one by one, whole images or not") {
  std::set<Pair> all;
  for (size_t i = 0; i < 3; ++i) {
    const std::vector<Unit> mine = units_of({i, 3}, 5, 4, true);
    const auto of_all = std::count_if(mine.begin(), mine.end(), [](const Unit& u) { return u.image == 5; });
    CHECK(of_all >= 1);
    CHECK(of_all <= 2);
    all.merge(pairs(mine));
  }
  CHECK(all.size() == 24);
  UnitQueue queue(2, 3, true);
  CHECK(queue.total() == 9);
  std::set<Pair> handed;
  while (const std::optional<Unit> unit = queue.next(queue.handed_out() % 2))
    handed.insert({unit->image, unit->method});
  CHECK(handed.size() == 9);
  CHECK(handed.count({2, 2}) == 1);
}

TEST_CASE("a shard is written I/N") {
  CHECK(parse_shard("2/5").index == 1);
  CHECK(parse_shard("2/5").count == 5);
  for (const char* wrong : {"", "2", "0/5", "6/5", "1/0", "-1/2", "1/2/3", "a/b", "1/", "/2", "1/99999999999999999999"})
    CHECK_THROWS_WITH_AS(parse_shard(wrong), doctest::Contains("write I/N"), Error);
}

TEST_CASE("a queue hands out every unit once, and images stay together while there are enough") {
  UnitQueue queue(3, 4, false);
  std::set<Pair> seen;
  // Worker 1 is four times as fast as worker 0.
  std::vector<std::vector<Unit>> got(2);
  for (int turn = 0;; ++turn) {
    const size_t worker = turn % 5 == 0 ? 0 : 1;
    const std::optional<Unit> unit = queue.next(worker);
    if (!unit) break;
    CHECK(seen.insert({unit->image, unit->method}).second);
    got[worker].push_back(*unit);
  }
  CHECK(seen.size() == 12);
  CHECK(queue.handed_out() == 12);
  CHECK(queue.total() == 12);
  CHECK_FALSE(queue.next(0));
  CHECK_FALSE(queue.next(7));
  for (size_t k = 0; k < 8; ++k) CHECK(got[1][k].image == (k < 4 ? 1 : 2));  // two whole images first
  for (size_t k = 8; k < got[1].size(); ++k) CHECK(got[1][k].image == 0);    // then it helps with the other's
  CHECK_FALSE(UnitQueue(0, 4, false).next(0));
}

TEST_SUITE_END();

}  // namespace ks::units_test

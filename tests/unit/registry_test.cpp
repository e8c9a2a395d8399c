#include <doctest/doctest.h>

#include "explain/method.h"
#include "metric/metric.h"
#include "metric/range.h"
#include "picture/normalisation.h"
#include "picture/pooling.h"
#include "segment/segments.h"

namespace ks::registry_test {

namespace {

template <class T>
void check_texts(const Registry<T>& registry) {
  for (const T& entry : registry) {
    CAPTURE(entry.name);
    CHECK(!entry.title.empty());
    CHECK(!entry.family.empty());
    CHECK(!entry.description.empty());
    CHECK(!entry.misleads.empty());
    CHECK(!entry.formula.empty());
    CHECK(entry.misleads != entry.description);
    for (const Parameter& p : entry.parameters) {
      CAPTURE(p.name);
      CHECK(!p.help.empty());
    }
  }
}

}  // namespace

TEST_SUITE("registry") {
  TEST_CASE("every entry says what it computes, how, and when it misleads") {
    check_texts(methods());
    check_texts(metrics());
    check_texts(segmentations());
    check_texts(poolings());
    check_texts(normalisations());
  }

  TEST_CASE("every method but the controls has a source") {
    for (const Method& m : methods()) {
      CAPTURE(m.name);
      CHECK((m.family == "baseline" || !m.citation.empty()));
    }
  }

  TEST_CASE("the range of every metric is known") {
    for (const Metric& m : metrics()) {
      CAPTURE(m.name);
      CHECK_FALSE(metric_range(m.name).empty());
    }
    CHECK_THROWS_AS(metric_range("absent"), std::logic_error);
  }

  TEST_CASE("an entry described as JSON keeps its texts") {
    const json entry = describe(methods().at("gradient"));
    CHECK(entry.at("formula") == methods().at("gradient").formula);
    CHECK(entry.at("misleads") == methods().at("gradient").misleads);
  }
}

}  // namespace ks::registry_test

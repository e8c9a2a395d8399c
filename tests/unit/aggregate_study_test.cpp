#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "explain/aggregation.h"
#include "study/annotation_variant.h"
#include "study/engine.h"
#include "support.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace ks::aggregate_study_test {

namespace {

Loader grainnet_alone() {
  return [](const std::string& what, const Source& source) -> std::string {
    if (source.text == "grainnet") return read_file(test::path("tests/golden/methods/grainnet/model.onnx"));
    throw Error("there is no such " + what, source.text);
  };
}

StudyImage kernel(const std::string& id, int seed) {
  return {.id = id,
          .source = {.kind = Source::Kind::generate,
                     .recipe = {{"defect", "pink-fusarium"}, {"seed", seed}, {"size", 48}}}};
}

Study study_of(std::vector<StudyMethod> methods) {
  Study study;
  study.model = {.text = "grainnet"};
  study.images = {kernel("a", 1), kernel("b", 2)};
  study.methods = std::move(methods);
  study.metrics = {{"sparseness"}};
  return study;
}

const json three = {"gradient", "input-x-gradient", "random"};

}  // namespace

TEST_SUITE_BEGIN("study");

TEST_CASE("an aggregate in a study takes its members' cells, and aggregates share them") {
  Engine engine(grainnet_alone());
  const StudyMethod mean{"aggregate-mean", {{"members", three}}}, ranks{"aggregate-rank-mean", {{"members", three}}};
  engine.open(study_of({{"gradient"}, {"random"}, mean, ranks}));
  engine.explain(0, {"gradient"});
  engine.explain(0, {"random"});
  CHECK(engine.counts().explanations == 2);
  const Explanation& aggregate = engine.explain(0, mean);
  CHECK(engine.counts().explanations == 4);  // the member that was missing, and the aggregate
  CHECK(engine.is_cached(0, {"input-x-gradient"}));
  CHECK(aggregate.milliseconds >= engine.explain(0, {"gradient"}).milliseconds);
  engine.explain(0, ranks);
  CHECK(engine.counts().explanations == 5);

  // The same as without a study.
  const std::vector<int> targets = {engine.prediction(0).target};
  const Tensor gradient = engine.explain(0, {"gradient"}).map;
  bool asked = false;
  ExplainRequest request{engine.classifier(), engine.images()[0].input, targets};
  request.known = [&](const std::string& name, const json&) -> const Tensor* {
    asked = true;
    return &engine.explain(0, {name}).map;
  };
  CHECK(explain("aggregate-mean", {{"members", three}}, request).data == aggregate.map.data);
  CHECK(asked);
}

TEST_CASE("an aggregate's cell depends on its members and all of their parameters") {
  Engine engine(grainnet_alone());
  const StudyMethod usual{"aggregate-mean", {{"members", {"integrated-gradients", "gradient"}}}};
  engine.open(study_of({usual}));
  engine.explain(0, usual);
  const json defaults = check_parameters(methods().at("integrated-gradients"), {}).all();
  CHECK(engine.is_cached(
      0, {"aggregate-mean", {{"members", {{{"name", "integrated-gradients"}, {"params", defaults}}, "gradient"}}}}));
  CHECK_FALSE(engine.is_cached(
      0,
      {"aggregate-mean", {{"members", {{{"name", "integrated-gradients"}, {"params", {{"steps", 5}}}}, "gradient"}}}}));
  CHECK_FALSE(engine.is_cached(0, {"aggregate-mean", {{"members", {"gradient", "random"}}}}));
  CHECK_FALSE(engine.is_cached(0, {"aggregate-median", usual.params}));
  CHECK_FALSE(engine.is_cached(1, usual));

  // Another picture that a member has for a reference is part of it, too.
  const StudyMethod other{
      "aggregate-mean",
      {{"members", {{{"name", "integrated-gradients"}, {"params", {{"baseline", "image:b"}}}}, "gradient"}}}};
  engine.explain(0, other);
  CHECK(engine.is_cached(0, other));
  Study changed = study_of({other});
  changed.images[1] = kernel("b", 77);
  engine.open(changed);
  CHECK_FALSE(engine.is_cached(0, other));
}

TEST_CASE("one pass explains what a study's aggregates are made of") {
  Engine engine(grainnet_alone());
  const StudyMethod median{"aggregate-median"};  // with its usual members, all of them one graph
  Study study = study_of({{"gradient"}, median});
  engine.open(study);
  engine.explain_together(0, study.methods);
  const size_t members = members_of(check_parameters(methods().at("aggregate-median"), {})).size();
  CHECK(engine.counts().explanations == static_cast<int>(members + 1));
  engine.explain(0, median);
  CHECK(engine.counts().explanations == static_cast<int>(members + 2));
  CHECK(std::isfinite(engine.measure(0, median, {"sparseness"}).value));
  CHECK(engine.measure(0, median, {"max-sensitivity", {{"nr_samples", 2}}}).value > 0);
}

TEST_CASE("a study with a nested aggregate, or an aggregate of an unknown method, is not opened") {
  Engine engine(grainnet_alone());
  CHECK_THROWS_AS(engine.open(study_of({{"aggregate-mean", {{"members", {"aggregate-max"}}}}})), Error);
  CHECK_THROWS_AS(engine.open(study_of({{"aggregate-mean", {{"members", {"absent"}}}}})), Error);
}

TEST_CASE("metrics that share a map's preparation in a study see the annotation that is asked for") {
  Engine engine(grainnet_alone()), fresh(grainnet_alone());
  const Study study = study_of({{"gradient"}});
  engine.open(study);
  fresh.open(study);
  const AnnotationVariant wider{AnnotationVariant::Kind::dilate, 3};
  for (const char* metric : {"relevance-mass-accuracy", "auc", "iou", "boundary-distance"}) {
    CAPTURE(metric);
    const double own = engine.measure(0, {"gradient"}, {metric}).value;
    const double varied = engine.measure(0, {"gradient"}, {metric}, nullptr, &wider).value;
    CHECK(varied != own);
    CHECK(varied == doctest::Approx(fresh.measure(0, {"gradient"}, {metric}, nullptr, &wider).value).epsilon(1e-5));
    CHECK(engine.measure(1, {"gradient"}, {metric}).value != own);
  }
}

TEST_SUITE_END();

}  // namespace ks::aggregate_study_test

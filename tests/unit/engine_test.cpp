#include "study/engine.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "study/pictures.h"
#include "study/runner.h"
#include "support.h"
#include "tensor/base64.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/hash.h"

namespace ks::engine_test {

namespace {

constexpr const char* address = "https://example.org/kernel.png";

/// One network for whatever model is asked for, one picture for the address.
struct Files {
  std::map<std::string, int> asked;
  std::string picture = encode_png(render_at(32));

  static Image render_at(int size) {
    Image image(size, size);
    for (int i = 0; i < size * size * 3; ++i) image.rgb[static_cast<size_t>(i)] = static_cast<uint8_t>(i * 37 % 251);
    return image;
  }
  Loader loader() {
    return [this](const std::string& what, const Source& source) -> std::string {
      ++asked[source.text];
      if (source.text == address) return picture;
      if (source.text == "grainnet") return read_file(test::path("tests/golden/methods/grainnet/model.onnx"));
      if (source.text == "vggbn") return read_file(test::path("tests/golden/methods/vggbn/model.onnx"));
      throw Error("there is no such " + what, source.text);
    };
  }
};

StudyImage generated(const std::string& id, int seed, const char* defect = "pink-fusarium") {
  return {.id = id,
          .source = {.kind = Source::Kind::generate, .recipe = {{"defect", defect}, {"seed", seed}, {"size", 48}}}};
}

Study small_study() {
  Study study;
  study.model = {.text = "grainnet"};
  study.images = {generated("a", 1), generated("b", 2), generated("healthy", 3, "none")};
  study.methods = {{"gradient"}, {"integrated-gradients", {{"steps", 4}}}, {"random"}};
  study.metrics = {{"sparseness"}, {"relevance-mass-accuracy"}};
  return study;
}

/// Computes all cells and scores; returns how many explanations and scores were new.
std::pair<int, int> compute_all(Engine& engine, const Study& study) {
  const Engine::Counts before = engine.counts();
  engine.open(study);
  for (size_t i = 0; i < study.images.size(); ++i)
    for (const StudyMethod& method : study.methods)
      for (const StudyMetric& metric : study.metrics) engine.measure(i, method, metric);
  return {engine.counts().explanations - before.explanations, engine.counts().scores - before.scores};
}

struct MemoryStore {
  std::map<std::string, std::string> cells;
  CellStore store() {
    return {.load = [this](const std::string& key) -> std::optional<std::string> {
              const auto found = cells.find(key);
              return found == cells.end() ? std::nullopt : std::optional(found->second);
            },
            .save = [this](const std::string& key, const std::string& bytes) { cells[key] = bytes; }};
  }
};

std::string open_sentence(Engine& engine, const Study& study) {
  try {
    engine.open(study);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_SUITE("study") {
  TEST_CASE("a cell is what the method gives for that image") {
    Files files;
    Engine engine(files.loader());
    const Study study = small_study();
    engine.open(study);
    const std::vector<int> targets = {engine.prediction(1).target};
    const Tensor direct =
        ks::explain("integrated-gradients", {{"steps", 4}}, {engine.classifier(), engine.images()[1].input, targets});
    CHECK(engine.explain(1, study.methods[1]).map.data == direct.data);
    CHECK(engine.prediction(1).logits == engine.classifier().logits(engine.images()[1].input).data);
    CHECK(engine.images()[0].picture.width == 32);
    CHECK(engine.images()[0].mask.area() > 0);
    CHECK(engine.images()[2].mask.area() == 0);
  }

  TEST_CASE("another picture of the study can be the reference, and is part of the cell's key") {
    Files files;
    Engine engine(files.loader());
    Study study = small_study();
    engine.open(study);
    const StudyMethod method{.name = "integrated-gradients", .params = {{"steps", 4}, {"baseline", "image:b"}}};
    const Tensor map = engine.explain(0, method).map;
    const Tensor difference = engine.explain(1, method).map;  // the image is its own reference
    CHECK(std::all_of(difference.data.begin(), difference.data.end(), [](float v) { return v == 0; }));
    CHECK(engine.is_cached(0, method));
    const StudyMetric steadiness{.name = "max-sensitivity", .params = {{"nr_samples", 1}}};
    CHECK(engine.measure(0, method, steadiness).value > 0);  // explains again, with the same reference

    study.images[1] = generated("b", 77);  // another picture of that name
    engine.open(study);
    CHECK_FALSE(engine.is_cached(0, method));
    CHECK(engine.explain(0, method).map.data != map.data);

    const StudyMethod lost{.name = "integrated-gradients", .params = {{"baseline", "image:absent"}}};
    CHECK_FALSE(engine.is_cached(0, lost));
    try {
      engine.explain(0, lost);
      FAIL("an image that the study does not have");
    } catch (const Error& e) {
      CHECK(std::string(e.what()) ==
            "'baseline' \"image:absent\": the study has no such image; its images are a, b, healthy");
    }
  }

  TEST_CASE("a change of the study computes only what it touches") {
    Files files;
    Engine engine(files.loader());
    Study study = small_study();
    CHECK(compute_all(engine, study) == std::pair(9, 18));
    CHECK(compute_all(engine, study) == std::pair(0, 0));
    CHECK(engine.counts().images == 3);
    CHECK(engine.counts().models == 1);

    study.title = "another title";
    study.view.opacity = 0.1;
    study.images[0].id = "renamed";
    CHECK(compute_all(engine, study) == std::pair(0, 0));
    CHECK(engine.images()[0].id == "renamed");

    study.methods[1].params = {{"steps", 5}};
    CHECK(compute_all(engine, study) == std::pair(3, 6));
    study.methods[1].params = {{"steps", 4}};  // back to what was there
    CHECK(compute_all(engine, study) == std::pair(0, 0));

    study.images.push_back(generated("d", 9));
    CHECK(compute_all(engine, study) == std::pair(3, 6));
    std::swap(study.images[0], study.images[3]);  // an order is no change
    CHECK(compute_all(engine, study) == std::pair(0, 0));
    CHECK(engine.counts().images == 4);

    study.metrics.push_back({"complexity"});
    CHECK(compute_all(engine, study) == std::pair(0, 12));
    study.seed = 2;
    CHECK(compute_all(engine, study).first == 12);
    study.model.text = "vggbn";
    CHECK(compute_all(engine, study).first == 12);
    CHECK(engine.counts().models == 2);
  }

  TEST_CASE("spelling out a default is no change") {
    Files files;
    Engine engine(files.loader());
    Study study = small_study();
    study.methods = {{"integrated-gradients"}};
    engine.open(study);
    engine.explain(0, study.methods[0]);
    const json all = check_parameters(methods().at("integrated-gradients"), {}).all();
    CHECK(engine.is_cached(0, {"integrated-gradients", all}));
    CHECK_FALSE(engine.is_cached(1, study.methods[0]));
  }

  TEST_CASE("random methods draw by image, not by its place in the study") {
    Files files;
    Engine engine(files.loader()), other(files.loader());
    Study study = small_study();
    engine.open(study);
    CHECK(engine.explain(0, {"random"}).map.data != engine.explain(1, {"random"}).map.data);
    std::swap(study.images[0], study.images[1]);
    other.open(study);
    CHECK(engine.explain(0, {"random"}).map.data == other.explain(1, {"random"}).map.data);
    study.seed = 77;
    other.open(study);
    CHECK(engine.explain(0, {"random"}).map.data != other.explain(1, {"random"}).map.data);
  }

  TEST_CASE("the target is the predicted class, an index, or a name") {
    Files files;
    Engine engine(files.loader());
    Study study = small_study();
    engine.open(study);
    CHECK(engine.prediction(0).target == engine.prediction(0).predicted);
    for (int k : {0, 1}) {
      study.target = k;
      engine.open(study);
      CHECK(engine.prediction(0).target == k);
      study.target = engine.classifier().class_names()[static_cast<size_t>(k)];
      engine.open(study);
      CHECK(engine.prediction(0).target == k);
    }
    study.target = 7;
    CHECK(open_sentence(engine, study) ==
          "target: is class 7, but the model has 2 classes; count from 0, or write \"predicted\"");
    study.target = "spoon";
    CHECK(open_sentence(engine, study).find("target: the model has no class 'spoon'; its classes are") == 0);
  }

  TEST_CASE("what cannot be opened leaves the study that was there") {
    Files files;
    Engine engine(files.loader());
    const Study good = small_study();
    engine.open(good);
    Study bad = good;
    bad.methods[0].name = "gradiant";
    CHECK(open_sentence(engine, bad) == "methods[0]: there is no method 'gradiant'; did you mean 'gradient'?");
    bad = good;
    bad.methods[1].params = {{"steps", -3}};
    CHECK(open_sentence(engine, bad).find("methods[1]: integrated-gradients 'steps' is -3; it must be") == 0);
    bad = good;
    bad.metrics[0].name = "sparsness";
    CHECK(open_sentence(engine, bad) == "metrics[0]: there is no metric 'sparsness'; did you mean 'sparseness'?");
    bad = good;
    bad.images[2].source.recipe["defect"] = "rust";
    CHECK(open_sentence(engine, bad).find("images[2]: generate 'defect' is \"rust\"; it must be one of") == 0);
    bad = good;
    bad.view.colormap = "rainbow";
    CHECK(open_sentence(engine, bad).find("view.colormap: there is no colormap 'rainbow'") == 0);
    bad = good;
    bad.ranking.rank.overall = "meanrank";
    CHECK(open_sentence(engine, bad).find("ranking.overall: ") == 0);
    bad = good;
    bad.ranking.rank.weights = {{"faithfullness", 1}};
    CHECK(open_sentence(engine, bad) ==
          "ranking.weights: there is no category of metrics 'faithfullness'; did you mean 'faithfulness'?");
    bad = good;
    bad.model.text = "spoon";
    CHECK(open_sentence(engine, bad) == "spoon: there is no such model");
    CHECK(engine.study() == good);
    CHECK(engine.explain(0, good.methods[0]).map.size() > 0);
  }

  TEST_CASE("annotations drawn otherwise are other cells, of metrics that need an annotation only") {
    Files files;
    MemoryStore memory;
    Engine engine(files.loader(), {}, memory.store());
    const Study study = small_study();
    engine.open(study);
    const AnnotationVariant box{AnnotationVariant::Kind::box}, wider{AnnotationVariant::Kind::dilate, 3};
    const double as_drawn = engine.measure(0, study.methods[0], study.metrics[1]).value;
    const double boxed = engine.measure(0, study.methods[0], study.metrics[1], nullptr, &box).value;
    const double dilated = engine.measure(0, study.methods[0], study.metrics[1], nullptr, &wider).value;
    CHECK(boxed > as_drawn);  // more of the relevance lies in a larger annotation
    CHECK(dilated > as_drawn);
    CHECK(dilated != boxed);
    CHECK(engine.measure(0, study.methods[0], study.metrics[1]).value == as_drawn);
    const int scores = engine.counts().scores;
    CHECK(scores == 3);
    engine.measure(0, study.methods[0], study.metrics[0]);
    engine.measure(0, study.methods[0], study.metrics[0], nullptr, &box);
    CHECK(engine.counts().scores == scores + 1);
    // An annotation that is its own box is the same cell.
    EngineImage image = engine.images()[0];
    CHECK(vary_annotation(vary_annotation(image.mask, box), box).inside == vary_annotation(image.mask, box).inside);
  }

  TEST_CASE("a run tells how far the order moves with the annotations, and how certain it is") {
    Files files;
    Engine engine(files.loader());
    Study study = small_study();
    study.ranking.annotation_variants = {{AnnotationVariant::Kind::dilate, 2}, {AnnotationVariant::Kind::box}};
    study.ranking.monte_carlo.draws = 50;
    StudyResults results;
    run_study(study, engine, nullptr, nullptr, results);
    REQUIRE(results.varied.size() == 2);
    CHECK(results.varied[0][0].empty());  // sparseness needs no annotation
    const double again =
        engine.measure(1, study.methods[2], study.metrics[1], nullptr, &study.ranking.annotation_variants[1]).value;
    CHECK(results.varied[1][1][2][1] == again);
    CHECK(std::isnan(results.varied[0][1][0][2]));  // a healthy kernel
    REQUIRE(results.annotations.orders.size() == 2);
    for (size_t m = 0; m < 3; ++m) {
      CHECK(results.annotations.low[m] <= results.annotations.places[m]);
      CHECK(results.annotations.high[m] >= results.annotations.places[m]);
    }
    CHECK(results.certainty.monte_carlo.draws == 50);
    CHECK(results.certainty.controls.size() == 2);
    CHECK(results.ranking.categories.size() == 2);

    study.metrics = {{"sparseness"}};
    StudyResults without;
    run_study(study, engine, nullptr, nullptr, without);
    CHECK(without.annotations.orders.empty());
  }

  TEST_CASE("places under varied annotations by hand") {
    ScoreTable t;
    t.methods = {"a", "b", "c"};
    t.metrics = {"found", "simple"};
    t.directions.assign(2, Direction::higher);
    t.scores = {{{3}, {2}, {1}}, {{1}, {1}, {1}}};
    StudyRanking ranking;
    ranking.annotation_variants = {{AnnotationVariant::Kind::box}, {AnnotationVariant::Kind::erode, 1}};
    const AnnotationEffect effect = annotation_effect(t, ranking, {{{{2}, {3}, {1}}, {}}, {{{3}, {2}, {1}}, {}}});
    CHECK(effect.places == std::vector<double>{1, 2, 3});
    CHECK(effect.orders[0].places == std::vector<double>{2, 1, 3});
    CHECK(effect.orders[0].tau == doctest::Approx(1.0 / 3));
    CHECK(effect.orders[1].tau == doctest::Approx(1));
    CHECK(effect.low == std::vector<double>{1, 1, 3});
    CHECK(effect.high == std::vector<double>{2, 2, 3});
    CHECK(annotation_effect(t, ranking, {{{}, {}}}).orders.empty());
  }

  TEST_CASE("a picture that cannot be had is told, the others live") {
    Files files;
    Engine engine(files.loader());
    Study study = small_study();
    const std::string tiny = encode_png(Image(1, 1));
    study.images.push_back({"gone", {.kind = Source::Kind::builtin, .text = "nothing"}});
    study.images.push_back({"noise", {.kind = Source::Kind::data, .text = encode_base64("no picture at all")}});
    study.images.push_back({"letters", {.kind = Source::Kind::data, .text = "?!"}});
    study.images.push_back({"tiny", {.kind = Source::Kind::data, .text = encode_base64(tiny)}});
    study.images.push_back({"fine", {.kind = Source::Kind::url, .text = address, .sha256 = sha256(files.picture)}});
    study.images.push_back({"changed", {.kind = Source::Kind::url, .text = address, .sha256 = sha256("other")}});
    study.images.push_back({"masked",
                            {.kind = Source::Kind::data, .text = encode_base64(files.picture)},
                            encode_base64(encode_png(Mask(20, 20)))});
    engine.open(study);
    const auto error = [&](size_t i) { return engine.images()[i].error; };
    CHECK(error(0) == "");
    CHECK(error(3) == "image 'gone': nothing: there is no such image");
    CHECK(error(4).find("image 'noise': the file is no image") == 0);
    CHECK(error(5).find("image 'letters': is no base64") == 0);
    CHECK(error(6).find("image 'tiny': ") == 0);
    CHECK(error(7) == "");
    CHECK(error(8).find(
              "image 'changed': https://example.org/kernel.png: is not what the study means: its SHA-256 is ") == 0);
    CHECK(error(9).find("image 'masked': its annotation has 20x20 pixels, the image 32x32") == 0);
    CHECK(engine.explain(7, study.methods[0]).map.size() > 0);
    CHECK_THROWS_AS(engine.explain(4, study.methods[0]), Error);
    // A failed picture is tried again with the next study, one that was fine is not.
    const int before = files.asked["nothing"];
    engine.open(study);
    CHECK(files.asked["nothing"] == before + 1);
  }

  TEST_CASE("a metric that needs an annotation is undefined without one, and says so") {
    Files files;
    Engine engine(files.loader());
    Study study = small_study();
    study.images.push_back({"plain", {.kind = Source::Kind::data, .text = encode_base64(files.picture)}});
    engine.open(study);
    const Score& score = engine.measure(3, {"gradient"}, {"relevance-mass-accuracy"});
    CHECK(std::isnan(score.value));
    REQUIRE(score.warnings.size() == 1);
    CHECK(score.warnings[0] == "the image has no annotation");
    CHECK(std::isfinite(engine.measure(0, {"gradient"}, {"relevance-mass-accuracy"}).value));
  }

  TEST_CASE("a store carries cells from one run to the next") {
    Files files;
    MemoryStore memory;
    const Study study = small_study();
    Engine first(files.loader(), {}, memory.store());
    compute_all(first, study);
    CHECK(memory.cells.size() == 9 + 18);

    Engine second(files.loader(), {}, memory.store());
    CHECK(compute_all(second, study) == std::pair(0, 0));
    for (size_t m = 0; m < study.methods.size(); ++m) {
      CHECK(second.explain(0, study.methods[m]).map.data == first.explain(0, study.methods[m]).map.data);
      CHECK(second.measure(0, study.methods[m], study.metrics[0]).value ==
            first.measure(0, study.methods[m], study.metrics[0]).value);
    }
    CHECK(second.explain(0, study.methods[0]).from_store);

    // Damaged cells are computed again.
    for (auto& [key, bytes] : memory.cells) bytes = bytes.substr(0, bytes.size() / 2);
    Engine third(files.loader(), {}, memory.store());
    CHECK(compute_all(third, study) == std::pair(9, 18));
  }

  TEST_CASE("an interrupted run keeps what was finished and resumes") {
    Files files;
    MemoryStore memory;
    const Study study = small_study();
    Engine engine(files.loader(), {}, memory.store());
    StudyResults partial;
    int maps = 0;
    const auto stop_late = [&](double fraction) {
      if (fraction > 0.5) throw Cancelled();
    };
    CHECK_THROWS_AS(run_study(
                        study, engine, [&](size_t, size_t, const Tensor&) { ++maps; }, stop_late, partial),
                    Cancelled);
    CHECK_FALSE(partial.complete);
    CHECK(partial.cells[0][0].done);
    CHECK_FALSE(partial.cells[2][2].done);
    CHECK(maps > 0);
    CHECK(maps < 9);
    const int computed = engine.counts().explanations;

    Engine again(files.loader(), {}, memory.store());
    StudyResults whole;
    double last = 0;
    bool rising = true;
    run_study(
        study, again, nullptr,
        [&](double fraction) {
          rising = rising && fraction >= last && fraction <= 1;
          last = fraction;
        },
        whole);
    CHECK(rising);
    CHECK(whole.complete);
    CHECK(whole.failures() == 0);
    CHECK(again.counts().explanations == 9 - computed);
    CHECK(whole.scores[0][0][0].score.value == partial.scores[0][0][0].score.value);
  }
}

}  // namespace ks::engine_test

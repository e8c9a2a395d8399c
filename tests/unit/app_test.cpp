#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "app/model.h"
#include "app/ranking.h"
#include "app/schedule.h"
#include "app/text.h"

// The app's logic that needs no screen: what changes when the study is edited, what is computed next, what is shown.
namespace ks::app::app_test {

namespace {

Model two_by_two() {
  Study study;
  study.model.text = "m";
  for (const char* id : {"a", "b"}) {
    StudyImage image{.id = id, .source = {.kind = Source::Kind::generate, .recipe = {{"seed", 1}}}};
    study.images.push_back(image);
  }
  study.methods = {{.name = "gradient"}, {.name = "random"}};
  study.metrics = {{.name = "sparseness"}, {.name = "max-sensitivity"}};
  Model model;
  model.methods.resize(2);
  model.methods[0].name = "gradient";
  model.methods[1].name = "random";
  model.methods[1].family = "baseline";
  model.metrics.resize(2);
  model.metrics[0].name = "sparseness";
  model.metrics[1].name = "max-sensitivity";
  model.metrics[1].direction = "lower";
  model.metrics[1].needs_classifier = true;
  model.metrics[1].family = "robustness";
  open_study(model, study);
  for (const std::string& key : model.picture_keys) model.pictures[key].state = State::done;
  return model;
}

void finish(Model& model, size_t image, size_t method) {
  Cell& cell = model.cells[cell_key(model, image, method)];
  cell.state = State::done;
  cell.milliseconds = 10;
}

void give_score(Model& model, size_t image, size_t method, size_t metric, double value) {
  Score& score = model.scores[score_key(model, image, method, metric)];
  score.state = State::done;
  score.value = value;
}

}  // namespace

TEST_SUITE("app") {
  TEST_CASE("a parameter's change leaves every other cell computed, and undo brings the old ones back") {
    Model model = two_by_two();
    for (size_t i : {0, 1})
      for (size_t m : {0, 1}) finish(model, i, m);
    const uint64_t pictures = model.picture_revision;
    edit(model, [](Study& study) { study.methods[1].params["seed"] = 7; });
    CHECK(model.picture_revision == pictures);
    CHECK(model.cell(0, 0) != nullptr);
    CHECK(model.cell(1, 0) != nullptr);
    CHECK(model.cell(0, 1) == nullptr);
    CHECK(model.cell(1, 1) == nullptr);
    undo(model);
    CHECK(model.cell(0, 1) != nullptr);
    redo(model);
    CHECK(model.cell(0, 1) == nullptr);
  }

  TEST_CASE("the view is no part of what a cell depends on; target and seed are") {
    Model model = two_by_two();
    finish(model, 0, 0);
    edit(model, [](Study& study) {
      study.view.pooling = "max";
      study.view.opacity = 0.1;
      study.title = "another";
    });
    CHECK(model.cell(0, 0) != nullptr);
    const uint64_t pictures = model.picture_revision;
    edit(model, [](Study& study) { study.target = 1; });
    CHECK(model.cell(0, 0) == nullptr);
    CHECK(model.picture_revision == pictures + 1);
  }

  TEST_CASE("edits with one key make one step of undo; a selection makes none") {
    Model model = two_by_two();
    const size_t before = model.undo.size();
    for (double opacity : {0.1, 0.2, 0.3})
      edit(
          model, [=](Study& study) { study.view.opacity = opacity; }, "opacity");
    CHECK(model.undo.size() == before + 1);
    look(model, [](StudyView& view) { view.selected_image = "b"; });
    CHECK(model.undo.size() == before + 1);
    CHECK(model.selected_image() == 1);
    undo(model);
    CHECK(model.study.view.opacity == doctest::Approx(0.6));
  }

  TEST_CASE("the selected cell comes first, then all maps, then scores, quick metrics first") {
    Model model = two_by_two();
    look(model, [](StudyView& view) {
      view.selected_image = "b";
      view.selected_method = 1;
    });
    std::vector<std::string> order;
    while (const std::optional<Task> task = next_task(model)) {
      REQUIRE(order.size() < 20);
      if (!task->metric) {
        finish(model, task->image, task->method);
        order.push_back("map " + std::to_string(task->image) + std::to_string(task->method));
      } else {
        give_score(model, task->image, task->method, *task->metric, 1);
        order.push_back("score " + std::to_string(*task->metric));
      }
    }
    REQUIRE(order.size() == 12);
    CHECK(order[0] == "map 11");
    for (size_t i = 0; i < 4; ++i) CHECK(order[i].substr(0, 3) == "map");
    for (size_t i = 4; i < 8; ++i) CHECK(order[i] == "score 0");
    for (size_t i = 8; i < 12; ++i) CHECK(order[i] == "score 1");
    CHECK(work_of(model).finished());
  }

  TEST_CASE("methods that share a pass are asked for image by image, the first map of all alone") {
    Model model = two_by_two();
    const auto shared = [&](std::vector<bool> flags) {
      model.methods.clear();
      for (size_t m = 0; m < flags.size(); ++m) {
        MethodInfo info;
        info.name = model.study.methods[m].name;
        info.shares_pass = flags[m];
        model.methods.push_back(info);
      }
    };
    shared({true, true});
    look(model, [](StudyView& view) { view.selected_image = "a"; });
    std::optional<Task> task = next_task(model);
    REQUIRE(task);
    CHECK(methods_of_pass(model, *task).empty());
    finish(model, 0, 0);
    finish(model, 0, 1);
    task = next_task(model);
    REQUIRE(task);
    CHECK(task->image == 1);
    CHECK(methods_of_pass(model, *task) == std::vector<size_t>{0, 1});
    finish(model, 1, task->method);
    task = next_task(model);
    REQUIRE(task);
    CHECK(task->image == 1);
    CHECK(methods_of_pass(model, *task).empty());  // it is the only one left

    Model mixed = two_by_two();
    std::swap(model, mixed);
    shared({false, true});
    look(model, [](StudyView& view) {
      view.selected_image = "a";
      view.selected_method = 1;
    });
    finish(model, 0, 1);
    task = next_task(model);
    REQUIRE(task);
    CHECK(task->image == 1);  // the shared one of the next image before the other one of this
    CHECK(task->method == 1);
  }

  TEST_CASE("a failed picture is left out of the work, a failed map needs no scores") {
    Model model = two_by_two();
    model.pictures[model.picture_keys[0]].state = State::failed;
    model.cells[cell_key(model, 1, 0)].state = State::failed;
    finish(model, 1, 1);
    give_score(model, 1, 1, 0, 0.5);
    give_score(model, 1, 1, 1, 0.5);
    CHECK_FALSE(next_task(model));
    CHECK(work_of(model).finished());
    CHECK(work_of(model).failed == 1);
  }

  TEST_CASE("ranks wait for all scores of a metric, and a control that is not last is told") {
    Model model = two_by_two();
    for (size_t i : {0, 1}) {
      for (size_t m : {0, 1}) finish(model, i, m);
      give_score(model, i, 0, 0, 0.8);
      give_score(model, i, 1, 0, 0.2);
      give_score(model, i, 0, 1, 0.9);
    }
    ScoreSummary summary = score_summary(model);
    CHECK(summary.entries[0][0].rank == 1);
    CHECK(summary.entries[0][1].rank == 2);
    CHECK(std::isnan(summary.entries[1][0].rank));
    CHECK(summary.place[0] == 1);
    CHECK(summary.place[1] == 2);
    CHECK_FALSE(summary.control_is_not_last[0]);
    give_score(model, 0, 1, 1, 0.1);
    give_score(model, 1, 1, 1, std::numeric_limits<double>::quiet_NaN());
    summary = score_summary(model);  // max-sensitivity: lower is better, and random has 0.1 against 0.9
    CHECK(summary.entries[1][1].rank == 1);
    CHECK(summary.entries[1][1].undefined == 1);
    CHECK(summary.control_is_not_last[1]);
    CHECK(summary.place[0] == 1);
    CHECK(summary.place[1] == 1);  // a tie
  }

  TEST_CASE("how far the order holds is told once every score is there, with the study's draws") {
    Model model = two_by_two();
    model.study.ranking.monte_carlo = {.draws = 500, .metrics = MetricDraw::all};
    RedrawnOrder redrawn;
    for (size_t i : {0, 1}) {
      for (size_t m : {0, 1}) {
        finish(model, i, m);
        give_score(model, i, m, 0, m == 0 ? 0.9 - 0.1 * static_cast<double>(i) : 0.2);
      }
    }
    CHECK(redrawn.of(score_summary(model), model.study).draws == 0);
    for (size_t i : {0, 1})
      for (size_t m : {0, 1}) give_score(model, i, m, 1, m == 0 ? 0.1 : 0.7);
    const ScoreSummary summary = score_summary(model);
    const MonteCarloOrder& order = redrawn.of(summary, model.study);
    CHECK(order.draws == 500);
    CHECK(order.first == std::vector<double>{1, 0});  // better under both metrics on every image
    CHECK(order.low == std::vector<double>{1, 2});
    CHECK(order.high == std::vector<double>{1, 2});
    CHECK(&redrawn.of(summary, model.study) == &order);
    // What the metric's parameters make of its direction comes with its scores.
    for (auto& [key, score] : model.scores) score.direction = "lower";
    CHECK(redrawn.of(score_summary(model), model.study).first == std::vector<double>{0.5, 0.5});
  }

  TEST_CASE("an added image gets an id of its own") {
    const Model model = two_by_two();
    CHECK(free_image_id(model.study, "c") == "c");
    CHECK(free_image_id(model.study, "a") == "a-2");
  }

  TEST_CASE("numbers for people") {
    CHECK(ui::number(0.12345) == "0.123");
    CHECK(ui::number(1234.5) == "1234");
    CHECK(ui::number(0) == "0");
    CHECK(ui::number(-1.23e-7) ==
          "\xE2\x88\x92"
          "1.2e-7");
    CHECK(ui::number(2.5e12) == "2.5e12");
    CHECK(ui::number(std::nan("")) == "\xE2\x80\x93");
    CHECK(ui::duration(0.0451) == "45 ms");
    CHECK(ui::duration(125) == "2 min 5 s");
    CHECK(ui::title_of_name("input-x-gradient") == "Input x gradient");
  }
}

}  // namespace ks::app::app_test

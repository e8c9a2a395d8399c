#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "picture/contour.h"
#include "picture/image.h"
#include "registry/registry.h"
#include "study/study.h"
#include "tensor/tensor.h"

/// What the app knows. Panels read it and queue commands (commands.h); answers of the worker fill it (bridge.h).
namespace ks::app {

enum class State { waiting, running, done, failed };

/// One explanation: an image explained by a method.
struct Cell {
  State state = State::waiting;
  Tensor map;               // raw, [C,H,W], C is 1 or the network's channels
  double milliseconds = 0;  // what computing took
  float progress = 0;       // 0 to 1, while running
  std::string error;        // one sentence, when failed
  uint64_t serial = 0;      // new whenever the map is: what was made from it (textures, statistics) is kept under this
};

/// One metric of one explanation.
struct Score {
  State state = State::waiting;
  double value = 0;  // NaN: undefined here, and `remark` says why
  std::string remark;
  std::string direction;  // with the metric's parameters: "higher", "lower", "zero", "none"
};

/// One image of the study as the network sees it.
struct Picture {
  State state = State::waiting;
  std::string error;
  int width = 0, height = 0;
  std::vector<uint8_t> rgba;
  std::vector<Contour> outline;  // of the annotation, in pixels; empty: none
  double annotated_share = 0;    // of the picture's area
  std::vector<float> probabilities;
  int predicted = -1, target = -1;
  uint64_t serial = 0;
};

struct MethodInfo : Entry {
  bool needs_gradient = true;
  bool shares_pass = false;  // is one network: computed in one pass with the others of an image
};

struct MetricInfo : Entry {
  std::string direction = "higher";  // with its default parameters; "lower", "zero", "none"
  bool needs_mask = false, needs_classifier = false;
};

struct Network {
  std::string title;
  int width = 0, height = 0;
  std::vector<std::string> classes;
};

struct Runtime {
  std::string provider, version, reason;
  int threads = 0;
};

enum class Phase {
  loading,
  ready,
  closed,  // the core lives, but could not open the study; another one may do
  failed   // the core is gone
};

/// A sentence the user has to see; stays until dismissed.
struct Banner {
  std::string text;
  bool is_error = true;
};

/// A short notice that goes by itself.
struct Toast {
  std::string text;
  double until = 0;  // seconds, platform::now(); 0: begins when first drawn
};

struct Model {
  Study study;
  std::vector<Study> undo, redo;
  std::string merge_key;  // of the last edit: edits with the same key make one step of undo

  Phase phase = Phase::loading;
  std::string loading_text = "Loading the core";
  float loading_progress = -1;  // negative: unknown
  Runtime runtime;
  Network network;
  std::vector<MethodInfo> methods;  // the core's registries
  std::vector<MetricInfo> metrics;

  std::unordered_map<std::string, Picture> pictures;                // by picture_key
  std::unordered_map<std::string, Cell> cells;                      // by cell_key
  std::unordered_map<std::string, Score> scores;                    // by score_key
  std::vector<std::string> picture_keys, method_keys, metric_keys;  // in the study's order; see update_keys

  bool paused = false;
  std::vector<Banner> banners;
  std::vector<Toast> toasts;
  uint64_t picture_revision = 0;  // counts edits after which the worker has to look at the images or the model again

  const Picture* picture(size_t image) const;
  const Cell* cell(size_t image, size_t method) const;
  const Score* score(size_t image, size_t method, size_t metric) const;
  const MethodInfo* method_info(const std::string& name) const;
  const MetricInfo* metric_info(const std::string& name) const;
  /// What is selected, clamped to what there is.
  size_t selected_image() const;
  size_t selected_method() const;
};

std::string cell_key(const Model& model, size_t image, size_t method);
std::string score_key(const Model& model, size_t image, size_t method, size_t metric);

/// For people: the label a study gives, the registry's title, or the name made readable.
std::string method_title(const Model& model, size_t method);
std::string metric_title(const Model& model, size_t metric);
std::string class_name(const Model& model, int index);

/// Changes the study as one step of undo (or as part of the last one when `merge_key` is the same and not empty).
void edit(Model& model, const std::function<void(Study&)>& change, const std::string& merge_key = "");
/// Changes how the study is looked at (the selection, the open panel), which is no step of undo.
void look(Model& model, const std::function<void(StudyView&)>& change);
void undo(Model& model);
void redo(Model& model);
/// Another study altogether: also a step of undo, so that nothing is lost.
void open_study(Model& model, Study study);
/// Takes on what the worker made of the study, without a step of undo.
void update_keys(Model& model);

void show_error(Model& model, const std::string& sentence);
void show_toast(Model& model, const std::string& sentence);

/// How far the computation is: cells and scores done (or failed), of all that the study asks for.
struct Work {
  int explanations_done = 0, explanations = 0;
  int scores_done = 0, scores = 0;
  int failed = 0;
  bool finished() const { return explanations_done == explanations && scores_done == scores; }
};
Work work_of(const Model& model);

}  // namespace ks::app

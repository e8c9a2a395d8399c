#pragma once
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "explain/cut.h"
#include "explain/evaluate.h"
#include "metric/explainer.h"
#include "metric/prepare.h"
#include "metric/subsets.h"
#include "study/engine.h"

/// What the files of the engine share; nobody else includes it.
namespace ks {

/// Wall-clock time since it was made.
class Stopwatch {
 public:
  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Names an annotation by its content.
std::string hash_mask(const Mask& mask);

/// What the engine alone needs to know of a picture.
struct EngineSlot {
  StudyImage asked;
  std::string mask_hash;
  uint64_t seed_stream = 0;
  std::vector<float> logits;
};

struct Engine::State {
  Loader loader;
  SessionOptions options;
  CellStore store;
  Counts counts;

  Study study;
  std::shared_ptr<Classifier> classifier;
  std::vector<EngineSlot> slots;
  std::vector<EngineImage> images;
  std::vector<Prediction> predictions;

  struct Kept {
    Explanation explanation;
    std::string image;  // its hash
    uint64_t last_use = 0;
  };
  std::map<std::string, Kept> explanations;
  std::map<std::string, Score> scores;
  uint64_t uses = 0;

  // What the metrics of one image share.
  ForwardMemo forwards;
  ExplanationMemo changed_explanations;
  SegmentsMemo segments;
  SubsetMemo subsets;
  // What the metrics of one explanation (of several, where images are compared) share, and which one that is.
  PreparationMemo preparations;
  std::string prepared_maps;

  struct Varied {
    Mask mask;
    std::string hash;
  };
  std::map<std::pair<size_t, std::string>, Varied> varied;  // by image and variant
  const Varied& annotation(size_t image, const AnnotationVariant& variant);

  /// The images that are measured together, and what names their maps and their scores.
  struct Group {
    std::vector<size_t> images;
    std::string maps, scores;
  };
  std::map<std::string, Group> compared;  // of metrics that compare images, by all that they depend on within one study

  /// The index of the image of this id; images.size() where there is none.
  size_t find_image(const std::string& id) const;
  /// The study's images by id, for methods whose reference is another picture.
  PictureSource pictures() const;
  /// Throws Error where the image could not be had.
  void check_image(size_t image) const;
  uint64_t seed(size_t image) const;

  std::string explanation_key(size_t image, const std::string& method, const Params& params) const;
  /// The explanation from memory or the store, or null.
  Explanation* find_explanation(size_t image, const std::string& key);
  Explanation& keep(size_t image, const std::string& key, Explanation made);
  Explanation& keep_computed(size_t image, const std::string& key, Explanation made);

  void forget_shared();
  void drop_old_maps();
};

}  // namespace ks

#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "explain/classifier.h"
#include "explain/method.h"
#include "metric/metric.h"
#include "study/study.h"

namespace ks {

/// Fetches the bytes of a model ("model") or a picture ("image", "mask") that the study names: a built-in id, an
/// address, a path. The engine knows no file system and no network. Throws Error when there is no such thing.
using Loader = std::function<std::string(const std::string& what, const Source& source)>;

/// Keeps finished cells beyond this process (a folder, natively), so that an interrupted run resumes. Both may be null.
struct CellStore {
  std::function<std::optional<std::string>(const std::string& key)> load;
  std::function<void(const std::string& key, const std::string& bytes)> save;
};

/// One picture of the study, ready for the network.
struct EngineImage {
  std::string id;
  Image picture;      // at the network's input size
  Mask mask;          // same size; empty where there is no annotation
  Tensor input;       // [1,3,H,W], normalised
  std::string hash;   // of what the network sees and the annotation
  std::string error;  // a sentence when it could not be had; everything else is then empty
  bool has_mask() const { return mask.width > 0; }
};

struct Prediction {
  std::vector<float> logits, probabilities;  // one per class
  int predicted = 0;                         // argmax
  int target = 0;                            // the class that is explained
};

/// A raw signed attribution, [1,C,H,W] or [1,1,H,W], and what it took.
struct Explanation {
  Tensor map;
  double milliseconds = 0;  // when it was computed
  bool from_store = false;
};

/// One metric of one explanation. NaN where the metric is undefined here; then a warning says why.
struct Score {
  double value = 0;
  std::vector<double> curve;
  std::vector<std::string> warnings;
  double milliseconds = 0;
};

/// Computes a study cell by cell: cells are keyed by the hash of all they depend on (model, picture, method,
/// parameters, target, seed, metric), so that after a change only what the change touches is computed again. Both
/// `kernelscope run` and the browser's worker sit on it.
class Engine {
 public:
  explicit Engine(Loader loader, SessionOptions options = {}, CellStore store = {});
  ~Engine();

  /// Takes on a checked study: loads the model and pictures that changed, predicts. Throws Error (unknown names, a
  /// model that cannot be used, a target it does not have) and then keeps the study it had. A picture that cannot be
  /// had does not throw: its `error` says why and the rest lives.
  void open(const Study& study, const Progress& progress = nullptr);

  const Study& study() const;
  /// The loaded network. Throws std::logic_error before the first open().
  Classifier& classifier();
  const std::vector<EngineImage>& images() const;
  const Prediction& prediction(size_t image) const;

  /// The explanation of one image by a method that need not be in the study. Throws Error, Cancelled.
  /// The reference holds until the next open().
  const Explanation& explain(size_t image, const StudyMethod& method, const Progress& progress = nullptr);

  /// Computes the explanations of one image that are not there yet by those of `methods` that are one network each, in
  /// one pass (explain/together.h); explain() then finds them. Each gets the part of the pass's time that is its share
  /// of the work. What cannot be had this way is left to explain(), which says why. Throws Cancelled.
  void explain_together(size_t image, const std::vector<StudyMethod>& methods, const Progress& progress = nullptr);

  /// One metric of that explanation (which is computed first where it is missing). Throws Error, Cancelled.
  /// With a variant, the annotations are drawn that way.
  const Score& measure(size_t image, const StudyMethod& method, const StudyMetric& metric,
                       const Progress& progress = nullptr, const AnnotationVariant* variant = nullptr);

  /// True where the metric says something of one image among the others: its score depends on all images of the study,
  /// and is computed for all of them at once.
  static bool compares_images(const StudyMetric& metric);
  /// True where such a metric needs the images alone and none of their maps.
  static bool makes_pictures(const StudyMetric& metric);

  /// True when explain() would return without computing.
  bool is_cached(size_t image, const StudyMethod& method) const;

  /// From now on, finished cells go there and come from there.
  void set_store(CellStore store);
  /// True where finished cells are kept beyond this process.
  bool has_store() const;

  /// Lets go of the maps of one image and of what its metrics shared (scores stay): for studies of more images than
  /// maps fit into memory.
  void forget_maps(size_t image);

  /// Cells computed so far, not counting those from memory or the store: for tests and remarks.
  struct Counts {
    int models = 0, images = 0, explanations = 0, scores = 0;
  };
  const Counts& counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ks

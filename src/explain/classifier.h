#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backward/pass.h"
#include "graph/model.h"
#include "picture/image.h"
#include "runtime/session.h"
#include "tensor/hash.h"

namespace ks {

struct JointNetwork;  // explain/together.h

/// An image classifier: its graph, what it wants as input, and every session made from it. Methods and metrics get one
/// of these; they ask it for forward passes and for derived networks (gradients, relevance), which it builds once each.
class Classifier {
 public:
  /// Checks that the model has one image input [N,3,H,W] (N free or fixed) and one score output [N,K]; a softmax at the
  /// end is cut off, so that `logits` are what is explained. Constants are folded, batch norms merged where exact.
  /// Throws Error. `where` names the model in messages.
  Classifier(const std::string& onnx_bytes, const std::string& where, const SessionOptions& options = {});

  /// Simplified: constants folded, batch norms merged where exact; its one output is the logits.
  const graph::Model& model() const { return model_; }
  /// The file's network as it was, but for a softmax cut off its end and a free batch size: with the names of its
  /// weights.
  const graph::Model& original() const { return original_; }
  /// [-1,C,H,W]
  Shape input_shape() const { return {-1, channels_, height(), width()}; }
  /// For which provider derived networks are to be written.
  backward::Backend backend() const { return backend_; }
  const std::string& where() const { return where_; }
  const std::string& input_name() const { return model_.inputs[0].name; }
  const std::string& logits_name() const { return model_.outputs[0].name; }
  int channels() const { return channels_; }
  int height() const { return preprocessing_.height; }
  int width() const { return preprocessing_.width; }
  int classes() const { return static_cast<int>(class_names_.size()); }
  const std::vector<std::string>& class_names() const { return class_names_; }
  const Preprocessing& preprocessing() const { return preprocessing_; }
  /// SHA-256 of the file: the model's part of every cache key.
  const std::string& hash() const { return hash_; }

  /// [N,K] for inputs [N,C,H,W]; runs in batches of batch_size().
  Tensor logits(const Tensor& inputs);
  /// Softmax of the logits, [N,K].
  Tensor probabilities(const Tensor& inputs);
  /// argmax of the logits per sample; ties to the lowest class.
  std::vector<int> predict(const Tensor& inputs);

  /// The session of a network derived from this one, built on first use. `key` names the derivation with all its
  /// parameters; derivations that come to the same graph are one session.
  Session& derived(const std::string& key, const std::function<graph::Model()>& build);
  /// Networks of several methods as one, built on first use. Only the last one is kept: it holds the weights of all of
  /// them.
  JointNetwork& joint(const std::string& key, const std::function<std::shared_ptr<JointNetwork>()>& build);
  /// A derived network as an ONNX file for this classifier's provider.
  std::string file_of(graph::Model model) const;
  /// A classifier with this one's inputs and classes of another network: one that `build` makes from original(), with
  /// other weights for example. Made on first use; `key` names the network with all that it depends on. Its sessions
  /// are built when they are asked for. Of many variants only as many stay as `most_variant_bytes` of weights allow, so
  /// hold the pointer for as long as the variant is needed.
  std::shared_ptr<Classifier> variant(const std::string& key, const std::function<graph::Model()>& build);
  static constexpr size_t most_variant_bytes = size_t{256} << 20;
  const SessionOptions& session_options() const { return options_; }

  /// Memory for inputs that are gathered, handed from one who gathers to the next: what was kept last, or none.
  std::vector<float> take_room() { return std::exchange(room_, {}); }
  void keep_room(std::vector<float> room) { room_ = std::move(room); }

  /// How many images at most run together.
  int batch_size() const { return batch_size_; }
  /// Forward passes (samples) run so far through logits(): for budgets and tests.
  int64_t forward_count() const { return forward_count_; }
  /// Sessions built so far, not counting those of variants: for tests.
  int64_t session_count() const { return static_cast<int64_t>(sessions_.size()) + (forward_ ? 1 : 0); }

 private:
  Classifier(const Classifier& base, graph::Model network, const std::string& key);
  /// Makes model_ from original_; returns the scores' shape, empty where it cannot be inferred.
  Shape simplify_original();
  Session& forward();
  void drop_variants(const std::string& wanted);

  graph::Model original_, model_;
  backward::Backend backend_;
  std::string where_, hash_;
  int channels_ = 3, batch_size_ = 16;
  std::vector<std::string> class_names_;
  Preprocessing preprocessing_;
  SessionOptions options_;
  std::unique_ptr<Session> forward_;
  std::map<Fingerprint, Session> sessions_;  // by graph
  std::unordered_map<std::string, Session*> by_key_;
  std::string joint_key_;
  std::shared_ptr<JointNetwork> joint_;
  int64_t forward_count_ = 0;
  std::vector<float> room_;
  size_t bytes_ = 0;  // of the weights in model_ and in the graphs of its sessions

  struct Variant {
    std::shared_ptr<Classifier> classifier;
    uint64_t last_use = 0;
  };
  std::map<std::string, Variant> variants_;
  uint64_t variant_uses_ = 0;
};

/// Rows of softmax(values) for [N,K].
Tensor softmax(const Tensor& logits);

/// Throws Error for a class the model does not have.
void check_targets(const std::vector<int>& targets, const Classifier& classifier);

/// "predicted", "1", "healthy", "0,2,1": one class per sample. Throws Error for a class the model does not have.
std::vector<int> parse_targets(const std::string& text, Classifier& classifier, const Tensor& inputs);

}  // namespace ks

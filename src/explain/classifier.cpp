#include "explain/classifier.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "graph/shapes.h"
#include "graph/simplify.h"
#include "graph/webgpu.h"
#include "tensor/error.h"
#include "tensor/hash.h"

namespace ks {

namespace {

constexpr int largest_side = 4096;

/// The image input must be the only one: [N,C,H,W] with C 1 or 3.
void check_input(const graph::Model& model, const std::string& where) {
  const auto is_image = [](const graph::Value& v) {
    return v.type == graph::Type::f32 && v.dimensions.size() == 4 &&
           (v.dimensions[1].size == 3 || v.dimensions[1].size == 1 || v.dimensions[1].size == -1);
  };
  if (model.inputs.size() == 1 && is_image(model.inputs[0])) return;
  std::string found;
  for (const graph::Value& v : model.inputs) found += (found.empty() ? "" : ", ") + v.name + " " + to_string(v.shape());
  throw Error("has no image input: its inputs are " + (found.empty() ? "none" : found), where,
              "a classifier with one float input [N,3,H,W] is needed");
}

/// Makes the batch size free; simplify() then frees it where the export wrote it into Reshape targets.
void free_batch(graph::Model& model) {
  for (graph::Value* v : {&model.inputs[0], &model.outputs[0]})
    if (!v->dimensions.empty()) v->dimensions[0] = {-1, "N"};
}

/// Explains logits, not probabilities: a softmax at the end is cut off. Only the scores stay as output.
void cut_to_logits(graph::Model& model) {
  model.outputs.resize(1);
  for (;;) {
    const graph::Node* last = model.producer(model.outputs[0].name);
    if (!last || (last->op != "Softmax" && last->op != "LogSoftmax" && last->op != "Identity")) break;
    model.outputs[0].name = last->inputs.at(0);
    model.outputs[0].dimensions.resize(2);
  }
}

Preprocessing read_preprocessing(const graph::Model& model, const std::string& where) {
  Preprocessing p;
  const graph::Value& input = model.inputs[0];
  const auto it = model.metadata.find("kernelscope.preprocessing");
  if (it != model.metadata.end()) {
    try {
      const nlohmann::json j = nlohmann::json::parse(it->second);
      p.width = j.at("width").get<int>();
      p.height = j.at("height").get<int>();
      p.mean = j.at("mean").get<std::array<float, 3>>();
      p.deviation = j.at("deviation").get<std::array<float, 3>>();
    } catch (const nlohmann::json::exception&) {
      throw Error("its metadata 'kernelscope.preprocessing' cannot be read", where,
                  "it must hold width, height, mean and deviation");
    }
  }
  if (input.dimensions[2].size > 0) p.height = static_cast<int>(input.dimensions[2].size);
  if (input.dimensions[3].size > 0) p.width = static_cast<int>(input.dimensions[3].size);
  for (int side : {p.width, p.height})
    if (side < smallest_picture_side || side > largest_side)
      throw Error("wants images of " + std::to_string(p.width) + "x" + std::to_string(p.height), where,
                  "sides from " + std::to_string(smallest_picture_side) + " to " + std::to_string(largest_side) +
                      " are supported");
  return p;
}

/// Images that go through the network together. On the CPU the activations of more do not stay in the caches: ResNet-18
/// on two threads takes 15 % longer for each of 16 images of 224x224 than for each of 4.
int batch_for(backward::Backend backend, int64_t pixels) {
  constexpr int64_t most = 16, pixels_in_caches = 4 * 224 * 224;
  if (backend == backward::Backend::webgpu) return most;
  return static_cast<int>(std::clamp<int64_t>(pixels_in_caches / pixels, 1, most));
}

}  // namespace

Classifier::Classifier(const std::string& onnx_bytes, const std::string& where, const SessionOptions& options)
    : backend_(runtime_info().provider == "webgpu" ? backward::Backend::webgpu : backward::Backend::cpu),
      where_(where),
      hash_(sha256(onnx_bytes)),
      options_(options) {
  original_ = graph::read(onnx_bytes, where);
  graph::check(original_, where);
  check_input(original_, where);
  if (original_.outputs.empty()) throw Error("has no output", where, "a classifier with one output [N,K] is needed");
  preprocessing_ = read_preprocessing(original_, where);
  const int64_t channels = original_.inputs[0].dimensions[1].size;
  channels_ = channels < 0 ? 3 : static_cast<int>(channels);
  batch_size_ = batch_for(backend_, static_cast<int64_t>(preprocessing_.height) * preprocessing_.width);
  original_.inputs[0].dimensions[1] = {channels_, ""};
  original_.inputs[0].dimensions[2] = {preprocessing_.height, ""};
  original_.inputs[0].dimensions[3] = {preprocessing_.width, ""};
  cut_to_logits(original_);
  free_batch(original_);
  Shape scores = simplify_original();
  const Shape run_scores = forward().outputs().at(0).shape;
  if (scores.empty()) scores = run_scores;
  if (scores.size() != 2 || scores[1] < 2)
    throw Error("its output has shape " + to_string(scores), where,
                "a classifier with one output [N,K], K at least 2, is needed");

  const auto it = original_.metadata.find("kernelscope.classes");
  if (it != original_.metadata.end()) {
    const nlohmann::json names = nlohmann::json::parse(it->second, nullptr, false);
    if (names.is_array() && static_cast<int64_t>(names.size()) == scores[1])
      for (const nlohmann::json& name : names)
        class_names_.push_back(name.is_string() ? name.get<std::string>() : name.dump());
  }
  for (int64_t k = static_cast<int64_t>(class_names_.size()); k < scores[1]; ++k)
    class_names_.push_back("class " + std::to_string(k));
}

Classifier::Classifier(const Classifier& base, graph::Model network, const std::string& key)
    : original_(std::move(network)),
      backend_(base.backend_),
      where_(base.where_ + " (changed)"),
      hash_(sha256(base.hash_ + " " + key)),
      channels_(base.channels_),
      batch_size_(base.batch_size_),
      class_names_(base.class_names_),
      preprocessing_(base.preprocessing_),
      options_(base.options_) {
  graph::check(original_, where_);
  simplify_original();
}

Shape Classifier::simplify_original() {
  model_ = graph::simplify(original_);
  Shape scores;
  try {
    scores = graph::infer_shapes(model_, input_shape(), where_).at(logits_name());
  } catch (const Error&) {
    // An op our rules do not know: ONNX Runtime may still run it, and methods that need no gradient work.
  }
  if (scores.size() == 4 && scores[2] == 1 && scores[3] == 1) {
    graph::Builder builder(model_);
    model_.outputs[0].name = builder.add("Flatten", {logits_name()}, {}, "logits");
    scores.resize(2);
  }
  if (!scores.empty()) {
    model_.outputs[0].dimensions.clear();
    for (int64_t d : scores) model_.outputs[0].dimensions.push_back({d, d < 0 ? "N" : ""});
  }
  for (const auto& [name, array] : model_.initializers) bytes_ += array.bytes->size();
  return scores;
}

Session& Classifier::forward() {
  if (!forward_) {
    const std::string bytes = file_of(model_);
    forward_ = std::make_unique<Session>(bytes, options_, where_);
    bytes_ += bytes.size();
  }
  return *forward_;
}

Tensor Classifier::logits(const Tensor& inputs) {
  Tensor out({inputs.dim(0), classes()});
  for (int64_t begin = 0; begin < inputs.dim(0); begin += batch_size_) {
    const int64_t end = std::min<int64_t>(inputs.dim(0), begin + batch_size_);
    const bool whole = begin == 0 && end == inputs.dim(0);
    const Tensor part = whole ? Tensor() : inputs.slice(begin, end);
    const Tensor result = forward().run({{input_name(), whole ? &inputs : &part}}, {logits_name()}).at(0);
    std::copy(result.data.begin(), result.data.end(), out.sample(begin));
    forward_count_ += end - begin;
  }
  return out;
}

Tensor Classifier::probabilities(const Tensor& inputs) {
  return softmax(logits(inputs));
}

std::vector<int> Classifier::predict(const Tensor& inputs) {
  const Tensor scores = logits(inputs);
  std::vector<int> out;
  for (int64_t n = 0; n < scores.dim(0); ++n)
    out.push_back(
        static_cast<int>(std::max_element(scores.sample(n), scores.sample(n) + classes()) - scores.sample(n)));
  return out;
}

std::string Classifier::file_of(graph::Model model) const {
  if (backend_ == backward::Backend::webgpu) graph::avoid_webgpu_faults(model);
  return graph::write(model);
}

Session& Classifier::derived(const std::string& key, const std::function<graph::Model()>& build) {
  const auto known = by_key_.find(key);
  if (known != by_key_.end()) return *known->second;
  const std::string bytes = file_of(build());
  const Fingerprint graph = fingerprint(bytes);
  auto session = sessions_.find(graph);
  if (session == sessions_.end()) {
    session = sessions_.emplace(graph, Session(bytes, options_, where_ + " (" + key + ")")).first;
    bytes_ += bytes.size();
  }
  return *(by_key_[key] = &session->second);
}

JointNetwork& Classifier::joint(const std::string& key, const std::function<std::shared_ptr<JointNetwork>()>& build) {
  if (!joint_ || joint_key_ != key) {
    joint_.reset();  // before the next one takes memory
    joint_ = build();
    joint_key_ = key;
  }
  return *joint_;
}

std::shared_ptr<Classifier> Classifier::variant(const std::string& key, const std::function<graph::Model()>& build) {
  drop_variants(key);
  const auto known = variants_.find(key);
  if (known != variants_.end()) {
    known->second.last_use = ++variant_uses_;
    return known->second.classifier;
  }
  std::shared_ptr<Classifier> made(new Classifier(*this, build(), key));
  variants_[key] = {made, ++variant_uses_};
  return made;
}

/// A metric asks for its variants in turn, again and again: if they do not all fit, dropping the least recently used
/// would drop each just before its next use. So the newest makes room, and what is there stays until it has not been
/// used for long. Variants grow while they are there, by a session for each method.
void Classifier::drop_variants(const std::string& wanted) {
  constexpr uint64_t long_unused = 1000;
  size_t bytes = 0;
  for (const auto& [key, variant] : variants_) bytes += variant.classifier->bytes_;
  while (bytes > most_variant_bytes) {
    auto oldest = variants_.end(), newest = variants_.end();
    for (auto it = variants_.begin(); it != variants_.end(); ++it) {
      if (it->first == wanted) continue;
      if (oldest == variants_.end() || it->second.last_use < oldest->second.last_use) oldest = it;
      if (newest == variants_.end() || it->second.last_use > newest->second.last_use) newest = it;
    }
    if (newest == variants_.end()) break;
    const auto victim = variant_uses_ - oldest->second.last_use > long_unused ? oldest : newest;
    bytes -= victim->second.classifier->bytes_;
    variants_.erase(victim);
  }
}

Tensor softmax(const Tensor& logits) {
  Tensor out = logits;
  for (int64_t n = 0; n < out.dim(0); ++n) {
    float* row = out.sample(n);
    const float top = *std::max_element(row, row + out.stride());
    double sum = 0;
    for (int64_t k = 0; k < out.stride(); ++k) sum += std::exp(static_cast<double>(row[k]) - top);
    for (int64_t k = 0; k < out.stride(); ++k)
      row[k] = static_cast<float>(std::exp(static_cast<double>(row[k]) - top) / sum);
  }
  return out;
}

void check_targets(const std::vector<int>& targets, const Classifier& classifier) {
  for (int t : targets)
    if (t < 0 || t >= classifier.classes())
      throw Error("target " + std::to_string(t) + " is out of range", "",
                  "the model has classes 0 to " + std::to_string(classifier.classes() - 1));
}

std::vector<int> parse_targets(const std::string& text, Classifier& classifier, const Tensor& inputs) {
  const size_t count = static_cast<size_t>(inputs.dim(0));
  if (text == "predicted") return classifier.predict(inputs);
  std::vector<int> targets;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    const auto& names = classifier.class_names();
    const auto name = std::find(names.begin(), names.end(), word);
    if (name != names.end()) {
      targets.push_back(static_cast<int>(name - names.begin()));
    } else {
      if (word.empty() || word.size() > 6 || word.find_first_not_of("0123456789") != std::string::npos)
        throw Error("target '" + word + "' is no class of the model", "",
                    "give predicted, a class's number or its name");
      targets.push_back(std::stoi(word));
    }
    begin = end + 1;
  }
  if (targets.size() == 1) targets.resize(count, targets[0]);
  if (targets.size() != count)
    throw Error(std::to_string(targets.size()) + " targets for " + std::to_string(count) + " images", "",
                "give one target, or one for each image");
  check_targets(targets, classifier);
  return targets;
}

}  // namespace ks

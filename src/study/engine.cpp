#include "study/engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

#include "explain/aggregation.h"
#include "explain/evaluate.h"
#include "explain/reference.h"
#include "explain/together.h"
#include "metric/explainer.h"
#include "metric/prepare.h"
#include "study/cells.h"
#include "study/check.h"
#include "study/pictures.h"
#include "tensor/error.h"
#include "tensor/hash.h"
#include "tensor/random.h"

namespace ks {

/// What the engine alone needs to know of a picture.
struct EngineSlot {
  StudyImage asked;
  std::string mask_hash;
  uint64_t seed_stream = 0;
  std::vector<float> logits;
};

namespace {

// Maps kept from earlier states of the study, so that going back to one is instant.
constexpr size_t most_kept_bytes = size_t{256} << 20;

class Stopwatch {
 public:
  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

std::string hash_floats(const Tensor& tensor) {
  std::string bytes(tensor.data.size() * sizeof(float), '\0');
  if (!bytes.empty()) std::memcpy(bytes.data(), tensor.data.data(), bytes.size());
  return sha256(to_string(tensor.shape) + bytes);
}

std::string hash_mask(const Mask& mask) {
  return sha256(std::string(mask.inside.begin(), mask.inside.end()));
}

Tensor mask_tensor(const Mask& mask) {
  Tensor out({1, 1, mask.height, mask.width});
  for (size_t i = 0; i < mask.inside.size(); ++i) out.data[i] = mask.inside[i] ? 1.0f : 0.0f;
  return out;
}

bool all_finite(const Tensor& map) {
  return std::all_of(map.data.begin(), map.data.end(), [](float v) { return std::isfinite(v); });
}

struct Prepared {
  EngineSlot slot;
  EngineImage image;
};

Prepared prepare(const StudyImage& asked, const Loader& loader, const Preprocessing& preprocessing) {
  Prepared out{.slot = {.asked = asked}, .image = {.id = asked.id}};
  try {
    const StudyPicture loaded = load_picture(asked, loader);
    EngineImage& image = out.image;
    image.picture = resize_image(loaded.image, preprocessing.width, preprocessing.height);
    if (loaded.mask.width > 0) image.mask = resize_mask(loaded.mask, preprocessing.width, preprocessing.height);
    image.input = image_to_tensor(image.picture, preprocessing);
    image.hash = hash_floats(image.input);
    out.slot.mask_hash = hash_mask(image.mask);
    out.slot.seed_stream = std::stoull(loaded.identity.substr(0, 16), nullptr, 16);
  } catch (const Error& e) {
    out.image = {.id = asked.id, .error = e.what()};
  }
  return out;
}

std::vector<StudyMethod> members_in_study(const Params& params) {
  std::vector<StudyMethod> out;
  for (const ChosenMethod& member : members_of(params)) out.push_back({member.method->name, member.params.all()});
  return out;
}

int resolve_target(const Study& study, Classifier& classifier, int predicted) {
  const int classes = classifier.classes();
  if (const int* index = std::get_if<int>(&study.target)) {
    if (*index >= classes)
      throw Error("is class " + std::to_string(*index) + ", but the model has " + std::to_string(classes) + " classes",
                  "target", "count from 0, or write \"predicted\"");
    return *index;
  }
  const std::string& name = std::get<std::string>(study.target);
  if (name == "predicted") return predicted;
  const std::vector<std::string>& names = classifier.class_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    throw Error("the model has no class '" + name + "'", "target", "its classes are " + join(names));
  }
  return static_cast<int>(found - names.begin());
}

Prediction predict(const Study& study, Classifier& classifier, const std::vector<float>& logits) {
  Prediction out;
  out.logits = logits;
  const Tensor probabilities = softmax(Tensor({1, static_cast<int64_t>(logits.size())}, logits));
  out.probabilities = probabilities.data;
  out.predicted = static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  out.target = resolve_target(study, classifier, out.predicted);
  return out;
}

}  // namespace

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
  // What the metrics of one explanation (of several, where images are compared) share, and which one that is.
  PreparationMemo preparations;
  std::string prepared_maps;

  struct Varied {
    Mask mask;
    std::string hash;
  };
  std::map<std::pair<size_t, std::string>, Varied> varied;  // by image and variant

  const Varied& annotation(size_t image, const AnnotationVariant& variant) {
    const auto [found, added] = varied.try_emplace({image, describe(variant)});
    if (added) {
      found->second.mask = vary_annotation(images[image].mask, variant);
      found->second.hash = hash_mask(found->second.mask);
    }
    return found->second;
  }

  /// The index of the image of this id; images.size() where there is none.
  size_t find_image(const std::string& id) const {
    const auto is_it = [&](const EngineImage& image) { return image.id == id; };
    return static_cast<size_t>(std::find_if(images.begin(), images.end(), is_it) - images.begin());
  }

  /// The study's images by id, for methods whose reference is another picture.
  PictureSource pictures() const {
    return [this](const std::string& id) {
      const size_t i = find_image(id);
      if (i == images.size()) {
        std::vector<std::string> known;
        for (const EngineImage& image : images) known.push_back(image.id);
        throw Error("the study has no such image", "", "its images are " + join(known));
      }
      check_image(i);
      return images[i].input;
    };
  }

  uint64_t seed(size_t image) const { return mix_seed(static_cast<uint64_t>(study.seed), slots[image].seed_stream); }

  std::string explanation_key(size_t image, const std::string& method, const Params& params) const {
    json depends = {"explanation", cell_version, classifier->hash(),        images[image].hash,
                    method,        params.all(), predictions[image].target, seed(image)};
    for (const std::string& id : reference_pictures(params)) {
      const size_t i = find_image(id);
      depends.push_back(i < images.size() ? images[i].hash : "");
    }
    return sha256(depends.dump());
  }

  void check_image(size_t image) const {
    if (image >= images.size()) throw std::logic_error("the study has no image " + std::to_string(image));
    if (!images[image].error.empty()) throw Error(images[image].error);
  }

  /// The explanation from memory or the store, or null.
  Explanation* find_explanation(size_t image, const std::string& key) {
    if (const auto found = explanations.find(key); found != explanations.end()) {
      found->second.last_use = ++uses;
      return &found->second.explanation;
    }
    Explanation stored;
    const std::optional<std::string> bytes = store.load ? store.load(key) : std::nullopt;
    return bytes && unpack_explanation(*bytes, stored) ? &keep(image, key, std::move(stored)) : nullptr;
  }

  Explanation& keep(size_t image, const std::string& key, Explanation made) {
    Kept& kept = explanations[key];
    kept.explanation = std::move(made);
    kept.image = images[image].hash;
    kept.last_use = ++uses;
    return kept.explanation;
  }

  Explanation& keep_computed(size_t image, const std::string& key, Explanation made) {
    ++counts.explanations;
    if (store.save) store.save(key, pack_explanation(made));
    return keep(image, key, std::move(made));
  }

  void forget_shared() {
    forwards.clear();
    changed_explanations.clear();
    varied.clear();
    preparations.clear();
  }

  void drop_old_maps() {
    size_t bytes = 0;
    std::vector<std::pair<uint64_t, std::string>> order;
    for (const auto& [key, kept] : explanations) {
      bytes += kept.explanation.map.data.size() * sizeof(float);
      order.emplace_back(kept.last_use, key);
    }
    std::sort(order.begin(), order.end());
    for (const auto& [use, key] : order) {
      if (bytes <= most_kept_bytes) return;
      bytes -= explanations.at(key).explanation.map.data.size() * sizeof(float);
      explanations.erase(key);
    }
  }
};

Engine::Engine(Loader loader, SessionOptions options, CellStore store) : state_(std::make_unique<State>()) {
  state_->loader = std::move(loader);
  state_->options = std::move(options);
  state_->store = std::move(store);
}

Engine::~Engine() = default;

void Engine::open(const Study& study, const Progress& progress) {
  State& s = *state_;
  check_study(study);

  // Everything is made beside what is there and taken over at the end, so that an Error leaves the old study whole.
  std::shared_ptr<Classifier> classifier = s.classifier;
  if (!classifier || study.model != s.study.model || study.model.kind == Source::Kind::file) {
    const std::string bytes = load_source("model", study.model, s.loader);
    if (!classifier || sha256(bytes) != classifier->hash()) {
      classifier = std::make_shared<Classifier>(bytes, "model '" + study.model.text + "'", s.options);
      ++s.counts.models;
    }
  }
  const bool same_model = classifier == s.classifier;

  std::vector<EngineSlot> slots;
  std::vector<EngineImage> images;
  for (size_t i = 0; i < study.images.size(); ++i) {
    const auto known = std::find_if(s.slots.begin(), s.slots.end(), [&](const EngineSlot& slot) {
      return slot.asked.source == study.images[i].source && slot.asked.mask == study.images[i].mask;
    });
    const size_t at = static_cast<size_t>(known - s.slots.begin());
    if (same_model && known != s.slots.end() && s.images[at].error.empty()) {
      slots.push_back(*known);
      images.push_back(s.images[at]);
      slots.back().asked.id = images.back().id = study.images[i].id;
    } else {
      Prepared prepared = prepare(study.images[i], s.loader, classifier->preprocessing());
      slots.push_back(std::move(prepared.slot));
      images.push_back(std::move(prepared.image));
      ++s.counts.images;
    }
    if (progress) progress(0.8 * static_cast<double>(i + 1) / static_cast<double>(study.images.size()));
  }

  std::vector<Prediction> predictions(slots.size());
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!images[i].error.empty()) continue;
    if (slots[i].logits.empty()) slots[i].logits = classifier->logits(images[i].input).data;
    predictions[i] = predict(study, *classifier, slots[i].logits);
    if (progress) progress(0.8 + 0.2 * static_cast<double>(i + 1) / static_cast<double>(slots.size()));
  }
  if (slots.empty()) resolve_target(study, *classifier, 0);

  if (!same_model) s.forget_shared();
  s.varied.clear();
  s.study = study;
  s.classifier = std::move(classifier);
  s.slots = std::move(slots);
  s.images = std::move(images);
  s.predictions = std::move(predictions);
  s.drop_old_maps();
}

const Study& Engine::study() const {
  return state_->study;
}

Classifier& Engine::classifier() {
  if (!state_->classifier) throw std::logic_error("no study is open");
  return *state_->classifier;
}

const std::vector<EngineImage>& Engine::images() const {
  return state_->images;
}
const Prediction& Engine::prediction(size_t image) const {
  return state_->predictions.at(image);
}
const Engine::Counts& Engine::counts() const {
  return state_->counts;
}

bool Engine::is_cached(size_t image, const StudyMethod& method) const {
  const State& s = *state_;
  if (image >= s.images.size() || !s.images[image].error.empty()) return false;
  const Params params = check_parameters(methods().at(method.name), method.params);
  return s.explanations.count(s.explanation_key(image, method.name, params)) > 0;
}

void Engine::set_store(CellStore store) {
  state_->store = std::move(store);
}

bool Engine::has_store() const {
  return state_->store.save != nullptr;
}

bool Engine::compares_images(const StudyMetric& metric) {
  const Metric& measurer = metrics().at(metric.name);
  return measurer.compares_images && measurer.compares_images(check_parameters(measurer, metric.params));
}

void Engine::forget_maps(size_t image) {
  State& s = *state_;
  s.forget_shared();
  for (auto it = s.explanations.begin(); it != s.explanations.end();)
    it = it->second.image == s.images.at(image).hash ? s.explanations.erase(it) : std::next(it);
}

const Explanation& Engine::explain(size_t image, const StudyMethod& method, const Progress& progress) {
  State& s = *state_;
  s.check_image(image);
  const Params params = check_parameters(methods().at(method.name), method.params);
  const std::string key = s.explanation_key(image, method.name, params);
  if (const Explanation* found = s.find_explanation(image, key)) return *found;
  // An aggregate's members are cells like others, so that it costs nothing where they are there, and aggregates share
  // them.
  Explanation made;
  const std::vector<StudyMethod> members = members_in_study(params);
  const double parts = static_cast<double>(members.size() + 1);
  explain_together(image, members);
  for (size_t k = 0; k < members.size(); ++k) {
    Progress part;
    if (progress) part = [&, k](double fraction) { progress((static_cast<double>(k) + fraction) / parts); };
    made.milliseconds += explain(image, members[k], part).milliseconds;
  }
  const std::vector<int> targets = {s.predictions[image].target};
  const Stopwatch watch;
  ExplainRequest request{*s.classifier, s.images[image].input, targets, s.seed(image), progress, s.pictures()};
  request.known = [&](const std::string& name, const json& parameters) -> const Tensor* {
    const Explanation* found = s.find_explanation(image, s.explanation_key(image, name, Params(parameters)));
    return found ? &found->map : nullptr;
  };
  made.map = ks::explain(method.name, params.all(), request);
  made.milliseconds += watch.milliseconds();
  if (!all_finite(made.map))
    throw Error("its map has values that are no numbers", method.name + " of image '" + s.images[image].id + "'",
                "the network's weights or its output may be out of range");
  return s.keep_computed(image, key, std::move(made));
}

void Engine::explain_together(size_t image, const std::vector<StudyMethod>& methods, const Progress& progress) {
  State& s = *state_;
  s.check_image(image);
  std::vector<ChosenMethod> networks, missing;
  std::vector<std::string> keys, missing_keys;
  const auto add = [&](const ChosenMethod& chosen, bool needed) {
    if (!chosen.is_network()) return;
    const std::string key = s.explanation_key(image, chosen.method->name, chosen.params);
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      networks.push_back(chosen);
      keys.push_back(key);
    }
    const bool counted = std::find(missing_keys.begin(), missing_keys.end(), key) != missing_keys.end();
    if (!needed || counted || s.find_explanation(image, key)) return;
    missing.push_back(chosen);
    missing_keys.push_back(key);
  };
  for (const StudyMethod& m : methods) add(ChosenMethod(m.name, m.params), true);
  for (const StudyMethod& m : methods) {
    const Params params = check_parameters(ks::methods().at(m.name), m.params);
    const std::vector<ChosenMethod> members = members_of(params);
    const bool needed = !members.empty() && !s.find_explanation(image, s.explanation_key(image, m.name, params));
    for (const ChosenMethod& member : members) add(member, needed);
  }
  if (missing.size() < 2) return;
  // Where most are missing, the network of all serves: it is the one that the other images use.
  if (2 * missing.size() <= networks.size()) {
    networks = missing;
    keys = missing_keys;
  }
  try {
    JointNetwork& joint = joint_network(*s.classifier, networks);
    const std::vector<int> targets = {s.predictions[image].target};
    const Stopwatch watch;
    std::vector<Tensor> maps =
        joint.explain({*s.classifier, s.images[image].input, targets, s.seed(image), nullptr, s.pictures()});
    const double milliseconds = watch.milliseconds();
    for (size_t k = 0; k < networks.size(); ++k) {
      const bool wanted = std::find(missing_keys.begin(), missing_keys.end(), keys[k]) != missing_keys.end();
      if (wanted && !maps[k].empty() && all_finite(maps[k]))
        s.keep_computed(image, keys[k], {.map = std::move(maps[k]), .milliseconds = joint.shares[k] * milliseconds});
    }
    if (progress) progress(1);  // only now: Cancelled must not cost what has been computed
  } catch (const Error&) {
    // One by one, each tells its own fault.
  }
}

const Score& Engine::measure(size_t image, const StudyMethod& method, const StudyMetric& metric,
                             const Progress& progress, const AnnotationVariant* variant) {
  State& s = *state_;
  s.check_image(image);
  const Method& explainer = methods().at(method.name);
  const Metric& measurer = metrics().at(metric.name);
  const Params method_params = check_parameters(explainer, method.params);
  const Params metric_params = check_parameters(measurer, metric.params);
  const auto usable = [&](size_t i) {
    return s.images[i].error.empty() && (!measurer.needs_mask || s.images[i].has_mask());
  };
  // The images that are measured together: this one alone, or all of the study.
  std::vector<size_t> batch = {image};
  if (compares_images(metric) && usable(image)) {
    batch.clear();
    for (size_t i = 0; i < s.images.size(); ++i)
      if (usable(i)) batch.push_back(i);
  }
  json depends = {"score", cell_version, metric.name, metric_params.all()};
  std::string map_keys;
  for (const size_t i : batch) {
    const std::string explanation = s.explanation_key(i, method.name, method_params);
    depends.push_back({explanation, !measurer.needs_mask                ? std::string()
                                    : variant && s.images[i].has_mask() ? s.annotation(i, *variant).hash
                                                                        : s.slots[i].mask_hash});
    map_keys += explanation;
  }
  const std::string group = depends.dump();
  const auto key_of = [&](size_t place) { return sha256(group + std::to_string(place)); };
  const std::string key = key_of(static_cast<size_t>(std::find(batch.begin(), batch.end(), image) - batch.begin()));
  if (const auto found = s.scores.find(key); found != s.scores.end()) return found->second;

  if (!usable(image)) {
    Score none{.value = kUndefined, .warnings = {"the image has no annotation"}};
    return s.scores[key] = std::move(none);
  }
  Score made;
  const std::optional<std::string> stored = s.store.load ? s.store.load(key) : std::nullopt;
  if (stored && unpack_score(*stored, made)) return s.scores[key] = std::move(made);

  // One image's map and input are taken where they are; those of several are put together.
  const bool alone = batch.size() == 1;
  std::vector<Tensor> maps, inputs, masks;
  std::vector<int> targets;
  bool all_masked = true;
  for (const size_t i : batch) {
    targets.push_back(s.predictions[i].target);
    if (!alone) {
      maps.push_back(explain(i, method).map);
      inputs.push_back(s.images[i].input);
    }
    all_masked = all_masked && s.images[i].has_mask();
    if (s.images[i].has_mask())
      masks.push_back(mask_tensor(variant ? s.annotation(i, *variant).mask : s.images[i].mask));
  }
  const Tensor all_maps = alone ? Tensor() : concatenate(maps), all_inputs = alone ? Tensor() : concatenate(inputs);
  const Tensor& map = alone ? explain(image, method).map : all_maps;
  const Tensor& input = alone ? s.images[image].input : all_inputs;
  const Tensor mask = all_masked ? concatenate(masks) : Tensor();
  const Stopwatch watch;
  if (map_keys != s.prepared_maps) {
    s.preparations.clear();
    s.prepared_maps = map_keys;
  }
  MetricRequest request{s.classifier.get(),
                        &input,
                        &targets,
                        map,
                        all_masked ? &mask : nullptr,
                        &explainer,
                        &method_params,
                        s.seed(image),
                        progress,
                        s.pictures(),
                        &s.forwards,
                        &s.changed_explanations,
                        &s.preparations};
  const uint64_t study_seed = static_cast<uint64_t>(s.study.seed);
  request.common_seed = &study_seed;
  if (!alone) request.seed = study_seed;
  const MetricResult result = ks::measure(metric.name, metric_params.all(), request);
  const double milliseconds = watch.milliseconds() / static_cast<double>(batch.size());
  for (size_t k = 0; k < batch.size(); ++k) {
    Score score{.value = k < result.scores.size() ? result.scores[k] : kUndefined};
    if (k < result.curves.size()) score.curve = result.curves[k];
    score.warnings = warnings_about(static_cast<int64_t>(k), static_cast<int64_t>(batch.size()), result.warnings);
    score.milliseconds = milliseconds;
    ++s.counts.scores;
    const std::string name = key_of(k);
    if (s.store.save) s.store.save(name, pack_score(score));
    s.scores[name] = std::move(score);
  }
  return s.scores.at(key);
}

}  // namespace ks

#include "study/engine.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "explain/aggregation.h"
#include "explain/together.h"
#include "study/check.h"
#include "study/engine_state.h"
#include "study/pictures.h"
#include "tensor/error.h"
#include "tensor/hash.h"

namespace ks {

namespace {

std::string hash_floats(const Tensor& tensor) {
  std::string bytes(tensor.data.size() * sizeof(float), '\0');
  if (!bytes.empty()) std::memcpy(bytes.data(), tensor.data.data(), bytes.size());
  return sha256(to_string(tensor.shape) + bytes);
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
  s.compared.clear();
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
  request.segments = &s.segments;
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

}  // namespace ks

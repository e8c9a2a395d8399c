#include "study/engine_state.h"

#include <algorithm>

#include "explain/reference.h"
#include "study/cells.h"
#include "tensor/error.h"
#include "tensor/hash.h"
#include "tensor/random.h"

namespace ks {

namespace {

// Maps kept from earlier states of the study, so that going back to one is instant.
constexpr size_t most_kept_bytes = size_t{256} << 20;

}  // namespace

std::string hash_mask(const Mask& mask) {
  return sha256(std::string(mask.inside.begin(), mask.inside.end()));
}

const Engine::State::Varied& Engine::State::annotation(size_t image, const AnnotationVariant& variant) {
  const auto [found, added] = varied.try_emplace({image, describe(variant)});
  if (added) {
    found->second.mask = vary_annotation(images[image].mask, variant);
    found->second.hash = hash_mask(found->second.mask);
  }
  return found->second;
}

size_t Engine::State::find_image(const std::string& id) const {
  const auto is_it = [&](const EngineImage& image) { return image.id == id; };
  return static_cast<size_t>(std::find_if(images.begin(), images.end(), is_it) - images.begin());
}

PictureSource Engine::State::pictures() const {
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

void Engine::State::check_image(size_t image) const {
  if (image >= images.size()) throw std::logic_error("the study has no image " + std::to_string(image));
  if (!images[image].error.empty()) throw Error(images[image].error);
}

uint64_t Engine::State::seed(size_t image) const {
  return mix_seed(static_cast<uint64_t>(study.seed), slots[image].seed_stream);
}

std::string Engine::State::explanation_key(size_t image, const std::string& method, const Params& params) const {
  json depends = {"explanation", cell_version, classifier->hash(),        images[image].hash,
                  method,        params.all(), predictions[image].target, seed(image)};
  for (const std::string& id : reference_pictures(params)) {
    const size_t i = find_image(id);
    depends.push_back(i < images.size() ? images[i].hash : "");
  }
  return sha256(depends.dump());
}

Explanation* Engine::State::find_explanation(size_t image, const std::string& key) {
  if (const auto found = explanations.find(key); found != explanations.end()) {
    found->second.last_use = ++uses;
    return &found->second.explanation;
  }
  Explanation stored;
  const std::optional<std::string> bytes = store.load ? store.load(key) : std::nullopt;
  return bytes && unpack_explanation(*bytes, stored) ? &keep(image, key, std::move(stored)) : nullptr;
}

Explanation& Engine::State::keep(size_t image, const std::string& key, Explanation made) {
  Kept& kept = explanations[key];
  kept.explanation = std::move(made);
  kept.image = images[image].hash;
  kept.last_use = ++uses;
  return kept.explanation;
}

Explanation& Engine::State::keep_computed(size_t image, const std::string& key, Explanation made) {
  ++counts.explanations;
  if (store.save) store.save(key, pack_explanation(made));
  return keep(image, key, std::move(made));
}

void Engine::State::forget_shared() {
  forwards.clear();
  changed_explanations.clear();
  segments.clear();
  subsets.clear();
  varied.clear();
  preparations.clear();
}

void Engine::State::drop_old_maps() {
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

}  // namespace ks

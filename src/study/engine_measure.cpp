#include <algorithm>

#include "study/cells.h"
#include "study/engine_state.h"
#include "tensor/error.h"
#include "tensor/hash.h"

namespace ks {

namespace {

Tensor mask_tensor(const Mask& mask) {
  Tensor out({1, 1, mask.height, mask.width});
  for (size_t i = 0; i < mask.inside.size(); ++i) out.data[i] = mask.inside[i] ? 1.0f : 0.0f;
  return out;
}

}  // namespace

bool Engine::compares_images(const StudyMetric& metric) {
  const Metric& measurer = metrics().at(metric.name);
  return ks::compares_images(measurer, check_parameters(measurer, metric.params));
}

bool Engine::makes_pictures(const StudyMetric& metric) {
  const Metric& measurer = metrics().at(metric.name);
  return ks::makes_pictures(measurer, check_parameters(measurer, metric.params));
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
  // The images that are measured together: this one alone, or all of the study, for which one group is made.
  const auto make_group = [&](std::vector<size_t> images) {
    State::Group group{.images = std::move(images)};
    json depends = {"score", cell_version, metric.name, metric_params.all()};
    for (const size_t i : group.images) {
      const std::string explanation = s.explanation_key(i, method.name, method_params);
      depends.push_back({explanation, !measurer.needs_mask                ? std::string()
                                      : variant && s.images[i].has_mask() ? s.annotation(i, *variant).hash
                                                                          : s.slots[i].mask_hash});
      group.maps += explanation;
    }
    group.scores = depends.dump();
    return group;
  };
  State::Group own;
  const State::Group* group = &own;
  if (ks::compares_images(measurer, metric_params) && usable(image)) {
    const json about = {method.name, method_params.all(), metric.name, metric_params.all(),
                        variant ? describe(*variant) : ""};
    auto found = s.compared.find(about.dump());
    if (found == s.compared.end()) {
      std::vector<size_t> all;
      for (size_t i = 0; i < s.images.size(); ++i)
        if (usable(i)) all.push_back(i);
      found = s.compared.emplace(about.dump(), make_group(std::move(all))).first;
    }
    group = &found->second;
  } else {
    own = make_group({image});
  }
  const std::vector<size_t>& batch = group->images;
  const auto key_of = [&](size_t place) { return sha256(group->scores + std::to_string(place)); };
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
  const bool alone = batch.size() == 1, needs_maps = !ks::makes_pictures(measurer, metric_params);
  std::vector<Tensor> maps, inputs, masks;
  std::vector<int> targets;
  bool all_masked = true;
  for (const size_t i : batch) {
    targets.push_back(s.predictions[i].target);
    if (!alone) {
      if (needs_maps) maps.push_back(explain(i, method).map);
      inputs.push_back(s.images[i].input);
    }
    all_masked = all_masked && s.images[i].has_mask();
    if (s.images[i].has_mask())
      masks.push_back(mask_tensor(variant ? s.annotation(i, *variant).mask : s.images[i].mask));
  }
  const Tensor all_maps = maps.empty() ? Tensor() : concatenate(maps),
               all_inputs = alone ? Tensor() : concatenate(inputs);
  const Tensor& map = alone && needs_maps ? explain(image, method).map : all_maps;
  const Tensor& input = alone ? s.images[image].input : all_inputs;
  const Tensor mask = all_masked ? concatenate(masks) : Tensor();
  const Stopwatch watch;
  if (group->maps != s.prepared_maps) {
    s.preparations.clear();
    s.prepared_maps = group->maps;
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
  request.segments = &s.segments;
  request.subsets = &s.subsets;
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

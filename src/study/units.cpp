#include "study/units.h"

#include <algorithm>
#include <cstdlib>

#include "tensor/error.h"

namespace ks {

namespace {

constexpr size_t no_image = static_cast<size_t>(-1);

/// Digits alone, at most 9 of them; 0 for anything else.
size_t whole_number(const std::string& text) {
  const bool digits = !text.empty() && text.size() <= 9 &&
                      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits ? static_cast<size_t>(std::strtoul(text.c_str(), nullptr, 10)) : 0;
}

/// The scores of all images at once, with the first of them that can be measured. An Error is that of all, so that
/// trying the others would only repeat it; the run that gathers meets it again.
void measure_made_pictures(Engine& engine, const StudyMethod& method, const Progress& progress) {
  for (const StudyMetric& metric : engine.study().metrics) {
    if (!Engine::makes_pictures(metric)) continue;
    try {
      for (size_t i = 0; i < engine.images().size(); ++i)
        if (engine.images()[i].error.empty()) engine.measure(i, method, metric, progress);
    } catch (const Error&) {
    }
  }
}

}  // namespace

UnitQueue::UnitQueue(size_t images, size_t methods, bool of_all_images)
    : methods_(methods), left_(images + of_all_images, methods) {}

std::optional<Unit> UnitQueue::next(size_t worker) {
  if (worker >= current_.size()) current_.resize(worker + 1, no_image);
  size_t& image = current_[worker];
  if (image == no_image || left_[image] == 0) {
    const auto untouched = std::find(left_.begin(), left_.end(), methods_);
    const auto chosen = untouched != left_.end() ? untouched : std::max_element(left_.begin(), left_.end());
    if (chosen == left_.end() || *chosen == 0) return {};
    image = static_cast<size_t>(chosen - left_.begin());
  }
  ++handed_out_;
  return Unit{image, methods_ - left_[image]--};
}

Shard parse_shard(const std::string& text) {
  const size_t slash = text.find('/');
  const size_t index = whole_number(text.substr(0, slash));
  const size_t count = slash == std::string::npos ? 0 : whole_number(text.substr(slash + 1));
  if (index < 1 || count < 1 || index > count)
    throw Error("'" + text + "' is no part of a whole", "--shard", "write I/N with I from 1 to N, as in --shard 2/5");
  return {index - 1, count};
}

std::vector<Unit> units_of(const Shard& shard, size_t images, size_t methods, bool of_all_images) {
  std::vector<Unit> units;
  const bool whole_images = images >= shard.count;
  for (size_t i = 0; i < images + of_all_images; ++i)
    for (size_t m = 0; m < methods; ++m)
      if ((whole_images && i < images ? i : i * methods + m) % shard.count == shard.index) units.push_back({i, m});
  return units;
}

bool has_units_of_all_images(const Study& study) {
  return std::any_of(study.metrics.begin(), study.metrics.end(), Engine::makes_pictures);
}

void compute_units(Engine& engine, const std::function<std::optional<Unit>()>& next, const Progress& progress) {
  const Study& study = engine.study();
  size_t image = no_image;
  while (const std::optional<Unit> unit = next()) {
    if (unit->image == engine.images().size()) {
      measure_made_pictures(engine, study.methods[unit->method], progress);
      continue;
    }
    if (!engine.images()[unit->image].error.empty()) continue;
    if (unit->image != image) {
      if (image != no_image) engine.forget_maps(image);
      image = unit->image;
      // With all methods, whichever are ours: the pass is then the same everywhere, and so are its numbers.
      engine.explain_together(image, study.methods, progress);
    }
    const StudyMethod& method = study.methods[unit->method];
    try {
      engine.explain(image, method, progress);
    } catch (const Error&) {
      continue;
    }
    for (const StudyMetric& metric : study.metrics) {
      if (Engine::compares_images(metric)) continue;
      try {
        engine.measure(image, method, metric, progress);
        if (!metrics().at(metric.name).needs_mask || engine.images()[image].mask.area() == 0) continue;
        for (const AnnotationVariant& variant : study.ranking.annotation_variants)
          engine.measure(image, method, metric, progress, &variant);
      } catch (const Error&) {
      }
    }
  }
}

}  // namespace ks

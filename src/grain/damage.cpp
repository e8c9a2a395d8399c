#include "grain/damage.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "grain/noise.h"

namespace ks {

namespace {

const Rgb kHyphae = srgb(246, 222, 214);

/// The value that `share` of the kernel's pixels lie above.
float upper_quantile(const std::vector<float>& field, const KernelFrame& frame, float share) {
  std::vector<float> values;
  values.reserve(field.size());
  for (size_t i = 0; i < field.size(); ++i)
    if (frame.inside[i]) values.push_back(field[i]);
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>((1 - share) * (values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

/// A centre on the kernel and how far the damage reaches along and around it, in reference pixels.
struct Blob {
  float u, v, reach_along, reach_around, strength;
};

float falloff(const Blob& blob, float u, float v) {
  const float x = (u - blob.u) / blob.reach_along, y = (v - blob.v) / blob.reach_around;
  return blob.strength / (1 + x * x + y * y);
}

void grow_fusarium(DamageMap& map, const KernelFrame& frame, Random& random) {
  const auto uniform = [&](double low, double high) { return static_cast<float>(random.uniform(low, high)); };
  const NoiseTile noise{Random(random.next(), 78)};
  const float offset = uniform(0, 64), px = frame.half_length / kReferenceHalfLength;
  std::vector<Blob> blobs(1 + random.below(3));
  for (size_t k = 0; k < blobs.size(); ++k) {
    const double kind = random.uniform();
    Blob& b = blobs[k];
    if (kind < 0.6) {  // an end, where the fungus enters
      const float end = random.chance(0.6) ? -1 : 1;
      b = {end * kReferenceHalfLength * uniform(0.55, 0.95), uniform(-22, 22), uniform(14, 34), uniform(14, 30), 1};
    } else if (kind < 0.8) {  // along the crease
      b = {kReferenceHalfLength * uniform(-0.6, 0.6), uniform(-6, 6), uniform(25, 55), uniform(8, 15), 1};
    } else {
      b = {kReferenceHalfLength * uniform(-0.6, 0.6), uniform(-32, 32), uniform(14, 30), uniform(12, 26), 1};
    }
    b.strength = k == 0 ? 1.0f : uniform(0.5, 1.0);
  }
  const float share = uniform(0.15, 0.60), strength = uniform(0.5, 1.0), softness = uniform(0.08, 0.24);
  std::vector<float> field(frame.count());
  for (size_t i = 0; i < frame.count(); ++i) {
    if (!frame.inside[i]) continue;
    const float u = frame.along[i] * kReferenceHalfLength, v = frame.side[i] / px;
    const float bend_u = u + 7 * noise.at(0.05f * u + offset, 0.05f * v),
                bend_v = v + 7 * noise.at(0.05f * u, 0.05f * v + offset);
    float f = 0;
    for (const Blob& b : blobs) f = std::max(f, falloff(b, bend_u, bend_v));
    field[i] =
        f + 0.20f * noise.octaves(0.07f * u + offset, 0.09f * v, 3) + 0.05f * noise.at(0.35f * u, 0.35f * v + offset);
  }
  const float outer = upper_quantile(field, frame, share), threshold = outer + softness;
  const float inner = upper_quantile(field, frame, 0.35f * share);  // a third of it is thick
  for (size_t i = 0; i < frame.count(); ++i) {
    if (!frame.inside[i] || field[i] <= outer) continue;
    const float u = frame.along[i] * kReferenceHalfLength, v = frame.side[i] / px;
    const float patchy = noise.octaves(0.11f * u + 31, 0.13f * v + offset, 3);
    map.weight[i] = strength * smooth_step(outer, threshold + 1.3f * softness, field[i]) *
                    std::clamp(0.80f + 0.35f * patchy, 0.0f, 1.0f);
    map.density[i] = smooth_step(outer, inner + 0.9f * (inner - outer), field[i] + 0.5f * (inner - outer) * patchy);
    const float hyphae =
        noise.ridges(0.22f * u + offset, 0.22f * v + 9, 5) + 0.8f * noise.ridges(0.37f * u + 5, 0.37f * v + offset, 5);
    const float tufts = smooth_step(0.35f, 0.9f, noise.octaves(0.30f * u + 43, 0.30f * v + 21, 2));
    map.detail[i] = std::min(1.0f, 0.55f * hyphae + 0.7f * tufts);
  }
  const float hue = uniform(0, 1);
  map.margin = mix(srgb(232, 208, 184), srgb(236, 196, 180), uniform(0, 1));
  map.middle = mix(srgb(228, 160, 126), srgb(220, 148, 150), hue);
  map.core = mix(srgb(210, 112, 78), srgb(196, 96, 106), hue);
}

void peel(DamageMap& map, Species species, const KernelFrame& frame, Random& random) {
  const auto uniform = [&](double low, double high) { return static_cast<float>(random.uniform(low, high)); };
  const NoiseTile noise{Random(random.next(), 79)};
  const bool barley = species == Species::barley;
  const float offset = uniform(0, 64), px = frame.half_length / kReferenceHalfLength;
  const float share = barley ? uniform(0.25, 0.60) : uniform(0.15, 0.45);
  // One large patch, often from an end or a side, sometimes with a second one. Distances, so that edges are in pixels.
  std::vector<Blob> patches(1 + random.below(2));
  for (size_t k = 0; k < patches.size(); ++k)
    patches[k] = {kReferenceHalfLength * uniform(-0.9, 0.9), uniform(-30, 30), uniform(1.3, 2.6), 1,
                  k == 0 ? 0.0f : uniform(4, 16)};
  const float tear = barley ? uniform(6, 12) : uniform(3, 7), lobes = uniform(5, 13);
  std::vector<float> field(frame.count(), -1e9f);
  for (size_t i = 0; i < frame.count(); ++i) {
    if (!frame.inside[i]) continue;
    const float u = frame.along[i] * kReferenceHalfLength, v = frame.side[i] / px;
    float f = -1e9f;
    for (const Blob& p : patches) {
      const float x = (u - p.u) / p.reach_along, y = v - p.v;
      f = std::max(f, -std::sqrt(x * x + y * y) - p.strength);
    }
    // The hull tears along its fibres; bran flakes off in all directions.
    const float along = barley ? 0.035f : 0.10f, around = barley ? 0.32f : 0.14f;
    f += lobes * noise.octaves(0.035f * u + offset, 0.05f * v, 2) +
         tear * noise.octaves(along * u, around * v + offset, 3);
    field[i] = f;
  }
  const float threshold = upper_quantile(field, frame, share);
  for (size_t i = 0; i < frame.count(); ++i) {
    if (!frame.inside[i]) continue;
    const float u = frame.along[i] * kReferenceHalfLength, v = frame.side[i] / px;
    const float edge = field[i] - threshold;
    map.edge[i] = edge;
    map.weight[i] = smooth_step(-0.7f, 0.9f, edge);
    map.detail[i] =
        noise.octaves(0.045f * u + offset, 0.06f * v + 5, 3) + 0.25f * noise.at(0.3f * u + offset, 0.3f * v);
  }
  const float tone = uniform(0, 1);
  map.margin = barley ? srgb(122, 92, 52) : srgb(128, 92, 50);  // the shadow under the torn edge
  map.middle = barley ? mix(srgb(230, 206, 150), srgb(220, 200, 156), tone)
                      : mix(srgb(233, 205, 136), srgb(224, 202, 148), tone);
  map.core = barley ? mix(srgb(208, 174, 118), srgb(198, 172, 130), tone)
                    : mix(srgb(216, 182, 110), srgb(206, 180, 122), tone);
  map.gloss = uniform(0.14, 0.28);
}

}  // namespace

Rgb DamageMap::colour(size_t i) const {
  if (defect == Defect::pink_fusarium) {
    const Rgb mould = density[i] < 0.5f ? mix(margin, middle, 2 * density[i]) : mix(middle, core, 2 * density[i] - 1);
    return mix(mould, kHyphae, 0.55f * detail[i]);
  }
  const float in = std::max(edge[i], 0.0f) / 1.6f;
  const Rgb bare = mix(middle, core, std::clamp(0.45f + 0.8f * detail[i], 0.0f, 1.0f));
  return mix(bare, margin, 0.6f / ((1 + in * in) * (1 + in * in)));
}

DamageMap make_damage(Defect defect, Species species, const KernelFrame& frame, Random& random) {
  DamageMap map;
  map.defect = defect;
  for (std::vector<float>* field : {&map.weight, &map.density, &map.detail, &map.edge})
    field->assign(frame.count(), 0.0f);
  if (defect == Defect::pink_fusarium) grow_fusarium(map, frame, random);
  if (defect == Defect::skinned) peel(map, species, frame, random);
  return map;
}

}  // namespace ks

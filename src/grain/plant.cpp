#include "grain/plant.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "grain/colour.h"
#include "grain/damage.h"
#include "grain/find.h"
#include "grain/noise.h"
#include "grain/scene.h"
#include "tensor/error.h"

namespace ks {

namespace {

/// Luminance blurred within the outline only, so that the background's does not leak in.
std::vector<float> blur_inside(const std::vector<float>& light, const Mask& outline, float sigma) {
  std::vector<float> weighted(light.size()), weight(light.size());
  for (size_t i = 0; i < light.size(); ++i) {
    weight[i] = outline.inside[i];
    weighted[i] = light[i] * weight[i];
  }
  blur_wide(weighted, outline.width, outline.height, sigma);
  blur_wide(weight, outline.width, outline.height, sigma);
  for (size_t i = 0; i < light.size(); ++i) weighted[i] = weight[i] > 1e-3f ? weighted[i] / weight[i] : light[i];
  return weighted;
}

float median_inside(const std::vector<float>& values, const Mask& outline) {
  std::vector<float> inside;
  for (size_t i = 0; i < values.size(); ++i)
    if (outline.inside[i]) inside.push_back(values[i]);
  std::nth_element(inside.begin(), inside.begin() + static_cast<std::ptrdiff_t>(inside.size() / 2), inside.end());
  return inside[inside.size() / 2];
}

/// Leaves values up to 0.8 alone and bends higher ones towards 1.
float roll_off(float v) {
  return v <= 0.8f ? v : 0.8f + 0.2f * (1 - std::exp(-(v - 0.8f) / 0.2f));
}

/// Which way the light comes from, in the picture's plane: towards where the kernel is brighter. Length 0 to 1.
std::pair<float, float> light_direction(const std::vector<float>& light, const KernelFrame& frame, float typical) {
  double x = 0, y = 0, sum_x = 0, sum_y = 0, n = 0, sum = 0;
  for (size_t i = 0; i < light.size(); ++i) {
    if (!frame.inside[i]) continue;
    const double u = static_cast<double>(i % frame.width) / frame.half_length,
                 v = static_cast<double>(i / frame.width) / frame.half_length;
    x += light[i] * u;
    y += light[i] * v;
    sum_x += u;
    sum_y += v;
    sum += light[i];
    n += 1;
  }
  x = 12 * (x / n - sum / n * sum_x / n) / typical;
  y = 12 * (y / n - sum / n * sum_y / n) / typical;
  const double length = std::max(1.0, std::hypot(x, y));
  return {static_cast<float>(x / length), static_cast<float>(y / length)};
}

}  // namespace

PlantedKernel plant_damage(const Image& photo, const Mask& outline, Defect defect, Species species, uint64_t seed) {
  if (outline.width != photo.width || outline.height != photo.height)
    throw std::logic_error("an outline of another size than the photograph");
  if (outline.area() < 32) throw Error("the kernel's outline is empty or too small", "", "give a larger photograph");
  PlantedKernel out{photo, Mask(photo.width, photo.height)};
  if (defect == Defect::none) return out;

  static const SrgbTables tables;
  const size_t count = outline.inside.size();
  std::vector<Rgb> pixels(count);
  std::vector<float> light(count);
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* p = photo.rgb.data() + 3 * i;
    pixels[i] = {tables.linear(p[0]), tables.linear(p[1]), tables.linear(p[2])};
    light[i] = luminance(pixels[i]);
  }
  const KernelFrame frame = frame_of_outline(outline);
  const float px = frame.half_length / kReferenceHalfLength;
  const std::vector<float> body = blur_inside(light, outline, std::max(1.0f, 2.0f * px));
  const std::vector<float> smooth = blur_inside(light, outline, std::max(2.0f, 6.0f * px));
  const float typical = std::max(median_inside(light, outline), 0.02f);

  Random random(seed, 6);
  const DamageMap map = make_damage(defect, species, frame, random);
  std::vector<float> weight = map.weight;
  blur(weight, photo.width, photo.height, 0.6f);  // no camera is sharper than its pixels
  const bool mould = defect == Defect::pink_fusarium;
  const float reference = luminance(map.middle);
  // How much lighter than the skin the damage is. In a bright photograph there is less room.
  const float lift = std::clamp(reference / typical, 0.9f, mould ? 1.45f : 2.7f);
  const auto [light_x, light_y] = light_direction(smooth, frame, typical);
  for (size_t i = 0; i < count; ++i) {
    if (!outline.inside[i] || weight[i] <= kVisibleWeight) continue;
    const Rgb colour = map.colour(i);
    const float relative =
        luminance(colour) / reference;  // hyphae and rims are lighter or darker than the damage's mean
    const float detail = light[i] / std::max(body[i], 1e-3f);
    float shading =
        mould ? body[i] * (0.25f + 0.75f * std::clamp(detail, 0.6f, 1.5f))
              : typical * std::pow(smooth[i] / typical, 0.9f) * (1 + 0.40f * (std::clamp(detail, 0.6f, 1.5f) - 1));
    // Dark blemishes and the crease lie in the skin, not in what is under it, but some of their shade stays.
    shading = std::max(shading, 0.35f * typical);
    Rgb painted = colour * (shading * lift * relative / std::max(luminance(colour), 1e-3f));
    if (!mould) {
      // The torn edge is a step: in shadow towards the light, lit where it faces it.
      const size_t w = static_cast<size_t>(frame.width);
      if (i > w && i + w < count && frame.inside[i - 1] && frame.inside[i + 1] && frame.inside[i - w] &&
          frame.inside[i + w]) {
        const float slope_x = map.edge[i + 1] - map.edge[i - 1], slope_y = map.edge[i + w] - map.edge[i - w];
        const float facing = (slope_x * light_x + slope_y * light_y) / std::max(0.5f, std::hypot(slope_x, slope_y));
        const float depth = std::max(0.0f, map.edge[i]) / 2.2f;
        painted = painted * (1 + (0.35f * facing - 0.12f) / (1 + depth * depth * depth));
      }
      const float shine = map.gloss * smooth_step(1.0f, 1.8f, smooth[i] / typical);
      painted = painted + Rgb{1, 1, 1} * (0.8f * shine * lift * typical);
    }
    const float strength = smooth_step(0.5f * kVisibleWeight, 2 * kVisibleWeight, weight[i]) * weight[i] *
                           (mould ? 0.6f + 0.4f * map.density[i] : 1.0f);
    const Rgb mixed = mix(pixels[i], Rgb{roll_off(painted.r), roll_off(painted.g), roll_off(painted.b)}, strength);
    const float channels[3] = {mixed.r, mixed.g, mixed.b};
    for (size_t c = 0; c < 3; ++c) out.image.rgb[3 * i + c] = static_cast<uint8_t>(tables.encode(channels[c]) + 0.5f);
    out.damage.inside[i] = 1;
  }
  return out;
}

}  // namespace ks

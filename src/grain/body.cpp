#include "grain/body.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ks {

namespace {

/// A superellipse quarter that starts at 1 and ends at 0 where |x| = 1.
float taper(float x, float n, float m) {
  return std::pow(std::max(0.0f, 1 - std::pow(std::fabs(x), n)), m);
}

/// Soft maximum, so that a beak grows out of the body without a kink.
float join(float a, float b) {
  return std::pow(a * a * a + b * b * b, 1 / 3.0f);
}

/// A small rounded stub at the end of the axis: half-width over its own length.
float stub(float from_end, float length, float width) {
  if (from_end <= 0 || from_end >= length) return 0;
  const float x = from_end / length;
  return width * std::sqrt(std::min(1.0f, 4 * x)) * std::min(1.0f, 3 * (1 - x));
}

/// Where |x| = 1, the cross-section's height is 0; dome-like between.
float dome(float x, float roundness) {
  const float square = x * x;
  const float higher = square * square;
  const float blend = roundness - 2;  // 0: circle, 1: flatter top
  return std::sqrt(std::max(0.0f, 1 - (square * (1 - blend) + higher * blend)));
}

}  // namespace

float Body::lookup(const std::array<float, kSteps + 1>& table, float along) {
  const float at = std::clamp((along + 1) * 0.5f, 0.0f, 1.0f) * kSteps;
  const int i = std::min(static_cast<int>(at), kSteps - 1);
  return table[i] + (at - i) * (table[i + 1] - table[i]);
}

Body make_body(Species species, int size, Random& random) {
  const auto uniform = [&](double low, double high) { return static_cast<float>(random.uniform(low, high)); };
  Body body;
  const bool wheat = species == Species::wheat;
  body.species = species;
  body.ventral = random.chance(wheat ? 0.72 : 0.4);
  body.half_length = size * 0.5f * uniform(0.68, 0.90);
  body.centre_x = size * 0.5f + size * uniform(-0.035, 0.035);
  body.centre_y = size * 0.5f + size * uniform(-0.035, 0.035);
  const float angle = uniform(0, 2 * std::numbers::pi_v<float>);
  body.cosine = std::cos(angle);
  body.sine = std::sin(angle);
  body.roll = uniform(-1, 1);
  body.roll *= std::fabs(body.roll) * 0.6f;

  const float half_width = wheat ? uniform(0.45, 0.58) : uniform(0.36, 0.46);
  const float beak_length = wheat ? uniform(0.02, 0.09) : uniform(0.02, 0.05);
  const float beak_width = wheat ? uniform(0.05, 0.10) : uniform(0.05, 0.10);
  body.body_begin = -1 + 0.6f * beak_length;
  body.body_end = wheat ? 1.0f : uniform(0.88, 0.97);
  const float awn_width = uniform(0.03, 0.06);
  const float germ_n = wheat ? uniform(1.9, 2.5) : uniform(2.1, 2.8),
              germ_m = wheat ? uniform(0.5, 0.62) : uniform(0.52, 0.66);
  const float tip_n = wheat ? uniform(2.3, 3.4) : uniform(1.9, 2.5),
              tip_m = wheat ? uniform(0.46, 0.56) : uniform(0.56, 0.72);
  const float skew = uniform(-0.02, 0.18), bend = uniform(-0.06, 0.06);
  const float bulge[2] = {uniform(-0.08, 0.08), uniform(-0.08, 0.08)};
  const float ripple[2] = {uniform(0.004, 0.016), uniform(0.004, 0.016)};
  const float phase[4] = {uniform(0, 6.3), uniform(0, 6.3), uniform(0, 6.3), uniform(0, 6.3)};
  const float lopsided = uniform(-0.07, 0.07);
  for (int i = 0; i <= Body::kSteps; ++i) {
    const float along = 2.0f * i / Body::kSteps - 1;
    float x = along < 0 ? along / -body.body_begin : along / body.body_end;
    x = std::clamp(x, -1.0f, 1.0f);
    x += skew * (1 - x * x);
    const float base = half_width * (x < 0 ? taper(x, germ_n, germ_m) : taper(x, tip_n, tip_m));
    const float germ_stub = stub(along + 1, 4 * beak_length, beak_width);
    const float awn = wheat ? 0 : stub(1 - along, 1.25f - body.body_end, awn_width * (1 + 2 * (1 - along)));
    const float extra = std::max(germ_stub, awn);
    for (int side = 0; side < 2; ++side) {
      float width =
          base * (1 + (side ? lopsided : -lopsided) + bulge[side] * std::sin(std::numbers::pi_v<float> * x + 0.6f) +
                  ripple[side] * std::sin(7 * along + phase[side]) +
                  0.5f * ripple[side] * std::sin(17 * along + phase[2 + side]));
      (side ? body.right : body.left)[i] = join(width, extra);
    }
    body.axis[i] = bend * (along * along - 0.4f);
  }
  const float wander[3] = {uniform(0.005, 0.03), uniform(0.003, 0.012), uniform(0.1, 0.5)};
  const float turn[3] = {uniform(0, 6.3), uniform(0, 6.3), uniform(0, 6.3)};
  body.crease_width = wheat ? uniform(0.022, 0.05) : uniform(0.05, 0.10);
  for (int i = 0; i <= Body::kSteps; ++i) {
    const float along = 2.0f * i / Body::kSteps - 1;
    body.middle[i] = body.roll * (1 - 0.35f * along * along) + wander[0] * std::sin(2.6f * along + turn[0]) +
                     wander[1] * std::sin(9 * along + turn[1]);
    body.groove[i] = body.crease_width * (1 + wander[2] * std::sin(6 * along + turn[2]));
  }
  body.depth = wheat ? uniform(0.85, 1.1) : uniform(0.8, 1.05);
  body.roundness = uniform(2.0, 2.6);
  body.crease_depth = body.ventral ? (wheat ? uniform(0.10, 0.26) : uniform(0.05, 0.15)) : 0;
  body.uneven_lobes = body.ventral && wheat ? uniform(-0.10, 0.10) : 0;
  return body;
}

GridBox bounding_box(const Body& body, int size, float margin) {
  float x0 = 1e9f, y0 = 1e9f, x1 = -1e9f, y1 = -1e9f;
  for (int i = 0; i <= Body::kSteps; i += 4) {
    const float a = 2.0f * i / Body::kSteps - 1;
    for (const float b : {body.axis[i] - body.left[i], body.axis[i] + body.right[i]}) {
      const float x = body.centre_x + body.half_length * (a * body.cosine - b * body.sine);
      const float y = body.centre_y + body.half_length * (a * body.sine + b * body.cosine);
      x0 = std::min(x0, x);
      x1 = std::max(x1, x);
      y0 = std::min(y0, y);
      y1 = std::max(y1, y);
    }
  }
  const auto clip = [&](float v) { return std::clamp(static_cast<int>(std::lround(v)), 0, size); };
  GridBox box;
  box.x = clip(x0 - margin) & ~1;  // even, so that pairs of grid pixels fall on picture pixels
  box.y = clip(y0 - margin) & ~1;
  box.width = ((clip(x1 + margin) + 1) & ~1) - box.x;
  box.height = ((clip(y1 + margin) + 1) & ~1) - box.y;
  return box;
}

void lay_out(const Body& body, const GridBox& box, const NoiseTile& noise, KernelFrame& frame,
             std::vector<float>& coverage, std::vector<float>& height) {
  frame.resize(box.width, box.height);
  frame.half_length = body.half_length;
  coverage.assign(frame.count(), 0.0f);
  height.assign(frame.count(), 0.0f);
  const float scale = 1 / body.half_length;
  for (int y = 0; y < box.height; ++y)
    for (int x = 0; x < box.width; ++x) {
      const float dx = (box.x + x + 0.5f - body.centre_x) * scale, dy = (box.y + y + 0.5f - body.centre_y) * scale;
      const float a = dx * body.cosine + dy * body.sine;
      if (a <= -1 || a >= 1) continue;
      const float b = dy * body.cosine - dx * body.sine - Body::lookup(body.axis, a);
      if (std::fabs(b) > 0.75f) continue;
      const float left = Body::lookup(body.left, a), right = Body::lookup(body.right, a);
      const float width = b < 0 ? left : right;
      const float distance = (width - std::fabs(b)) * body.half_length;  // across only; the camera's blur does the rest
      const float cover = std::clamp(distance + 0.5f, 0.0f, 1.0f);
      if (cover <= 0) continue;
      const size_t i = static_cast<size_t>(y) * box.width + x;
      const float across = std::clamp(b / std::max(width, 1e-4f), -0.9999f, 0.9999f);
      const float mean_width = 0.5f * (left + right);
      coverage[i] = cover;
      frame.inside[i] = 1;
      frame.along[i] = a;
      frame.across[i] = across;
      frame.side[i] = mean_width * body.half_length * std::asin(across);

      // Lobes on both sides of the crease; at the ends they close.
      const float ends = std::max(0.0f, 1 - a * a * a * a);
      const float middle = Body::lookup(body.middle, a);
      const float lobe = (across - middle) / 0.34f;
      const float groove = (across - middle) / Body::lookup(body.groove, a);
      const float lobe_fall = 1 / (1 + lobe * lobe), groove_fall = 1 / (1 + groove * groove);
      const float crease = body.crease_depth * (lobe_fall * lobe_fall + 0.35f * groove_fall * groove_fall) * ends;
      const float undulation = 0.045f * noise.octaves(2.2f * a + 11, 2.5f * mean_width * across, 1);
      const float uneven = body.uneven_lobes * (across - middle) / (1 + std::fabs(groove));
      height[i] = mean_width * body.half_length *
                  (body.depth * dome(across, body.roundness) * (1 + undulation) - crease + uneven);
    }
}

}  // namespace ks

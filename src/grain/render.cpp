#include "grain/render.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "grain/damage.h"
#include "grain/scene.h"
#include "grain/surface.h"
#include "tensor/error.h"

namespace ks {

namespace {

/// Grid pixels a picture pixel has along each axis.
constexpr int kOversampling = 2;

/// Every use of randomness has a stream of its own, so that a defect changes no other draw.
enum Stream : uint64_t { kShape = 1, kSkin, kLight, kBackground, kCamera, kDamage, kHairs };

Random stream(const KernelRecipe& recipe, Stream use) {
  return Random(mix_seed(recipe.seed, static_cast<uint64_t>(recipe.species)), use);
}

/// Lambert with a little wrap for each lamp, hemisphere light, Blinn-Phong highlights (J. Blinn, 1977) of two widths.
Rgb shade(const Lighting& light, float slope_x, float slope_y, Rgb albedo, float gloss, float occlusion) {
  const float inverse = 1 / std::sqrt(slope_x * slope_x + slope_y * slope_y + 1);
  const float nx = -slope_x * inverse, ny = -slope_y * inverse, nz = inverse;
  const auto lambert = [&](const LightDirection& d) {
    return std::max(0.0f, (nx * d.x + ny * d.y + nz * d.z + 0.12f) / 1.12f);
  };
  const auto highlight = [&](const LightDirection& d) {
    const float half = 1 / std::sqrt(d.x * d.x + d.y * d.y + (d.z + 1) * (d.z + 1));
    const float cosine = std::max(0.0f, (nx * d.x + ny * d.y + nz * (d.z + 1)) * half);
    const float p2 = cosine * cosine, p4 = p2 * p2, p8 = p4 * p4, p16 = p8 * p8;
    return 0.35f * p8 + p16 * p16;
  };
  const Rgb diffuse =
      light.ambient * ((0.42f + 0.58f * nz) * occlusion) +
      (light.key_colour * lambert(light.key) + light.fill_colour * lambert(light.fill)) * (0.4f + 0.6f * occlusion);
  const Rgb specular =
      light.key_colour * highlight(light.key) + light.fill_colour * highlight(light.fill) + light.ambient * 0.12f;
  return albedo * diffuse + specular * (gloss * occlusion);
}

/// The whole surface under light; pixels where `where` is 0 are left black.
std::vector<Rgb> illuminate(const Surface& s, const Lighting& light, const std::vector<uint8_t>& where) {
  const int w = s.box.width, h = s.box.height;
  std::vector<Rgb> out(s.frame.count());
  for (int y = 1; y + 1 < h; ++y)
    for (int x = 1; x + 1 < w; ++x) {
      const size_t i = static_cast<size_t>(y) * w + x;
      if (!where[i]) continue;
      const auto slope = [&](size_t step) {
        const size_t a = s.frame.inside[i - step] ? i - step : i, b = s.frame.inside[i + step] ? i + step : i;
        if (a == b) return 0.0f;
        const float rise = s.height[b] + s.bump[b] - s.height[a] - s.bump[a];
        return std::clamp(b - a == step ? rise : 0.5f * rise, -6.0f, 6.0f);
      };
      out[i] = shade(light, slope(1), slope(static_cast<size_t>(w)), s.albedo[i], s.gloss[i], s.occlusion[i]);
    }
  return out;
}

/// Changes the surface to its damaged state.
void apply_damage(Surface& s, const DamageMap& map, const Body& body) {
  const float px = body.half_length / kReferenceHalfLength;
  float mean = 0, count = 0;
  for (size_t i = 0; i < s.frame.count(); ++i)
    if (s.frame.inside[i]) mean += luminance(s.albedo[i]), ++count;
  mean = std::max(mean / std::max(count, 1.0f), 1e-3f);
  for (size_t i = 0; i < s.frame.count(); ++i) {
    const float w = map.weight[i];
    if (map.defect == Defect::skinned && map.edge[i] > -3.5f && map.edge[i] < 0) {
      // The hull's rim stands off a little.
      s.bump[i] += px * 0.5f * (1 + map.edge[i] / 3.5f) * w;
    }
    if (w <= 0) continue;
    const Rgb colour = map.colour(i);
    if (map.defect == Defect::pink_fusarium) {
      const float own = std::clamp(luminance(s.albedo[i]) / mean, 0.4f, 1.6f);  // the skin's texture shows through
      s.albedo[i] = mix(s.albedo[i], colour * (0.55f + 0.45f * own), w * (0.55f + 0.45f * map.density[i]));
      s.gloss[i] *= 1 - 0.75f * w;
      s.bump[i] += px * w * (0.9f * map.detail[i] * map.density[i] + 0.3f * map.detail[i]);
    } else {
      s.albedo[i] = mix(s.albedo[i], colour, w);
      s.gloss[i] += w * (map.gloss * (1 + 0.3f * map.detail[i]) - s.gloss[i]);
      s.bump[i] += w * (-0.85f * s.bump[i] - 1.6f * px);
      s.occlusion[i] += w * 0.5f * (1 - s.occlusion[i]);
    }
  }
}

/// The brush of a wheat kernel: opacity of fine pale hairs at the tip.
std::vector<float> draw_brush(const Body& body, const GridBox& box, Random& random) {
  std::vector<float> opacity(static_cast<size_t>(box.width) * box.height, 0.0f);
  if (body.species != Species::wheat) return opacity;
  const auto uniform = [&](double low, double high) { return static_cast<float>(random.uniform(low, high)); };
  const float px = body.half_length / kReferenceHalfLength;
  const int hairs = 120 + static_cast<int>(random.below(260));
  const float density = uniform(0.06, 0.22), reach = uniform(4, 9);
  for (int k = 0; k < hairs; ++k) {
    const float root = uniform(0, 1), a0 = 1 - 0.30f * root * root - 0.01f, t = uniform(-0.95, 0.95);
    const float b0 = Body::lookup(body.axis, a0) + t * Body::lookup(t < 0 ? body.left : body.right, a0);
    float heading = 0.8f * t + 0.7f * static_cast<float>(random.normal());
    const float curl = uniform(-0.05, 0.05) / px, length = px * reach * uniform(0.5, 1.3),
                strength = density * uniform(0.4, 1.0);
    float along = a0 * body.half_length, across = b0 * body.half_length;
    for (float step = 0; step < length; step += 0.7f) {
      along += 0.7f * std::cos(heading);
      across += 0.7f * std::sin(heading);
      heading += 0.7f * curl;
      const float x = body.centre_x + along * body.cosine - across * body.sine - box.x - 0.5f;
      const float y = body.centre_y + along * body.sine + across * body.cosine - box.y - 0.5f;
      const int u = static_cast<int>(std::floor(x)), v = static_cast<int>(std::floor(y));
      if (u < 0 || v < 0 || u + 1 >= box.width || v + 1 >= box.height) break;
      const float fx = x - u, fy = y - v, ink = strength * (1 - 0.6f * step / length);
      const size_t i = static_cast<size_t>(v) * box.width + u;
      const size_t corner[4] = {i, i + 1, i + box.width, i + box.width + 1};
      const float share[4] = {(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy};
      for (int c = 0; c < 4; ++c) opacity[corner[c]] += (1 - opacity[corner[c]]) * ink * share[c];
    }
  }
  return opacity;
}

/// Adds the mean of each 2x2 grid pixels, weighted by `weight`, into the picture's pixels.
template <class Add>
void downsample(const GridBox& box, Add&& add) {
  for (int y = 0; y < box.height; ++y)
    for (int x = 0; x < box.width; ++x)
      add(static_cast<size_t>(y) * box.width + x, (box.x + x) / kOversampling, (box.y + y) / kOversampling);
}

/// Pixels with weight, grown by one: shading looks at neighbours.
std::vector<uint8_t> touched(const DamageMap& map, const Surface& s) {
  const int w = s.box.width, h = s.box.height;
  std::vector<uint8_t> out(s.frame.count(), 0);
  for (int y = 1; y + 1 < h; ++y)
    for (int x = 1; x + 1 < w; ++x) {
      const size_t i = static_cast<size_t>(y) * w + x;
      if (s.frame.inside[i])
        out[i] = map.weight[i] > 0 || map.weight[i - 1] > 0 || map.weight[i + 1] > 0 || map.weight[i - w] > 0 ||
                 map.weight[i + w] > 0;
    }
  return out;
}

void cast_shadow(LinearImage& picture, const std::vector<float>& cover, const Lighting& light) {
  const int n = picture.width;
  std::vector<float> soft = cover, contact = cover;
  blur_wide(soft, n, n, light.shadow_blur);
  blur_wide(contact, n, n, 2.2f * n / 224);
  const float length = std::max(1e-3f, std::hypot(light.key.x, light.key.y));
  const int dx = static_cast<int>(std::lround(light.shadow_shift * light.key.x / length));
  const int dy = static_cast<int>(std::lround(light.shadow_shift * light.key.y / length));
  for (int y = 0; y < n; ++y)
    for (int x = 0; x < n; ++x) {
      const size_t from = static_cast<size_t>(std::clamp(y + dy, 0, n - 1)) * n + std::clamp(x + dx, 0, n - 1);
      const size_t i = static_cast<size_t>(y) * n + x;
      picture.pixels[i] = picture.pixels[i] * ((1 - light.shadow * soft[from]) * (1 - 0.45f * contact[i]));
    }
}

}  // namespace

RenderedKernel render_kernel(const KernelRecipe& recipe) {
  if (recipe.size < 32 || recipe.size > 1024)
    throw Error("the picture's size is " + std::to_string(recipe.size), "", "it must be from 32 to 1024 pixels");
  const int n = recipe.size, grid = n * kOversampling;
  Random shape = stream(recipe, kShape), skin = stream(recipe, kSkin), lamp = stream(recipe, kLight);
  Random ground = stream(recipe, kBackground), lens = stream(recipe, kCamera), harm = stream(recipe, kDamage),
         hair = stream(recipe, kHairs);

  const Body body = make_body(recipe.species, grid, shape);
  const GridBox box = bounding_box(body, grid, 16.0f * grid / 224);
  Surface surface = make_surface(body, box, skin);
  const Lighting light = make_lighting(n, lamp);
  const Camera camera = make_camera(n, lens);
  const std::vector<float> brush = draw_brush(body, box, hair);
  const std::vector<Rgb> healthy = illuminate(surface, light, surface.frame.inside);

  // Kernel over background, hairs over both.
  LinearImage picture = make_background(n, ground), kernel(n, n), hairs(n, n);
  std::vector<float> cover(static_cast<size_t>(n) * n, 0.0f), hair_cover(cover);
  constexpr float kShare = 1.0f / (kOversampling * kOversampling);
  const Rgb hair_colour = srgb(232, 220, 184) * luminance(light.ambient + light.key_colour * light.key.z);
  downsample(box, [&](size_t i, int x, int y) {
    const size_t p = static_cast<size_t>(y) * n + x;
    cover[p] += kShare * surface.coverage[i];
    hair_cover[p] += kShare * brush[i];
    kernel.pixels[p] = kernel.pixels[p] + healthy[i] * (kShare * surface.coverage[i]);
  });
  cast_shadow(picture, cover, light);
  for (size_t p = 0; p < cover.size(); ++p)
    picture.pixels[p] = mix(picture.pixels[p] * (1 - cover[p]) + kernel.pixels[p], hair_colour, hair_cover[p]);
  blur(picture, camera.defocus);

  RenderedKernel out;
  out.damage = Mask(n, n);
  out.outline = Mask(n, n);
  std::vector<float> seen = cover;
  blur(seen, n, n, camera.defocus);
  for (size_t p = 0; p < seen.size(); ++p) out.outline.inside[p] = seen[p] > 0.5f;

  if (recipe.defect != Defect::none) {
    const DamageMap map = make_damage(recipe.defect, recipe.species, surface.frame, harm);
    apply_damage(surface, map, body);
    const std::vector<uint8_t> where = touched(map, surface);
    const std::vector<Rgb> damaged = illuminate(surface, light, where);
    LinearImage change(n, n);
    std::vector<float> weight(cover.size(), 0.0f);
    downsample(box, [&](size_t i, int x, int y) {
      if (!where[i]) return;
      const size_t p = static_cast<size_t>(y) * n + x;
      const float share = kShare * surface.coverage[i];
      change.pixels[p] = change.pixels[p] + (damaged[i] - healthy[i]) * (share * (1 - hair_cover[p]));
      weight[p] += share * map.weight[i];
    });
    blur(change, camera.defocus);
    blur(weight, n, n, camera.defocus);
    for (size_t p = 0; p < weight.size(); ++p) {
      if (weight[p] <= kVisibleWeight || !out.outline.inside[p]) continue;
      out.damage.inside[p] = 1;
      picture.pixels[p] =
          picture.pixels[p] + change.pixels[p] * smooth_step(0.5f * kVisibleWeight, 2 * kVisibleWeight, weight[p]);
    }
  }
  out.image = develop(picture, camera);
  return out;
}

}  // namespace ks

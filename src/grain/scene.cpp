#include "grain/scene.h"

#include <algorithm>
#include <cmath>

#include "grain/noise.h"

namespace ks {

namespace {

LightDirection direction(float azimuth, float elevation) {
  return {std::cos(azimuth) * std::cos(elevation), std::sin(azimuth) * std::cos(elevation), std::sin(elevation)};
}

struct Fabric {
  Rgb colour;
  float grain, mottle, weave;
};

Fabric choose_fabric(Random& random) {
  const auto uniform = [&](double low, double high) { return static_cast<float>(random.uniform(low, high)); };
  const float light = uniform(0.75, 1.2);
  switch (random.below(4)) {
    case 0:
      return {mix(srgb(24, 62, 74), srgb(30, 52, 92), uniform(0, 1)) * light, 0.10f, 0.10f, 0.0f};  // tray
    case 1:
      return {srgb(26, 26, 28) * light, 0.35f, 0.20f, 0.0f};  // felt
    case 2: {                                                 // paper
      const float whiteness = uniform(0.8, 1.02), warmth = uniform(0, 1);
      return {mix(srgb(236, 236, 234), srgb(228, 222, 208), warmth) * whiteness, 0.02f, 0.03f, 0.0f};
    }
    default:
      return {mix(srgb(120, 122, 122), srgb(96, 100, 104), uniform(0, 1)) * light, 0.06f, 0.08f,
              uniform(0.0, 0.10)};  // belt
  }
}

}  // namespace

Lighting make_lighting(int size, Random& random) {
  const auto uniform = [&](double low, double high) { return static_cast<float>(random.uniform(low, high)); };
  Lighting light;
  const float azimuth = uniform(0, 6.2831853), elevation = uniform(0.65, 1.35);
  light.key = direction(azimuth, elevation);
  const float fill_elevation = uniform(0.6, 1.3), fill_turn = uniform(1.8, 4.4);
  light.fill = direction(azimuth + fill_turn, fill_elevation);
  const float contrast = uniform(0, 1);  // 0: light tent, 1: one hard lamp
  light.key_colour = Rgb{1, 1, 1} * (0.45f + 0.55f * contrast);
  light.fill_colour = Rgb{1, 1, 1} * uniform(0.10, 0.35);
  light.ambient = Rgb{1, 1, 1} * (0.62f - 0.36f * contrast);
  light.shadow = 0.30f + 0.45f * contrast;
  const float unit = size / 224.0f;
  light.shadow_blur = unit * (uniform(3, 7) + 5 * (1 - contrast));
  light.shadow_shift = unit * 9 / std::tan(elevation);
  return light;
}

LinearImage make_background(int size, Random& random) {
  const auto uniform = [&](double low, double high) { return static_cast<float>(random.uniform(low, high)); };
  const NoiseTile noise{Random(random.next(), 80)};
  const Fabric fabric = choose_fabric(random);
  const float unit = 224.0f / size, turn = uniform(0, 6.3), cosine = std::cos(turn), sine = std::sin(turn);
  const float slope_x = uniform(-0.12, 0.12), slope_y = uniform(-0.12, 0.12), pitch = uniform(0.5, 1.1);
  LinearImage image(size, size);
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) {
      const float u = unit * (x * cosine - y * sine), v = unit * (x * sine + y * cosine);
      float value =
          1 + fabric.mottle * noise.octaves(0.03f * u, 0.03f * v, 3) + fabric.grain * noise.at(0.8f * u, 0.8f * v + 30);
      if (fabric.weave > 0) value += fabric.weave * std::sin(pitch * u) * std::sin(pitch * v);
      value += slope_x * (2.0f * x / size - 1) + slope_y * (2.0f * y / size - 1);
      image.pixels[static_cast<size_t>(y) * size + x] = fabric.colour * std::max(0.1f, value);
    }
  // Dust and fibres: short strokes of a pale or dark colour.
  const int specks = static_cast<int>(random.below(22));
  for (int k = 0; k < specks; ++k) {
    float x = uniform(0, size), y = uniform(0, size), heading = uniform(0, 6.3);
    const bool fibre = random.chance(0.12);
    const float length = fibre ? uniform(6, 24) / unit : 0, first = fibre ? 0 : uniform(0, 1),
                second = fibre ? 0 : uniform(0, 1), radius = (fibre ? 0.5f : 0.4f + 1.3f * first * second) / unit;
    const float opacity = uniform(0.05, fibre ? 0.35 : 0.6), curl = uniform(-0.05, 0.05) * unit;
    const Rgb colour = random.chance(0.7) ? srgb(214, 206, 186) : srgb(60, 48, 36);
    for (float step = 0; step <= length; step += 0.5f) {
      x += 0.5f * std::cos(heading);
      y += 0.5f * std::sin(heading);
      heading += curl;
      for (int v = static_cast<int>(y - radius - 1); v <= static_cast<int>(y + radius + 1); ++v)
        for (int u = static_cast<int>(x - radius - 1); u <= static_cast<int>(x + radius + 1); ++u) {
          if (u < 0 || v < 0 || u >= size || v >= size) continue;
          const float distance = std::hypot(u + 0.5f - x, v + 0.5f - y);
          const float cover = std::clamp(radius + 0.5f - distance, 0.0f, 1.0f) * opacity * (fibre ? 0.4f : 1.0f);
          Rgb& p = image.pixels[static_cast<size_t>(v) * size + u];
          p = mix(p, colour, cover);
        }
    }
  }
  return image;
}

Camera make_camera(int size, Random& random) {
  const auto uniform = [&](double low, double high) { return static_cast<float>(random.uniform(low, high)); };
  Camera camera;
  const float sharp = uniform(0, 1);
  camera.defocus = size / 224.0f * (0.35f + 1.1f * sharp * sharp);
  const float exposure = std::exp2(uniform(-0.35, 0.30)), warmth = uniform(-0.07, 0.07), tint = uniform(-0.025, 0.025);
  camera.gain = Rgb{1 + warmth, 1 + tint, 1 - warmth} * exposure;
  camera.vignette = uniform(0, 0.18);
  camera.read_noise = uniform(0.3, 1.6);
  camera.shot_noise = uniform(0.5, 3.0);
  camera.noise_seed = random.next();
  return camera;
}

Image develop(const LinearImage& scene, const Camera& camera) {
  static const SrgbTables tables;
  Random random(camera.noise_seed, 81);
  Image image(scene.width, scene.height);
  for (int y = 0; y < scene.height; ++y)
    for (int x = 0; x < scene.width; ++x) {
      const float dx = 2 * (x + 0.5f) / scene.width - 1, dy = 2 * (y + 0.5f) / scene.height - 1;
      const float shade = 1 - camera.vignette * 0.5f * (dx * dx + dy * dy);
      const Rgb light = scene.pixels[static_cast<size_t>(y) * scene.width + x] * camera.gain * shade;
      const float channels[3] = {light.r, light.g, light.b};
      uint8_t* out = image.at(x, y);
      for (int c = 0; c < 3; ++c) {
        // Sum of four bytes: mean 510, deviation 147.8, near enough to normal and twenty times as fast.
        const uint32_t bits = random.next();
        const float gauss =
            (static_cast<float>((bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24)) - 510) / 147.8f;
        const float value = tables.encode(channels[c]);
        const float deviation = camera.read_noise + camera.shot_noise * std::sqrt(value / 255);
        out[c] = static_cast<uint8_t>(std::clamp(value + deviation * gauss + 0.5f, 0.0f, 255.0f));
      }
    }
  return image;
}

}  // namespace ks

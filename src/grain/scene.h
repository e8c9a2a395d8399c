#pragma once
#include <vector>

#include "grain/colour.h"
#include "picture/image.h"
#include "tensor/random.h"

namespace ks {

struct LightDirection {
  float x = 0, y = 0, z = 1;
};

/// A key lamp, a weaker fill lamp and light from all around. Picture axes: x right, y down, z towards the camera.
struct Lighting {
  LightDirection key, fill;
  Rgb key_colour, fill_colour, ambient;
  float shadow = 0.5f;     // darkness of the kernel's shadow
  float shadow_blur = 6;   // pixels
  float shadow_shift = 5;  // pixels, away from the key lamp
};
Lighting make_lighting(int size, Random& random);

/// A picture in linear light.
struct LinearImage {
  int width = 0, height = 0;
  std::vector<Rgb> pixels;
  LinearImage(int w, int h, Rgb fill = {}) : width(w), height(h), pixels(static_cast<size_t>(w) * h, fill) {}
};

/// What the kernel lies on: dark blue-green tray, black felt, white paper or grey conveyor, with texture and dust.
LinearImage make_background(int size, Random& random);

/// Separable Gaussian of standard deviation `sigma` pixels, cut at 3 sigma; edges are repeated. Needs sigma below 8.
void blur(std::vector<float>& plane, int width, int height, float sigma);
void blur(LinearImage& image, float sigma);
/// Three box means: nearly Gaussian, at a cost that does not depend on sigma. For shadows.
void blur_wide(std::vector<float>& plane, int width, int height, float sigma);

/// How the camera sees: defocus in pixels, gain and white balance, vignette, noise.
struct Camera {
  float defocus = 0.6f;
  Rgb gain{1, 1, 1};
  float vignette = 0;
  float shot_noise = 0, read_noise = 0;  // of the 8-bit value at white, at black
  uint64_t noise_seed = 0;
};
Camera make_camera(int size, Random& random);

/// Gain, vignette, sRGB curve, sensor noise. A pixel's noise depends on its place, its value and the seed alone, so
/// that damage changes nothing outside itself.
Image develop(const LinearImage& scene, const Camera& camera);

}  // namespace ks

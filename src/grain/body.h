#pragma once
#include <array>

#include "grain/kernel.h"
#include "grain/noise.h"
#include "tensor/random.h"

namespace ks {

/// The shape and pose of one kernel, in pixels of the rendering grid.
struct Body {
  static constexpr int kSteps = 256;

  Species species = Species::wheat;
  bool ventral = true;  // the crease's side is up; else the back, with the germ
  float centre_x = 0, centre_y = 0, cosine = 1, sine = 0;
  float half_length = 0;
  std::array<float, kSteps + 1> left, right, axis;  // outlines and midline, in half-lengths, from germ to tip
  float body_begin = -1, body_end = 1;              // between: the body; outside: beak or base, awn
  float depth = 1;                                  // height of the dome over its half-width
  float roundness = 2;                              // exponent of the cross-section
  float roll = 0;                                   // where the middle of the up side lies across, in [-0.6,0.6]
  std::array<float, kSteps + 1> middle;             // the crease's (or the back's middle line's) place across
  std::array<float, kSteps + 1> groove;             // half-width of the crease's groove, of half-widths
  float crease_depth = 0, crease_width = 0;         // of half-widths
  float uneven_lobes = 0;                           // one side of the crease stands higher

  /// Linear interpolation in one of the tables; along in [-1,1].
  static float lookup(const std::array<float, kSteps + 1>& table, float along);
};

/// `size` is the side of the square picture in grid pixels; the kernel's length is 0.62 to 0.86 of it.
Body make_body(Species species, int size, Random& random);

/// Smallest rectangle of the grid that holds the kernel and `margin` pixels more.
struct GridBox {
  int x = 0, y = 0, width = 0, height = 0;
};
GridBox bounding_box(const Body& body, int size, float margin);

/// Coordinates of every pixel of the box, its coverage by the outline, and the smooth body's height in pixels.
void lay_out(const Body& body, const GridBox& box, const NoiseTile& noise, KernelFrame& frame,
             std::vector<float>& coverage, std::vector<float>& height);

}  // namespace ks

#pragma once
#include <vector>

#include "grain/body.h"
#include "grain/colour.h"
#include "grain/kernel.h"
#include "grain/noise.h"

namespace ks {

/// Everything light needs to know of a kernel, a value a grid pixel of the box.
struct Surface {
  GridBox box;
  KernelFrame frame;
  std::vector<float> coverage;  // by the outline, [0,1]
  std::vector<float> height;    // of the smooth body, grid pixels towards the camera
  std::vector<float> bump;      // of the skin on it: cells, ridges, wrinkles; grid pixels
  std::vector<Rgb> albedo;
  std::vector<float> gloss;      // strength of the highlight
  std::vector<float> occlusion;  // 1 open, 0 buried: crease, germ's rim
};

/// A healthy kernel with its natural blemishes: reddish or mottled tint, dark germ, specks, dust, brown spots.
Surface make_surface(const Body& body, const GridBox& box, Random& random);

}  // namespace ks

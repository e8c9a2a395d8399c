#pragma once
#include <cstdint>

#include "grain/kernel.h"
#include "picture/image.h"

namespace ks {

/// Everything a rendered kernel depends on. The same recipe gives the same picture on every machine (to a grey level).
struct KernelRecipe {
  Species species = Species::wheat;
  Defect defect = Defect::none;
  uint64_t seed = 1;
  int size = 224;  // side of the square picture in pixels, 32 to 1024
};

struct RenderedKernel {
  Image image;
  /// Where the damage is painted: its blending weight, blurred by the camera, is above kVisibleWeight. Outside it the
  /// picture equals, to the bit, the one with the same seed and no defect. Empty of pixels for a healthy kernel.
  Mask damage;
  Mask outline;  // the kernel without its hairs
};

/// A photo-like picture of one kernel. Everything but the defect (shape, skin, blemishes, pose, light, background,
/// camera, noise) is drawn from the seed in the same way for healthy and damaged kernels. Throws Error for a size out
/// of range.
RenderedKernel render_kernel(const KernelRecipe& recipe);

}  // namespace ks

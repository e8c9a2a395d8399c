#pragma once
#include <cstdint>

#include "grain/kernel.h"
#include "picture/image.h"

namespace ks {

/// A photograph with damage painted onto its kernel.
struct PlantedKernel {
  Image image;
  /// Where it was painted: the damage's weight is above kVisibleWeight. Outside it the picture equals the photograph,
  /// to the bit.
  Mask damage;
};

/// Paints a defect onto the kernel of a photograph, from the same maps as the renderer's. The kernel's own shading,
/// highlights and fine detail are kept: each pixel takes the damage's hue and relative lightness under the light that
/// fell on it. Skinned parts lose their fine texture and gain gloss instead. `outline` is the kernel's, of the
/// photograph's size. Throws Error when the outline is empty or smaller than 32 pixels.
PlantedKernel plant_damage(const Image& photo, const Mask& outline, Defect defect, Species species, uint64_t seed);

}  // namespace ks

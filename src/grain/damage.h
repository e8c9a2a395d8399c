#pragma once
#include <vector>

#include "grain/colour.h"
#include "grain/kernel.h"
#include "tensor/random.h"

namespace ks {

/// Damage below this weight is not painted, and the mask is where it is painted. About 2 of 255 grey levels at worst.
constexpr float kVisibleWeight = 0.05f;

/// Where a defect lies on one kernel and what it looks like, a value a pixel of the kernel's frame. The renderer and
/// `plant` paint the same maps.
struct DamageMap {
  Defect defect = Defect::none;
  std::vector<float> weight;   // blending weight, [0,1]
  std::vector<float> density;  // pink fusarium: 0 bleached margin, 1 thick mould; skinned: 0
  std::vector<float>
      detail;                // pink fusarium: whitish hyphae, [0,1]; skinned: mottle of the bared surface, about [-1,1]
  std::vector<float> edge;   // skinned: reference pixels inside the torn edge, negative outside; pink fusarium: 0
  Rgb margin, middle, core;  // colours under white light
  float gloss = 0;           // strength of the bared surface's highlight

  /// The damage's own colour at pixel i, before light.
  Rgb colour(size_t i) const;
};

/// Pink fusarium covers 15 to 60 % of what is seen of the kernel, faint margins included; skinned 25 to 60 % of barley,
/// 15 to 45 % of wheat.
DamageMap make_damage(Defect defect, Species species, const KernelFrame& frame, Random& random);

}  // namespace ks

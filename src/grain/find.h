#pragma once
#include <string>

#include "grain/kernel.h"
#include "picture/image.h"

namespace ks {

/// The one kernel of a photograph.
struct FoundKernel {
  Mask outline;      // without the brush's loose hairs
  int x = 0, y = 0;  // of its bounding box, pixels
  int width = 0, height = 0;
  double angle = 0;                // of the long axis, radians from x towards y (down)
  double length = 0, breadth = 0;  // four standard deviations along and across the axis: an ellipse's axes, pixels
};

/// Finds a kernel that lies alone on a plain background of any colour: a plane is fitted to the background's colour
/// from the border inwards, shadows (darker, same hue) count less, Otsu's threshold (N. Otsu, 1979), largest component,
/// holes filled. Throws Error, naming `where`, when nothing kernel-like is there: too small, too large, not compact,
/// not elongated.
FoundKernel find_kernel(const Image& photo, const std::string& where);

/// A square picture of the kernel alone.
struct KernelCrop {
  Image image;
  Mask outline;
};

/// Cuts out the square around the kernel, `margin` of its longer side wider on each side, resampled to `size` pixels.
/// Where the square reaches beyond the photograph the background's plane and grain continue.
KernelCrop crop_kernel(const Image& photo, const FoundKernel& kernel, int size, double margin = 0.06);

/// Coordinates along and across a kernel from its outline alone; the narrower end is taken for the germ.
KernelFrame frame_of_outline(const Mask& outline);

}  // namespace ks

#pragma once
#include <array>
#include <cstdint>

#include "picture/colormap.h"
#include "picture/image.h"
#include "tensor/tensor.h"

namespace ks {

/// The annotations' green (the paper's Fig 2).
constexpr std::array<uint8_t, 3> annotation_green{0, 200, 40};

/// The colours of one pooled map: sample `n` of [N,1,H,W], raw values, `limit` as a normalisation gives it.
Image heatmap(const Tensor& map, int64_t n, double limit, const Colormap& colormap);

/// How the heatmap lies over the picture.
struct OverlayStyle {
  double opacity = 0.6;  // of the heatmap, 0 ... 1
  /// The opacity follows the strength, |display value| (or the value itself for a sequential colormap), so that the
  /// picture shows where there is no evidence.
  bool fade = false;
};

/// The heatmap over a picture of any size: each picture pixel takes the nearest value of the map, nothing is smoothed.
Image overlay(const Image& picture, const Tensor& map, int64_t n, double limit, const Colormap& colormap,
              const OverlayStyle& style);

/// Draws the outline of a mask of the picture's size: the pixels inside that are less than `thickness` (>= 1, px) away
/// from the outside. The mask's own border pixels, so a region's outline never covers pixels outside it.
void draw_outline(Image& picture, const Mask& mask, int thickness = 1,
                  const std::array<uint8_t, 3>& colour = annotation_green);

/// The colormap from its first colour to its last: left to right, or bottom to top where it is higher than wide.
Image colour_bar(const Colormap& colormap, int width, int height);

}  // namespace ks

#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "picture/image.h"
#include "registry/registry.h"

namespace ks {

/// A picture cut into regions: each pixel carries its region's label, 0 ... count-1, and every label occurs.
struct Segments {
  int width = 0, height = 0, count = 0;
  std::vector<int32_t> labels;  // rows from the top

  int32_t at(int x, int y) const { return labels[static_cast<size_t>(y) * width + x]; }
};

struct Segmentation : Entry {
  /// Deterministic: the same picture and parameters give the same segments.
  Segments (*segment)(const Image& picture, const Params& params) = nullptr;
};

/// grid, slic.
const Registry<Segmentation>& segmentations();

/// Checks the parameters and cuts the picture. Throws Error.
Segments segment(const std::string& segmentation, const json& parameters, const Image& picture);

Segments grid_segments(int width, int height, int rows, int columns);                            // grid.cpp
Segments slic_segments(const Image& picture, int segments, double compactness, int iterations);  // slic.cpp

/// Renumbers labels of any values to 0 ... count-1 in the order in which they first occur.
void renumber(Segments& segments);

/// Draws the borders between segments: the pixels whose right or lower neighbour has another label.
void draw_borders(Image& picture, const Segments& segments, const std::array<uint8_t, 3>& colour = {255, 220, 0});

}  // namespace ks

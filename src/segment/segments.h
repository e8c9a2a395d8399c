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

/// grid, hexagon, slic, felzenszwalb, quickshift, watershed.
const Registry<Segmentation>& segmentations();

/// Checks the parameters and cuts the picture. Throws Error.
Segments segment(const std::string& segmentation, const json& parameters, const Image& picture);

/// One file each, named after the function. Ranges and units are those of the registry's parameters.
Segments grid_segments(int width, int height, int rows, int columns);
Segments hexagon_segments(int width, int height, int segments);
Segments slic_segments(const Image& picture, int segments, double compactness, int iterations);
Segments felzenszwalb_segments(const Image& picture, double scale, double sigma, int min_size);  // 8-connected
Segments quickshift_segments(const Image& picture, double kernel_size, double max_dist, double ratio);
Segments watershed_segments(const Image& picture, int markers, double compactness);

/// Squares of `side` px from the upper left corner; the last ones are what is left. (grid.cpp)
Segments square_segments(int width, int height, int side);
/// Rows and columns of a grid of about as many cells as wanted, as square as can be. (grid.cpp)
std::array<int, 2> even_grid(int width, int height, int cells);

/// Renumbers labels of any values to 0 ... count-1 in the order in which they first occur.
void renumber(Segments& segments);

/// Draws the borders between segments: the pixels whose right or lower neighbour has another label.
void draw_borders(Image& picture, const Segments& segments, const std::array<uint8_t, 3>& colour = {255, 220, 0});

}  // namespace ks

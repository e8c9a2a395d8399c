#include "segment/segments.h"

#include <cstring>
#include <stdexcept>
#include <unordered_map>

namespace ks {

namespace {

Segments segment_grid(const Image& picture, const Params& p) {
  return grid_segments(picture.width, picture.height, p.integer("rows"), p.integer("columns"));
}

Segments segment_slic(const Image& picture, const Params& p) {
  return slic_segments(picture, p.integer("segments"), p.number("compactness"), p.integer("iterations"));
}

}  // namespace

const Registry<Segmentation>& segmentations() {
  using enum ParameterType;
  static const Registry<Segmentation> registry(
      "segmentation",
      {
          {{"grid",
            "Grid",
            "geometric",
            "",
            "Rectangles of equal size. Knows nothing of the picture, so no segment suggests a shape that the classifier "
            "never saw.",
            {{"rows", integer, 10, "Cells from top to bottom", 1, 256, "cells"},
             {"columns", integer, 10, "Cells from left to right", 1, 256, "cells"}},
            "A damage is shared between the cells it happens to lie in, so the same damage moved by half a cell gets "
            "another map.",
            "label(x, y) = ⌊y · rows / height⌋ · columns + ⌊x · columns / width⌋"},
           segment_grid},
          {{"slic",
            "SLIC superpixels",
            "superpixels",
            "R. Achanta, A. Shaji, K. Smith, A. Lucchi, P. Fua, S. Süsstrunk: SLIC superpixels compared to "
            "state-of-the-art "
            "superpixel methods, IEEE TPAMI 2012.",
            "Groups neighbouring pixels of similar colour: k-means in CIELAB and position, each centre looking only at its "
            "surroundings.",
            {{"segments", integer, 100, "Segments wanted; the result has about as many", 2, 4096, "segments"},
             {"compactness", number, 10.0, "Weight of position against colour: high makes squares", 0.01, 1000},
             {"iterations", integer, 10, "Rounds of k-means", 1, 100, "rounds"}},
            "Segments follow visible edges: an explanation by segments looks as if it had found them, though the "
            "segmentation did.",
            "D² = d_Lab² + (m / S)² · d_xy²,  S = √(pixels / segments),  m = compactness"},
           segment_slic},
      });
  return registry;
}

Segments segment(const std::string& segmentation, const json& parameters, const Image& picture) {
  const Segmentation& entry = segmentations().at(segmentation);
  return entry.segment(picture, check_parameters(entry, parameters));
}

void renumber(Segments& segments) {
  std::unordered_map<int32_t, int32_t> number;
  for (int32_t& label : segments.labels)
    label = number.emplace(label, static_cast<int32_t>(number.size())).first->second;
  segments.count = static_cast<int>(number.size());
}

void draw_borders(Image& picture, const Segments& segments, const std::array<uint8_t, 3>& colour) {
  if (segments.width != picture.width || segments.height != picture.height)
    throw std::logic_error("draw_borders: the segments have not the picture's size");
  for (int y = 0; y < segments.height; ++y)
    for (int x = 0; x < segments.width; ++x) {
      const bool right = x + 1 < segments.width && segments.at(x, y) != segments.at(x + 1, y);
      const bool below = y + 1 < segments.height && segments.at(x, y) != segments.at(x, y + 1);
      if (right || below) std::memcpy(picture.at(x, y), colour.data(), 3);
    }
}

}  // namespace ks

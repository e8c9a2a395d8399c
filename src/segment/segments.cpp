#include "segment/segments.h"

#include <cstring>
#include <stdexcept>
#include <unordered_map>

namespace ks {

namespace {

using enum ParameterType;

Segmentation entry(const char* name, const char* title, const char* family, const char* citation,
                   const char* description, const char* misleads, const char* formula,
                   std::vector<Parameter> parameters, Segments (*segment)(const Image&, const Params&)) {
  Segmentation s;
  s.name = name;
  s.title = title;
  s.family = family;
  s.citation = citation;
  s.description = description;
  s.misleads = misleads;
  s.formula = formula;
  s.parameters = std::move(parameters);
  s.segment = segment;
  return s;
}

Segmentation grid() {
  return entry("grid", "Grid", "geometric", "",
               "Rectangles of equal size. Knows nothing of the picture, so no segment suggests a shape that the "
               "classifier never saw.",
               "A damage is shared between the cells it happens to lie in, so the same damage moved by half a cell "
               "gets another map.",
               "label(x, y) = ⌊y · rows / height⌋ · columns + ⌊x · columns / width⌋",
               {{"rows", integer, 10, "Cells from top to bottom", 1, 256, "cells"},
                {"columns", integer, 10, "Cells from left to right", 1, 256, "cells"}},
               [](const Image& picture, const Params& p) {
                 return grid_segments(picture.width, picture.height, p.integer("rows"), p.integer("columns"));
               });
}

Segmentation hexagon() {
  return entry("hexagon", "Hexagons", "geometric",
               "L. Fejes Tóth: Über die dichteste Kugellagerung, Mathematische Zeitschrift 48, 1943.",
               "Hexagons of nearly equal size: the roundest tiles that fill the plane, with neighbours at the same "
               "distance in six directions.",
               "Like a grid it knows nothing of the picture, so a damage on a border between cells is shared between "
               "them, and cells on the kernel's edge mix kernel and background.",
               "cell(p) = argminₖ |p − cₖ|, c a triangular lattice",
               {{"segments", integer, 100, "Cells wanted; the result has about as many", 1, 4096, "segments"}},
               [](const Image& picture, const Params& p) {
                 return hexagon_segments(picture.width, picture.height, p.integer("segments"));
               });
}

Segmentation slic() {
  return entry(
      "slic", "SLIC superpixels", "superpixels",
      "R. Achanta, A. Shaji, K. Smith, A. Lucchi, P. Fua, S. Süsstrunk: SLIC superpixels compared to state-of-the-art "
      "superpixel methods, IEEE TPAMI 2012.",
      "Groups neighbouring pixels of similar colour: k-means in CIELAB and position, each centre looking only at its "
      "surroundings.",
      "Segments follow visible edges: an explanation by segments looks as if it had found them, though the "
      "segmentation did.",
      "D² = d_Lab² + (m / S)² · d_xy²,  S = √(pixels / segments),  m = compactness",
      {{"segments", integer, 100, "Segments wanted; the result has about as many", 2, 4096, "segments"},
       {"compactness", number, 10.0, "Weight of position against colour: high makes squares", 0.01, 1000},
       {"iterations", integer, 10, "Rounds of k-means", 1, 100, "rounds"}},
      [](const Image& picture, const Params& p) {
        return slic_segments(picture, p.integer("segments"), p.number("compactness"), p.integer("iterations"));
      });
}

Segmentation felzenszwalb() {
  return entry(
      "felzenszwalb", "Felzenszwalb-Huttenlocher", "superpixels",
      "P. Felzenszwalb, D. Huttenlocher: Efficient graph-based image segmentation, International Journal of Computer "
      "Vision 59, 2004.",
      "Joins neighbouring pixels, the most similar first, while the edge between two regions is no stronger than what "
      "holds each of them together: smooth areas become one region, textured ones keep their parts.",
      "Sizes differ widely: the whole background or half a kernel may be one segment, and a large segment gets a "
      "large value because it is large, not because each of its pixels matters.",
      "join C₁, C₂ at edge e if |e| ≤ min(Int(C₁) + scale / |C₁|, Int(C₂) + scale / |C₂|)",
      {{"scale", number, 100.0, "Higher makes larger segments", 0.01, 1e5, "grey levels x px"},
       {"sigma", number, 0.5, "Standard deviation of the Gaussian that smooths the picture before", 0, 20, "px"},
       {"min_size", integer, 50, "Smaller segments are joined to a neighbour", 1, 1000000, "px"}},
      [](const Image& picture, const Params& p) {
        return felzenszwalb_segments(picture, p.number("scale"), p.number("sigma"), p.integer("min_size"));
      });
}

Segmentation quickshift() {
  return entry(
      "quickshift", "Quick shift", "superpixels",
      "A. Vedaldi, S. Soatto: Quick shift and kernel methods for mode seeking, ECCV 2008.",
      "Links every pixel to its nearest neighbour of higher density in colour (CIELAB) and position, and cuts the "
      "links longer than max_dist; the trees are the segments.",
      "The number of segments follows from the picture, so two pictures are cut unlike one another: values of their "
      "segments must not be compared. A segment may consist of several pieces.",
      "p(i) = Σⱼ exp(−d²(i, j) / (2 kernel_size²)),  d² = ratio² · d_Lab² + d_xy²",
      {{"kernel_size", number, 5.0, "Width of the Gaussian of the density: higher makes fewer segments", 0.5, 20, "px"},
       {"max_dist", number, 10.0, "Longest link: higher makes fewer segments", 1, 1000, "px"},
       {"ratio", number, 1.0, "Weight of colour against position", 0, 1}},
      [](const Image& picture, const Params& p) {
        return quickshift_segments(picture, p.number("kernel_size"), p.number("max_dist"), p.number("ratio"));
      });
}

Segmentation watershed() {
  return entry(
      "watershed", "Watershed", "superpixels",
      "F. Meyer: Color image segmentation, IEE Image Processing and its Applications 1992; with compactness P. "
      "Neubert, P. Protzel: Compact watershed and preemptive SLIC, ICPR 2014.",
      "Floods the magnitude of the brightness's gradient from evenly spread markers; segments meet on the crests, the "
      "edges of the picture.",
      "Markers are spread evenly whatever the picture shows: a small damage without a marker of its own is flooded by "
      "its neighbour, and where there is no edge the border is an accident. Colour edges of equal brightness are not "
      "seen.",
      "level(p) = |∇Y(p)| + compactness · |p − marker|",
      {{"markers", integer, 250, "Markers wanted; the result has about as many segments", 1, 4096, "segments"},
       {"compactness", number, 0.001,
        "Height a pixel gains with its distance from the marker: high makes cells of equal size", 0, 10, "1/px"}},
      [](const Image& picture, const Params& p) {
        return watershed_segments(picture, p.integer("markers"), p.number("compactness"));
      });
}

}  // namespace

const Registry<Segmentation>& segmentations() {
  static const Registry<Segmentation> registry("segmentation",
                                               {grid(), hexagon(), slic(), felzenszwalb(), quickshift(), watershed()});
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

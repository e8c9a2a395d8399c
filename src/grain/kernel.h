#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace ks {

enum class Species { wheat, barley };

/// What is wrong with a kernel.
///   pink_fusarium  salmon to orange-red Fusarium mould, soft-edged, with a chalky bleached margin and whitish hyphae
///   skinned        hull (barley) or bran (wheat) peeled off: paler, smoother, shinier, with a ragged edge
enum class Defect { none, pink_fusarium, skinned };

/// The user-visible names: "wheat", "barley"; "none", "pink-fusarium", "skinned". Parsing throws Error for others.
std::string to_string(Species species);
std::string to_string(Defect defect);
Species parse_species(const std::string& name);
Defect parse_defect(const std::string& name);
std::vector<std::string> species_names();
std::vector<std::string> defect_names();

/// Sizes of texture features are given in "reference pixels": those of a 224-pixel picture of a typical kernel, whose
/// half-length is this many.
constexpr float kReferenceHalfLength = 84;

/// Where a pixel lies on a kernel, for a rectangle of (sub)pixels.
struct KernelFrame {
  int width = 0, height = 0;
  float half_length = 0;      // pixels
  std::vector<float> along;   // -1 at the germ, +1 at the tip (brush or awn)
  std::vector<float> across;  // -1 and +1 at the two outlines
  std::vector<float> side;    // pixels from the axis, stretched as the surface curves away (arc length)
  std::vector<uint8_t> inside;

  void resize(int w, int h);
  size_t count() const { return inside.size(); }
};

}  // namespace ks

#pragma once
#include <imgui.h>

#include <string>

#include "picture/overlay.h"

namespace ks::theme {

// One calm dark theme: neutral greys, one accent (ripe wheat); green is kept for annotations, as in the paper's
// figures.
constexpr ImU32 background = IM_COL32(18, 20, 23, 255);
constexpr ImU32 panel = IM_COL32(26, 29, 33, 255);
constexpr ImU32 raised = IM_COL32(36, 40, 46, 255);  // buttons, fields
constexpr ImU32 hovered = IM_COL32(46, 51, 58, 255);
constexpr ImU32 pressed = IM_COL32(56, 62, 70, 255);
constexpr ImU32 line = IM_COL32(44, 48, 55, 255);
constexpr ImU32 text = IM_COL32(230, 233, 237, 255);
constexpr ImU32 muted = IM_COL32(158, 166, 177, 255);  // 6.6:1 on `panel`
constexpr ImU32 faint = IM_COL32(118, 126, 138, 255);
constexpr ImU32 accent = IM_COL32(235, 183, 77, 255);
constexpr ImU32 accent_dim = IM_COL32(235, 183, 77, 60);
constexpr ImU32 on_accent = IM_COL32(28, 22, 8, 255);
constexpr ImU32 annotation = IM_COL32(annotation_green[0], annotation_green[1], annotation_green[2], 255);
constexpr ImU32 error = IM_COL32(240, 112, 104, 255);
constexpr ImU32 error_panel = IM_COL32(64, 30, 30, 255);

/// Colour with its alpha multiplied.
ImU32 faded(ImU32 color, float alpha);

struct Fonts {
  ImFont* body = nullptr;     // 14
  ImFont* strong = nullptr;   // 14, semibold
  ImFont* label = nullptr;    // 13, semibold
  ImFont* small = nullptr;    // 12
  ImFont* title = nullptr;    // 17, semibold
  ImFont* formula = nullptr;  // 14: with the signs of formulas
  ImFont* mono = nullptr;     // 12: figures that stand in columns
};
extern Fonts fonts;

enum class FontFile { regular, semibold, mono, count };
/// Takes the bytes of a TrueType or OpenType file; before the first build_fonts.
void set_font_file(FontFile which, std::string bytes);
/// Rasterises all fonts for a pixel density; call again when that changes.
void build_fonts(float pixels_per_unit);
void apply_style();

}  // namespace ks::theme

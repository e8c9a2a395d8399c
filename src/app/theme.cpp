#include "app/theme.h"

#include <array>

namespace ks::theme {

Fonts fonts;

namespace {

std::array<std::string, static_cast<size_t>(FontFile::count)> font_files;

// Latin, Greek (method names: LRP-ε, α2β1), punctuation, arrows and signs that labels use.
const ImWchar text_ranges[] = {0x20,   0x17F,  0x391,  0x3C9,  0x2010, 0x2026, 0x2032, 0x203A, 0x2190, 0x2199,
                               0x2212, 0x2212, 0x221E, 0x221E, 0x2248, 0x2248, 0x2260, 0x2265, 0};
// Formulas: superscripts and subscripts, operators. The text font lacks some, which come from the monospaced one.
const ImWchar formula_ranges[] = {0x20,   0x17F,  0x391,  0x3C9,  0x1D43, 0x1D6A, 0x2010, 0x2026, 0x2032, 0x203A,
                                  0x2070, 0x209C, 0x2190, 0x2199, 0x2200, 0x2265, 0x2C7C, 0x2C7C, 0};
const ImWchar formula_extra_ranges[] = {0x2207, 0x2209, 0x2227, 0x222A, 0x2308, 0x230B, 0};
const ImWchar figure_ranges[] = {0x20,   0x7E,   0xB1,   0xB1,   0xB7,   0xB7,   0xD7, 0xD7,
                                 0x2013, 0x2014, 0x2026, 0x2026, 0x2212, 0x2212, 0};

ImFont* add_font(FontFile file, float size, float density, const ImWchar* ranges, bool merge = false) {
  std::string& bytes = font_files[static_cast<size_t>(file)];
  ImFontConfig config;
  config.FontDataOwnedByAtlas = false;
  config.OversampleH = density > 1.5f ? 1 : 2;
  config.OversampleV = 1;
  config.MergeMode = merge;           // into the font added before: it gets the characters it has not
  config.RasterizerMultiply = 1.12f;  // light text on dark looks thin without gamma-correct blending
  ImFont* font = ImGui::GetIO().Fonts->AddFontFromMemoryTTF(bytes.data(), static_cast<int>(bytes.size()),
                                                            size * density, &config, ranges);
  font->Scale = 1.0f / density;
  return font;
}

ImVec4 rgba(ImU32 color) {
  return ImGui::ColorConvertU32ToFloat4(color);
}

}  // namespace

ImU32 faded(ImU32 color, float alpha) {
  const ImU32 a = static_cast<ImU32>(((color >> IM_COL32_A_SHIFT) & 0xFF) * alpha + 0.5f);
  return (color & ~IM_COL32_A_MASK) | (a << IM_COL32_A_SHIFT);
}

void set_font_file(FontFile which, std::string bytes) {
  font_files[static_cast<size_t>(which)] = std::move(bytes);
}

void build_fonts(float density) {
  ImGui::GetIO().Fonts->Clear();
  fonts.body = add_font(FontFile::regular, 14, density, text_ranges);
  fonts.strong = add_font(FontFile::semibold, 14, density, text_ranges);
  fonts.label = add_font(FontFile::semibold, 13, density, text_ranges);
  fonts.small = add_font(FontFile::regular, 12, density, text_ranges);
  fonts.title = add_font(FontFile::semibold, 17, density, text_ranges);
  fonts.formula = add_font(FontFile::regular, 14, density, formula_ranges);
  add_font(FontFile::mono, 14, density, formula_extra_ranges, true);
  fonts.mono = add_font(FontFile::mono, 12, density, figure_ranges);
  ImGui::GetIO().Fonts->Build();
}

void apply_style() {
  ImGuiStyle& s = ImGui::GetStyle();
  s = ImGuiStyle();
  s.WindowPadding = {16, 12};
  s.FramePadding = {10, 6};
  s.ItemSpacing = {8, 8};
  s.ItemInnerSpacing = {8, 6};
  s.WindowRounding = s.ChildRounding = 0;
  s.FrameRounding = s.GrabRounding = 5;
  s.PopupRounding = 7;
  s.ScrollbarSize = 10;
  s.ScrollbarRounding = 5;
  s.GrabMinSize = 12;
  s.WindowBorderSize = s.ChildBorderSize = s.FrameBorderSize = 0;
  s.PopupBorderSize = 1;
  s.DisabledAlpha = 0.45f;
  s.HoverStationaryDelay = 0.12f;
  s.HoverDelayShort = 0.15f;
  s.HoverDelayNormal = 0.35f;

  ImVec4* c = s.Colors;
  c[ImGuiCol_Text] = rgba(text);
  c[ImGuiCol_TextDisabled] = rgba(muted);
  c[ImGuiCol_WindowBg] = rgba(panel);
  c[ImGuiCol_ChildBg] = ImVec4(0, 0, 0, 0);
  c[ImGuiCol_PopupBg] = rgba(IM_COL32(32, 36, 41, 255));
  c[ImGuiCol_Border] = rgba(IM_COL32(58, 63, 71, 255));
  c[ImGuiCol_FrameBg] = rgba(raised);
  c[ImGuiCol_FrameBgHovered] = rgba(hovered);
  c[ImGuiCol_FrameBgActive] = rgba(pressed);
  c[ImGuiCol_ScrollbarBg] = ImVec4(0, 0, 0, 0);
  c[ImGuiCol_ScrollbarGrab] = rgba(IM_COL32(62, 68, 77, 255));
  c[ImGuiCol_ScrollbarGrabHovered] = rgba(IM_COL32(78, 85, 95, 255));
  c[ImGuiCol_ScrollbarGrabActive] = rgba(IM_COL32(92, 100, 112, 255));
  c[ImGuiCol_CheckMark] = rgba(accent);
  c[ImGuiCol_SliderGrab] = rgba(accent);
  c[ImGuiCol_SliderGrabActive] = rgba(accent);
  c[ImGuiCol_Button] = rgba(raised);
  c[ImGuiCol_ButtonHovered] = rgba(hovered);
  c[ImGuiCol_ButtonActive] = rgba(pressed);
  c[ImGuiCol_Header] = rgba(accent_dim);
  c[ImGuiCol_HeaderHovered] = rgba(hovered);
  c[ImGuiCol_HeaderActive] = rgba(pressed);
  c[ImGuiCol_Separator] = rgba(line);
  c[ImGuiCol_TextSelectedBg] = rgba(IM_COL32(235, 183, 77, 90));
  c[ImGuiCol_NavHighlight] = rgba(accent);
  c[ImGuiCol_ModalWindowDimBg] = ImVec4(0, 0, 0, 0.5f);
}

}  // namespace ks::theme

#pragma once
#include <imgui.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "app/text.h"
#include "app/theme.h"

/// Small controls that Dear ImGui does not have, drawn in the theme's way. Sizes in units (CSS pixels).
namespace ks::ui {

struct Rect {
  ImVec2 min, max;
  float width() const { return max.x - min.x; }
  float height() const { return max.y - min.y; }
  ImVec2 center() const { return {(min.x + max.x) / 2, (min.y + max.y) / 2}; }
  bool contains(ImVec2 p) const { return p.x >= min.x && p.x < max.x && p.y >= min.y && p.y < max.y; }
};

/// Where the named controls stood in the last frame: tests click real controls by these.
const std::map<std::string, Rect>& marks();
void clear_marks();
void mark(const std::string& name);  // the last item
void mark(const std::string& name, Rect rect);
Rect last_item();

enum class Icon {
  plus,
  close,
  up,
  down,
  left,
  right,
  reset,
  open,
  share,
  help,
  undo,
  redo,
  expand,
  collapse,
  eye,
  warning,
  trash,
  dots
};
void draw_icon(ImDrawList* list, Icon icon, ImVec2 center, float size, ImU32 color);

/// Text inside a rectangle, cut with an ellipsis where it does not fit. align: 0 left, 0.5 centre, 1 right. True when
/// cut.
bool text_in(ImDrawList* list, Rect rect, ImFont* font, ImU32 color, const std::string& text, float align = 0,
             float vertical_align = 0.5f);
ImVec2 text_size(ImFont* font, const std::string& text, float wrap_width = 0);
void text(ImFont* font, ImU32 color, const std::string& text);
void wrapped(ImFont* font, ImU32 color, const std::string& text);

/// Explains the last item when the pointer rests on it. `detail` and `note` may be empty.
void tooltip(const std::string& title, const std::string& detail = "", const std::string& note = "");
void begin_tooltip();
void end_tooltip();
bool wants_tooltip();  // the pointer rests on the last item

bool button(const char* id, const std::string& label, bool primary = false, float width = 0);
bool icon_button(const char* id, Icon icon, bool enabled = true, float size = 26);
/// One of several, side by side, filling `width`. True when changed.
bool segmented(const char* id, const std::vector<std::string>& labels, int& selected, float width, float height = 28);
bool toggle(const char* id, bool& value);
enum class Change { none, going_on, typing, done };
/// A track with a knob and a field for the exact value. `value` follows the hand; it is meant once the change is
/// `done`.
Change slider(const char* id, double& value, double low, double high, const char* format, float width,
              bool logarithmic = false, bool whole = false);
/// A drop-down list; `draw_option` may draw beside the label (a colormap's ramp) into the rectangle it is given.
bool combo(const char* id, const std::vector<std::string>& labels, int& selected, float width,
           const std::function<void(int option, ImDrawList*, Rect)>& draw_option = nullptr);

void spinner(ImDrawList* list, ImVec2 center, float radius, ImU32 color);
void progress_bar(ImDrawList* list, Rect rect, float fraction, ImU32 color);
/// A heading with a thin line above.
void section(const std::string& title, bool line_above = true);
/// Puts a label at the left; what follows stands at `control_x` in the same row, `control_width()` wide.
void label_row(const std::string& label, float control_x);

}  // namespace ks::ui

#include "app/widgets.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "app/platform.h"

namespace ks::ui {

namespace {

std::map<std::string, Rect> marked;

float alpha() {
  return ImGui::GetStyle().Alpha;
}
ImU32 tinted(ImU32 color) {
  return theme::faded(color, alpha());
}

// Longest prefix of text, at a character's border, that fits with an ellipsis.
std::string cut_to(ImFont* font, const std::string& text, float width) {
  size_t end = text.size();
  while (end > 0) {
    do --end;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80);
    std::string shorter = text.substr(0, end) + "\xE2\x80\xA6";
    if (text_size(font, shorter).x <= width) return shorter;
  }
  return "\xE2\x80\xA6";
}

ImU32 control_color() {
  return ImGui::IsItemActive() ? theme::pressed : ImGui::IsItemHovered() ? theme::hovered : theme::raised;
}

}  // namespace

const std::map<std::string, Rect>& marks() {
  return marked;
}
void clear_marks() {
  marked.clear();
}
void mark(const std::string& name, Rect rect) {
  marked[name] = rect;
}
void mark(const std::string& name) {
  mark(name, last_item());
}
Rect last_item() {
  return {ImGui::GetItemRectMin(), ImGui::GetItemRectMax()};
}

ImVec2 text_size(ImFont* font, const std::string& text, float wrap_width) {
  return font->CalcTextSizeA(font->FontSize * font->Scale, FLT_MAX, wrap_width, text.data(), text.data() + text.size());
}

bool text_in(ImDrawList* list, Rect rect, ImFont* font, ImU32 color, const std::string& text, float align,
             float vertical_align) {
  ImVec2 size = text_size(font, text);
  const bool cut = size.x > rect.width() + 0.5f;
  const std::string shown = cut ? cut_to(font, text, rect.width()) : text;
  if (cut) size.x = std::min(text_size(font, shown).x, rect.width());
  const ImVec2 at{std::floor(rect.min.x + (rect.width() - size.x) * align),
                  std::floor(rect.min.y + (rect.height() - size.y) * vertical_align)};
  list->AddText(font, font->FontSize * font->Scale, at, tinted(color), shown.data(), shown.data() + shown.size());
  return cut;
}

void text(ImFont* font, ImU32 color, const std::string& text) {
  ImGui::PushFont(font);
  ImGui::PushStyleColor(ImGuiCol_Text, color);
  ImGui::TextUnformatted(text.data(), text.data() + text.size());
  ImGui::PopStyleColor();
  ImGui::PopFont();
}

void wrapped(ImFont* font, ImU32 color, const std::string& string) {
  ImGui::PushTextWrapPos(0);
  text(font, color, string);
  ImGui::PopTextWrapPos();
}

bool wants_tooltip() {
  return ImGui::IsItemHovered(ImGuiHoveredFlags_ForTooltip);
}

void begin_tooltip() {
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(12, 10));
  ImGui::PushStyleVar(ImGuiStyleVar_WindowRounding, 7);
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(8, 5));
  ImGui::BeginTooltip();
  ImGui::PushTextWrapPos(320);
}

void end_tooltip() {
  ImGui::PopTextWrapPos();
  ImGui::EndTooltip();
  ImGui::PopStyleVar(3);
}

void tooltip(const std::string& title, const std::string& detail, const std::string& note) {
  if (!wants_tooltip()) return;
  begin_tooltip();
  text(detail.empty() ? theme::fonts.body : theme::fonts.strong, theme::text, title);
  if (!detail.empty()) text(theme::fonts.body, theme::text, detail);
  if (!note.empty()) text(theme::fonts.small, theme::muted, note);
  end_tooltip();
}

bool button(const char* id, const std::string& label, bool primary, float width) {
  const ImVec2 size = text_size(theme::fonts.strong, label);
  ImFont* font = primary ? theme::fonts.strong : theme::fonts.body;
  const bool clicked = ImGui::InvisibleButton(id, {width > 0 ? width : size.x + 24, 30});
  const Rect r = last_item();
  ImU32 fill = control_color();
  if (primary) fill = ImGui::IsItemHovered() ? IM_COL32(246, 200, 104, 255) : theme::accent;
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(r.min, r.max, tinted(fill), 5);
  text_in(list, r, font, primary ? theme::on_accent : theme::text, label, 0.5f);
  if (ImGui::IsItemHovered()) ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
  mark(id);
  return clicked;
}

bool icon_button(const char* id, Icon icon, bool enabled, float size) {
  ImGui::BeginDisabled(!enabled);
  const bool clicked = ImGui::InvisibleButton(id, {size, size});
  const Rect r = last_item();
  ImDrawList* list = ImGui::GetWindowDrawList();
  if (enabled && ImGui::IsItemHovered()) {
    list->AddRectFilled(r.min, r.max, control_color(), 5);
    ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
  }
  draw_icon(list, icon, r.center(), size * 0.5f, tinted(enabled ? theme::muted : theme::faint));
  ImGui::EndDisabled();
  mark(id, r);
  return clicked && enabled;
}

bool segmented(const char* id, const std::vector<std::string>& labels, int& selected, float width, float height) {
  bool changed = false;
  const ImVec2 origin = ImGui::GetCursorScreenPos();
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(origin, {origin.x + width, origin.y + height}, tinted(theme::raised), 6);
  // Each segment takes what its label needs, and the rest is shared.
  float needed = 0;
  for (const std::string& l : labels) needed += text_size(theme::fonts.small, l).x;
  const float slack = (width - needed) / static_cast<float>(labels.size());
  float x = origin.x;
  ImGui::PushID(id);
  for (int i = 0; i < static_cast<int>(labels.size()); ++i) {
    const float w = text_size(theme::fonts.small, labels[i]).x + slack;
    ImGui::SetCursorScreenPos({x, origin.y});
    ImGui::PushID(i);
    if (ImGui::InvisibleButton("segment", {std::max(w, 1.0f), height}) && selected != i) {
      selected = i;
      changed = true;
    }
    ImGui::PopID();
    const Rect r = last_item();
    const bool on = selected == i;
    if (on)
      list->AddRectFilled({r.min.x + 2, r.min.y + 2}, {r.max.x - 2, r.max.y - 2}, tinted(theme::accent), 5);
    else if (ImGui::IsItemHovered())
      list->AddRectFilled({r.min.x + 2, r.min.y + 2}, {r.max.x - 2, r.max.y - 2}, tinted(theme::hovered), 5);
    text_in(list, r, theme::fonts.small, on ? theme::on_accent : theme::text, labels[i], 0.5f);
    if (ImGui::IsItemHovered()) ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
    mark(std::string(id) + "/" + labels[i], r);
    x += w;
  }
  ImGui::PopID();
  ImGui::SetCursorScreenPos(origin);
  ImGui::Dummy({width, height});
  return changed;
}

bool toggle(const char* id, bool& value) {
  const bool clicked = ImGui::InvisibleButton(id, {34, 20});
  if (clicked) value = !value;
  const Rect r = last_item();
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(r.min, r.max, tinted(value ? theme::accent : theme::pressed), 10);
  const float x = value ? r.max.x - 10 : r.min.x + 10;
  list->AddCircleFilled({x, r.center().y}, 7, tinted(value ? theme::on_accent : theme::muted));
  if (ImGui::IsItemHovered()) ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
  mark(id);
  return clicked;
}

bool combo(const char* id, const std::vector<std::string>& labels, int& selected, float width,
           const std::function<void(int, ImDrawList*, Rect)>& draw_option) {
  bool changed = false;
  ImGui::PushID(id);
  const bool opened = ImGui::InvisibleButton("combo", {width, 30});
  const Rect r = last_item();
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(r.min, r.max, tinted(control_color()), 5);
  const float art = draw_option ? 60.0f : 0.0f;
  Rect inner{{r.min.x + 10, r.min.y}, {r.max.x - 24, r.max.y}};
  if (draw_option && selected >= 0) {
    draw_option(selected, list, {{inner.min.x, r.min.y + 8}, {inner.min.x + art, r.max.y - 8}});
    inner.min.x += art + 10;
  }
  if (selected >= 0 && selected < static_cast<int>(labels.size()))
    text_in(list, inner, theme::fonts.body, theme::text, labels[selected]);
  draw_icon(list, Icon::down, {r.max.x - 14, r.center().y}, 10, tinted(theme::muted));
  if (ImGui::IsItemHovered()) ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
  mark(id, r);
  if (opened) ImGui::OpenPopup("options");
  ImGui::SetNextWindowPos({r.min.x, r.max.y + 4});
  ImGui::SetNextWindowSize({width, 0});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(5, 5));
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(0, 1));
  if (ImGui::BeginPopup("options", ImGuiWindowFlags_NoMove)) {
    for (int i = 0; i < static_cast<int>(labels.size()); ++i) {
      ImGui::PushID(i);
      if (ImGui::InvisibleButton("option", {width - 10, 28})) {
        changed = changed || selected != i;
        selected = i;
        ImGui::CloseCurrentPopup();
      }
      ImGui::PopID();
      const Rect o = last_item();
      ImDrawList* popup = ImGui::GetWindowDrawList();
      if (ImGui::IsItemHovered()) {
        popup->AddRectFilled(o.min, o.max, theme::hovered, 4);
        ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
      }
      Rect label{{o.min.x + 8, o.min.y}, {o.max.x - 8, o.max.y}};
      if (draw_option) {
        draw_option(i, popup, {{label.min.x, o.min.y + 7}, {label.min.x + art, o.max.y - 7}});
        label.min.x += art + 10;
      }
      text_in(popup, label, i == selected ? theme::fonts.strong : theme::fonts.body,
              i == selected ? theme::accent : theme::text, labels[i]);
      mark(std::string(id) + "/" + labels[i], o);
    }
    ImGui::EndPopup();
  }
  ImGui::PopStyleVar(2);
  ImGui::PopID();
  return changed;
}

void spinner(ImDrawList* list, ImVec2 center, float radius, ImU32 color) {
  // Twelve steps a second are enough to be seen, and leave the processor to the networks where there is no GPU.
  const int step = static_cast<int>(std::fmod(platform::now() * 12, 12.0));
  for (int i = 0; i < 12; ++i) {
    const float angle = static_cast<float>(i) * 0.5235988f,
                strength = 1 - 0.075f * static_cast<float>((step - i + 24) % 12);
    const ImVec2 direction{std::sin(angle), -std::cos(angle)};
    list->AddLine({center.x + direction.x * radius * 0.55f, center.y + direction.y * radius * 0.55f},
                  {center.x + direction.x * radius, center.y + direction.y * radius},
                  tinted(theme::faded(color, strength)), std::max(1.4f, radius * 0.16f));
  }
  platform::wake_after(1.0 / 12);
}

void progress_bar(ImDrawList* list, Rect r, float fraction, ImU32 color) {
  const float round = r.height() / 2;
  list->AddRectFilled(r.min, r.max, tinted(theme::pressed), round);
  const float w = std::clamp(fraction, 0.0f, 1.0f) * r.width();
  if (w >= 1) list->AddRectFilled(r.min, {r.min.x + std::max(w, 2 * round), r.max.y}, tinted(color), round);
}

Change slider(const char* id, double& value, double low, double high, const char* format, float width, bool logarithmic,
              bool whole) {
  constexpr float field_width = 76;
  const float track_width = width - field_width - 10;
  const double span = logarithmic ? std::log(high / low) : high - low;
  const auto to_part = [&](double v) { return span > 0 ? (logarithmic ? std::log(v / low) : v - low) / span : 0.0; };
  const auto to_value = [&](double part) {
    const double v = logarithmic ? low * std::exp(part * span) : low + part * span;
    return std::clamp(whole ? std::round(v) : v, low, high);
  };
  Change change = Change::none;
  ImGui::PushID(id);
  const float y = ImGui::GetCursorPosY();
  ImGui::InvisibleButton("track", {std::max(track_width, 20.0f), 30});
  const Rect r = last_item();
  mark(id, r);
  const float left = r.min.x + 7, length = r.width() - 14;
  if (ImGui::IsItemActive()) {
    const double before = value;
    value = to_value(std::clamp((ImGui::GetIO().MousePos.x - left) / length, 0.0f, 1.0f));
    if (value != before) change = Change::going_on;
  }
  if (ImGui::IsItemDeactivated()) change = Change::done;
  if (ImGui::IsItemHovered()) ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float knob = left + static_cast<float>(std::clamp(to_part(value), 0.0, 1.0)) * length, middle = r.center().y;
  list->AddRectFilled({left, middle - 2}, {left + length, middle + 2}, tinted(theme::pressed), 2);
  list->AddRectFilled({left, middle - 2}, {knob, middle + 2}, tinted(theme::accent), 2);
  list->AddCircleFilled({knob, middle}, ImGui::IsItemActive() || ImGui::IsItemHovered() ? 7.5f : 6.5f,
                        tinted(theme::accent));
  ImGui::SameLine(0, 10);
  ImGui::SetCursorPosY(y);
  ImGui::SetNextItemWidth(field_width);
  ImGui::InputScalar("##field", ImGuiDataType_Double, &value, nullptr, nullptr, format);
  mark(std::string(id) + "/field");
  if (ImGui::IsItemDeactivatedAfterEdit()) {
    value = std::clamp(whole ? std::round(value) : value, low, high);
    change = Change::done;
  } else if (ImGui::IsItemActive()) {
    change = Change::typing;
  }
  ImGui::PopID();
  return change;
}

void section(const std::string& title, bool line_above) {
  if (line_above) {
    ImGui::Dummy({0, 4});
    const ImVec2 p = ImGui::GetCursorScreenPos();
    const float left = ImGui::GetWindowPos().x, right = left + ImGui::GetWindowWidth();
    ImGui::GetWindowDrawList()->AddLine({left, p.y}, {right, p.y}, theme::line);
    ImGui::Dummy({0, 4});
  }
  text(theme::fonts.strong, theme::text, title);
}

void label_row(const std::string& label, float control_x) {
  const float y = ImGui::GetCursorPosY();
  ImGui::SetCursorPosY(y + 7);
  text(theme::fonts.body, theme::muted, label);
  ImGui::SameLine(0, 0);
  ImGui::SetCursorPos({control_x, y});
}

}  // namespace ks::ui

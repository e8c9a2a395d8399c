#include <algorithm>

#include "app/panels.h"
#include "app/platform.h"

namespace ks::app {

namespace {

constexpr double toast_seconds = 5;

// A sentence at fault stays until it is closed; it covers nothing but a strip at the top.
void draw_banner(Context& c, size_t index, ui::Rect r) {
  const Banner& banner = c.model.banners[index];
  begin_panel(("banner" + std::to_string(index)).c_str(), r, theme::error_panel, {0, 0},
              ImGuiWindowFlags_NoFocusOnAppearing);
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(r.min, {r.min.x + 3, r.max.y}, theme::error);
  ui::draw_icon(list, ui::Icon::warning, {r.min.x + 24, r.center().y}, 16, theme::error);
  const ui::Rect text{{r.min.x + 44, r.min.y}, {r.max.x - 48, r.max.y}};
  const float height = ui::text_size(theme::fonts.body, banner.text, text.width()).y;
  ImGui::SetCursorScreenPos({text.min.x, r.center().y - height / 2});
  ImGui::PushTextWrapPos(text.max.x - r.min.x);
  ui::text(theme::fonts.body, theme::text, banner.text);
  ImGui::PopTextWrapPos();
  ImGui::SetCursorScreenPos({r.max.x - 38, r.center().y - 13});
  if (ui::icon_button("close", ui::Icon::close))
    c.commands.add([index](Model& model, Bridge&) {
      if (index < model.banners.size()) model.banners.erase(model.banners.begin() + static_cast<long>(index));
    });
  ui::mark("banner/" + std::to_string(index) + "/close");
  end_panel();
}

float banner_height(const Banner& banner, float width) {
  return std::max(40.0f, ui::text_size(theme::fonts.body, banner.text, width - 92).y + 20);
}

}  // namespace

float banners_height(const Model& model, float width) {
  float height = 0;
  for (const Banner& banner : model.banners) height += banner_height(banner, width) + 1;
  return height;
}

void draw_banners(Context& c, ui::Rect area) {
  float y = area.min.y;
  for (size_t i = 0; i < c.model.banners.size(); ++i) {
    const float height = banner_height(c.model.banners[i], area.width());
    draw_banner(c, i, {{area.min.x, y}, {area.max.x, y + height}});
    y += height + 1;
  }
}

void draw_toast(Context& c, ui::Rect area) {
  if (c.model.toasts.empty()) return;
  const Toast& toast = c.model.toasts.front();
  if (toast.until == 0)
    c.commands.add([](Model& model, Bridge&) {
      if (!model.toasts.empty()) model.toasts.front().until = platform::now() + toast_seconds;
    });
  else if (platform::now() > toast.until)
    c.commands.add([](Model& model, Bridge&) { model.toasts.clear(); });
  platform::wake_after(toast.until == 0 ? 0.02 : std::max(0.02, toast.until - platform::now() + 0.02));
  const float width = std::min(ui::text_size(theme::fonts.body, toast.text).x, area.width() - 80);
  const ImVec2 size = ui::text_size(theme::fonts.body, toast.text, width + 1);
  const ImVec2 center{area.center().x, area.max.y - 30 - size.y / 2};
  const ui::Rect r{{center.x - size.x / 2 - 18, center.y - size.y / 2 - 12},
                   {center.x + size.x / 2 + 18, center.y + size.y / 2 + 12}};
  ImDrawList* list = ImGui::GetForegroundDrawList();
  list->AddRectFilled(r.min, r.max, IM_COL32(240, 242, 245, 255), 8);
  list->AddText(theme::fonts.body, theme::fonts.body->FontSize * theme::fonts.body->Scale, {r.min.x + 18, r.min.y + 12},
                IM_COL32(22, 24, 28, 255), toast.text.c_str(), nullptr, width + 1);
}

}  // namespace ks::app

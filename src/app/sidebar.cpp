#include "app/panels.h"

namespace ks::app {

void draw_sidebar(Context& c, ui::Rect rect) {
  begin_panel("sidebar", rect, theme::panel);
  ImGui::GetWindowDrawList()->AddLine(rect.min, {rect.min.x, rect.max.y}, theme::line);
  // The inspector is square and as wide as the sidebar, unless the window is too low for what has to stand below it.
  const float least_below = 250;
  float width = rect.width();
  if (inspector_height(width) > rect.height() - least_below)
    width -= inspector_height(width) - (rect.height() - least_below);
  const float side_margin = (rect.width() - std::max(width, 220.0f)) / 2;
  const ui::Rect inspector{{rect.min.x + side_margin, rect.min.y}, {rect.max.x - side_margin, rect.max.y}};
  draw_inspector(c, inspector);

  const float top = rect.min.y + inspector_height(inspector.width());
  ImGui::GetWindowDrawList()->AddLine({rect.min.x, top}, {rect.max.x, top}, theme::line);
  ImGui::SetCursorScreenPos({rect.min.x + 16, top + 10});
  const bool on_method = is_on_method(c.model.study.view);
  int tab = on_method ? 1 : 0;
  if (ui::segmented("tabs", {"View", "Method"}, tab, rect.width() - 32))
    c.commands.look([tab](StudyView& view) { view.panel = panel_name(is_comparing(view), tab == 1); });
  ImGui::SetCursorScreenPos({rect.min.x, top + 46});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(16, 6));
  ImGui::BeginChild("tab", {rect.width(), rect.max.y - top - 48}, ImGuiChildFlags_AlwaysUseWindowPadding);
  if (on_method)
    draw_method_panel(c);
  else
    draw_view_panel(c);
  ImGui::EndChild();
  ImGui::PopStyleVar();
  end_panel();
}

}  // namespace ks::app

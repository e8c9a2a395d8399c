#include "app/layout.h"

#include <algorithm>

#include "app/platform.h"
#include "picture/colormap.h"
#include "picture/normalisation.h"
#include "picture/pooling.h"

namespace ks::app {

namespace {

constexpr float top_bar_height = 48, status_bar_height = 30;

// Keys work wherever no text is being typed and no pop-up is open.
void handle_keys(Context& c) {
  const ImGuiIO& io = ImGui::GetIO();
  if (io.WantTextInput) return;
  const Model& model = c.model;
  const auto pressed = [](ImGuiKey key) { return ImGui::IsKeyPressed(key, true); };
  if (io.KeyCtrl && pressed(ImGuiKey_Z)) {
    if (io.KeyShift)
      c.commands.add([](Model& m, Bridge&) { redo(m); });
    else
      c.commands.add([](Model& m, Bridge&) { undo(m); });
    return;
  }
  if (io.KeyCtrl && pressed(ImGuiKey_Y)) c.commands.add([](Model& m, Bridge&) { redo(m); });
  if (io.KeyCtrl || io.KeyAlt || ImGui::IsPopupOpen("", ImGuiPopupFlags_AnyPopupId | ImGuiPopupFlags_AnyPopupLevel))
    return;

  const int images = static_cast<int>(model.study.images.size()),
            methods = static_cast<int>(model.study.methods.size());
  const int dx = pressed(ImGuiKey_RightArrow) - pressed(ImGuiKey_LeftArrow);
  const int dy = pressed(ImGuiKey_DownArrow) - pressed(ImGuiKey_UpArrow);
  if ((dx || dy) && images > 0) {
    const int i = std::clamp(static_cast<int>(model.selected_image()) + dy, 0, images - 1);
    const int m = std::clamp(static_cast<int>(model.selected_method()) + dx, 0, std::max(methods - 1, 0));
    c.commands.select(model.study.images[static_cast<size_t>(i)].id, static_cast<size_t>(m));
    c.screen.reveal_selection = true;
    platform::wake();
  }
  for (int n = 0; n < static_cast<int>(poolings().size()) && n < 9; ++n)
    if (pressed(static_cast<ImGuiKey>(ImGuiKey_1 + n)))
      c.commands.edit([n](Study& s) { s.view.pooling = poolings().names()[static_cast<size_t>(n)]; }, "pooling");
  const auto next = [](const std::vector<std::string>& names, const std::string& name) {
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() || found + 1 == names.end() ? names.front() : *(found + 1);
  };
  if (pressed(ImGuiKey_N))
    c.commands.edit([next](Study& s) { s.view.normalisation = next(normalisations().names(), s.view.normalisation); },
                    "normalisation");
  if (pressed(ImGuiKey_C))
    c.commands.edit([next](Study& s) { s.view.colormap = next(colormaps().names(), s.view.colormap); }, "colormap");
  if (pressed(ImGuiKey_O)) c.commands.edit([](Study& s) { s.view.annotation = !s.view.annotation; });
  if (pressed(ImGuiKey_Enter))
    c.commands.look([](StudyView& view) { view.panel = panel_name(!is_comparing(view), is_on_method(view)); });
  if (pressed(ImGuiKey_Escape) && is_comparing(model.study.view))
    c.commands.look([](StudyView& view) { view.panel = panel_name(false, is_on_method(view)); });
  if (pressed(ImGuiKey_Slash) && io.KeyShift) c.screen.help = true;
}

void draw_empty(Context& c, ui::Rect rect) {
  begin_panel("empty", rect, theme::background);
  const std::string text = c.model.phase == Phase::failed || c.model.phase == Phase::closed
                               ? "There is no study to show: see the message above, then reload the page."
                               : "Loading the study";
  ui::text_in(ImGui::GetWindowDrawList(), rect, theme::fonts.title, theme::muted, text, 0.5f);
  end_panel();
}

}  // namespace

void begin_panel(const char* name, ui::Rect rect, ImU32 color, ImVec2 padding, int flags) {
  ImGui::SetNextWindowPos(rect.min);
  ImGui::SetNextWindowSize({std::max(rect.width(), 1.0f), std::max(rect.height(), 1.0f)});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, padding);
  ImGui::PushStyleColor(ImGuiCol_WindowBg, color);
  ImGui::Begin(name, nullptr,
               ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove | ImGuiWindowFlags_NoSavedSettings |
                   ImGuiWindowFlags_NoNav | flags);
  ImGui::PopStyleColor();
  ImGui::PopStyleVar();
}

void end_panel() {
  ImGui::End();
}

void draw_layout(Context& c) {
  const ImVec2 size = ImGui::GetIO().DisplaySize;
  handle_keys(c);
  c.screen.probe = c.screen.next_probe;
  c.screen.next_probe.on = false;
  const float sidebar = std::clamp(size.x * 0.26f, 300.0f, 400.0f);
  const float banners = std::min(banners_height(c.model, size.x), size.y / 3);
  const ui::Rect body{{0, top_bar_height + banners}, {size.x, size.y - status_bar_height}};
  const bool has_sidebar = size.x >= 760;
  const ui::Rect center{body.min, {has_sidebar ? size.x - sidebar : size.x, body.max.y}};

  draw_top_bar(c, {{0, 0}, {size.x, top_bar_height}});
  if (has_sidebar && !c.model.study.images.empty()) draw_sidebar(c, {{center.max.x, body.min.y}, body.max});
  if (c.model.study.images.empty()) {
    draw_empty(c, body);
  } else {
    const float scores = std::min(scores_height(c.model), center.height() * 0.42f);
    const float split = center.max.y - scores;
    const ui::Rect upper{center.min, {center.max.x, split}};
    const Columns columns = layout_columns(c.model, upper);
    if (is_comparing(c.model.study.view)) {
      const float strip = split - strip_height(columns);
      draw_comparison(c, {center.min, {center.max.x, strip}});
      draw_strip(c, {{center.min.x, strip}, {center.max.x, split}}, columns);
    } else {
      draw_grid(c, upper, columns);
    }
    draw_scores(c, {{center.min.x, split}, center.max}, columns);
  }
  draw_status_bar(c, {{0, size.y - status_bar_height}, size});
  draw_banners(c, {{0, top_bar_height}, {size.x, body.min.y}});
  draw_toast(c, body);
  c.screen.reveal_selection = false;
  if (c.screen.next_probe.on != c.screen.probe.on || c.screen.next_probe.x != c.screen.probe.x ||
      c.screen.next_probe.y != c.screen.probe.y)
    platform::wake(2);
  draw_help(c);
}

}  // namespace ks::app

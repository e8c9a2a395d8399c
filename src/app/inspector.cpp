#include <algorithm>
#include <cmath>

#include "app/panels.h"
#include "app/platform.h"
#include "picture/normalisation.h"

namespace ks::app {

namespace {

struct Window {  // the part of an image that is seen, 0 to 1
  ImVec2 min, max;
};

Window window_of(const PictureView& view) {
  const float half = 0.5f / view.zoom;
  const float x = std::clamp(view.center.x, half, 1 - half), y = std::clamp(view.center.y, half, 1 - half);
  return {{x - half, y - half}, {x + half, y + half}};
}

// Wheel and pinch zoom about the pointer, dragging moves, a double click shows all.
void navigate(Context& c, size_t image, ui::Rect r) {
  Screen& s = c.screen;
  const std::string& id = c.model.study.images[image].id;
  if (s.zoomed_image != id) {
    s.zoomed_image = id;
    s.zoom = 1;
    s.center = {0.5f, 0.5f};
  }
  const ImGuiIO& io = ImGui::GetIO();
  PictureView view{.zoom = s.zoom, .center = s.center};
  const Window w = window_of(view);
  if (ImGui::IsItemHovered()) {
    if (io.MouseWheel != 0) {
      const ImVec2 part{(io.MousePos.x - r.min.x) / r.width(), (io.MousePos.y - r.min.y) / r.height()};
      const ImVec2 at{w.min.x + part.x * (w.max.x - w.min.x), w.min.y + part.y * (w.max.y - w.min.y)};
      s.zoom = std::clamp(s.zoom * std::pow(1.25f, io.MouseWheel), 1.0f, 32.0f);
      s.center = {at.x + (0.5f - part.x) / s.zoom, at.y + (0.5f - part.y) / s.zoom};
    }
    if (ImGui::IsMouseDoubleClicked(0)) s.zoom = 1;
    if (s.zoom > 1) ImGui::SetMouseCursor(ImGuiMouseCursor_ResizeAll);
  }
  if (ImGui::IsItemActive() && ImGui::IsMouseDragging(0)) {
    s.center.x -= io.MouseDelta.x / r.width() / s.zoom;
    s.center.y -= io.MouseDelta.y / r.height() / s.zoom;
  }
  const float half = 0.5f / s.zoom;
  s.center = {std::clamp(s.center.x, half, 1 - half), std::clamp(s.center.y, half, 1 - half)};
}

void probe(Context& c, size_t image, ui::Rect r) {
  const Picture* picture = c.model.picture(image);
  if (!ImGui::IsItemHovered() || !picture || picture->width == 0) return;
  const Window w = window_of({.zoom = c.screen.zoom, .center = c.screen.center});
  const ImVec2 mouse = ImGui::GetIO().MousePos;
  const float x = w.min.x + (mouse.x - r.min.x) / r.width() * (w.max.x - w.min.x);
  const float y = w.min.y + (mouse.y - r.min.y) / r.height() * (w.max.y - w.min.y);
  c.screen.next_probe.on = true;
  c.screen.next_probe.x = std::clamp(static_cast<int>(x * static_cast<float>(picture->width)), 0, picture->width - 1);
  c.screen.next_probe.y = std::clamp(static_cast<int>(y * static_cast<float>(picture->height)), 0, picture->height - 1);
}

// A fine cross where the pointer is, in every picture that shows the same image.
void draw_cross(const Context& c, size_t image, ui::Rect r) {
  const Picture* picture = c.model.picture(image);
  if (!c.screen.probe.on || !picture || picture->width == 0) return;
  const Window w = window_of({.zoom = c.screen.zoom, .center = c.screen.center});
  const float u = (static_cast<float>(c.screen.probe.x) + 0.5f) / static_cast<float>(picture->width);
  const float v = (static_cast<float>(c.screen.probe.y) + 0.5f) / static_cast<float>(picture->height);
  const ImVec2 p{r.min.x + (u - w.min.x) / (w.max.x - w.min.x) * r.width(),
                 r.min.y + (v - w.min.y) / (w.max.y - w.min.y) * r.height()};
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->PushClipRect(r.min, r.max, true);
  for (const ImU32 color : {IM_COL32(0, 0, 0, 160), IM_COL32(255, 255, 255, 230)}) {
    const float thick = color == IM_COL32(255, 255, 255, 230) ? 1.0f : 3.0f;
    list->AddLine({p.x - 9, p.y}, {p.x - 3, p.y}, color, thick);
    list->AddLine({p.x + 3, p.y}, {p.x + 9, p.y}, color, thick);
    list->AddLine({p.x, p.y - 9}, {p.x, p.y - 3}, color, thick);
    list->AddLine({p.x, p.y + 3}, {p.x, p.y + 9}, color, thick);
  }
  list->PopClipRect();
}

const Cell* done_cell(const Model& model, size_t image, size_t method) {
  if (model.study.images.empty() || model.study.methods.empty()) return nullptr;
  const Cell* cell = model.cell(image, method);
  return cell && cell->state == State::done ? cell : nullptr;
}

// The pooled value under the pointer; false where there is none.
bool probed_value(Context& c, const Cell& cell, float& value) {
  const Tensor& map = c.heatmaps.pooled(c.model, cell);
  const int64_t x = c.screen.probe.x, y = c.screen.probe.y;
  if (!c.screen.probe.on || y >= map.dim(2) || x >= map.dim(3)) return false;
  value = map.data[static_cast<size_t>(y * map.dim(3) + x)];
  return true;
}

void draw_readout(Context& c, const Cell* cell, ui::Rect r) {
  ImDrawList* list = ImGui::GetWindowDrawList();
  float value = 0;
  if (!cell || !probed_value(c, *cell, value)) {
    ui::text_in(list, r, theme::fonts.small, theme::muted,
                cell ? "Point at the map to read values; scroll to zoom." : "");
    return;
  }
  ui::text_in(list, r, theme::fonts.mono, theme::muted,
              "x " + std::to_string(c.screen.probe.x) + "  y " + std::to_string(c.screen.probe.y));
  ui::text_in(list, r, theme::fonts.mono, theme::text, "value " + ui::number(value), 1);
}

// How often each value occurs, over the colours it gets, over the real values: one axis for all three.
void draw_scale(Context& c, const Cell* cell, size_t image, size_t method, ui::Rect r) {
  ImDrawList* list = ImGui::GetWindowDrawList();
  const float bar_top = r.max.y - 30, bar_bottom = r.max.y - 20;
  if (!cell) {
    list->AddRectFilled({r.min.x, bar_top}, {r.max.x, bar_bottom}, theme::raised, 2);
    return;
  }
  const Colormap* colormap = colormaps().find(c.model.study.view.colormap);
  if (!colormap) return;
  const double limit = c.heatmaps.limit(c.model, image, method);
  const Histogram& histogram = c.heatmaps.histogram(c.model, image, method);
  std::vector<int64_t> counts = histogram.counts;
  counts.front() += histogram.below;
  counts.back() += histogram.above;
  const auto height_of = [](int64_t count) { return std::sqrt(static_cast<float>(count)); };
  float tallest = 0;
  for (const int64_t count : counts) tallest = std::max(tallest, height_of(count));
  const float step = r.width() / static_cast<float>(counts.size());
  for (size_t b = 0; b < counts.size(); ++b) {
    const float x = r.min.x + step * static_cast<float>(b);
    // Square root: most pixels are near zero, and the few that matter should still be seen.
    const float h = tallest > 0 ? height_of(counts[b]) / tallest * (bar_top - r.min.y - 3) : 0;
    if (h > 0)
      list->AddRectFilled({x, bar_top - 2 - std::max(h, 1.0f)}, {x + step - 1, bar_top - 2},
                          IM_COL32(120, 128, 140, 255));
  }
  for (int i = 0; i < 128; ++i) {
    const auto& rgb = colormap->table[static_cast<size_t>(i * 2 + 1)];
    list->AddRectFilled({r.min.x + static_cast<float>(i) / 128 * r.width(), bar_top},
                        {r.min.x + static_cast<float>(i + 1) / 128 * r.width(), bar_bottom},
                        IM_COL32(rgb[0], rgb[1], rgb[2], 255));
  }
  const ui::Rect labels{{r.min.x, r.max.y - 17}, r.max};
  ui::text_in(list, labels, theme::fonts.mono, theme::muted, colormap->diverging ? ui::number(-limit) : "0", 0);
  ui::text_in(list, labels, theme::fonts.mono, theme::muted, ui::number(limit), 1);
  if (colormap->diverging) ui::text_in(list, labels, theme::fonts.mono, theme::muted, "0", 0.5f);
  float value = 0;
  if (probed_value(c, *cell, value)) {
    const float at = static_cast<float>(colour_index(display_value(value, limit), colormap->diverging)) / 255;
    const float x = r.min.x + at * r.width();
    list->AddTriangleFilled({x - 4, bar_bottom + 6}, {x + 4, bar_bottom + 6}, {x, bar_bottom}, theme::text);
  }
}

}  // namespace

void draw_picture(Context& c, size_t image, size_t method, ui::Rect rect, const PictureView& view) {
  const Model& model = c.model;
  const Picture* picture = model.picture(image);
  if (!picture || picture->state != State::done) return;
  ImDrawList* list = ImGui::GetWindowDrawList();
  const Window w = window_of(view);
  if (view.photograph) c.heatmaps.draw_photograph(list, rect, w.min, w.max, *picture);
  const Cell* cell = view.heatmap ? done_cell(model, image, method) : nullptr;
  if (cell) c.heatmaps.draw(list, rect, w.min, w.max, model, image, method, view.opacity);
  if (!view.outline || picture->outline.empty()) return;
  list->PushClipRect(rect.min, rect.max, true);
  const float thick = std::clamp(rect.width() / 110, 1.3f, 2.0f);
  std::vector<ImVec2> points;
  for (const Contour& contour : picture->outline) {
    points.clear();
    for (const ContourPoint& p : contour)
      points.push_back(
          {rect.min.x + (p.x / static_cast<float>(picture->width) - w.min.x) / (w.max.x - w.min.x) * rect.width(),
           rect.min.y + (p.y / static_cast<float>(picture->height) - w.min.y) / (w.max.y - w.min.y) * rect.height()});
    list->AddPolyline(points.data(), static_cast<int>(points.size()), theme::annotation, ImDrawFlags_Closed, thick);
  }
  list->PopClipRect();
}

float inspector_height(float width) {
  return 52 + (width - 32) + 24 + 70 + 12;
}

void draw_inspector(Context& c, ui::Rect rect) {
  const Model& model = c.model;
  ImDrawList* list = ImGui::GetWindowDrawList();
  if (model.study.images.empty()) return;
  const size_t image = model.selected_image(), method = model.selected_method();
  const bool has_method = !model.study.methods.empty();
  const Cell* cell = done_cell(model, image, method);
  const ui::Rect title{{rect.min.x + 16, rect.min.y + 10}, {rect.max.x - 48, rect.min.y + 30}};
  ui::text_in(list, title, theme::fonts.strong, theme::text, has_method ? method_title(model, method) : "No method");
  ui::text_in(
      list, {{title.min.x, title.max.y - 2}, {title.max.x, title.max.y + 16}}, theme::fonts.small, theme::muted,
      "on " + model.study.images[image].id + (cell ? ", computed in " + ui::duration(cell->milliseconds / 1000) : ""));
  ImGui::SetCursorScreenPos({rect.max.x - 42, rect.min.y + 14});
  const bool comparing = is_comparing(model.study.view);
  if (ui::icon_button("compare", comparing ? ui::Icon::collapse : ui::Icon::expand))
    c.commands.look([=](StudyView& view) { view.panel = panel_name(!comparing, is_on_method(view)); });
  ui::tooltip(comparing ? "Back to the grid (Esc)" : "Photograph, map and overlay side by side (Enter)");

  const float side = rect.width() - 32;
  const ui::Rect r{{rect.min.x + 16, rect.min.y + 52}, {rect.min.x + 16 + side, rect.min.y + 52 + side}};
  list->AddRectFilled(r.min, r.max, theme::raised, 3);
  ImGui::SetCursorScreenPos(r.min);
  ImGui::InvisibleButton("inspector", {side, side});
  ui::mark("inspector", r);
  navigate(c, image, r);
  probe(c, image, r);
  draw_picture(c, image, method, r,
               {.outline = model.study.view.annotation,
                .opacity = static_cast<float>(model.study.view.opacity),
                .zoom = c.screen.zoom,
                .center = c.screen.center});
  draw_cross(c, image, r);
  const Cell* any = has_method ? model.cell(image, method) : nullptr;
  if (!cell) {
    const Picture* picture = model.picture(image);
    const std::string& error = picture && picture->state == State::failed ? picture->error
                               : any && any->state == State::failed       ? any->error
                                                                          : std::string();
    if (!error.empty()) {
      list->AddRectFilled(r.min, r.max, IM_COL32(18, 20, 23, 215), 3);
      ui::draw_icon(list, ui::Icon::warning, {r.min.x + 30, r.min.y + 32}, 18, theme::error);
      ImGui::SetCursorScreenPos({r.min.x + 50, r.min.y + 22});
      ImGui::PushTextWrapPos(r.max.x - 20 - ImGui::GetWindowPos().x);
      ui::text(theme::fonts.body, theme::text, error);
      ImGui::PopTextWrapPos();
    } else if (has_method && (model.phase == Phase::loading || model.phase == Phase::ready)) {
      list->AddRectFilled(r.min, r.max, IM_COL32(18, 20, 23, 130), 3);
      ui::spinner(list, r.center(), 16, theme::accent);
    }
  }
  float y = r.max.y + 4;
  draw_readout(c, cell, {{r.min.x, y}, {r.max.x, y + 20}});
  y += 24;
  draw_scale(c, cell, image, method, {{r.min.x, y}, {r.max.x, y + 70}});
}

void draw_comparison(Context& c, ui::Rect rect) {
  const Model& model = c.model;
  if (model.study.images.empty()) return;
  const size_t image = model.selected_image(), method = model.selected_method();
  begin_panel("comparison", rect, theme::background);
  ImDrawList* list = ImGui::GetWindowDrawList();
  ImGui::SetCursorScreenPos({rect.min.x + 16, rect.min.y + 16});
  if (ui::button("back-to-grid", "Back to the grid"))
    c.commands.look([](StudyView& view) { view.panel = panel_name(false, is_on_method(view)); });
  const std::string title =
      (model.study.methods.empty() ? "" : method_title(model, method) + " on ") + model.study.images[image].id;
  ui::text_in(list, {{rect.min.x + 156, rect.min.y + 16}, {rect.max.x - 360, rect.min.y + 46}}, theme::fonts.title,
              theme::text, title);
  const float gap = 14;
  const float side = std::floor(std::max(40.0f, std::min((rect.width() - 32 - 2 * gap) / 3, rect.height() - 100)));
  const float left = rect.min.x + 16, top = rect.min.y + 84;
  const char* captions[] = {"What the network sees", "The map alone", "The map over the image"};
  const PictureView base{.outline = model.study.view.annotation, .zoom = c.screen.zoom, .center = c.screen.center};
  for (int k = 0; k < 3; ++k) {
    const float x = left + static_cast<float>(k) * (side + gap);
    const ui::Rect r{{x, top}, {x + side, top + side}};
    ui::text_in(list, {{x, top - 26}, {x + side, top - 4}}, theme::fonts.small, theme::muted, captions[k]);
    list->AddRectFilled(r.min, r.max, theme::raised, 3);
    ImGui::PushID(k);
    ImGui::SetCursorScreenPos(r.min);
    ImGui::InvisibleButton("compared", {side, side});
    ui::mark("compare/" + std::to_string(k), r);
    navigate(c, image, r);
    probe(c, image, r);
    PictureView view = base;
    view.photograph = k != 1;
    view.heatmap = k != 0;
    view.opacity = k == 2 ? static_cast<float>(model.study.view.opacity) : 1;
    draw_picture(c, image, method, r, view);
    draw_cross(c, image, r);
    ImGui::PopID();
  }
  ui::text_in(list, {{rect.min.x + 500, rect.min.y + 16}, {rect.max.x - 16, rect.min.y + 46}}, theme::fonts.small,
              theme::muted, "Arrow keys: other kernels and methods. Scroll to zoom.", 1);
  end_panel();
}

}  // namespace ks::app

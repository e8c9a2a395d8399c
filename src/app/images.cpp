#include <algorithm>

#include "app/panels.h"
#include "app/platform.h"

namespace ks::app {

namespace {

std::string percent(float probability) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, probability > 0.99f || probability < 0.01f ? "%.1f %%" : "%.0f %%",
                static_cast<double>(probability) * 100);
  return buffer;
}

void draw_all_probabilities(const Model& model, const Picture& picture) {
  ui::begin_tooltip();
  ui::text(theme::fonts.strong, theme::text, "Prediction");
  std::vector<size_t> order;
  for (size_t k = 0; k < picture.probabilities.size(); ++k) order.push_back(k);
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return picture.probabilities[a] > picture.probabilities[b]; });
  for (size_t n = 0; n < std::min<size_t>(order.size(), 5); ++n) {
    const size_t k = order[n];
    ui::text(theme::fonts.body, theme::text,
             class_name(model, static_cast<int>(k)) + ": " + percent(picture.probabilities[k]));
  }
  if (picture.annotated_share > 0)
    ui::text(theme::fonts.small, theme::muted,
             "The annotation covers " + percent(static_cast<float>(picture.annotated_share)) + " of the image.");
  ui::end_tooltip();
}

}  // namespace

void draw_image_header(Context& c, size_t image, ui::Rect r) {
  const Model& model = c.model;
  const std::string& id = model.study.images[image].id;
  const Picture* picture = model.picture(image);
  const float side = r.height();
  const ui::Rect photo{{r.max.x - side - 10, r.min.y}, {r.max.x - 10, r.max.y}};
  const ui::Rect text{{r.min.x + 16, r.min.y + 2}, {photo.min.x - 10, r.max.y}};
  ImDrawList* list = ImGui::GetWindowDrawList();
  const bool selected = model.selected_image() == image;
  ImGui::PushID(static_cast<int>(image));
  ImGui::SetCursorScreenPos(r.min);
  if (ImGui::InvisibleButton("image", {r.width() - 10, side})) c.commands.select(id, model.selected_method());
  const bool hovered = ImGui::IsItemHovered();
  ui::mark("image/" + id, r);
  const bool rest = ui::wants_tooltip();
  if (ImGui::BeginPopupContextItem("menu")) {
    if (ImGui::MenuItem("Remove this image", nullptr, false, model.study.images.size() > 1))
      c.commands.edit([image](Study& study) { study.images.erase(study.images.begin() + static_cast<long>(image)); });
    ImGui::EndPopup();
  }
  if (selected) list->AddRectFilled({r.min.x, r.min.y}, {r.min.x + 3, r.max.y}, theme::accent, 1);

  list->AddRectFilled(photo.min, photo.max, theme::raised, 3);
  if (picture && picture->state == State::done)
    draw_picture(c, image, 0, photo, {.heatmap = false, .outline = model.study.view.annotation});
  if (hovered) list->AddRect(photo.min, photo.max, theme::muted, 3);

  float y = text.min.y;
  const auto row = [&](ImFont* font, ImU32 color, const std::string& line, float height) {
    ui::text_in(list, {{text.min.x, y}, {text.max.x, y + height}}, font, color, line);
    y += height;
  };
  row(theme::fonts.label, selected ? theme::accent : theme::text, id, 19);
  if (!picture || picture->state == State::waiting || picture->state == State::running) {
    list->AddRectFilled({text.min.x, y + 4}, {text.max.x - 12, y + 14}, theme::raised, 3);
    list->AddRectFilled({text.min.x, y + 22}, {text.max.x - 40, y + 30}, theme::raised, 3);
  } else if (picture->state == State::failed) {
    ui::draw_icon(list, ui::Icon::warning, {text.min.x + 8, y + 11}, 14, theme::error);
    ui::text_in(list, {{text.min.x + 22, y}, {text.max.x, y + 22}}, theme::fonts.small, theme::error, "not available");
    if (rest) ui::tooltip(id, picture->error);
  } else {
    const int shown = picture->predicted;
    const float probability =
        shown >= 0 && shown < static_cast<int>(picture->probabilities.size()) ? picture->probabilities[shown] : 0.0f;
    row(theme::fonts.small, theme::text, class_name(model, shown), 17);
    ui::progress_bar(list, {{text.min.x, y + 5}, {text.max.x, y + 9}}, probability, theme::muted);
    y += 12;
    row(theme::fonts.small, theme::muted, percent(probability), 17);
    if (picture->target != picture->predicted && side > 84)
      row(theme::fonts.small, theme::accent, "explained: " + class_name(model, picture->target), 16);
    if (rest) draw_all_probabilities(model, *picture);
  }
  ImGui::PopID();
}

void draw_drop_zone(Context& c, ui::Rect r) {
  ImGui::SetCursorScreenPos(r.min);
  if (ImGui::InvisibleButton("drop-zone", {std::max(r.width(), 1.0f), r.height()})) platform::choose_files();
  ui::mark("drop-zone");
  const bool lit = ImGui::IsItemHovered() || c.screen.dragging_file;
  if (ImGui::IsItemHovered()) ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
  ImDrawList* list = ImGui::GetWindowDrawList();
  const ImU32 color = lit ? theme::accent : IM_COL32(70, 76, 85, 255);
  if (lit) list->AddRectFilled(r.min, r.max, theme::faded(theme::accent, 0.07f), 6);
  const auto dashes = [&](ImVec2 a, ImVec2 b) {
    const float length = std::max(b.x - a.x, b.y - a.y);
    for (float t = 0; t < length; t += 9) {
      const float u = t / length, v = std::min(1.0f, (t + 5) / length);
      list->AddLine({a.x + (b.x - a.x) * u, a.y + (b.y - a.y) * u}, {a.x + (b.x - a.x) * v, a.y + (b.y - a.y) * v},
                    color);
    }
  };
  dashes(r.min, {r.max.x, r.min.y});
  dashes({r.min.x, r.max.y}, r.max);
  dashes(r.min, {r.min.x, r.max.y});
  dashes({r.max.x, r.min.y}, r.max);
  ui::draw_icon(list, ui::Icon::plus, {r.min.x + 22, r.center().y}, 13, lit ? theme::accent : theme::muted);
  const ui::Rect text{{r.min.x + 42, r.min.y}, {r.max.x - 10, r.max.y}};
  const std::string first = "Drop a photograph of a kernel here, or click to choose one.";
  ui::text_in(list, text, theme::fonts.body, lit ? theme::accent : theme::text, first);
  const float width = ui::text_size(theme::fonts.body, first).x;
  if (text.width() > width + 200)
    ui::text_in(list, {{text.min.x + width + 8, r.min.y}, text.max}, theme::fonts.small, theme::muted,
                "It stays on this machine. An .onnx network or a study works, too.", 0, 0.53f);
}

}  // namespace ks::app

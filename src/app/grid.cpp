#include <algorithm>
#include <cmath>

#include "app/panels.h"
#include "app/platform.h"

namespace ks::app {

namespace {

constexpr float header_height = 98, gap = 6, drop_zone_height = 64, add_column = 44;
constexpr float smallest_cell = 60, largest_cell = 168;

bool is_control(const MethodInfo* info) {
  return info && info->family == "baseline";
}

// A title broken at spaces, after hyphens, and within a word that is wider than a line, into at most `most` lines; the
// last may have to be cut.
std::vector<std::string> title_lines(const std::string& title, float width, size_t most) {
  const auto fits = [&](const std::string& text) { return ui::text_size(theme::fonts.label, text).x <= width; };
  std::vector<std::string> lines{""};
  size_t at = 0;
  while (at < title.size()) {
    size_t end = title.find_first_of(" -", at);
    end = end == std::string::npos ? title.size() : end + 1;
    std::string word = title.substr(at, end - at);
    const std::string trimmed = word.back() == ' ' ? word.substr(0, word.size() - 1) : word;
    at = end;
    if (!lines.back().empty() && lines.size() < most && !fits(lines.back() + trimmed)) lines.emplace_back();
    while (lines.size() < most && !fits(trimmed) && lines.back().empty()) {
      size_t part = word.size() - 3;
      while (part > 3 && !fits(word.substr(0, part) + "-")) --part;
      lines.back() = word.substr(0, part) + "-";
      lines.emplace_back();
      word.erase(0, part);
      if (fits(word)) break;
    }
    lines.back() += word;
  }
  for (std::string& line : lines)
    if (!line.empty() && line.back() == ' ') line.pop_back();
  return lines;
}

double mean_milliseconds(const Model& model, size_t method) {
  double sum = 0;
  int count = 0;
  for (size_t i = 0; i < model.study.images.size(); ++i) {
    const Cell* cell = model.cell(i, method);
    if (!cell || cell->state != State::done) continue;
    sum += cell->milliseconds;
    ++count;
  }
  return count ? sum / count : -1;
}

void move_method(Commands& commands, int from, int to) {
  commands.edit([=](Study& study) {
    const int count = static_cast<int>(study.methods.size());
    if (from < 0 || from >= count || to < 0 || to >= count) return;
    StudyMethod moved = study.methods[from];
    study.methods.erase(study.methods.begin() + from);
    study.methods.insert(study.methods.begin() + to, std::move(moved));
    study.view.selected_method = to;
  });
}

void draw_method_menu(Context& c, size_t method) {
  const int m = static_cast<int>(method), last = static_cast<int>(c.model.study.methods.size()) - 1;
  if (ImGui::MenuItem("Move left", nullptr, false, m > 0)) move_method(c.commands, m, m - 1);
  if (ImGui::MenuItem("Move right", nullptr, false, m < last)) move_method(c.commands, m, m + 1);
  if (ImGui::MenuItem("Duplicate", "to compare parameters"))
    c.commands.edit([=](Study& study) {
      study.methods.insert(study.methods.begin() + m + 1, study.methods[m]);
      study.view.selected_method = m + 1;
    });
  ImGui::Separator();
  if (ImGui::MenuItem("Remove", nullptr, false, last > 0))
    c.commands.edit([=](Study& study) {
      study.methods.erase(study.methods.begin() + m);
      study.view.selected_method = std::min(m, static_cast<int>(study.methods.size()) - 1);
    });
  ui::mark("method-menu/remove");
}

void draw_column_header(Context& c, size_t method, ui::Rect r) {
  const Model& model = c.model;
  const StudyMethod& m = model.study.methods[method];
  const MethodInfo* info = model.method_info(m.name);
  const bool selected = model.selected_method() == method;
  ImGui::PushID(static_cast<int>(method));
  ImGui::SetCursorScreenPos(r.min);
  if (ImGui::InvisibleButton("header", {r.width(), r.height()}))
    c.commands.look([=](StudyView& view) {
      view.selected_method = static_cast<int>(method);
      view.panel = panel_name(false, true);
    });
  ui::mark("method/" + std::to_string(method), r);
  const bool hovered = ImGui::IsItemHovered();
  if (ImGui::BeginDragDropSource()) {
    ImGui::SetDragDropPayload("method", &method, sizeof method);
    ui::text(theme::fonts.body, theme::text, method_title(model, method));
    ImGui::EndDragDropSource();
  }
  if (ImGui::BeginDragDropTarget()) {
    if (const ImGuiPayload* payload = ImGui::AcceptDragDropPayload("method"))
      move_method(c.commands, static_cast<int>(*static_cast<const size_t*>(payload->Data)), static_cast<int>(method));
    ImGui::EndDragDropTarget();
  }
  if (ui::wants_tooltip() && info)
    draw_entry_tooltip(*info, is_control(info)
                                  ? "A control: a metric that does not rank it last says little about the rest."
                                  : "Click for its parameters, right-click for more, drag to reorder.");
  if (ImGui::BeginPopupContextItem("menu")) {
    draw_method_menu(c, method);
    ImGui::EndPopup();
  }
  ImDrawList* list = ImGui::GetWindowDrawList();
  if (hovered || selected)
    list->AddRectFilled(r.min, r.max, hovered ? theme::raised : theme::faded(theme::raised, 0.55f), 5);
  if (selected) list->AddRectFilled({r.min.x + 4, r.max.y - 2}, {r.max.x - 4, r.max.y}, theme::accent, 1);
  // The title in at most four lines that end above the note on what it took.
  const std::vector<std::string> lines = title_lines(method_title(model, method), r.width() - 10, 4);
  const float line = 16, note_top = r.max.y - 21;
  float y = note_top - line * static_cast<float>(lines.size()) - 1;
  for (const std::string& text : lines) {
    ui::text_in(list, {{r.min.x + 5, y}, {r.max.x - 5, y + line}}, theme::fonts.label,
                selected ? theme::accent : theme::text, text, 0.5f);
    y += line;
  }
  const double milliseconds = mean_milliseconds(model, method);
  std::string note = is_control(info) ? "control" : milliseconds >= 0 ? ui::duration(milliseconds / 1000) : "";
  ui::text_in(list, {{r.min.x + 5, note_top}, {r.max.x - 5, r.max.y - 4}}, theme::fonts.small, theme::muted, note,
              0.5f);
  ImGui::PopID();
}

void draw_unfinished_cell(const Context& c, ImDrawList* list, ui::Rect r, const Cell* cell, bool picture_failed) {
  list->AddRectFilled(r.min, r.max, IM_COL32(18, 20, 23, 150), 3);
  if (picture_failed) return;
  const State state = cell ? cell->state : State::waiting;
  if (state == State::running) {
    ui::spinner(list, r.center(), 11, theme::accent);
    if (cell->progress > 0)
      ui::progress_bar(list, {{r.min.x + 10, r.max.y - 12}, {r.max.x - 10, r.max.y - 8}}, cell->progress,
                       theme::accent);
  } else if (state == State::failed) {
    ui::draw_icon(list, ui::Icon::warning, {r.center().x, r.center().y - 8}, 20, theme::error);
    ui::text_in(list, {{r.min.x + 4, r.center().y + 6}, {r.max.x - 4, r.center().y + 24}}, theme::fonts.small,
                theme::error, "failed", 0.5f);
  } else if (c.model.phase == Phase::ready) {
    ui::draw_icon(list, ui::Icon::dots, r.center(), 16, theme::faint);
  }
}

void draw_cell(Context& c, size_t image, size_t method, ui::Rect r) {
  const Model& model = c.model;
  const Picture* picture = model.picture(image);
  const Cell* cell = model.cell(image, method);
  ImGui::PushID(static_cast<int>(image * 1000 + method));
  ImGui::SetCursorScreenPos(r.min);
  if (ImGui::InvisibleButton("cell", {r.width(), r.height()})) c.commands.select(model.study.images[image].id, method);
  ui::mark("cell/" + model.study.images[image].id + "/" + std::to_string(method), r);
  const bool hovered = ImGui::IsItemHovered();
  if (hovered && ImGui::IsMouseDoubleClicked(0))
    c.commands.look([](StudyView& view) { view.panel = panel_name(true, is_on_method(view)); });
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(r.min, r.max, theme::raised, 3);
  const bool done = cell && cell->state == State::done;
  const bool pictured = picture && picture->state == State::done;
  if (pictured) {
    PictureView view{.heatmap = done,
                     .outline = model.study.view.annotation,
                     .opacity = static_cast<float>(model.study.view.opacity)};
    draw_picture(c, image, method, r, view);
  }
  if (!done) draw_unfinished_cell(c, list, r, cell, picture && picture->state == State::failed);
  if (ui::wants_tooltip()) {
    const std::string title = method_title(model, method) + " \xC2\xB7 " + model.study.images[image].id;
    if (cell && cell->state == State::failed)
      ui::tooltip(title, cell->error);
    else if (done)
      ui::tooltip(title, "",
                  "computed in " + ui::duration(cell->milliseconds / 1000) + "; double-click to compare large");
    else
      ui::tooltip(title, "", cell && cell->state == State::running ? "being computed" : "waiting");
  }
  const bool selected = model.selected_image() == image && model.selected_method() == method;
  if (selected)
    list->AddRect({r.min.x - 1, r.min.y - 1}, {r.max.x + 1, r.max.y + 1}, theme::accent, 4, 0, 2);
  else if (hovered)
    list->AddRect(r.min, r.max, theme::muted, 3, 0, 1);
  if (selected && c.screen.reveal_selection) {
    ImGui::SetScrollHereY(0.5f);
  }
  ImGui::PopID();
}

void draw_target_choice(Context& c, ui::Rect r) {
  const Model& model = c.model;
  ImDrawList* list = ImGui::GetWindowDrawList();
  ui::text_in(list, {{r.min.x + 16, r.max.y - 60}, {r.max.x, r.max.y - 44}}, theme::fonts.small, theme::muted,
              "Explained class");
  std::vector<std::string> labels{"predicted"};
  labels.insert(labels.end(), model.network.classes.begin(), model.network.classes.end());
  int selected = 0;
  if (const int* index = std::get_if<int>(&model.study.target)) selected = *index + 1;
  if (const std::string* name = std::get_if<std::string>(&model.study.target)) {
    const auto found = std::find(labels.begin() + 1, labels.end(), *name);
    if (*name != "predicted" && found != labels.end()) selected = static_cast<int>(found - labels.begin());
  }
  ImGui::SetCursorScreenPos({r.min.x + 16, r.max.y - 40});
  if (ui::combo("target", labels, selected, r.width() - 26))
    c.commands.edit([label = selected == 0 ? "predicted" : labels[selected]](Study& study) { study.target = label; });
  ui::tooltip("Explained class",
              "The maps explain this class's score: each image's predicted class, or one class for all.");
}

// Method titles above the columns, the explained class above the row headers; also keeps the scroll position in range.
void draw_headers(Context& c, ui::Rect rect, const Columns& columns) {
  const Model& model = c.model;
  const size_t methods = model.study.methods.size();
  const float visible = rect.width() - columns.header_width - 12;
  const float content = columns.pitch * static_cast<float>(methods) + add_column;
  if (ImGui::IsWindowHovered(ImGuiHoveredFlags_ChildWindows)) c.screen.grid_scroll -= ImGui::GetIO().MouseWheelH * 40;
  if (c.screen.reveal_selection) {
    const float x = columns.pitch * static_cast<float>(model.selected_method());
    c.screen.grid_scroll = std::clamp(c.screen.grid_scroll, x + columns.pitch - visible, x);
  }
  c.screen.grid_scroll = std::clamp(c.screen.grid_scroll, 0.0f, std::max(0.0f, content - visible));

  draw_target_choice(c, {rect.min, {rect.min.x + columns.header_width, rect.min.y + header_height}});
  const float left = rect.min.x + columns.header_width, right = rect.max.x - 12;
  ImGui::PushClipRect({left, rect.min.y}, {right, rect.min.y + header_height}, true);
  for (size_t m = 0; m < methods; ++m) {
    const float x = columns.x(m, c.screen.grid_scroll);
    if (x > right || x + columns.pitch < left) continue;
    draw_column_header(c, m, {{x + 1, rect.min.y + 4}, {x + columns.pitch - 1, rect.min.y + header_height - 4}});
  }
  ImGui::SetCursorScreenPos({columns.x(methods, c.screen.grid_scroll) + 8, rect.min.y + header_height - 38});
  if (ui::icon_button("add-method", ui::Icon::plus)) ImGui::OpenPopup("add method");
  ui::tooltip("Add a method", "Another column: one more way to explain the same network.");
  draw_add_method_popup(c);
  ImGui::PopClipRect();
}

void draw_row(Context& c, size_t image, float y, ui::Rect rect, const Columns& columns) {
  draw_image_header(c, image, {{rect.min.x, y}, {rect.min.x + columns.header_width, y + columns.cell}});
  const float left = rect.min.x + columns.header_width, right = rect.max.x - 12;
  const float inset = (columns.pitch - columns.cell) / 2;
  ImGui::PushClipRect({left, rect.min.y}, {right, rect.max.y}, true);
  for (size_t m = 0; m < c.model.study.methods.size(); ++m) {
    const float x = columns.x(m, c.screen.grid_scroll);
    if (x > right || x + columns.pitch < left) continue;
    draw_cell(c, image, m, {{x + inset, y}, {x + inset + columns.cell, y + columns.cell}});
  }
  ImGui::PopClipRect();
}

}  // namespace

Columns layout_columns(const Model& model, ui::Rect rect) {
  Columns columns;
  columns.left = rect.min.x;
  columns.header_width = 236;
  const auto methods = static_cast<float>(std::max<size_t>(model.study.methods.size(), 1));
  const float room = rect.width() - columns.header_width - add_column - 14;
  const float rows = static_cast<float>(std::max<size_t>(model.study.images.size(), 1));
  const float height = rect.height() - header_height - drop_zone_height - 14;
  const float fits = std::min(room / methods, height / rows) - gap;
  columns.cell = std::floor(std::clamp(fits, smallest_cell, largest_cell));
  columns.pitch = columns.cell + gap;
  // Few or wide columns: spread them, so that titles have room.
  const float wide = std::floor(room / methods);
  if (wide > columns.pitch) columns.pitch = std::min(wide, columns.cell + 40);
  return columns;
}

float strip_height(const Columns& columns) {
  return header_height + columns.cell + 10;
}

void draw_strip(Context& c, ui::Rect rect, const Columns& columns) {
  begin_panel("strip", rect, theme::background);
  draw_headers(c, rect, columns);
  draw_row(c, c.model.selected_image(), rect.min.y + header_height, rect, columns);
  end_panel();
}

void draw_grid(Context& c, ui::Rect rect, const Columns& columns) {
  const size_t images = c.model.study.images.size();
  const float row = columns.cell + gap;
  begin_panel("grid", rect, theme::background);
  draw_headers(c, rect, columns);
  ImGui::SetCursorScreenPos({rect.min.x, rect.min.y + header_height});
  ImGui::BeginChild("rows", {rect.width(), rect.height() - header_height}, 0, ImGuiWindowFlags_NoNav);
  const ImVec2 origin = ImGui::GetCursorScreenPos();
  for (size_t i = 0; i < images; ++i) {
    const float y = origin.y + row * static_cast<float>(i);
    const bool seen = y <= rect.max.y && y + row >= rect.min.y + header_height;
    if (seen || (c.screen.reveal_selection && c.model.selected_image() == i)) draw_row(c, i, y, rect, columns);
  }
  const float y = origin.y + row * static_cast<float>(images);
  draw_drop_zone(c, {{rect.min.x + 16, y + 4}, {rect.max.x - 16, y + drop_zone_height - 8}});
  ImGui::SetCursorScreenPos({origin.x, y + drop_zone_height - 8});
  ImGui::Dummy({1, 1});
  ImGui::EndChild();
  end_panel();
}

}  // namespace ks::app

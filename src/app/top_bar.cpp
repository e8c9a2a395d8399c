#include "app/panels.h"
#include "app/platform.h"
#include "study/url.h"
#include "tensor/error.h"

namespace ks::app {

namespace {

// Some mail programs and messengers cut longer links.
constexpr size_t long_link = 8000;

// A kernel with its crease, in the accent: the mark of the page.
void draw_mark(ImDrawList* list, ImVec2 c) {
  list->PathLineTo({c.x, c.y - 11});
  list->PathBezierCubicCurveTo({c.x + 9, c.y - 6}, {c.x + 9, c.y + 6}, {c.x, c.y + 11});
  list->PathBezierCubicCurveTo({c.x - 9, c.y + 6}, {c.x - 9, c.y - 6}, {c.x, c.y - 11});
  list->PathFillConvex(theme::accent);
  list->AddBezierCubic({c.x, c.y - 8}, {c.x + 2.5f, c.y - 3}, {c.x - 2.5f, c.y + 3}, {c.x, c.y + 8}, theme::panel,
                       1.6f);
}

std::string network_text(const Model& model) {
  if (model.network.classes.empty()) return "";
  std::string text = model.network.title.empty() ? "network" : model.network.title;
  text += " \xC2\xB7 " + std::to_string(model.network.width) + " \xC3\x97 " + std::to_string(model.network.height) +
          " px \xC2\xB7 ";
  for (size_t k = 0; k < model.network.classes.size() && k < 4; ++k)
    text += (k ? " / " : "") + model.network.classes[k];
  if (model.network.classes.size() > 4) text += " / \xE2\x80\xA6";
  return text;
}

void share(Model& model) {
  try {
    const std::string fragment = study_fragment(model.study);
    platform::set_fragment(fragment);
    const std::string address = platform::page_address() + fragment;
    platform::copy_text(address);
    std::string text = "Link copied: " + std::to_string(address.size()) + " characters hold the whole study.";
    if (address.size() > long_link) text += " It holds your own picture; programs that cut long links may break it.";
    show_toast(model, text);
  } catch (const Error& error) {
    show_error(model, error.what());
  }
}

}  // namespace

void draw_share_button(Context& c) {
  if (ui::button("share", "Share", true)) c.commands.add([](Model& model, Bridge&) { share(model); });
  ui::tooltip("Copy a link to this study",
              "Everything on this page is in the link itself: images, methods, parameters, colours, what is selected.",
              "Nothing is uploaded.");
}

void draw_top_bar(Context& c, ui::Rect rect) {
  begin_panel("top bar", rect, theme::panel);
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddLine({rect.min.x, rect.max.y - 1}, {rect.max.x, rect.max.y - 1}, theme::line);
  draw_mark(list, {rect.min.x + 27, rect.center().y});
  const std::string name = "Kernelscope";
  float x = rect.min.x + 46;
  ui::text_in(list, {{x, rect.min.y}, {x + 200, rect.max.y}}, theme::fonts.title, theme::text, name);
  x += ui::text_size(theme::fonts.title, name).x + 20;
  list->AddLine({x, rect.min.y + 13}, {x, rect.max.y - 13}, theme::line);
  x += 20;
  const float right = rect.max.x - 268;
  const std::string title = c.model.study.title.empty() ? "Untitled study" : c.model.study.title;
  const std::string network = network_text(c.model);
  const float title_width = ui::text_size(theme::fonts.strong, title).x;
  ui::text_in(list, {{x, rect.min.y}, {right, rect.max.y}}, theme::fonts.strong, theme::text, title);
  if (x + title_width + 80 < right)
    ui::text_in(list, {{x + title_width + 16, rect.min.y}, {right, rect.max.y}}, theme::fonts.small, theme::muted,
                network, 0, 0.53f);

  ImGui::SetCursorScreenPos({rect.max.x - 256, rect.min.y + 11});
  if (ui::icon_button("undo", ui::Icon::undo, !c.model.undo.empty()))
    c.commands.add([](Model& model, Bridge&) { undo(model); });
  ui::tooltip("Undo (Ctrl+Z)");
  ImGui::SameLine(0, 2);
  if (ui::icon_button("redo", ui::Icon::redo, !c.model.redo.empty()))
    c.commands.add([](Model& model, Bridge&) { redo(model); });
  ui::tooltip("Redo (Ctrl+Shift+Z)");
  ImGui::SameLine(0, 2);
  if (ui::icon_button("help", ui::Icon::help)) c.screen.help = true;
  ui::tooltip("How to read these maps, and keys (?)");
  ImGui::SetCursorScreenPos({rect.max.x - 160, rect.min.y + 9});
  if (ui::button("open", "Open\xE2\x80\xA6")) platform::choose_files();
  ui::tooltip("Open a photograph, a network or a study",
              "JPEG or PNG; .onnx; study .json. Or drop a file anywhere on the page.",
              "Nothing you open leaves your machine.");
  ImGui::SetCursorScreenPos({rect.max.x - 80, rect.min.y + 9});
  draw_share_button(c);
  end_panel();
}

}  // namespace ks::app

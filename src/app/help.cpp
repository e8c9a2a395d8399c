#include "app/panels.h"
#include "app/platform.h"

namespace ks::app {

namespace {

void paragraph(const std::string& title, const std::string& text) {
  ui::text(theme::fonts.strong, theme::text, title);
  ui::wrapped(theme::fonts.body, theme::text, text);
  ImGui::Dummy({0, 4});
}

}  // namespace

void draw_help(Context& c) {
  if (c.screen.help) ImGui::OpenPopup("help");
  c.screen.help = false;
  const ImVec2 display = ImGui::GetIO().DisplaySize;
  ImGui::SetNextWindowPos({display.x / 2, display.y / 2}, ImGuiCond_Always, {0.5f, 0.5f});
  ImGui::SetNextWindowSize({std::min(640.0f, display.x - 32), 0});
  ImGui::SetNextWindowSizeConstraints({0, 0}, {display.x, display.y - 32});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(24, 20));
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(8, 6));
  if (ImGui::BeginPopup("help", ImGuiWindowFlags_NoMove)) {
    ui::text(theme::fonts.title, theme::text, "How to read these maps");
    ImGui::Dummy({0, 4});
    paragraph("A row is a kernel, a column is a way to explain the network",
              "Each map says which pixels of that kernel, according to that method, made the network decide as it did. "
              "The green "
              "line is the damage as annotated: a network that looks at the right thing has its evidence there.");
    paragraph(
        "Methods disagree. Do not pick the prettiest",
        "The scores below the grid measure the maps: does the prediction fall when the marked pixels are taken away, "
        "does "
        "the map stay when the image hardly changes, does it lie on the damage? Look for methods that stand high in "
        "several of them.");
    paragraph("Random is the control",
              "Its maps are noise. A score that does not rank it last says little about the others.");
    paragraph(
        "Colours are a choice, too",
        "Channels, scale and colours change the picture but not the numbers. A common scale makes images comparable; "
        "a scale of its own makes weak maps look strong.");
    if (!c.model.study.methods.empty()) {
      if (const MethodInfo* info = c.model.method_info(c.model.study.methods[c.model.selected_method()].name)) {
        ui::text(theme::fonts.strong, theme::text, "The selected method: " + info->title);
        draw_entry_details(*info, true);
        ImGui::Dummy({0, 4});
      }
    }
    ui::text(theme::fonts.strong, theme::text, "Keys");
    const float x = ImGui::GetCursorPosX();
    for (const auto& [keys, meaning] :
         std::initializer_list<std::pair<const char*, const char*>>{{"Arrows", "go through kernels and methods"},
                                                                    {"1 to 7", "pooling of the channels"},
                                                                    {"N, C", "next scale, next colours"},
                                                                    {"O", "annotation on or off"},
                                                                    {"Enter, Esc", "large side-by-side view, back"},
                                                                    {"Ctrl+Z, Ctrl+Shift+Z", "undo, redo"},
                                                                    {"Ctrl+V", "paste a photograph"}}) {
      ui::text(theme::fonts.body, theme::accent, keys);
      ImGui::SameLine(x + 170);
      ui::text(theme::fonts.body, theme::text, meaning);
    }
    ImGui::Dummy({0, 6});
    ui::wrapped(theme::fonts.small, theme::muted,
                "After T\xC4\x9Btkov\xC3\xA1, Dreier, Malm, Hansen: Challenges in explaining deep learning models for "
                "data with "
                "biological variation, PLOS ONE 2025.");
    ImGui::Dummy({0, 2});
    if (ui::button("close-help", "Close", true)) ImGui::CloseCurrentPopup();
    ImGui::SameLine();
    if (ui::button("open-reference", "Reference of all methods")) platform::open_page("reference/index.html");
    ImGui::EndPopup();
  }
  ImGui::PopStyleVar(2);
}

}  // namespace ks::app

#include "app/panels.h"
#include "picture/colormap.h"
#include "picture/normalisation.h"
#include "picture/pooling.h"

namespace ks::app {

namespace {

constexpr float control_x = 112;

float control_width() {
  return ImGui::GetContentRegionAvail().x;
}

/// A drop-down list over a registry, with what the choice means below it.
template <class T>
void registry_row(Context& c, const char* label, const char* id, const Registry<T>& registry,
                  const std::string& current, std::string StudyView::*field,
                  const std::function<void(int, ImDrawList*, ui::Rect)>& draw_option = nullptr) {
  std::vector<std::string> titles;
  int selected = -1;
  const T* entry = nullptr;
  for (const T& e : registry) {
    if (e.name == current) {
      selected = static_cast<int>(titles.size());
      entry = &e;
    }
    titles.push_back(e.title);
  }
  ui::label_row(label, control_x);
  if (ui::combo(id, titles, selected, control_width(), draw_option))
    c.commands.edit([name = registry.names()[static_cast<size_t>(selected)], field](Study& s) { s.view.*field = name; },
                    id);
  if (entry) draw_entry_tooltip(*entry);
}

}  // namespace

void draw_view_panel(Context& c) {
  const StudyView& view = c.model.study.view;
  registry_row(c, "Channels", "pooling", poolings(), view.pooling, &StudyView::pooling);
  registry_row(c, "Scale", "normalisation", normalisations(), view.normalisation, &StudyView::normalisation);
  registry_row(c, "Colours", "colormap", colormaps(), view.colormap, &StudyView::colormap,
               [](int option, ImDrawList* list, ui::Rect r) {
                 const Colormap& colormap = *(colormaps().begin() + option);
                 const float step = r.width() / 64;
                 for (int i = 0; i < 64; ++i) {
                   const auto& rgb = colormap.table[static_cast<size_t>(i * 4 + 2)];
                   const float x = r.min.x + step * static_cast<float>(i);
                   list->AddRectFilled({x, r.min.y}, {x + step, r.max.y}, IM_COL32(rgb[0], rgb[1], rgb[2], 255));
                 }
               });

  ui::label_row("Opacity", control_x);
  double percent = view.opacity * 100;
  const ui::Change change = ui::slider("opacity", percent, 0, 100, "%.0f %%", control_width(), false, true);
  if (change == ui::Change::going_on || change == ui::Change::done)
    c.commands.edit([percent](Study& s) { s.view.opacity = percent / 100; }, "opacity");
  ui::tooltip("Opacity of the map over the photograph");

  ui::label_row("Annotation", control_x);
  ImGui::SetCursorPosY(ImGui::GetCursorPosY() + 5);
  bool outline = view.annotation;
  if (ui::toggle("annotation", outline)) c.commands.edit([outline](Study& s) { s.view.annotation = outline; });
  ui::tooltip("Outline of the annotated damage", "What an expert marked, to compare with what the network used.",
              "Drawn in green, as in the paper's Fig 2.");
  ImGui::SameLine(0, 10);
  ImGui::SetCursorPosY(ImGui::GetCursorPosY() + 2);
  ui::text(theme::fonts.small, theme::muted, "green outline: annotated damage");

  ImGui::Dummy({0, 2});
  const Pooling* pooling = poolings().find(view.pooling);
  const Colormap* colormap = colormaps().find(view.colormap);
  if (!pooling || !colormap) return;
  // What the colours mean, in words that follow the choices.
  std::string caption;
  if (pooling->keeps_sign && colormap->diverging)
    caption = "One end of the colours speaks for the explained class, the other against it; the middle is zero.";
  else if (pooling->keeps_sign)
    caption = "These colours show what speaks for the explained class; what speaks against it looks like zero.";
  else
    caption = "The maps show how strongly a pixel matters, not for which class.";
  ui::wrapped(theme::fonts.small, theme::muted, caption);
}

}  // namespace ks::app

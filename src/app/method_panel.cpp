#include <algorithm>
#include <set>

#include "app/panels.h"
#include "app/parameters.h"
#include "app/platform.h"

namespace ks::app {

namespace {

template <class Info>
std::vector<std::string> families_of(const std::vector<Info>& infos) {
  std::vector<std::string> families;
  for (const Info& info : infos)
    if (std::find(families.begin(), families.end(), info.family) == families.end()) families.push_back(info.family);
  return families;
}

/// A list of all entries by family; true and `chosen` when one is clicked.
template <class Info>
bool choose_entry(const char* popup, const std::vector<Info>& infos, const std::set<std::string>& present,
                  std::string& chosen) {
  bool done = false;
  ImGui::SetNextWindowSizeConstraints({300, 0}, {360, 680});
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, ImVec2(8, 4));
  const bool open = ImGui::BeginPopup(popup);
  if (!open) {
    ImGui::PopStyleVar();
    return false;
  }
  if (infos.empty()) ui::text(theme::fonts.body, theme::muted, "The core is still loading.");
  for (const std::string& family : families_of(infos)) {
    ui::text(theme::fonts.small, theme::muted, ui::title_of_name(family));
    for (const Info& info : infos) {
      if (info.family != family) continue;
      ImGui::PushID(info.name.c_str());
      if (ImGui::Selectable("##entry", false, 0, {0, 22})) {
        chosen = info.name;
        done = true;
      }
      const ui::Rect r = ui::last_item();
      ui::mark(std::string(popup) + "/" + info.name, r);
      draw_entry_tooltip(info);
      const bool there = present.count(info.name) > 0;
      ImDrawList* list = ImGui::GetWindowDrawList();
      ui::text_in(list, {{r.min.x + 8, r.min.y}, {r.max.x - 60, r.max.y}}, theme::fonts.body, theme::text, info.title);
      if (there)
        ui::text_in(list, {{r.max.x - 60, r.min.y}, {r.max.x - 8, r.max.y}}, theme::fonts.small, theme::muted,
                    "present", 1);
      ImGui::PopID();
    }
    ImGui::Dummy({0, 2});
  }
  ImGui::EndPopup();
  ImGui::PopStyleVar();
  return done;
}

}  // namespace

void draw_entry_details(const Entry& entry, bool has_page) {
  if (!entry.misleads.empty()) {
    ui::text(theme::fonts.label, theme::accent, "When it misleads");
    ui::wrapped(theme::fonts.small, theme::text, entry.misleads);
  }
  if (!entry.formula.empty()) {
    ui::text(theme::fonts.label, theme::muted, "Formula");
    ui::wrapped(theme::fonts.formula, theme::text, entry.formula);
  }
  if (has_page && ui::button(("reference-" + entry.name).c_str(), "Open its reference page"))
    platform::open_page("reference/methods/" + entry.name + ".html");
}

void draw_entry_tooltip(const Entry& entry, const std::string& extra) {
  if (!ui::wants_tooltip()) return;
  ui::begin_tooltip();
  ui::text(theme::fonts.strong, theme::text, entry.title);
  if (!entry.description.empty()) ui::text(theme::fonts.body, theme::text, entry.description);
  if (!entry.misleads.empty()) ui::text(theme::fonts.body, theme::text, entry.misleads);
  if (!entry.citation.empty()) ui::text(theme::fonts.small, theme::muted, entry.citation);
  if (!extra.empty()) ui::text(theme::fonts.small, theme::accent, extra);
  ui::end_tooltip();
}

void draw_add_method_popup(Context& c) {
  std::set<std::string> present;
  for (const StudyMethod& m : c.model.study.methods) present.insert(m.name);
  std::string chosen;
  if (choose_entry("add method", c.model.methods, present, chosen))
    c.commands.edit([chosen](Study& study) {
      study.methods.push_back({.name = chosen});
      study.view.selected_method = static_cast<int>(study.methods.size()) - 1;
    });
}

void draw_add_metric_popup(Context& c) {
  std::set<std::string> present;
  for (const StudyMetric& m : c.model.study.metrics) present.insert(m.name);
  std::string chosen;
  if (choose_entry("add metric", c.model.metrics, present, chosen))
    c.commands.edit([chosen](Study& study) { study.metrics.push_back({.name = chosen}); });
}

void draw_method_panel(Context& c) {
  const Model& model = c.model;
  if (model.study.methods.empty()) {
    ui::wrapped(theme::fonts.body, theme::muted, "Add a method with the plus sign above the grid.");
    return;
  }
  const size_t m = model.selected_method();
  const StudyMethod& method = model.study.methods[m];
  const MethodInfo* info = model.method_info(method.name);
  ui::text(theme::fonts.strong, theme::text, method_title(model, m));
  if (!info) {
    ui::wrapped(theme::fonts.small, theme::muted,
                model.phase == Phase::loading ? "The core is still loading." : method.name);
    return;
  }
  ui::wrapped(theme::fonts.small, theme::text, info->description);
  ImGui::Dummy({0, 2});
  // What can be changed comes first: the rest is to be read once.
  if (info->parameters.empty()) {
    ui::text(theme::fonts.small, theme::muted, "It has no parameters.");
  } else {
    std::vector<std::string> pictures;
    for (const StudyImage& image : model.study.images) pictures.push_back(image.id);
    draw_parameters(("method-" + std::to_string(m)).c_str(), *info, method.params,
                    [&](json params) { c.commands.edit([=](Study& study) { study.methods[m].params = params; }); },
                    pictures);
    ui::wrapped(theme::fonts.small, theme::muted, "A change computes this column again, nothing else.");
  }
  ImGui::Dummy({0, 4});
  draw_entry_details(*info, true);
  if (!info->citation.empty()) ui::wrapped(theme::fonts.small, theme::muted, info->citation);
}

}  // namespace ks::app

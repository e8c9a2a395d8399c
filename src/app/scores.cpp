#include <algorithm>
#include <cmath>

#include "app/panels.h"
#include "app/parameters.h"
#include "app/ranking.h"

namespace ks::app {

namespace {

constexpr float row_height = 25, overall_height = 36, margin = 6;

const char* arrow(const std::string& direction) {
  if (direction == "higher") return "\xE2\x86\x91";
  if (direction == "lower") return "\xE2\x86\x93";
  return direction == "zero" ? "\xE2\x86\x92"
                               "0"
                             : " ";
}

std::string direction_text(const std::string& direction) {
  if (direction == "higher") return "Higher is better.";
  if (direction == "lower") return "Lower is better.";
  return direction == "zero" ? "Nearer to 0 is better." : "Neither high nor low is better.";
}

void draw_metric_name(Context& c, size_t metric, const std::string& direction, bool control_is_not_last, ui::Rect r) {
  const Model& model = c.model;
  const StudyMetric& m = model.study.metrics[metric];
  const MetricInfo* info = model.metric_info(m.name);
  ImDrawList* list = ImGui::GetWindowDrawList();
  ImGui::PushID(static_cast<int>(metric));
  ImGui::SetCursorScreenPos(r.min);
  if (ImGui::InvisibleButton("metric", {r.width(), r.height()})) ImGui::OpenPopup("metric");
  ui::mark("metric/" + m.name, r);
  const bool hovered = ImGui::IsItemHovered();
  if (hovered) {
    list->AddRectFilled(r.min, r.max, theme::raised, 4);
    ImGui::SetMouseCursor(ImGuiMouseCursor_Hand);
  }
  if (info)
    draw_entry_tooltip(*info,
                       direction_text(direction) + " Click for its parameters." +
                           (control_is_not_last ? "\nHere it does not rank the random control last: in this study it "
                                                  "cannot tell some method's maps from noise."
                                                : ""));
  ImGui::SetNextWindowSize({380, 0});
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, ImVec2(16, 14));
  if (ImGui::BeginPopup("metric")) {
    ui::text(theme::fonts.strong, theme::text, metric_title(model, metric));
    if (info) {
      ui::wrapped(theme::fonts.small, theme::text, info->description + " " + direction_text(direction));
      draw_entry_details(*info, false);
      ui::wrapped(theme::fonts.small, theme::muted, info->citation);
      draw_parameters(("metric-" + std::to_string(metric)).c_str(), *info, m.params, [&](json params) {
        c.commands.edit([=](Study& study) { study.metrics[metric].params = params; });
      });
    }
    if (ui::button("remove-metric", "Remove from the study")) {
      c.commands.edit([=](Study& study) { study.metrics.erase(study.metrics.begin() + static_cast<long>(metric)); });
      ImGui::CloseCurrentPopup();
    }
    ImGui::EndPopup();
  }
  ImGui::PopStyleVar();
  ui::text_in(list, {{r.min.x + 6, r.min.y}, {r.min.x + 24, r.max.y}}, theme::fonts.small, theme::accent,
              arrow(direction));
  ui::text_in(list, {{r.min.x + 24, r.min.y}, {r.max.x - 24, r.max.y}}, theme::fonts.small, theme::text,
              metric_title(model, metric));
  if (control_is_not_last) ui::draw_icon(list, ui::Icon::warning, {r.max.x - 13, r.center().y}, 13, theme::accent);
  ImGui::PopID();
}

// All figures of a row with the same decimals, so that they are compared at a glance; -1 where they differ too much.
int decimals_of(const std::vector<ScoreSummary::Entry>& row) {
  double largest = 0, smallest = 0;
  for (const auto& e : row) {
    if (std::isnan(e.mean) || e.mean == 0) continue;
    largest = std::max(largest, std::fabs(e.mean));
    smallest = smallest == 0 ? std::fabs(e.mean) : std::min(smallest, std::fabs(e.mean));
  }
  if (largest == 0 || largest >= 10000 || largest < 0.001 || largest / smallest > 1000) return -1;
  return ui::decimals_for(largest);
}

void draw_entry(Context& c, const ScoreSummary::Entry& e, int decimals, size_t metric, size_t method, ui::Rect r) {
  ImDrawList* list = ImGui::GetWindowDrawList();
  const bool complete = e.done == e.images && e.images > 0;
  if (e.best) list->AddRectFilled({r.min.x + 6, r.min.y + 2}, {r.max.x - 6, r.max.y - 2}, theme::accent_dim, 4);
  std::string text;
  if (e.done > 0) text = decimals < 0 ? ui::number(e.mean) : ui::fixed(e.mean, decimals);
  ui::text_in(list, r, theme::fonts.mono,
              e.best     ? theme::accent
              : complete ? theme::text
                         : theme::faint,
              text.empty() ? "\xC2\xB7" : text, 0.5f);
  ImGui::SetCursorScreenPos(r.min);
  ImGui::PushID(static_cast<int>(metric * 1000 + method));
  ImGui::InvisibleButton("score", {r.width(), r.height()});
  ImGui::PopID();
  ui::mark("score/" + std::to_string(metric) + "/" + std::to_string(method), r);
  if (!ui::wants_tooltip() || e.done == 0) return;
  std::string detail = "mean of " + std::to_string(e.done - e.undefined) + " images: " + ui::number(e.mean);
  if (e.done - e.undefined > 1) detail += ", from " + ui::number(e.low) + " to " + ui::number(e.high);
  if (!std::isnan(e.rank))
    detail += "\nrank " + ui::number(e.rank) + " of " + std::to_string(c.model.study.methods.size());
  ui::tooltip(metric_title(c.model, metric) + " of " + method_title(c.model, method), detail, e.remark);
}

std::string percent(double share) {
  return ui::fixed(share * 100, 0) + " %";
}

/// "1–5.5": where the method stands in 95 % of the redrawn orders.
std::string interval(const MonteCarloOrder& order, size_t method) {
  const auto place = [](double value) { return ui::fixed(value, value == std::floor(value) ? 0 : 1); };
  const std::string low = place(order.low[method]), high = place(order.high[method]);
  return low == high ? low : low + "\xE2\x80\x93" + high;
}

void draw_place(Context& c, const ScoreSummary& table, const MonteCarloOrder& order, size_t method, ui::Rect r) {
  ImDrawList* list = ImGui::GetWindowDrawList();
  const bool ranked = table.place[method] > 0, first = table.place[method] == 1;
  if (first) list->AddRectFilled({r.min.x + 6, r.min.y + 1}, {r.max.x - 6, r.max.y - 3}, theme::accent, 5);
  ui::text_in(list, {r.min, {r.max.x, r.min.y + 20}}, theme::fonts.strong, first ? theme::on_accent : theme::text,
              ranked ? std::to_string(table.place[method]) : "\xC2\xB7", 0.5f);
  ui::mark("place/" + std::to_string(method), r);
  if (!ranked) return;
  const std::string below = order.draws > 0 ? interval(order, method) : ui::number(table.overall[method]);
  ui::text_in(list, {{r.min.x, r.min.y + 17}, {r.max.x, r.max.y - 3}}, theme::fonts.mono,
              first ? theme::on_accent : theme::muted, below, 0.5f);
  ImGui::SetCursorScreenPos(r.min);
  ImGui::PushID(static_cast<int>(method));
  ImGui::InvisibleButton("place", {r.width(), r.height()});
  ImGui::PopID();
  std::string detail = "mean rank " + ui::number(table.overall[method]);
  if (order.draws > 0)
    detail += "\nplace " + interval(order, method) + " in 95 % of the orders\nfirst in " +
              percent(order.first[method]) + ", among the best three in " + percent(order.best_three[method]);
  ui::tooltip(method_title(c.model, method), detail,
              order.draws > 0 ? "Orders of " + std::to_string(order.draws) +
                                    " redraws of images and metrics. Where these places "
                                    "overlap, the study does not tell the methods apart."
                              : "How far the order holds is told once every score is there.");
}

}  // namespace

float scores_height(const Model& model) {
  return overall_height + row_height * static_cast<float>(model.study.metrics.size()) + 2 * margin + 2;
}

void draw_scores(Context& c, ui::Rect rect, const Columns& columns) {
  const Model& model = c.model;
  const ScoreSummary table = score_summary(model);
  const MonteCarloOrder& order = c.redrawn.of(table, model.study);
  const size_t methods = model.study.methods.size(), metrics = model.study.metrics.size();
  const float scroll = c.screen.grid_scroll;
  begin_panel("scores", rect, theme::panel);
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddLine(rect.min, {rect.max.x, rect.min.y}, theme::line);
  const ImVec2 clip_min{rect.min.x + columns.header_width, rect.min.y}, clip_max{rect.max.x - 12, rect.max.y};
  const float top = rect.min.y + margin;

  ImGui::SetCursorScreenPos({rect.min.x + 10, top});
  ImGui::InvisibleButton("overall", {columns.header_width - 20, overall_height});
  ui::mark("overall");
  ui::tooltip("Overall rank",
              "Each metric ranks the methods; a method's overall place comes from the mean of its ranks. Once every "
              "score is there, "
              "images and metrics are drawn anew again and again: the places that a method has in 95 % of these orders "
              "stand beside.",
              "Metrics that measure the same thing count twice: look at the single rows, too.");
  ui::text_in(list, {{rect.min.x + 16, top + 1}, {rect.min.x + columns.header_width - 8, top + 19}}, theme::fonts.label,
              theme::text, "Overall rank");
  ui::text_in(list, {{rect.min.x + 16, top + 18}, {rect.min.x + columns.header_width - 8, top + 34}},
              theme::fonts.small, theme::muted,
              order.draws > 0 ? "place in 95 % of redraws" : "mean of the ranks per metric");
  ImGui::PushClipRect(clip_min, clip_max, true);
  for (size_t m = 0; m < methods; ++m) {
    const float x = columns.x(m, scroll);
    draw_place(c, table, order, m, {{x, top}, {x + columns.pitch, top + overall_height}});
  }
  ImGui::SetCursorScreenPos({columns.x(methods, scroll) + 8, top + 4});
  if (ui::icon_button("add-metric", ui::Icon::plus)) ImGui::OpenPopup("add metric");
  ui::tooltip("Add a metric", "Another row: one more way to measure the maps.");
  draw_add_metric_popup(c);
  ImGui::PopClipRect();

  ImGui::SetCursorScreenPos({rect.min.x, top + overall_height});
  ImGui::BeginChild("metric rows", {rect.width(), rect.max.y - top - overall_height}, 0, ImGuiWindowFlags_NoNav);
  const ImVec2 origin = ImGui::GetCursorScreenPos();
  ImDrawList* rows = ImGui::GetWindowDrawList();
  for (size_t k = 0; k < metrics; ++k) {
    const float y = origin.y + row_height * static_cast<float>(k);
    rows->AddLine({rect.min.x + 16, y}, {clip_max.x, y}, theme::faded(theme::line, 0.8f));
    draw_metric_name(c, k, table.directions[k], table.control_is_not_last[k],
                     {{rect.min.x + 10, y}, {rect.min.x + columns.header_width - 8, y + row_height}});
    ImGui::PushClipRect({clip_min.x, std::max(origin.y, rect.min.y)}, clip_max, true);
    const int decimals = decimals_of(table.entries[k]);
    for (size_t m = 0; m < methods; ++m) {
      const float x = columns.x(m, scroll);
      if (x > clip_max.x || x + columns.pitch < clip_min.x) continue;
      draw_entry(c, table.entries[k][m], decimals, k, m, {{x, y}, {x + columns.pitch, y + row_height}});
    }
    ImGui::PopClipRect();
  }
  ImGui::SetCursorScreenPos({origin.x, origin.y + row_height * static_cast<float>(metrics)});
  ImGui::Dummy({1, 1});
  ImGui::EndChild();
  end_panel();
}

}  // namespace ks::app

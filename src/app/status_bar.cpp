#include <cmath>

#include "app/panels.h"
#include "app/platform.h"
#include "app/schedule.h"

namespace ks::app {

namespace {

std::string provider_name(const std::string& provider) {
  if (provider == "webgpu") return "WebGPU";
  if (provider == "wasm" || provider == "webassembly" || provider == "cpu") return "WebAssembly";
  return provider;
}

std::string runtime_text(const Model& model) {
  const Runtime& r = model.runtime;
  if (r.provider.empty()) return "";
  std::string text = provider_name(r.provider);
  if (r.provider != "webgpu") text += r.threads == 1 ? ", 1 thread" : ", " + std::to_string(r.threads) + " threads";
  return text;
}

std::string progress_text(const Model& model, const Work& work, float& fraction) {
  if (work.explanations_done < work.explanations) {
    fraction = static_cast<float>(work.explanations_done) / static_cast<float>(work.explanations);
    std::string text = "Map " + std::to_string(work.explanations_done + 1) + " of " + std::to_string(work.explanations);
    const double seconds = seconds_left(model);
    if (seconds >= 1) text += ", about " + ui::duration(std::ceil(seconds)) + " left";
    return text;
  }
  fraction = static_cast<float>(work.scores_done) / static_cast<float>(std::max(work.scores, 1));
  return "Score " + std::to_string(work.scores_done + 1) + " of " + std::to_string(work.scores);
}

}  // namespace

void draw_status_bar(Context& c, ui::Rect rect) {
  const Model& model = c.model;
  begin_panel("status bar", rect, theme::panel);
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddLine(rect.min, {rect.max.x, rect.min.y}, theme::line);
  float x = rect.min.x + 16;
  const auto piece = [&](ImU32 color, const std::string& text) {
    ui::text_in(list, {{x, rect.min.y}, {rect.max.x - 10, rect.max.y}}, theme::fonts.small, color, text);
    x += ui::text_size(theme::fonts.small, text).x + 10;
  };
  const Work work = work_of(model);
  if (model.phase == Phase::closed) {
    piece(theme::error, "This study could not be opened");
  } else if (model.phase == Phase::failed) {
    piece(theme::error, "The core is not running");
  } else if (model.phase == Phase::loading) {
    ui::spinner(list, {x + 6, rect.center().y}, 5, theme::accent);
    x += 20;
    piece(theme::text, model.loading_text);
    if (model.loading_progress >= 0) {
      ui::progress_bar(list, {{x, rect.center().y - 2}, {x + 120, rect.center().y + 2}}, model.loading_progress,
                       theme::accent);
    }
  } else if (!work.finished()) {
    if (!model.paused) ui::spinner(list, {x + 6, rect.center().y}, 5, theme::accent);
    x += 20;
    float fraction = 0;
    const std::string text = progress_text(model, work, fraction);
    ui::progress_bar(list, {{x, rect.center().y - 2}, {x + 120, rect.center().y + 2}}, fraction, theme::accent);
    x += 132;
    piece(theme::text, model.paused ? "Paused. " + text : text);
    ImGui::SetCursorScreenPos({x, rect.min.y + 5});
    ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, ImVec2(8, 3));
    ImGui::PushFont(theme::fonts.small);
    if (ImGui::Button(model.paused ? "Continue" : "Pause"))
      c.commands.add([](Model& m, Bridge&) { m.paused = !m.paused; });
    ui::mark("pause");
    ImGui::PopFont();
    ImGui::PopStyleVar();
  } else if (work.explanations > 0) {
    list->AddCircleFilled({x + 4, rect.center().y}, 3.5f, theme::annotation);
    x += 16;
    std::string text = std::to_string(work.explanations) + " maps and " + std::to_string(work.scores) +
                       " scores computed in this page";
    if (work.failed > 0) text += ", " + std::to_string(work.failed) + " failed";
    piece(work.failed ? theme::error : theme::muted, text);
  }

  const std::string runtime = runtime_text(model), privacy = "Nothing leaves your machine";
  const float width = ui::text_size(theme::fonts.small, runtime).x,
              privacy_width = ui::text_size(theme::fonts.small, privacy).x;
  float right = rect.max.x - 16;
  ui::text_in(list, {{right - privacy_width, rect.min.y}, {right, rect.max.y}}, theme::fonts.small, theme::muted,
              privacy, 1);
  right -= privacy_width + 20;
  if (runtime.empty()) return end_panel();
  const ui::Rect r{{right - width, rect.min.y}, {right, rect.max.y}};
  ui::text_in(list, r, theme::fonts.small, theme::muted, runtime);
  ImGui::SetCursorScreenPos(r.min);
  ImGui::InvisibleButton("runtime", {width, rect.height()});
  ui::mark("runtime");
  ui::tooltip("What runs the network: ONNX Runtime " + model.runtime.version, model.runtime.reason);
  end_panel();
}

}  // namespace ks::app

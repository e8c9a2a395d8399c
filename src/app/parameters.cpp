#include "app/parameters.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

namespace ks::app {

namespace {

constexpr float parameter_x = 128;

// A slider's value while it is dragged, a text while it is typed: by control.
std::map<std::string, double>& dragged() {
  static std::map<std::string, double> values;
  return values;
}

std::string unit_format(const Parameter& p, const char* number_format) {
  std::string unit = p.unit.size() <= 3 ? p.unit : "";  // longer ones stand in the tooltip
  size_t at = 0;
  while ((at = unit.find('%', at)) != std::string::npos) unit.insert(at, "%"), at += 2;
  return number_format + (unit.empty() ? std::string() : " " + unit);
}

// Sliders over several orders of magnitude are logarithmic.
bool is_logarithmic(const Parameter& p) {
  return *p.min > 0 && *p.max / *p.min >= 100;
}

bool draw_number(const Parameter& p, const std::string& key, double value, float width, json& result) {
  const bool whole = p.type == ParameterType::integer;
  double& shown = dragged().try_emplace(key, value).first->second;
  const std::string format = unit_format(p, whole ? "%.0f" : "%.4g");
  bool done = false, busy = false;
  if (p.min && p.max) {
    const std::string id = "parameter/" + p.name;
    const ui::Change change =
        ui::slider(id.c_str(), shown, *p.min, *p.max, format.c_str(), width, is_logarithmic(p), whole);
    done = change == ui::Change::done;
    busy = change == ui::Change::typing || ImGui::IsMouseDown(0);
  } else {
    ImGui::SetNextItemWidth(width);
    ImGui::InputScalar("##value", ImGuiDataType_Double, &shown, nullptr, nullptr, format.c_str());
    ui::mark("parameter/" + p.name);
    done = ImGui::IsItemDeactivatedAfterEdit();
    busy = ImGui::IsItemActive();
  }
  if (done) {
    double v = shown;
    if (whole) v = std::round(v);
    if (p.min) v = std::max(v, *p.min);
    if (p.max) v = std::min(v, *p.max);
    result = whole ? json(static_cast<int64_t>(v)) : json(v);
  }
  if (!busy || done) dragged().erase(key);
  return done;
}

bool draw_text(const Parameter& p, const json& value, json& result) {
  std::string text = value.is_string() && p.type != ParameterType::list ? value.get<std::string>() : value.dump();
  char buffer[512] = {};
  std::strncpy(buffer, text.c_str(), sizeof buffer - 1);
  const bool entered = ImGui::InputText("##value", buffer, sizeof buffer, ImGuiInputTextFlags_EnterReturnsTrue);
  if (!entered && !ImGui::IsItemDeactivatedAfterEdit()) return false;
  result = p.type == ParameterType::text ? json(buffer) : parse_parameter(buffer);
  return true;
}

// A list with "a number" and the choices; the number below it where that is what it is.
bool draw_number_or_choice(const Parameter& p, const std::string& key, const json& value,
                           const std::vector<std::string>& pictures, float width, json& result) {
  std::vector<std::string> labels = {"a number"};
  std::vector<json> values = {p.default_value.is_number() ? p.default_value : json(0.0)};
  const auto offer = [&](const std::string& text) {
    labels.push_back(text);
    values.push_back(text);
  };
  for (const std::string& choice : p.choices) {
    if (choice.back() != ':')
      offer(choice);
    else
      for (const std::string& picture : pictures) offer(choice + picture);
  }
  size_t at = 0;
  if (!value.is_number()) {
    at = static_cast<size_t>(std::find(values.begin(), values.end(), value) - values.begin());
    if (at == values.size()) offer(value.is_string() ? value.get<std::string>() : value.dump());
  }
  int selected = static_cast<int>(at);
  if (ui::combo("##value", labels, selected, width)) {
    result = values[static_cast<size_t>(selected)];
    return true;
  }
  if (!value.is_number()) return false;
  ImGui::SetCursorPosX(parameter_x);
  return draw_number(p, key, value.get<double>(), width, result);
}

bool draw_value(const Parameter& p, const std::string& key, const json& value, const std::vector<std::string>& pictures,
                json& result) {
  const float width = ImGui::GetContentRegionAvail().x - 28;
  ImGui::SetNextItemWidth(width);
  switch (p.type) {
    case ParameterType::number:
    case ParameterType::integer:
      return draw_number(p, key, value.is_number() ? value.get<double>() : p.default_value.get<double>(), width,
                         result);
    case ParameterType::boolean: {
      bool on = value.is_boolean() && value.get<bool>();
      ImGui::SetCursorPosY(ImGui::GetCursorPosY() + 5);
      if (!ui::toggle("##value", on)) return false;
      result = on;
      return true;
    }
    case ParameterType::choice: {
      int selected = static_cast<int>(std::find(p.choices.begin(), p.choices.end(), value) - p.choices.begin());
      if (!ui::combo("##value", p.choices, selected, width)) return false;
      result = p.choices[static_cast<size_t>(selected)];
      return true;
    }
    case ParameterType::value:
      return p.choices.empty() ? draw_text(p, value, result)
                               : draw_number_or_choice(p, key, value, pictures, width, result);
    default:
      return draw_text(p, value, result);
  }
}

}  // namespace

void draw_parameters(const char* id, const Entry& entry, const json& given, const std::function<void(json)>& changed,
                     const std::vector<std::string>& pictures) {
  ImGui::PushID(id);
  for (const Parameter& p : entry.parameters) {
    const bool own = given.is_object() && given.contains(p.name);
    const json value = own ? given.at(p.name) : p.default_value;
    const std::string key = std::string(id) + "/" + entry.name + "/" + p.name;
    ImGui::PushID(p.name.c_str());
    std::string label = p.name;
    std::replace(label.begin(), label.end(), '_', ' ');
    const float y = ImGui::GetCursorPosY();
    ImGui::SetCursorPosY(y + 7);
    const ImVec2 at = ImGui::GetCursorScreenPos();
    ImGui::Dummy({parameter_x - ImGui::GetCursorPosX() - 6, ImGui::GetTextLineHeight()});
    ui::text_in(ImGui::GetWindowDrawList(), {at, ui::last_item().max}, theme::fonts.body,
                own ? theme::text : theme::muted, label);
    ui::tooltip(label, p.help, "default: " + p.default_value.dump() + (p.unit.empty() ? "" : " " + p.unit));
    ImGui::SameLine(0, 0);
    ImGui::SetCursorPos({parameter_x, y});
    json result;
    json next = given.is_object() ? given : json::object();
    if (draw_value(p, key, value, pictures, result)) {
      if (result == p.default_value)
        next.erase(p.name);
      else
        next[p.name] = result;
      changed(next);
    }
    if (!ui::marks().count("parameter/" + p.name)) ui::mark("parameter/" + p.name);
    ui::tooltip(p.help, "", "default: " + p.default_value.dump() + (p.unit.empty() ? "" : " " + p.unit));
    if (own) {
      ImGui::SameLine(0, 4);
      ImGui::SetCursorPosY(y + 3);
      if (ui::icon_button("reset", ui::Icon::reset, true, 24)) {
        next.erase(p.name);
        changed(next);
      }
      ui::tooltip("Back to the default");
    }
    ImGui::SetCursorPosY(std::max(ImGui::GetCursorPosY(), y + 36));
    ImGui::PopID();
  }
  ImGui::PopID();
}

}  // namespace ks::app

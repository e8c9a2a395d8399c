#include <emscripten.h>
#include <imgui.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "app/api.h"
#include "app/layout.h"
#include "app/platform.h"
#include "app/theme.h"
#include "study/url.h"
#include "tensor/error.h"

// The program: holds the model, runs the frames, and is what the page (web/app.js) calls. Texts that it returns are the
// caller's to free.
namespace ks::app {

namespace {

struct Program {
  Model model;
  Screen screen;
  Commands commands;
  Heatmaps heatmaps;
  RedrawnOrder redrawn;
  Bridge bridge;
};

Program& program() {
  static Program p;
  return p;
}

char* to_c(const std::string& text) {
  char* out = static_cast<char*>(std::malloc(text.size() + 1));
  std::memcpy(out, text.c_str(), text.size() + 1);
  return out;
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// What the user gave (a link, a file) may be at fault: a sentence, and everything else stays as it is.
template <class Action>
bool guarded(Action action) {
  platform::wake();
  try {
    action();
    return true;
  } catch (const std::exception& error) {
    show_error(program().model, error.what());
    platform::announce(error.what());
    return false;
  }
}

}  // namespace

}  // namespace ks::app

using namespace ks;
using namespace ks::app;

extern "C" {

/// which: 0 text, 1 semibold, 2 monospaced.
EMSCRIPTEN_KEEPALIVE void app_font(int which, const char* bytes, int size) {
  theme::set_font_file(static_cast<theme::FontFile>(which), std::string(bytes, static_cast<size_t>(size)));
}

/// False without WebGL 2.
EMSCRIPTEN_KEEPALIVE int app_start(const char* selector) {
  return platform::start(selector);
}

/// The core can be talked to from now on.
EMSCRIPTEN_KEEPALIVE void app_core_started() {
  program().bridge.start();
}

EMSCRIPTEN_KEEPALIVE void app_frame(double milliseconds) {
  Program& p = program();
  if (!platform::begin_frame(milliseconds)) return;
  p.heatmaps.begin_frame();
  ui::clear_marks();
  Context context{p.model, p.screen, p.commands, p.heatmaps, p.redrawn};
  draw_layout(context);
  platform::end_frame();
  if (!p.commands.empty()) {
    guarded([&] { p.commands.run(p.model, p.bridge); });
    platform::wake();
  }
  p.bridge.pump(p.model);
}

EMSCRIPTEN_KEEPALIVE void app_context_restored() {
  program().heatmaps.forget_gpu();
  platform::restart_renderer();
}

EMSCRIPTEN_KEEPALIVE void app_message(const char* text, const char* bytes, int size) {
  Program& p = program();
  const size_t banners = p.model.banners.size();
  p.bridge.receive(p.model, text, std::string(bytes, static_cast<size_t>(size)));
  if (p.model.banners.size() > banners) platform::announce(p.model.banners.back().text);
  p.bridge.pump(p.model);
  platform::wake(2);
}

/// The study that comes with the page: shown when there is no other, and when another cannot be opened.
EMSCRIPTEN_KEEPALIVE int app_set_built_in(const char* text, const char* name) {
  return guarded([&] {
    const Study study = parse_study(text, name);
    program().bridge.set_built_in(study);
    open_study(program().model, study);
  });
}

/// A link's fragment ("#s=..."). False, and a banner, when it holds no study.
EMSCRIPTEN_KEEPALIVE int app_open_link(const char* fragment) {
  return guarded([&] { open_study(program().model, study_from_url(fragment)); });
}

/// A file that was dropped, pasted or chosen: an image, a network, a study.
EMSCRIPTEN_KEEPALIVE void app_open_file(const char* name, const char* bytes, int size) {
  std::string content(bytes, static_cast<size_t>(size));
  guarded([&] {
    Program& p = program();
    if (content.empty()) throw Error("the file is empty", name);
    if (ends_with(name, ".json"))
      open_study(p.model, parse_study(content, name));
    else if (ends_with(name, ".onnx"))
      p.bridge.add_model(name, std::move(content));
    else
      p.bridge.add_image(name, std::move(content));
  });
}

EMSCRIPTEN_KEEPALIVE void app_dragging(int on) {
  program().screen.dragging_file = on;
  platform::wake();
}

EMSCRIPTEN_KEEPALIVE void app_show_error(const char* sentence) {
  guarded([&] { throw Error(sentence); });
}

/// The state as JSON: see api.h.
EMSCRIPTEN_KEEPALIVE char* app_state() {
  return to_c(describe_state(program().model, program().redrawn).dump());
}

/// Where the named controls stand, as JSON: {"share": [x, y, width, height], ...} in CSS pixels.
EMSCRIPTEN_KEEPALIVE char* app_widgets() {
  json out = json::object();
  for (const auto& [name, r] : ui::marks()) out[name] = {r.min.x, r.min.y, r.width(), r.height()};
  return to_c(out.dump());
}

/// Sets a value of the study document. Returns an empty text, or the sentence that says why not.
EMSCRIPTEN_KEEPALIVE char* app_set(const char* pointer, const char* value) {
  platform::wake();
  try {
    set_in_study(program().model, pointer, parse_json(value, "value"));
    return to_c("");
  } catch (const std::exception& error) {
    return to_c(error.what());
  }
}

/// The raw map of a finished cell, and its shape as three numbers at `shape`; null where there is none.
EMSCRIPTEN_KEEPALIVE const float* app_heatmap(const char* image, int method, int* shape) {
  const Model& model = program().model;
  for (size_t i = 0; i < model.study.images.size(); ++i) {
    if (model.study.images[i].id != image || method < 0 || method >= static_cast<int>(model.study.methods.size()))
      continue;
    const Cell* cell = model.cell(i, static_cast<size_t>(method));
    if (!cell || cell->state != State::done) return nullptr;
    for (int k = 0; k < 3; ++k) shape[k] = static_cast<int>(cell->map.dim(k));
    return cell->map.data.data();
  }
  return nullptr;
}

}  // extern "C"

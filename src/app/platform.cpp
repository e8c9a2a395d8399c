#include "app/platform.h"

#include <GLES3/gl3.h>
#include <emscripten.h>
#include <emscripten/html5.h>
#include <imgui.h>
#include <imgui_impl_opengl3.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "app/theme.h"

// What the page does for us: `host` is given to the module when it is made (web/app.js).
// clang-format off
EM_JS(void, host_copy_text, (const char* text), { Module.host.copyText(UTF8ToString(text)); })
EM_JS(void, host_choose_files, (), { Module.host.chooseFiles(); })
EM_JS(void, host_set_fragment, (const char* text), { Module.host.setFragment(UTF8ToString(text)); })
EM_JS(void, host_set_cursor, (const char* name), { Module.host.setCursor(UTF8ToString(name)); })
EM_JS(void, host_open_page, (const char* address), { Module.host.openPage(UTF8ToString(address)); })
EM_JS(void, host_announce, (const char* text), { Module.host.announce(UTF8ToString(text)); })
EM_JS(void, host_download, (const char* name, const char* bytes, int size), {
  Module.host.download(UTF8ToString(name), HEAPU8.slice(bytes, bytes + size));
})
EM_JS(char*, host_page_address, (), { return Module.host.toC(Module.host.pageAddress()); })
// clang-format on

namespace ks::platform {

namespace {

float density = 1, fonts_density = 0;
int frames_wanted = 3;
double wake_time = 0, frame_time = 0;  // seconds
std::string clipboard;
ImGuiMouseCursor shown_cursor = ImGuiMouseCursor_Arrow;

const char* clipboard_text(void*) {
  return clipboard.c_str();
}

void set_clipboard_text(void*, const char* text) {
  clipboard = text;
  host_copy_text(text);
}

const char* cursor_name(ImGuiMouseCursor cursor) {
  switch (cursor) {
    case ImGuiMouseCursor_TextInput:
      return "text";
    case ImGuiMouseCursor_ResizeAll:
      return "move";
    case ImGuiMouseCursor_ResizeNS:
      return "ns-resize";
    case ImGuiMouseCursor_ResizeEW:
      return "ew-resize";
    case ImGuiMouseCursor_Hand:
      return "pointer";
    case ImGuiMouseCursor_NotAllowed:
      return "not-allowed";
    default:
      return "default";
  }
}

ImGuiKey key_of(std::string_view code) {
  if (code.size() == 4 && code.substr(0, 3) == "Key") return static_cast<ImGuiKey>(ImGuiKey_A + (code[3] - 'A'));
  if (code.size() == 6 && code.substr(0, 5) == "Digit") return static_cast<ImGuiKey>(ImGuiKey_0 + (code[5] - '0'));
  if (code.size() == 7 && code.substr(0, 6) == "Numpad" && code[6] >= '0' && code[6] <= '9')
    return static_cast<ImGuiKey>(ImGuiKey_Keypad0 + (code[6] - '0'));
  static constexpr std::pair<std::string_view, ImGuiKey> names[] = {{"ArrowLeft", ImGuiKey_LeftArrow},
                                                                    {"ArrowRight", ImGuiKey_RightArrow},
                                                                    {"ArrowUp", ImGuiKey_UpArrow},
                                                                    {"ArrowDown", ImGuiKey_DownArrow},
                                                                    {"Tab", ImGuiKey_Tab},
                                                                    {"PageUp", ImGuiKey_PageUp},
                                                                    {"PageDown", ImGuiKey_PageDown},
                                                                    {"Home", ImGuiKey_Home},
                                                                    {"End", ImGuiKey_End},
                                                                    {"Delete", ImGuiKey_Delete},
                                                                    {"Backspace", ImGuiKey_Backspace},
                                                                    {"Space", ImGuiKey_Space},
                                                                    {"Enter", ImGuiKey_Enter},
                                                                    {"NumpadEnter", ImGuiKey_Enter},
                                                                    {"Escape", ImGuiKey_Escape},
                                                                    {"Slash", ImGuiKey_Slash},
                                                                    {"Minus", ImGuiKey_Minus},
                                                                    {"Equal", ImGuiKey_Equal},
                                                                    {"BracketLeft", ImGuiKey_LeftBracket},
                                                                    {"BracketRight", ImGuiKey_RightBracket}};
  for (const auto& [name, key] : names)
    if (name == code) return key;
  return ImGuiKey_None;
}

void send_modifiers(int modifiers) {
  ImGuiIO& io = ImGui::GetIO();
  io.AddKeyEvent(ImGuiMod_Ctrl, modifiers & 1);
  io.AddKeyEvent(ImGuiMod_Shift, modifiers & 2);
  io.AddKeyEvent(ImGuiMod_Alt, modifiers & 4);
  // Command on a Mac is what Control is elsewhere.
  if (modifiers & 8) io.AddKeyEvent(ImGuiMod_Ctrl, true);
}

}  // namespace

bool start(const char* selector) {
  EmscriptenWebGLContextAttributes attributes;
  emscripten_webgl_init_context_attributes(&attributes);
  attributes.majorVersion = 2;
  attributes.alpha = false;
  attributes.depth = false;
  attributes.antialias = false;  // Dear ImGui draws smooth edges itself
  const EMSCRIPTEN_WEBGL_CONTEXT_HANDLE context = emscripten_webgl_create_context(selector, &attributes);
  if (context <= 0) return false;
  emscripten_webgl_make_context_current(context);

  ImGui::CreateContext();
  ImGuiIO& io = ImGui::GetIO();
  io.IniFilename = nullptr;
  io.LogFilename = nullptr;
  io.BackendPlatformName = "kernelscope";
  io.BackendFlags |= ImGuiBackendFlags_HasMouseCursors;
  io.GetClipboardTextFn = clipboard_text;
  io.SetClipboardTextFn = set_clipboard_text;
  io.ConfigInputTrickleEventQueue = true;
  theme::apply_style();
  return ImGui_ImplOpenGL3_Init("#version 300 es");
}

void restart_renderer() {
  ImGui_ImplOpenGL3_Shutdown();
  ImGui_ImplOpenGL3_Init("#version 300 es");
  wake();
}

bool begin_frame(double milliseconds) {
  const double seconds = milliseconds / 1000;
  if (wake_time > 0 && seconds >= wake_time) {
    wake_time = 0;
    wake();
  }
  if (frames_wanted <= 0) return false;
  --frames_wanted;
  ImGuiIO& io = ImGui::GetIO();
  if (io.DisplaySize.x < 1 || io.DisplaySize.y < 1) return false;
  io.DeltaTime = static_cast<float>(std::clamp(seconds - frame_time, 1e-4, 0.25));
  frame_time = seconds;
  if (fonts_density != density) {
    fonts_density = density;
    const bool drawn_before = io.Fonts->TexID != nullptr;  // else the renderer makes the texture itself
    if (drawn_before) ImGui_ImplOpenGL3_DestroyFontsTexture();
    theme::build_fonts(density);
    if (drawn_before) ImGui_ImplOpenGL3_CreateFontsTexture();
  }
  ImGui_ImplOpenGL3_NewFrame();
  ImGui::NewFrame();
  return true;
}

void end_frame() {
  ImGui::Render();
  const ImVec4 clear = ImGui::ColorConvertU32ToFloat4(theme::background);
  const ImGuiIO& io = ImGui::GetIO();
  glViewport(0, 0, static_cast<int>(io.DisplaySize.x * density + 0.5f),
             static_cast<int>(io.DisplaySize.y * density + 0.5f));
  glClearColor(clear.x, clear.y, clear.z, 1);
  glClear(GL_COLOR_BUFFER_BIT);
  ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
  const ImGuiMouseCursor cursor = ImGui::GetMouseCursor();
  if (cursor != shown_cursor) host_set_cursor(cursor_name(shown_cursor = cursor));
  if (io.WantTextInput) wake_after(0.25);  // the caret blinks
}

void wake(int frames) {
  frames_wanted = std::max(frames_wanted, frames);
}

void wake_after(double seconds) {
  const double time = frame_time + seconds;
  if (wake_time == 0 || time < wake_time) wake_time = time;
}

float pixel_density() {
  return density;
}
double now() {
  return frame_time;
}
void copy_text(const std::string& text) {
  set_clipboard_text(nullptr, text.c_str());
}
void choose_files() {
  host_choose_files();
}
void set_fragment(const std::string& text) {
  host_set_fragment(text.c_str());
}
std::string page_address() {
  char* text = host_page_address();
  std::string out = text;
  std::free(text);
  return out;
}
void open_page(const std::string& address) {
  host_open_page(address.c_str());
}
void announce(const std::string& text) {
  host_announce(text.c_str());
}
void download(const std::string& name, const std::string& bytes) {
  host_download(name.c_str(), bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace ks::platform

using namespace ks::platform;

extern "C" {

EMSCRIPTEN_KEEPALIVE void input_resize(float width, float height, float pixels_per_unit) {
  density = pixels_per_unit;
  ImGuiIO& io = ImGui::GetIO();
  io.DisplaySize = {width, height};
  io.DisplayFramebufferScale = {density, density};
  wake();
}

/// kind: 0 move, 1 down, 2 up, 3 gone from the canvas; button: 0 left, 1 right, 2 middle.
EMSCRIPTEN_KEEPALIVE void input_pointer(int kind, float x, float y, int button, int touch) {
  ImGuiIO& io = ImGui::GetIO();
  io.AddMouseSourceEvent(touch ? ImGuiMouseSource_TouchScreen : ImGuiMouseSource_Mouse);
  if (kind == 3)
    io.AddMousePosEvent(-FLT_MAX, -FLT_MAX);
  else
    io.AddMousePosEvent(x, y);
  if (kind == 1 || kind == 2) io.AddMouseButtonEvent(button, kind == 1);
  wake();
  wake_after(0.4);  // a tooltip may be due
}

EMSCRIPTEN_KEEPALIVE void input_wheel(float dx, float dy, int modifiers) {
  send_modifiers(modifiers);
  ImGui::GetIO().AddMouseWheelEvent(dx, dy);
  wake();
}

/// `code` as KeyboardEvent.code, `text` what the key types (may be empty); modifiers: 1 Ctrl, 2 Shift, 4 Alt, 8 Meta.
EMSCRIPTEN_KEEPALIVE void input_key(const char* code, const char* text, int down, int modifiers) {
  ImGuiIO& io = ImGui::GetIO();
  send_modifiers(modifiers);
  const ImGuiKey key = key_of(code);
  if (key != ImGuiKey_None) io.AddKeyEvent(key, down);
  if (down && text[0] && !(modifiers & (1 | 8))) io.AddInputCharactersUTF8(text);
  wake();
}

EMSCRIPTEN_KEEPALIVE void input_paste(const char* text) {
  clipboard = text;
  ImGuiIO& io = ImGui::GetIO();
  io.AddKeyEvent(ImGuiMod_Ctrl, true);
  io.AddKeyEvent(ImGuiKey_V, true);
  io.AddKeyEvent(ImGuiKey_V, false);
  io.AddKeyEvent(ImGuiMod_Ctrl, false);
  wake(5);
}

EMSCRIPTEN_KEEPALIVE void input_focus(int focused) {
  ImGui::GetIO().AddFocusEvent(focused);
  wake();
}

}  // extern "C"

#pragma once
#include <string>

namespace ks::platform {

/// The page this program runs in: a WebGL 2 canvas, its events (web/input.js calls the exported input_* functions), the
/// clipboard, the address. The only file of the app that knows of the browser's windowing.

/// Makes the WebGL 2 context of the canvas that `selector` names, Dear ImGui and its renderer. False without WebGL 2.
bool start(const char* selector);
/// After the page got a lost WebGL context back: everything on the GPU is gone.
void restart_renderer();

/// Begins a frame when something asked for one; false leaves the last picture standing, at no cost.
bool begin_frame(double milliseconds);
void end_frame();

/// Asks for frames: now (`frames` of them, as Dear ImGui needs one to lay out and one to settle), or after a while.
void wake(int frames = 3);
void wake_after(double seconds);

float pixel_density();  // device pixels per unit
double now();           // seconds, of the current frame

void copy_text(const std::string& text);
void choose_files();                         // the page's file dialog; files arrive as dropped ones do
void set_fragment(const std::string& text);  // the address after '#', without a new entry in the history
std::string page_address();                  // of this page, without what follows '#'
void open_page(const std::string& address);  // in a new tab; relative addresses are the site's
void announce(const std::string& text);      // for screen readers
void download(const std::string& name, const std::string& bytes);

}  // namespace ks::platform

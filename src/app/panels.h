#pragma once
#include <functional>
#include <string>
#include <vector>

#include "app/bridge.h"
#include "app/heatmap.h"
#include "app/model.h"
#include "app/ranking.h"
#include "app/widgets.h"

/// The panels: each file draws one from a model it may not change; what the user does becomes commands that the main
/// loop carries out after the frame. Adding a panel touches its file, a line here and a line in main.cpp.
namespace ks::app {

class Commands {
 public:
  using Command = std::function<void(Model&, Bridge&)>;
  void add(Command command) { queue_.push_back(std::move(command)); }
  void edit(std::function<void(Study&)> change, std::string merge_key = "") {
    add([change = std::move(change), merge_key = std::move(merge_key)](Model& model, Bridge&) {
      app::edit(model, change, merge_key);
    });
  }
  void look(std::function<void(StudyView&)> change) {
    add([change = std::move(change)](Model& model, Bridge&) { app::look(model, change); });
  }
  void select(const std::string& image, size_t method) {
    look([=](StudyView& view) {
      view.selected_image = image;
      view.selected_method = static_cast<int>(method);
    });
  }
  bool empty() const { return queue_.empty(); }
  void run(Model& model, Bridge& bridge) {
    std::vector<Command> queue;
    queue.swap(queue_);
    for (const Command& command : queue) command(model, bridge);
  }

 private:
  std::vector<Command> queue_;
};

/// What is on the screen and belongs to no study: scroll positions, zoom, the pointer.
struct Screen {
  float grid_scroll = 0;          // of the method columns, shared by the grid and the scores
  bool reveal_selection = false;  // scroll the grid to the selected cell
  float zoom = 1;                 // of the inspector, 1 shows the whole image
  ImVec2 center{0.5f, 0.5f};
  std::string zoomed_image;  // the image that zoom and centre belong to
  /// The pointer is over an image; where, in pixels of it. As of the last frame: every picture shows the same.
  struct Probe {
    bool on = false;
    int x = 0, y = 0;
  } probe, next_probe;
  bool help = false;
  bool dragging_file = false;  // a file is held over the page
};

struct Context {
  const Model& model;
  Screen& screen;
  Commands& commands;
  Heatmaps& heatmaps;
  RedrawnOrder& redrawn;
};

/// StudyView::panel in the app: words for what is open beside the grid, so that a link opens the same.
inline bool is_comparing(const StudyView& view) {
  return view.panel.rfind("compare", 0) == 0;
}
inline bool is_on_method(const StudyView& view) {
  return view.panel.find("method") != std::string::npos;
}
inline std::string panel_name(bool comparing, bool on_method) {
  return comparing ? (on_method ? "compare-method" : "compare") : on_method ? "method" : "";
}

/// The columns that grid and scores have in common.
struct Columns {
  float left = 0, header_width = 0;  // of the row headers
  float cell = 0, pitch = 0;         // of one method
  float x(size_t method, float scroll) const {
    return left + header_width + pitch * static_cast<float>(method) - scroll;
  }
};
Columns layout_columns(const Model& model, ui::Rect rect);
float strip_height(const Columns& columns);

void draw_top_bar(Context& context, ui::Rect rect);
void draw_grid(Context& context, ui::Rect rect, const Columns& columns);
void draw_strip(Context& context, ui::Rect rect, const Columns& columns);  // the selected image's row alone
void draw_image_header(Context& context, size_t image,
                       ui::Rect rect);  // images.cpp: one row's photograph and prediction
void draw_drop_zone(Context& context, ui::Rect rect);
void draw_scores(Context& context, ui::Rect rect, const Columns& columns);
float scores_height(const Model& model);
void draw_inspector(Context& context, ui::Rect rect);
float inspector_height(float width);
void draw_comparison(Context& context, ui::Rect rect);
void draw_sidebar(Context& context, ui::Rect rect);
void draw_view_panel(Context& context);
void draw_method_panel(Context& context);
void draw_share_button(Context& context);
void draw_status_bar(Context& context, ui::Rect rect);
float banners_height(const Model& model, float width);
void draw_banners(Context& context, ui::Rect rect);
void draw_toast(Context& context, ui::Rect area);
void draw_help(Context& context);
void draw_add_method_popup(Context& context);  // popup "add method"
void draw_add_metric_popup(Context& context);  // popup "add metric"

/// An image, a map over it and the annotation, in `rect`; `zoom` and `center` say which part is seen.
struct PictureView {
  bool photograph = true, heatmap = true, outline = true;
  float opacity = 1;
  float zoom = 1;
  ImVec2 center{0.5f, 0.5f};
};
void draw_picture(Context& context, size_t image, size_t method, ui::Rect rect, const PictureView& view);

/// A window without decoration that fills `rect`.
void begin_panel(const char* name, ui::Rect rect, ImU32 color, ImVec2 padding = {0, 0},
                 int flags = ImGuiWindowFlags_NoBringToFrontOnFocus);
void end_panel();

/// When an entry misleads, its formula, and for a method a button that opens its page of the reference.
void draw_entry_details(const Entry& entry, bool has_page);

/// "Saliency (Simonyan et al. 2013). ..." for a method's or a metric's tooltip.
void draw_entry_tooltip(const Entry& entry, const std::string& extra = "");

}  // namespace ks::app

#pragma once
#include <imgui.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "app/model.h"
#include "app/widgets.h"
#include "picture/colormap.h"
#include "picture/histogram.h"

namespace ks::app {

/// Draws maps as textures of raw values, coloured by shaders/heatmap.*. Pooling and limits come from the core
/// (src/picture) and are kept per map, so that another normalisation, colormap or opacity costs a few uniforms.
class Heatmaps {
 public:
  /// Lets go of what was not drawn for a while; call once a frame.
  void begin_frame();
  /// The WebGL context was lost: textures and the program have to be made anew.
  void forget_gpu();

  /// The map of a finished cell, pooled as the study's view says: [1,1,H,W], raw values.
  const Tensor& pooled(const Model& model, const Cell& cell);
  /// What display value 1 stands for, as the study's normalisation says.
  double limit(const Model& model, size_t image, size_t method);
  /// Over what the colour bar shows: -limit to limit, or 0 to limit for a sequential colormap.
  const Histogram& histogram(const Model& model, size_t image, size_t method);

  /// A finished cell in `rect`, seen through the window uv_min..uv_max of it.
  void draw(ImDrawList* list, ui::Rect rect, ImVec2 uv_min, ImVec2 uv_max, const Model& model, size_t image,
            size_t method, float opacity);
  void draw_photograph(ImDrawList* list, ui::Rect rect, ImVec2 uv_min, ImVec2 uv_max, const Picture& picture);

 private:
  struct Pooled {
    std::string pooling;
    Tensor values;
    unsigned texture = 0;
    int unused = 0;  // frames
  };
  struct Photograph {
    unsigned texture = 0;
    int unused = 0;
  };
  struct Limit {
    std::string key;  // of all it depends on
    double value = 0;
  };
  struct HistogramEntry {
    std::string key;
    Histogram histogram;
  };
  struct Program {
    unsigned id = 0;
    int projection = -1, values = -1, colormap = -1, scale = -1, diverging = -1;
  };
  struct Draw {
    Heatmaps* owner = nullptr;
    unsigned colormap = 0;
    float scale = 0;
    bool diverging = true;
  };
  static void bind(const ImDrawList*, const ImDrawCmd* command);
  void make_program();
  Pooled& entry_of(const Model& model, const Cell& cell);
  unsigned texture_of(Pooled& pooled);
  unsigned colormap_texture(const Colormap& colormap);

  std::unordered_map<uint64_t, Pooled> pooled_;           // by the cell's serial
  std::unordered_map<uint64_t, Photograph> photographs_;  // by the picture's serial
  std::unordered_map<uint64_t, Limit> limits_;            // by the cell's serial
  std::unordered_map<std::string, unsigned> colormaps_;
  HistogramEntry histogram_;
  std::vector<std::unique_ptr<Draw>> draws_;  // of this frame: callbacks point to them
  Program program_;
};

}  // namespace ks::app

#pragma once
#include <string>
#include <vector>

#include "picture/image.h"
#include "study/engine.h"

namespace ks {

/// The pictures of a run: every explained image with its annotation, and the heatmap of every method over it, in the
/// colours that the study's view asks for.
struct Figures {
  std::vector<size_t> images;                // which images of the study
  std::vector<Image> pictures;               // [shown] the image as the network sees it, annotation outlined in green
  std::vector<std::vector<Image>> overlays;  // [shown][method]; no pixels where there is no map
  std::vector<std::vector<double>> limits;   // [shown][method] the raw value that has the colormap's last colour
};

/// Collects maps while a study runs (pooled, so that they fit into memory) and colours them at the end, because some
/// normalisations look at all maps of a method.
class FigureBuilder {
 public:
  /// At most `most` images are shown, the first ones of the study.
  FigureBuilder(const Study& study, size_t most);
  void add(size_t image, size_t method, const Tensor& map);
  Figures finish(const std::vector<EngineImage>& images) const;

 private:
  Study study_;
  size_t most_;
  std::vector<std::vector<Tensor>> maps_;  // [image][method], pooled
};

/// One row: the picture and its heatmaps side by side, on white.
Image figure_strip(const Figures& figures, size_t shown);
/// All rows.
Image figure_sheet(const Figures& figures);

/// The sheet as SVG with captions, for a paper: pictures embedded, text as text.
std::string figure_svg(const Figures& figures, const std::vector<std::string>& row_captions,
                       const std::vector<std::string>& column_captions);

}  // namespace ks

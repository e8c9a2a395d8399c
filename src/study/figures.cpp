#include "study/figures.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "picture/colormap.h"
#include "picture/normalisation.h"
#include "picture/overlay.h"
#include "picture/pooling.h"
#include "study/markup.h"

namespace ks {

namespace {

constexpr int gap = 6;               // pixels of white between pictures
constexpr int smallest_shown = 192;  // pixels: smaller pictures are enlarged

void paste(Image& onto, const Image& picture, int x, int y) {
  for (int row = 0; row < picture.height; ++row)
    std::memcpy(onto.at(x, y + row), picture.at(0, row), static_cast<size_t>(picture.width) * 3);
}

/// The limit for every map of one method; 0 where there is none.
std::vector<double> method_limits(const std::vector<std::vector<Tensor>>& maps, size_t method, size_t shown,
                                  const std::string& name) {
  const Normalisation& normalisation = normalisations().at(name);
  std::vector<const Tensor*> all;
  for (size_t i = 0; i < shown; ++i)
    if (!maps[i][method].empty()) all.push_back(&maps[i][method]);
  std::vector<double> limits(shown, 0.0);
  for (size_t i = 0; i < shown; ++i) {
    if (maps[i][method].empty()) continue;
    const std::vector<const Tensor*> one = {&maps[i][method]};
    limits[i] = display_limit(name, json::object(), normalisation.whole_study ? all : one);
  }
  return limits;
}

/// Small networks see small pictures: these are shown enlarged by a whole factor, so that every pixel can be told.
Image enlarged(const Image& picture, int factor) {
  Image out(picture.width * factor, picture.height * factor);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) std::memcpy(out.at(x, y), picture.at(x / factor, y / factor), 3);
  return out;
}

Mask enlarged(const Mask& mask, int factor) {
  Mask out(mask.width * factor, mask.height * factor);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) out.at(x, y) = mask.at(x / factor, y / factor);
  return out;
}

/// The page shows a picture smaller than it is: its outline is as wide as can be seen there.
int outline_width(const Image& picture) {
  return std::max(1, picture.width / 110);
}

}  // namespace

FigureBuilder::FigureBuilder(const Study& study, size_t most)
    : study_(study),
      most_(std::min(most, study.images.size())),
      maps_(most_, std::vector<Tensor>(study.methods.size())) {}

void FigureBuilder::add(size_t image, size_t method, const Tensor& map) {
  if (image < most_) maps_[image][method] = pool_channels(map, poolings().at(study_.view.pooling));
}

Figures FigureBuilder::finish(const std::vector<EngineImage>& images) const {
  const Colormap& colormap = colormaps().at(study_.view.colormap);
  const size_t methods = study_.methods.size();
  Figures out;
  std::vector<std::vector<double>> limits;
  for (size_t m = 0; m < methods; ++m) limits.push_back(method_limits(maps_, m, most_, study_.view.normalisation));
  for (size_t i = 0; i < most_ && i < images.size(); ++i) {
    if (!images[i].error.empty()) continue;
    const int factor = (smallest_shown + images[i].picture.width - 1) / images[i].picture.width;
    const Image picture = enlarged(images[i].picture, factor);
    const Mask mask = enlarged(images[i].mask, factor);
    const bool outlined = study_.view.annotation && images[i].has_mask() && images[i].mask.area() > 0;
    const auto finished = [&](Image shown) {
      if (outlined) draw_outline(shown, mask, outline_width(shown));
      return shown;
    };
    out.images.push_back(i);
    out.pictures.push_back(finished(picture));
    out.overlays.emplace_back(methods);
    out.limits.emplace_back(methods);
    for (size_t m = 0; m < methods; ++m) {
      if (maps_[i][m].empty()) continue;
      out.overlays.back()[m] =
          finished(overlay(picture, maps_[i][m], 0, limits[m][i], colormap, {.opacity = study_.view.opacity}));
      out.limits.back()[m] = limits[m][i];
    }
  }
  return out;
}

Image figure_strip(const Figures& figures, size_t shown) {
  const Image& picture = figures.pictures.at(shown);
  const std::vector<Image>& overlays = figures.overlays.at(shown);
  Image out(static_cast<int>(overlays.size() + 1) * (picture.width + gap) - gap, picture.height);
  std::fill(out.rgb.begin(), out.rgb.end(), uint8_t{255});
  paste(out, picture, 0, 0);
  for (size_t m = 0; m < overlays.size(); ++m)
    if (overlays[m].width > 0) paste(out, overlays[m], static_cast<int>(m + 1) * (picture.width + gap), 0);
  return out;
}

Image figure_sheet(const Figures& figures) {
  if (figures.images.empty()) return {};
  std::vector<Image> strips;
  for (size_t i = 0; i < figures.images.size(); ++i) strips.push_back(figure_strip(figures, i));
  const int height = strips[0].height;
  Image out(strips[0].width, static_cast<int>(strips.size()) * (height + gap) - gap);
  std::fill(out.rgb.begin(), out.rgb.end(), uint8_t{255});
  for (size_t i = 0; i < strips.size(); ++i) paste(out, strips[i], 0, static_cast<int>(i) * (height + gap));
  return out;
}

std::string figure_svg(const Figures& figures, const std::vector<std::string>& row_captions,
                       const std::vector<std::string>& column_captions) {
  constexpr int side = 120, space = 6, left = 110, top = 64;
  const size_t columns = column_captions.size();
  const int width = left + static_cast<int>(columns + 1) * (side + space);
  const int height = top + static_cast<int>(figures.images.size()) * (side + space);
  const auto text = [](int x, int y, const std::string& anchor, const std::string& words) {
    return "<text x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" text-anchor=\"" + anchor + "\">" +
           escape_markup(words) + "</text>\n";
  };
  const auto image = [](int x, int y, const Image& picture) {
    return "<image x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" width=\"" + std::to_string(side) +
           "\" height=\"" + std::to_string(side) + "\" href=\"" + jpeg_uri(picture) + "\"/>\n";
  };
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + std::to_string(width) + "\" height=\"" +
                    std::to_string(height) +
                    "\" font-family=\"Inter, Helvetica, Arial, sans-serif\" font-size=\"10\">\n" +
                    "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  for (size_t c = 0; c <= columns; ++c) {
    // Long titles are broken at the spaces, upwards from the pictures.
    const std::vector<std::string> lines = wrap_words(c == 0 ? "Image" : column_captions[c - 1], 20);
    for (size_t l = 0; l < lines.size(); ++l)
      out += text(left + static_cast<int>(c) * (side + space) + side / 2,
                  top - 8 - 12 * static_cast<int>(lines.size() - 1 - l), "middle", lines[l]);
  }
  for (size_t i = 0; i < figures.images.size(); ++i) {
    const int y = top + static_cast<int>(i) * (side + space);
    const std::vector<std::string> lines = wrap_words(row_captions.at(i), 17);
    for (size_t l = 0; l < lines.size(); ++l)
      out += text(left - 8, y + side / 2 + 14 * static_cast<int>(l) - 7 * static_cast<int>(lines.size() - 1), "end",
                  lines[l]);
    out += image(left, y, figures.pictures[i]);
    for (size_t m = 0; m < columns; ++m)
      if (figures.overlays[i][m].width > 0)
        out += image(left + static_cast<int>(m + 1) * (side + space), y, figures.overlays[i][m]);
  }
  return out + "</svg>\n";
}

}  // namespace ks

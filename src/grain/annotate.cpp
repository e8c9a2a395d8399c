#include "grain/annotate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "grain/noise.h"
#include "grain/regions.h"
#include "grain/scene.h"
#include "tensor/error.h"

namespace ks {

namespace {

/// Parameters are given in pixels of a 224-pixel picture.
double unit_of(const Mask& mask) {
  return std::max(mask.width, mask.height) / 224.0;
}

/// Parts worth marking: at least a tenth of the largest.
std::vector<Mask> marked_parts(const Mask& damage) {
  std::vector<Mask> parts = components(damage);
  while (parts.size() > 1 && parts.back().area() * 10 < parts.front().area()) parts.pop_back();
  return parts;
}

/// A brush drawn along the damage: smooth, wider by the margin, wavering.
Mask draw_outline_style(const Mask& damage, const Params& p, Random& random) {
  const double unit = unit_of(damage);
  Mask marked(damage.width, damage.height);
  for (const Mask& part : marked_parts(damage))
    for (size_t i = 0; i < marked.inside.size(); ++i) marked.inside[i] |= part.inside[i];
  // The level set of a blurred edge lies at sigma * z from it, where the normal distribution's tail at z is the level.
  const auto sigma = static_cast<float>(std::max(1.0, unit * (p.number("margin") + 2)));
  std::vector<float> soft(marked.inside.begin(), marked.inside.end());
  blur_wide(soft, marked.width, marked.height, sigma);
  const NoiseTile noise{Random(random.next(), 83)};
  const auto wobble = static_cast<float>(unit * p.number("wobble"));
  Mask out(damage.width, damage.height);
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      const auto u = static_cast<float>(x / (22 * unit)), v = static_cast<float>(y / (22 * unit));
      const auto reach = static_cast<float>(unit * p.number("margin")) + wobble * noise.octaves(u, v, 2);
      const float level = 0.5f * std::erfc(reach / sigma / std::sqrt(2.0f));
      out.at(x, y) = soft[static_cast<size_t>(y) * out.width + x] > level;
    }
  return fill_holes(out);
}

struct Corner {
  double x, y;
};

bool inside_polygon(const std::vector<Corner>& polygon, double x, double y) {
  bool inside = false;
  for (size_t i = 0, j = polygon.size() - 1; i < polygon.size(); j = i++) {
    const Corner &a = polygon[i], &b = polygon[j];
    if ((a.y > y) != (b.y > y) && x < (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x) inside = !inside;
  }
  return inside;
}

/// A few clicks around each part: corners in even directions from its middle, beyond its farthest pixel there.
Mask draw_polygon_style(const Mask& damage, const Params& p, Random& random) {
  const double unit = unit_of(damage), margin = unit * p.number("margin"), wobble = unit * p.number("wobble");
  const int corners = p.integer("corners");
  Mask out(damage.width, damage.height);
  for (const Mask& part : marked_parts(damage)) {
    double sx = 0, sy = 0, n = 0;
    for (int y = 0; y < part.height; ++y)
      for (int x = 0; x < part.width; ++x)
        if (part.at(x, y)) sx += x + 0.5, sy += y + 0.5, n += 1;
    const double cx = sx / n, cy = sy / n, turn = random.uniform(0, 2 * std::numbers::pi);
    std::vector<double> reach(static_cast<size_t>(corners), 0.0);
    for (int y = 0; y < part.height; ++y)
      for (int x = 0; x < part.width; ++x) {
        if (!part.at(x, y)) continue;
        const double angle = std::atan2(y + 0.5 - cy, x + 0.5 - cx) - turn, turns = angle / (2 * std::numbers::pi);
        const int sector = static_cast<int>(std::lround((turns - std::floor(turns)) * corners)) % corners;
        reach[sector] = std::max(reach[sector], std::hypot(x + 0.5 - cx, y + 0.5 - cy));
      }
    std::vector<Corner> polygon;
    for (int k = 0; k < corners; ++k) {
      const double angle = turn + 2 * std::numbers::pi * (k + 0.2 * random.uniform(-1, 1)) / corners;
      const double r = std::max(2 * unit, reach[k] + margin + wobble * random.normal());
      polygon.push_back({cx + r * std::cos(angle), cy + r * std::sin(angle)});
    }
    for (int y = 0; y < out.height; ++y)
      for (int x = 0; x < out.width; ++x) out.at(x, y) |= inside_polygon(polygon, x + 0.5, y + 0.5);
  }
  return out;
}

/// A rectangle dragged over each part.
Mask draw_box_style(const Mask& damage, const Params& p, Random& random) {
  const double unit = unit_of(damage), margin = unit * p.number("margin"), wobble = unit * p.number("wobble");
  Mask out(damage.width, damage.height);
  for (const Mask& part : marked_parts(damage)) {
    double x0 = part.width, y0 = part.height, x1 = 0, y1 = 0;
    for (int y = 0; y < part.height; ++y)
      for (int x = 0; x < part.width; ++x)
        if (part.at(x, y)) {
          x0 = std::min(x0, double(x));
          y0 = std::min(y0, double(y));
          x1 = std::max(x1, x + 1.0);
          y1 = std::max(y1, y + 1.0);
        }
    x0 -= margin + wobble * random.normal();
    y0 -= margin + wobble * random.normal();
    x1 += margin + wobble * random.normal();
    y1 += margin + wobble * random.normal();
    for (int y = 0; y < out.height; ++y)
      for (int x = 0; x < out.width; ++x)
        if (x + 0.5 > x0 && x + 0.5 < x1 && y + 0.5 > y0 && y + 0.5 < y1) out.at(x, y) = 1;
  }
  return out;
}

Parameter margin_parameter(double value) {
  return {"margin", ParameterType::number, value, "how far outside the damage the line runs", 0, 40, "px of 224"};
}

Parameter wobble_parameter(double value) {
  return {"wobble", ParameterType::number, value, "how much the hand wavers", 0, 20, "px of 224"};
}

}  // namespace

const Registry<AnnotationStyle>& annotation_styles() {
  static const Registry<AnnotationStyle> registry(
      "annotation style",
      {
          {{.name = "outline",
            .title = "Outline",
            .family = "annotation",
            .description = "A smooth line around the damage, somewhat outside it.",
            .parameters = {margin_parameter(3), wobble_parameter(2)}},
           draw_outline_style},
          {{.name = "polygon",
            .title = "Polygon",
            .family = "annotation",
            .description = "A few straight edges around each part of the damage, as experts click them.",
            .parameters = {margin_parameter(3),
                           wobble_parameter(2),
                           {"corners", ParameterType::integer, 9, "clicks around a part", 3, 64}}},
           draw_polygon_style},
          {{.name = "box",
            .title = "Box",
            .family = "annotation",
            .description = "A rectangle over each part of the damage.",
            .parameters = {margin_parameter(2), wobble_parameter(1.5)}},
           draw_box_style},
      });
  return registry;
}

Mask annotate(const Mask& damage, const std::string& style, const json& parameters, uint64_t seed) {
  const AnnotationStyle& entry = annotation_styles().at(style);
  const Params checked = check_parameters(entry, parameters);
  if (damage.area() == 0) return Mask(damage.width, damage.height);
  Random random(seed, 84);
  return entry.draw(damage, checked, random);
}

double intersection_over_union(const Mask& a, const Mask& b) {
  if (a.width != b.width || a.height != b.height) throw std::logic_error("masks of different sizes");
  int64_t both = 0, either = 0;
  for (size_t i = 0; i < a.inside.size(); ++i) {
    both += a.inside[i] && b.inside[i];
    either += a.inside[i] || b.inside[i];
  }
  return either ? static_cast<double>(both) / static_cast<double>(either) : 1.0;
}

}  // namespace ks

#include "picture/colormap.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "picture/lab.h"

namespace ks {

namespace {

using Colour = std::array<double, 3>;  // 0 ... 1

template <class Function>
ColourTable tabulate(Function function) {
  ColourTable table;
  for (size_t i = 0; i < 256; ++i) {
    const Colour colour = function(static_cast<double>(i) / 255);
    for (size_t c = 0; c < 3; ++c)
      table[i][c] = static_cast<uint8_t>(std::lround(255 * std::clamp(colour[c], 0.0, 1.0)));
  }
  return table;
}

/// Straight lines between colours at equal distances.
ColourTable piecewise_linear(const std::vector<Colour>& knots) {
  return tabulate([&](double t) {
    const double position = t * static_cast<double>(knots.size() - 1);
    const size_t k = std::min(static_cast<size_t>(position), knots.size() - 2);
    const double f = position - static_cast<double>(k);
    Colour out;
    for (size_t c = 0; c < 3; ++c) out[c] = (1 - f) * knots[k][c] + f * knots[k + 1][c];
    return out;
  });
}

/// c0 + c1 t + c2 t^2 + ...
ColourTable polynomial(const std::vector<Colour>& coefficients) {
  return tabulate([&](double t) {
    Colour out{};
    for (size_t k = coefficients.size(); k-- > 0;)
      for (size_t c = 0; c < 3; ++c) out[c] = out[c] * t + coefficients[k][c];
    return out;
  });
}

/// Moreland's Msh space: CIELAB in polar form. Magnitude, saturation angle, hue angle.
struct Msh {
  double m, s, h;
};

Msh to_msh(const Colour& rgb) {
  const auto [l, a, b] = srgb_to_lab(rgb);
  const double m = std::sqrt(l * l + a * a + b * b);
  return {m, m > 0 ? std::acos(l / m) : 0, std::atan2(b, a)};
}

Colour to_rgb(const Msh& msh) {
  return lab_to_srgb(
      {msh.m * std::cos(msh.s), msh.m * std::sin(msh.s) * std::cos(msh.h), msh.m * std::sin(msh.s) * std::sin(msh.h)});
}

/// The hue at which a colour of less saturation meets `saturated`, spun away so that steps look equal.
double adjusted_hue(const Msh& saturated, double unsaturated_m) {
  if (saturated.m >= unsaturated_m) return saturated.h;
  const double spin = saturated.s * std::sqrt(unsaturated_m * unsaturated_m - saturated.m * saturated.m) /
                      (saturated.m * std::sin(saturated.s));
  return saturated.h > -3.14159265358979 / 3 ? saturated.h + spin : saturated.h - spin;
}

/// K. Moreland: Diverging color maps for scientific visualization, ISVC 2009: from `low` through white to `high`.
ColourTable moreland(const Colour& low, const Colour& high) {
  const Msh left = to_msh(low), right = to_msh(high);
  const double white = std::max({left.m, right.m, 88.0});
  return tabulate([&](double t) {
    const bool first = t < 0.5;
    const Msh& end = first ? left : right;
    const double f = first ? 1 - 2 * t : 2 * t - 1;  // 1 at the end, 0 at white
    const double hue = adjusted_hue(end, white);
    return to_rgb({white + f * (end.m - white), f * end.s, hue + f * (end.h - hue)});
  });
}

Colour rgb(int r, int g, int b) {
  return {r / 255.0, g / 255.0, b / 255.0};
}

std::vector<Colormap> make_colormaps() {
  const char* const kMoreland = "K. Moreland: Diverging color maps for scientific visualization, ISVC 2009.";
  const char* const kFit =
      "S. van der Walt, N. Smith: matplotlib colormaps, 2015; polynomial fit by M. Zucker (public domain).";
  return {
      {{"seismic",
        "Seismic (blue, white, red)",
        "diverging",
        "",
        "Dark blue over blue and white to red and dark red: the usual heatmap of relevance. Its ends darken, so the "
        "strongest "
        "values are told apart; saturated blue and red catch the eye at the middle values.",
        {}},
       true,
       piecewise_linear({{0, 0, 0.3}, {0, 0, 1}, {1, 1, 1}, {1, 0, 0}, {0.5, 0, 0}})},
      {{"blue-white-red",
        "Blue, white, red",
        "diverging",
        "",
        "Pure blue over white to pure red. Evidence against is blue, evidence for is red.",
        {}},
       true,
       piecewise_linear({{0, 0, 1}, {1, 1, 1}, {1, 0, 0}})},
      {{"coolwarm",
        "Cool, warm",
        "diverging",
        kMoreland,
        "Blue over light grey to red with even steps in perceived difference. Less contrast than seismic, fewer false "
        "edges.",
        {}},
       true,
       moreland(rgb(59, 76, 192), rgb(180, 4, 38))},
      {{"purple-orange",
        "Purple, orange",
        "diverging",
        "",
        "Dark purple over white to brown, by orange: safe for the common kinds of colour blindness.",
        {}},
       true,
       piecewise_linear({rgb(45, 0, 75), rgb(128, 115, 172), rgb(247, 247, 247), rgb(224, 130, 20), rgb(127, 59, 8)})},
      {{"blue-black-red",
        "Blue, black, red",
        "diverging",
        "",
        "Light blue over black to yellow-red: dark where there is no evidence. Under an overlay it darkens the "
        "picture.",
        {}},
       true,
       piecewise_linear({{0.6, 0.9, 1}, {0.1, 0.35, 1}, {0, 0, 0}, {1, 0.2, 0.1}, {1, 0.9, 0.5}})},
      {{"viridis",
        "Viridis",
        "sequential",
        kFit,
        "Purple over green to yellow, even steps of lightness. Negative values look like zero.",
        {}},
       false,
       polynomial({{0.277727, 0.005407, 0.334100},
                   {0.105093, 1.404614, 1.384590},
                   {-0.330862, 0.214848, 0.095095},
                   {-4.634230, -5.799101, -19.332441},
                   {6.228270, 14.179933, 56.690553},
                   {4.776385, -13.745145, -65.353033},
                   {-5.435456, 4.645853, 26.312435}})},
      {{"inferno",
        "Inferno",
        "sequential",
        kFit,
        "Black over red to yellow, even steps of lightness. Negative values look like zero.",
        {}},
       false,
       polynomial({{0.000219, 0.001651, -0.019481},
                   {0.106513, 0.563956, 3.932712},
                   {11.602493, -3.972854, -15.942394},
                   {-41.703996, 17.436399, 44.354145},
                   {77.162936, -33.402359, -81.807309},
                   {-71.319428, 32.626064, 73.209520},
                   {25.131126, -12.242669, -23.070325}})},
      {{"magma",
        "Magma",
        "sequential",
        kFit,
        "Black over purple to light yellow, even steps of lightness. Negative values look like zero.",
        {}},
       false,
       polynomial({{-0.002136, -0.000750, -0.005386},
                   {0.251661, 0.677523, 2.494027},
                   {8.353717, -3.577720, 0.314468},
                   {-27.668733, 14.264731, -13.649213},
                   {52.176140, -27.943606, 12.944169},
                   {-50.768525, 29.046583, 4.234153},
                   {18.655706, -11.489774, -5.601962}})},
      {{"turbo",
        "Turbo",
        "sequential",
        "A. Mikhailov: Turbo, an improved rainbow colormap for visualization, 2019 (its polynomial approximation).",
        "Rainbow with smooth lightness. Shows small differences, but suggests borders where its hue turns. Negative "
        "values "
        "look like zero.",
        {}},
       false,
       polynomial({{0.135721, 0.091403, 0.106673},
                   {4.615393, 2.194188, 12.641946},
                   {-42.660323, 4.842967, -60.582048},
                   {132.131082, -14.185033, 110.362768},
                   {-152.942394, 4.277299, -89.903109},
                   {59.286379, 2.829566, 27.348249}})},
      {{"grey", "Grey", "sequential", "", "Black to white. For print. Negative values look like zero.", {}},
       false,
       piecewise_linear({{0, 0, 0}, {1, 1, 1}})},
  };
}

}  // namespace

const Registry<Colormap>& colormaps() {
  static const Registry<Colormap> registry("colormap", make_colormaps());
  return registry;
}

int colour_index(float display_value, bool diverging) {
  const float t = diverging ? (display_value + 1) / 2 : display_value;
  return static_cast<int>(std::lround(255 * std::clamp(t, 0.0f, 1.0f)));
}

}  // namespace ks

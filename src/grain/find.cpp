#include "grain/find.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "grain/background.h"
#include "grain/regions.h"
#include "grain/scene.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace ks {

namespace {

/// The search runs on a reduced picture: its outline is smooth, and large photographs take no longer.
constexpr int kSearchSide = 400;

/// How unlike the background a pixel is, 8-bit levels. Hue counts fully, brightness too where it is higher; darker
/// counts less, so that the kernel's shadow stays out.
std::vector<float> contrast_map(const Image& photo, const BackgroundPlane& plane) {
  std::vector<float> out(static_cast<size_t>(photo.width) * photo.height);
  for (int y = 0; y < photo.height; ++y)
    for (int x = 0; x < photo.width; ++x) {
      const std::array<double, 3> ground = plane.at((2 * x + 1.0) / photo.width - 1, (2 * y + 1.0) / photo.height - 1);
      const uint8_t* p = photo.at(x, y);
      const double dr = p[0] - ground[0], dg = p[1] - ground[1], db = p[2] - ground[2];
      const double light = (dr + dg + db) / 3, red_blue = dr - db, green = dg - (dr + db) / 2;
      // A shadow scales all channels: what is left after scaling is the object's own colour.
      const double scale = std::clamp((p[0] + p[1] + p[2] + 1.0) / (ground[0] + ground[1] + ground[2] + 1.0), 0.0, 1.0);
      const double own = std::fabs(p[0] - scale * ground[0]) + std::fabs(p[1] - scale * ground[1]) +
                         std::fabs(p[2] - scale * ground[2]);
      const double hue = std::min(std::sqrt(red_blue * red_blue + green * green), own + 4);
      const double weight = light > 0 ? 1.0 : 0.45;
      out[static_cast<size_t>(y) * photo.width + x] =
          static_cast<float>(std::sqrt(hue * hue + weight * weight * light * light));
    }
  return out;
}

/// Otsu's threshold over values clipped to [0,255].
float otsu(const std::vector<float>& values) {
  std::array<double, 256> histogram{};
  for (float v : values) histogram[static_cast<size_t>(std::clamp(v, 0.0f, 255.0f))] += 1;
  double total = 0, sum = 0;
  for (int i = 0; i < 256; ++i) {
    total += histogram[i];
    sum += i * histogram[i];
  }
  double below = 0, sum_below = 0, best = -1;
  int threshold = 0;
  for (int i = 0; i < 255; ++i) {
    below += histogram[i];
    sum_below += i * histogram[i];
    if (below == 0 || below == total) continue;
    const double difference = sum_below / below - (sum - sum_below) / (total - below);
    const double between = below * (total - below) * difference * difference;
    if (between > best) {
      best = between;
      threshold = i;
    }
  }
  return static_cast<float>(threshold + 1);
}

/// Box, axis and axes' lengths from the outline's moments.
void measure(FoundKernel& kernel) {
  const Mask& mask = kernel.outline;
  double n = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
  int x0 = mask.width, y0 = mask.height, x1 = -1, y1 = -1;
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x) {
      if (!mask.at(x, y)) continue;
      n += 1;
      sx += x;
      sy += y;
      sxx += double(x) * x;
      syy += double(y) * y;
      sxy += double(x) * y;
      x0 = std::min(x0, x);
      x1 = std::max(x1, x);
      y0 = std::min(y0, y);
      y1 = std::max(y1, y);
    }
  if (n == 0) return;
  kernel.x = x0;
  kernel.y = y0;
  kernel.width = x1 - x0 + 1;
  kernel.height = y1 - y0 + 1;
  const double vx = sxx / n - sx / n * sx / n, vy = syy / n - sy / n * sy / n, c = sxy / n - sx / n * sy / n;
  const double mean = (vx + vy) / 2, spread = std::sqrt((vx - vy) * (vx - vy) / 4 + c * c);
  kernel.angle = 0.5 * std::atan2(2 * c, vx - vy);
  kernel.length = 4 * std::sqrt(mean + spread);
  kernel.breadth = 4 * std::sqrt(std::max(0.0, mean - spread));
}

}  // namespace

FoundKernel find_kernel(const Image& photo, const std::string& where) {
  check_image_size(photo, 32, where);
  const auto none = [&](const std::string& why) {
    return Error("no kernel was found (" + why + ")", where, "give a photograph of one kernel on a plain background");
  };
  const int side = std::max(photo.width, photo.height);
  const double reduction = std::min(1.0, static_cast<double>(kSearchSide) / side);
  const int w = std::max(1, static_cast<int>(std::lround(photo.width * reduction)));
  const int h = std::max(1, static_cast<int>(std::lround(photo.height * reduction)));
  const Image search = resize_image(photo, w, h);

  const BackgroundPlane plane = fit_background(search);
  std::vector<float> contrast = contrast_map(search, plane);
  blur(contrast, w, h, 0.8f);
  const float threshold = std::max({0.62f * otsu(contrast), 14.0f, static_cast<float>(2.2 * plane.noise)});
  Mask mask(w, h);
  for (size_t i = 0; i < contrast.size(); ++i) mask.inside[i] = contrast[i] > threshold;
  const float sigma = std::max(1.0f, std::min(w, h) / 150.0f);
  mask = fill_holes(largest_component(smooth_mask(mask, sigma)));
  mask = largest_component(smooth_mask(mask, 2 * sigma));

  const double area = static_cast<double>(mask.area()), share = area / (static_cast<double>(w) * h);
  if (area == 0) throw none("nothing stands out from the background");
  if (share < 0.015) throw none("the largest object covers less than 1.5 % of the picture");
  if (share > 0.85) throw none("the picture has no plain background around an object");
  if (area < 0.8 * hull_area(mask)) throw none("the largest object is ragged or there are several that touch");
  FoundKernel kernel;
  kernel.outline = resize_mask(mask, photo.width, photo.height);
  measure(kernel);
  if (kernel.length > 5.5 * kernel.breadth) throw none("the largest object is as thin as a straw");
  return kernel;
}

KernelCrop crop_kernel(const Image& photo, const FoundKernel& kernel, int size, double margin) {
  const int longer = std::max(kernel.width, kernel.height);
  const int side = static_cast<int>(std::lround(longer * (1 + 2 * margin)));
  const int left = kernel.x + kernel.width / 2 - side / 2, top = kernel.y + kernel.height / 2 - side / 2;
  const auto in_photo = [&](int u, int v) { return u >= 0 && v >= 0 && u < photo.width && v < photo.height; };

  // The background's deviation from its plane, carried beyond the photograph's edge by normalised convolution (H.
  // Knutsson, C.-F. Westin, 1993) and fading out there, so that no seam shows.
  const BackgroundPlane plane = fit_background(photo);
  const auto plane_at = [&](int u, int v) {
    return plane.at(std::clamp((2 * u + 1.0) / photo.width - 1, -1.3, 1.3),
                    std::clamp((2 * v + 1.0) / photo.height - 1, -1.3, 1.3));
  };
  const size_t count = static_cast<size_t>(side) * side;
  std::array<std::vector<float>, 4> field;  // three deviations, then where they are known
  for (std::vector<float>& f : field) f.assign(count, 0.0f);
  for (size_t i = 0; i < count; ++i) {
    const int u = left + static_cast<int>(i % side), v = top + static_cast<int>(i / side);
    if (!in_photo(u, v) || kernel.outline.at(u, v)) continue;
    const std::array<double, 3> ground = plane_at(u, v);
    for (int c = 0; c < 3; ++c) field[c][i] = static_cast<float>(photo.at(u, v)[c] - ground[c]);
    field[3][i] = 1;
  }
  for (std::vector<float>& f : field) blur_wide(f, side, side, std::max(1.0f, 0.025f * side));

  Random random(mix_seed(static_cast<uint64_t>(side), static_cast<uint64_t>(left * 4096 + top)), 82);
  Image square(side, side);
  Mask outline(side, side);
  for (size_t i = 0; i < count; ++i) {
    const int u = left + static_cast<int>(i % side), v = top + static_cast<int>(i / side);
    uint8_t* out = square.rgb.data() + 3 * i;
    if (in_photo(u, v)) {
      std::copy_n(photo.at(u, v), 3, out);
      outline.inside[i] = kernel.outline.at(u, v);
      continue;
    }
    const std::array<double, 3> ground = plane_at(u, v);
    const double grain = 0.4 * plane.noise * random.normal();
    for (int c = 0; c < 3; ++c) {
      const double value = ground[c] + field[c][i] / (field[3][i] + 0.05) + grain;
      out[c] = static_cast<uint8_t>(std::clamp(value + 0.5, 0.0, 255.0));
    }
  }
  return {resize_image(square, size, size), resize_mask(outline, size, size)};
}

KernelFrame frame_of_outline(const Mask& outline) {
  FoundKernel kernel;
  kernel.outline = outline;
  measure(kernel);
  KernelFrame frame;
  frame.resize(outline.width, outline.height);
  if (kernel.width == 0) return frame;

  const double cosine = std::cos(kernel.angle), sine = std::sin(kernel.angle);
  const double middle_x = kernel.x + kernel.width / 2.0, middle_y = kernel.y + kernel.height / 2.0;
  const auto along_of = [&](int x, int y) { return (x + 0.5 - middle_x) * cosine + (y + 0.5 - middle_y) * sine; };
  const auto across_of = [&](int x, int y) { return (y + 0.5 - middle_y) * cosine - (x + 0.5 - middle_x) * sine; };
  double begin = 1e9, end = -1e9;
  for (int y = 0; y < outline.height; ++y)
    for (int x = 0; x < outline.width; ++x)
      if (outline.at(x, y)) {
        begin = std::min(begin, along_of(x, y));
        end = std::max(end, along_of(x, y));
      }
  begin -= 0.5;
  end += 0.5;
  // Both outlines as functions of the place along the axis.
  constexpr int kSlices = 64;
  std::array<double, kSlices> low, high;
  low.fill(1e9);
  high.fill(-1e9);
  for (int y = 0; y < outline.height; ++y)
    for (int x = 0; x < outline.width; ++x)
      if (outline.at(x, y)) {
        const int s = std::clamp(static_cast<int>((along_of(x, y) - begin) / (end - begin) * kSlices), 0, kSlices - 1);
        low[s] = std::min(low[s], across_of(x, y) - 0.5);
        high[s] = std::max(high[s], across_of(x, y) + 0.5);
      }
  for (int s = 1; s < kSlices; ++s)
    if (low[s] > high[s]) low[s] = low[s - 1], high[s] = high[s - 1];
  for (int s = kSlices - 2; s >= 0; --s)
    if (low[s] > high[s]) low[s] = low[s + 1], high[s] = high[s + 1];
  double first = 0, last = 0;
  for (int s = 0; s < kSlices / 5; ++s) {
    first += high[s] - low[s];
    last += high[kSlices - 1 - s] - low[kSlices - 1 - s];
  }
  const double turn = first <= last ? 1 : -1;
  const auto slice = [&](const std::array<double, kSlices>& table, double along) {
    const double at = std::clamp((along - begin) / (end - begin) * kSlices - 0.5, 0.0, kSlices - 1.0);
    const int i = std::min(static_cast<int>(at), kSlices - 2);
    return table[i] + (at - i) * (table[i + 1] - table[i]);
  };
  frame.half_length = static_cast<float>((end - begin) / 2);
  for (int y = 0; y < outline.height; ++y)
    for (int x = 0; x < outline.width; ++x) {
      if (!outline.at(x, y)) continue;
      const size_t i = static_cast<size_t>(y) * outline.width + x;
      const double along = along_of(x, y), lower = slice(low, along), upper = slice(high, along);
      const double half = std::max(0.5, (upper - lower) / 2),
                   t = std::clamp((across_of(x, y) - (lower + upper) / 2) / half, -0.999, 0.999);
      frame.inside[i] = 1;
      frame.along[i] = static_cast<float>(turn * std::clamp(2 * (along - begin) / (end - begin) - 1, -1.0, 1.0));
      frame.across[i] = static_cast<float>(turn * t);
      frame.side[i] = static_cast<float>(turn * half * std::asin(t));
    }
  return frame;
}

}  // namespace ks

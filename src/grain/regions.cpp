#include "grain/regions.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "grain/scene.h"

namespace ks {

namespace {

/// Pixels of value `wanted` connected (4 neighbours) to the start, marked with `label`.
int64_t flood(const Mask& mask, std::vector<int>& labels, size_t start, uint8_t wanted, int label) {
  std::vector<size_t> stack{start};
  labels[start] = label;
  int64_t area = 0;
  while (!stack.empty()) {
    const size_t i = stack.back();
    stack.pop_back();
    ++area;
    const int x = static_cast<int>(i % mask.width), y = static_cast<int>(i / mask.width);
    const auto visit = [&](bool possible, size_t j) {
      if (!possible || labels[j] || mask.inside[j] != wanted) return;
      labels[j] = label;
      stack.push_back(j);
    };
    visit(x > 0, i - 1);
    visit(x + 1 < mask.width, i + 1);
    visit(y > 0, i - mask.width);
    visit(y + 1 < mask.height, i + mask.width);
  }
  return area;
}

/// Labels every connected part from 1 and gives their areas.
std::vector<int64_t> label_parts(const Mask& mask, std::vector<int>& labels) {
  labels.assign(mask.inside.size(), 0);
  std::vector<int64_t> areas;
  for (size_t i = 0; i < labels.size(); ++i)
    if (mask.inside[i] && !labels[i]) areas.push_back(flood(mask, labels, i, 1, static_cast<int>(areas.size()) + 1));
  return areas;
}

Mask part(const Mask& mask, const std::vector<int>& labels, int label) {
  Mask out(mask.width, mask.height);
  for (size_t i = 0; i < labels.size(); ++i) out.inside[i] = labels[i] == label;
  return out;
}

}  // namespace

Mask smooth_mask(const Mask& mask, float sigma, float level) {
  std::vector<float> soft(mask.inside.begin(), mask.inside.end());
  blur_wide(soft, mask.width, mask.height, sigma);
  Mask out(mask.width, mask.height);
  for (size_t i = 0; i < soft.size(); ++i) out.inside[i] = soft[i] > level;
  return out;
}

std::vector<Mask> components(const Mask& mask) {
  std::vector<int> labels;
  const std::vector<int64_t> areas = label_parts(mask, labels);
  std::vector<int> order(areas.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return areas[a] > areas[b]; });
  std::vector<Mask> out;
  for (const int index : order) out.push_back(part(mask, labels, index + 1));
  return out;
}

Mask largest_component(const Mask& mask) {
  std::vector<int> labels;
  const std::vector<int64_t> areas = label_parts(mask, labels);
  if (areas.empty()) return Mask(mask.width, mask.height);
  return part(mask, labels, static_cast<int>(std::max_element(areas.begin(), areas.end()) - areas.begin()) + 1);
}

Mask fill_holes(const Mask& mask) {
  std::vector<int> labels(mask.inside.size(), 0);
  const auto start = [&](int x, int y) {
    const size_t i = static_cast<size_t>(y) * mask.width + x;
    if (!mask.inside[i] && !labels[i]) flood(mask, labels, i, 0, 1);
  };
  for (int x = 0; x < mask.width; ++x) start(x, 0), start(x, mask.height - 1);
  for (int y = 0; y < mask.height; ++y) start(0, y), start(mask.width - 1, y);
  Mask out(mask.width, mask.height);
  for (size_t i = 0; i < labels.size(); ++i) out.inside[i] = !labels[i];
  return out;
}

// A. Andrew's monotone chain (1979) over the rows' ends.
double hull_area(const Mask& mask) {
  std::vector<std::pair<double, double>> points;
  for (int y = 0; y < mask.height; ++y) {
    int first = -1, last = -1;
    for (int x = 0; x < mask.width; ++x)
      if (mask.at(x, y)) {
        if (first < 0) first = x;
        last = x;
      }
    if (first < 0) continue;
    for (const double dy : {0.0, 1.0}) {
      points.emplace_back(first, y + dy);
      points.emplace_back(last + 1, y + dy);
    }
  }
  std::sort(points.begin(), points.end());
  std::vector<std::pair<double, double>> hull;
  const auto cross = [](const auto& o, const auto& a, const auto& b) {
    return (a.first - o.first) * (b.second - o.second) - (a.second - o.second) * (b.first - o.first);
  };
  for (int pass = 0; pass < 2; ++pass) {
    const size_t begin = hull.size();
    for (const auto& p : points) {
      while (hull.size() >= begin + 2 && cross(hull[hull.size() - 2], hull.back(), p) <= 0) hull.pop_back();
      hull.push_back(p);
    }
    hull.pop_back();
    std::reverse(points.begin(), points.end());
  }
  double twice = 0;
  for (size_t i = 0; i < hull.size(); ++i) {
    const auto &a = hull[i], &b = hull[(i + 1) % hull.size()];
    twice += a.first * b.second - a.second * b.first;
  }
  return std::fabs(twice) / 2;
}

}  // namespace ks

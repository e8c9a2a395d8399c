#include "grain/background.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace ks {

namespace {

struct Sample {
  double x, y;
  std::array<double, 3> value;
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Least squares for c0 + c1 x + c2 y by the normal equations, with a little ridge so that few samples do no harm.
std::array<double, 3> fit_plane(const std::vector<Sample>& samples, int channel) {
  double a[3][4] = {};
  for (const Sample& s : samples) {
    const double row[3] = {1, s.x, s.y};
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 3; ++j) a[i][j] += row[i] * row[j];
      a[i][3] += row[i] * s.value[channel];
    }
  }
  a[0][0] += 1e-9;
  a[1][1] += 0.02 * samples.size();
  a[2][2] += 0.02 * samples.size();
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < 3; ++k) {
      if (k == i) continue;
      const double factor = a[k][i] / a[i][i];
      for (int j = i; j < 4; ++j) a[k][j] -= factor * a[i][j];
    }
  return {a[0][3] / a[0][0], a[1][3] / a[1][1], a[2][3] / a[2][2]};
}

double distance(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  return std::sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) + (a[2] - b[2]) * (a[2] - b[2]));
}

}  // namespace

std::array<double, 3> BackgroundPlane::at(double x, double y) const {
  std::array<double, 3> out;
  for (int c = 0; c < 3; ++c) out[c] = channel[c][0] + channel[c][1] * x + channel[c][2] * y;
  return out;
}

BackgroundPlane fit_background(const Image& photo) {
  const int border = std::max(1, std::min(photo.width, photo.height) / 40);
  const int step = std::max(1, (photo.width + photo.height) * border / 4000);
  std::vector<Sample> samples;
  int count = 0;
  for (int y = 0; y < photo.height; ++y)
    for (int x = 0; x < photo.width; ++x) {
      const bool inner = x >= border && y >= border && x < photo.width - border && y < photo.height - border;
      if (inner) {
        x = photo.width - border - 1;
        continue;
      }
      if (count++ % step) continue;
      const uint8_t* p = photo.at(x, y);
      samples.push_back({(2 * x + 1.0) / photo.width - 1,
                         (2 * y + 1.0) / photo.height - 1,
                         {double(p[0]), double(p[1]), double(p[2])}});
    }
  BackgroundPlane plane;
  for (int c = 0; c < 3; ++c) {
    std::vector<double> values;
    for (const Sample& s : samples) values.push_back(s.value[c]);
    plane.channel[c] = {median(values), 0, 0};
  }
  // Trimmed refits: keep the nearer part of the border, then what lies within a few typical distances.
  for (int round = 0; round < 6; ++round) {
    std::vector<double> distances;
    for (const Sample& s : samples) distances.push_back(distance(s.value, plane.at(s.x, s.y)));
    const double typical = std::max(1.0, median(distances)), limit = (round == 0 ? 1.5 : 3.0) * typical;
    std::vector<Sample> kept;
    for (size_t i = 0; i < samples.size(); ++i)
      if (distances[i] <= limit) kept.push_back(samples[i]);
    for (int c = 0; c < 3; ++c) plane.channel[c] = fit_plane(kept, c);
    plane.noise = typical;
  }
  return plane;
}

}  // namespace ks

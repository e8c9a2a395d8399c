#include <algorithm>
#include <cmath>
#include <cstring>

#include "picture/lab.h"
#include "segment/segments.h"

// A. Vedaldi, S. Soatto: Quick shift and kernel methods for mode seeking, ECCV 2008. Pixels are points in colour
// (CIELAB times `ratio`) and position; each is linked to its nearest neighbour of higher density, and links longer than
// max_dist are cut: the trees that remain are the segments. Both the density and the links look at a window of three
// kernel widths.
namespace ks {

namespace {

constexpr double kWindow = 3;  // kernel widths to each side
// Colours are rounded to 1/32, so that the last bit of a machine's cube root decides nothing.
constexpr double kLabSteps = 32;
// exp(-u) is taken as (1 - u / 64)^64: the same bits on every machine, and quick. From kFloor on, a point is so far
// away (0.5^64 = 5e-20) that it adds nothing; less would be denormal numbers, which are slow.
constexpr int kSquarings = 6;
constexpr float kFloor = 0.5f;
constexpr int kBlock = 4;                                              // pixels treated together, in one vector
using Vector = float __attribute__((vector_size(4 * sizeof(float))));  // g++ and clang, WebAssembly's SIMD too
constexpr float kFar = 1e6f;

/// The picture with a margin on all sides, so that the window needs no checks.
struct Field {
  int width, height, margin;
  int64_t pitch;
  std::vector<float> lab[3], density;

  int64_t at(int x, int y) const { return (y + margin) * pitch + x + margin; }
};

Field make_field(const Image& picture, int margin, double ratio) {
  const int padded = (picture.width + kBlock - 1) / kBlock * kBlock;
  Field f{picture.width, picture.height, margin, padded + 2 * margin, {}, {}};
  const size_t size = static_cast<size_t>(f.pitch * (f.height + 2 * margin));
  f.density.assign(size, -1.0f);
  const std::vector<double> lab = lab_pixels(picture);
  for (size_t c = 0; c < 3; ++c) {
    f.lab[c].assign(size, kFar);
    size_t i = c;
    for (int y = 0; y < f.height; ++y)
      for (int x = 0; x < f.width; ++x, i += 3)
        f.lab[c][static_cast<size_t>(f.at(x, y))] =
            static_cast<float>(std::floor(lab[i] * kLabSteps + 0.5) / kLabSteps * ratio);
  }
  return f;
}

inline Vector load(const std::vector<float>& plane, int64_t at) {
  Vector v;
  std::memcpy(&v, plane.data() + at, sizeof v);
  return v;
}

/// Parzen density of every pixel, to a factor.
void find_density(Field& f, double kernel_size) {
  const float scale = static_cast<float>(1 / (2 * kernel_size * kernel_size * (1 << kSquarings)));
  const Vector floor = Vector{} + kFloor;
  for (int y = 0; y < f.height; ++y)
    for (int x = 0; x < f.width; x += kBlock) {
      const int64_t i = f.at(x, y);
      const Vector l = load(f.lab[0], i), a = load(f.lab[1], i), b = load(f.lab[2], i);
      Vector sum{};
      for (int dy = -f.margin; dy <= f.margin; ++dy)
        for (int dx = -f.margin; dx <= f.margin; ++dx) {
          const int64_t j = i + dy * f.pitch + dx;
          const Vector dl = l - load(f.lab[0], j), da = a - load(f.lab[1], j), db = b - load(f.lab[2], j);
          Vector t = 1.0f - scale * (static_cast<float>(dx * dx + dy * dy) + dl * dl + da * da + db * db);
          t = t > floor ? t : floor;
          for (int k = 0; k < kSquarings; ++k) t *= t;
          sum += t;
        }
      for (int k = 0; k < std::min(kBlock, f.width - x); ++k) f.density[static_cast<size_t>(i + k)] = sum[k];
    }
}

struct Step {
  float squared;  // px
  int64_t step;   // in the field
};

/// The window from near to far.
std::vector<Step> steps_by_distance(const Field& f, double max_dist) {
  std::vector<Step> out;
  for (int dy = -f.margin; dy <= f.margin; ++dy)
    for (int dx = -f.margin; dx <= f.margin; ++dx)
      if ((dx || dy) && dx * dx + dy * dy <= max_dist * max_dist)
        out.push_back({static_cast<float>(dx * dx + dy * dy), dy * f.pitch + dx});
  std::stable_sort(out.begin(), out.end(), [](const Step& a, const Step& b) { return a.squared < b.squared; });
  return out;
}

/// The nearest point of higher density that is no further than max_dist, or the point itself. Of equal densities the
/// earlier pixel counts as the denser, so that a plateau is one tree.
int64_t parent_of(const Field& f, int64_t i, const std::vector<Step>& steps, float longest) {
  int64_t parent = i;
  float nearest = longest;
  const size_t p = static_cast<size_t>(i);
  for (const Step& s : steps) {
    if (s.squared > nearest) break;
    const size_t q = static_cast<size_t>(i + s.step);
    if (f.density[q] < f.density[p] || (f.density[q] == f.density[p] && q > p)) continue;
    float d = s.squared;
    for (const auto& plane : f.lab) d += (plane[p] - plane[q]) * (plane[p] - plane[q]);
    if (d < nearest || (d == nearest && parent == i)) {
      nearest = d;
      parent = static_cast<int64_t>(q);
    }
  }
  return parent;
}

}  // namespace

Segments quickshift_segments(const Image& picture, double kernel_size, double max_dist, double ratio) {
  Field f = make_field(picture, static_cast<int>(std::ceil(kWindow * kernel_size)), ratio);
  find_density(f, kernel_size);
  const std::vector<Step> steps = steps_by_distance(f, max_dist);
  std::vector<int64_t> parent(f.density.size());
  for (int y = 0; y < f.height; ++y)
    for (int x = 0; x < f.width; ++x)
      parent[static_cast<size_t>(f.at(x, y))] =
          parent_of(f, f.at(x, y), steps, static_cast<float>(max_dist * max_dist));
  Segments out{picture.width, picture.height, 0, {}};
  for (int y = 0; y < f.height; ++y)
    for (int x = 0; x < f.width; ++x) {
      int64_t root = f.at(x, y);
      while (parent[static_cast<size_t>(root)] != root) root = parent[static_cast<size_t>(root)];
      parent[static_cast<size_t>(f.at(x, y))] = root;
      out.labels.push_back(static_cast<int32_t>(root));
    }
  renumber(out);
  return out;
}

}  // namespace ks

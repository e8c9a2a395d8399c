#include "metric/imputation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "metric/imputation_cycle.h"

// The system is a graph Laplacian over the removed pixels with the kept ones as its border: symmetric and positive
// definite. Multigrid cycles solve it, from the image itself. The finest matrix is never stored: the weights of a
// pixel's neighbours, 2 and 1 twelfths, are those of [1 2 1] along both directions without the 4 in the middle. On the
// finest grid all that a cycle does is one pass over the image, two rows at a time, whose steps follow one another a
// row apart.
namespace ks {

namespace imputation {

constexpr float kTolerance = 1e-6f;  // of the largest kept value: how far a removed pixel may be from the mean
// The same for a coarse correction: in large holes about a tenth of it is still to come when pixels are their
// neighbours' mean long since.
constexpr float kCorrectionTolerance = 2e-4f;
constexpr int kMostRounds = 500;  // far more than ever needed: a guard
// Jacobi's steps, those of Chebyshev for errors of high frequency: their eigenvalues lie between 2/3 and 4/3.
constexpr std::array<float, 3> kFinestSteps = {1.0f, 1.406f, 0.776f};
constexpr int64_t kSteps = static_cast<int64_t>(kFinestSteps.size());

/// For rows with none, one or two rows beside them: the sum of the weights of a pixel's neighbours inside the image,
/// that and the 4 that [1 2 1] has too much, its inverse, and Jacobi's steps.
struct RowWeights {
  Line sum, own, inverse;
  std::vector<Line> steps;

  RowWeights(int64_t width, size_t vertical) : sum(width), own(width), inverse(width), steps(kSteps, Line(width)) {
    // Along a single row or column the eigenvalues reach 2.
    const float share = vertical == 0 || width == 1 ? 2.0f / 3 : 1.0f;
    for (int64_t x = 0; x < width; ++x) {
      const size_t horizontal = static_cast<size_t>(x > 0) + static_cast<size_t>(x + 1 < width);
      const float weights = static_cast<float>(2 * horizontal + 2 * vertical + horizontal * vertical);
      sum.data()[x] = weights;
      own.data()[x] = weights + 4;
      inverse.data()[x] = weights > 0 ? 1 / weights : 0;
      for (size_t k = 0; k < steps.size(); ++k) steps[k].data()[x] = share * kFinestSteps[k] * inverse.data()[x];
    }
  }
};

/// The finest grid: a channel of the image, and 1 where a pixel is unknown.
struct Finest {
  int64_t height, width;
  Field mask, image;
  std::vector<RowWeights> weights;

  Finest(int64_t height_, int64_t width_)
      : height(height_),
        width(width_),
        mask(height_, width_),
        image(mask),
        weights({{width_, 0}, {width_, 1}, {width_, 2}}) {}
  const RowWeights& weights_of(int64_t y) const {
    return weights[static_cast<size_t>(y > 0) + static_cast<size_t>(y + 1 < height)];
  }
};

struct Solver {
  Finest finest;
  std::vector<Grid> grids;
  std::vector<Ring> rings;  // what each of Jacobi's steps reads
  GridScratch scratch;

  Solver(int64_t height, int64_t width) : finest(height, width), rings(kSteps, Ring(height, width)), scratch(width) {
    do {
      grids.emplace_back(height / 2 + 1, width / 2 + 1, 2 * grids.size() + 2);
      height = grids.back().height, width = grids.back().width;
    } while (height > 2 || width > 2);
  }
};

/// The matrix on the finest grid, whose rows are made when they are asked for.
template <int64_t n>
struct FinestRows {
  const Finest& finest;
  GridScratch& scratch;
  int64_t height;
};

template <int64_t n>
KS_INLINE Rows rows_of(const FinestRows<n>& rows, int64_t y) {
  const Finest& f = rows.finest;
  GridScratch& s = rows.scratch;
  const float *m = f.mask.at(y), *below = f.mask.at(y + 1), *sum = f.weights_of(y).sum.data();
  float *o = s.entry[own].data(), *e = s.entry[east].data(), *sw = s.entry[south_west].data(),
        *so = s.entry[south].data(), *se = s.entry[south_east].data();
  for (int64_t x = 0; x < f.width; x += n) {
    const LanesOf<n> hole = lanes<n>(m + x);
    lanes<n>(o + x) = hole * lanes<n>(sum + x);
    lanes<n>(e + x) = -2 * hole * lanes<n>(m + x + 1);
    lanes<n>(sw + x) = -hole * lanes<n>(below + x - 1);
    lanes<n>(so + x) = -2 * hole * lanes<n>(below + x);
    lanes<n>(se + x) = -hole * lanes<n>(below + x + 1);
  }
  return {o, e, sw, so, se};
}

/// Goes along two rows, vector by vector from the left: the weighted sums of the neighbours' values less those of the
/// pixels themselves. `image`: has rows y - 1 to y + 2.
template <int64_t n>
class Excess {
 public:
  template <class Image>
  KS_INLINE Excess(const Finest& f, const Image& image, int64_t y)
      : above_(image.at(y - 1)),
        row_(image.at(y)),
        next_(image.at(y + 1)),
        below_(image.at(y + 2)),
        own_(f.weights_of(y).own.data()),
        next_own_(f.weights_of(y + 1).own.data()) {
    LanesOf<n> first, next_first;
    column(0, first, next_first);
    sums_ = Window<n>(first);
    next_sums_ = Window<n>(next_first);
  }
  KS_INLINE void at(int64_t x, LanesOf<n>& out, LanesOf<n>& next_out) {
    LanesOf<n> after, next_after;
    column(x + n, after, next_after);
    sums_.go(after);
    next_sums_.go(next_after);
    out = sums_.left + sums_.right + 2 * sums_.here - lanes<n>(own_ + x) * lanes<n>(row_ + x);
    next_out = next_sums_.left + next_sums_.right + 2 * next_sums_.here - lanes<n>(next_own_ + x) * lanes<n>(next_ + x);
  }

 private:
  /// Sums of [1 2 1] down the columns.
  KS_INLINE void column(int64_t x, LanesOf<n>& out, LanesOf<n>& next_out) {
    const LanesOf<n> both = lanes<n>(row_ + x) + lanes<n>(next_ + x);
    out = lanes<n>(above_ + x) + lanes<n>(row_ + x) + both;
    next_out = lanes<n>(below_ + x) + lanes<n>(next_ + x) + both;
  }

  const float *above_, *row_, *next_, *below_, *own_, *next_own_;
  Window<n> sums_{LanesOf<n>{}}, next_sums_{LanesOf<n>{}};
};

template <int64_t n>
KS_INLINE float largest_of(const LanesOf<n>& v) {
  float out = v[0];
  for (int64_t k = 1; k < n; ++k) out = std::max(out, v[k]);
  return out;
}

struct Range {
  float least, most;
};

/// How far what it is given goes on both sides of 0.
template <int64_t n>
struct Extent {
  LanesOf<n> least = {}, most = {};
  KS_INLINE void add(const LanesOf<n>& v) {
    most = v > most ? v : most;
    least = v < least ? v : least;
  }
  KS_INLINE float magnitude() const { return std::max(largest_of<n>(most), largest_of<n>(-least)); }
};

/// Rows y and y + 1 with the first coarse grid's correction, for the first step.
template <int64_t n>
KS_INLINE void add_correction(Solver& s, int64_t y, Extent<n>& added) {
  Finest& f = s.finest;
  Prolongation<n> up(s.grids[0], y / 2);
  const auto add = [&](const float* v, const float* m, const LanesOf<n>& more, float* out) KS_ALWAYS_INLINE {
    const LanesOf<n> part = lanes<n>(m) * more;
    lanes<n>(out) = lanes<n>(v) + part;
    added.add(part);
  };
  const float *v = f.image.at(y), *m = f.mask.at(y), *next_v = f.image.at(y + 1), *next_m = f.mask.at(y + 1);
  float *out = s.rings[0].to(y), *next_out = s.rings[0].to(y + 1);
  LanesOf<n> a, b, c, d;
  for (int64_t x = 0, width = f.width; x < width; x += 2 * n) {
    up.at(x / 2, a, b, c, d);
    add(v + x, m + x, a, out + x);
    add(v + x + n, m + x + n, b, out + x + n);
    add(next_v + x, next_m + x, c, next_out + x);
    add(next_v + x + n, next_m + x + n, d, next_out + x + n);
  }
}

/// Row y with its removed pixels moved into the range, for the first step.
template <int64_t n>
KS_INLINE void clamp_removed(Solver& s, int64_t y, const Range& kept) {
  using V = LanesOf<n>;
  const V least = V{} + kept.least, most = V{} + kept.most;
  const float *v = s.finest.image.at(y), *m = s.finest.mask.at(y);
  float* out = s.rings[0].to(y);
  for (int64_t x = 0, width = s.finest.width; x < width; x += n) {
    const V above = lanes<n>(v + x) < least ? least : lanes<n>(v + x), within = above > most ? most : above;
    lanes<n>(out + x) = lanes<n>(m + x) > 0 ? within : lanes<n>(v + x);
  }
}

/// Makes the steps and leaves the residual to the first coarse grid; before them adds that grid's correction or, the
/// first time, moves what stands in the removed pixels into `kept`, the range of the others, where the solution is.
/// Returns how far at most a removed pixel is from the mean of its neighbours, or what the correction counts for if
/// that is more.
template <int64_t n, bool corrected>
KS_INLINE float sweep(Solver& s, const Range& kept) {
  Finest& f = s.finest;
  const int64_t width = f.width, height = f.height;
  Restriction<n> down(s.grids[0], s.scratch);
  Extent<n> off, added;
  LanesOf<n> a, b;
  for (int64_t front = 0; front < height + kSteps + 1; front += 2) {
    if constexpr (corrected) {
      if (front < height) add_correction<n>(s, front, added);
    } else {
      for (int64_t y = front; y < std::min(front + 2, height); ++y) clamp_removed<n>(s, y, kept);
    }
    for (int64_t k = 0; k < kSteps; ++k) {
      const int64_t y = front - 1 - k;
      if (y < -1 || y >= height) continue;
      const auto step = static_cast<size_t>(k);
      const Ring& from = s.rings[step];
      const float *v = from.at(y), *next_v = from.at(y + 1), *m = f.mask.at(y), *next_m = f.mask.at(y + 1),
                  *length = f.weights_of(y).steps[step].data(), *next_length = f.weights_of(y + 1).steps[step].data();
      const bool last = k + 1 == kSteps;
      float *out = last ? f.image.at(y) : s.rings[step + 1].to(y),
            *next_out = last ? f.image.at(y + 1) : s.rings[step + 1].to(y + 1);
      Excess<n> excess(f, from, y);
      for (int64_t x = 0; x < width; x += n) {
        excess.at(x, a, b);
        lanes<n>(out + x) = lanes<n>(v + x) + lanes<n>(m + x) * lanes<n>(length + x) * a;
        lanes<n>(next_out + x) = lanes<n>(next_v + x) + lanes<n>(next_m + x) * lanes<n>(next_length + x) * b;
      }
    }
    const int64_t y = front - 1 - kSteps;
    if (y < 0 || y >= height) continue;
    const float *m = f.mask.at(y), *next_m = f.mask.at(y + 1), *inverse = f.weights_of(y).inverse.data(),
                *next_inverse = f.weights_of(y + 1).inverse.data();
    Excess<n> excess(f, f.image, y);
    for (int64_t x = 0; x < width; x += n) {
      excess.at(x, a, b);
      a *= lanes<n>(m + x);
      b *= lanes<n>(next_m + x);
      down.add(x, a, b);
      off.add(lanes<n>(inverse + x) * a);
      off.add(lanes<n>(next_inverse + x) * b);
    }
    down.end_rows(y / 2);
  }
  down.end(height);
  return std::max(off.magnitude(), added.magnitude() * (kTolerance / kCorrectionTolerance));
}

/// Takes the mask and makes the matrices for it.
template <int64_t n>
KS_INLINE void mark(Solver& s, const uint8_t* removed) {
  Finest& f = s.finest;
  for (int64_t y = 0, width = f.width; y < f.height; ++y) {
    const uint8_t* marks = removed + y * width;
    float* mask = f.mask.at(y);
    for (int64_t x = 0; x < width; ++x) mask[x] = static_cast<float>(marks[x]);
  }
  const FinestRows<n> finest{f, s.scratch, f.height};
  coarsen<n>(finest, s.grids[0], s.scratch);
  for (size_t level = 1; level < s.grids.size(); ++level) coarsen<n>(s.grids[level - 1], s.grids[level], s.scratch);
}

/// Takes a channel of an image; returns the range of what is kept.
template <int64_t n>
KS_INLINE Range take(Finest& f, const float* image) {
  using V = LanesOf<n>;
  V low = V{} + std::numeric_limits<float>::infinity(), high = -low;
  for (int64_t y = 0, width = f.width; y < f.height; ++y) {
    float* row = f.image.at(y);
    std::copy_n(image + y * width, width, row);
    const float *mask = f.mask.at(y), *weights = f.weights_of(y).sum.data();
    for (int64_t x = 0; x < width; x += n) {
      const V v = lanes<n>(row + x), w = lanes<n>(weights + x), m = lanes<n>(mask + x) * w;
      const V under = m < w ? v : low, over = m < w ? v : high;  // beyond the row's end all are 0
      low = under < low ? under : low;
      high = over > high ? over : high;
    }
  }
  return {-largest_of<n>(-low), largest_of<n>(high)};
}

/// Imputes a channel.
template <int64_t n>
KS_INLINE void fill(Solver& s, const float* image, const float* noise, float* out) {
  Finest& f = s.finest;
  const Range kept = take<n>(f, image);
  const float enough = kTolerance * std::max(std::fabs(kept.least), std::fabs(kept.most));
  float off = sweep<n, false>(s, kept);
  for (int round = 0; round < kMostRounds && off > (round > 0 ? enough : 0); ++round) {  // one correction at least
    cycle<n>(s.grids, s.scratch);
    off = sweep<n, true>(s, kept);
  }
  for (int64_t y = 0, width = f.width; y < f.height; ++y) {
    const float *row = f.image.at(y), *mask = f.mask.at(y);
    float* to = out + y * width;
    if (noise) {
      const float* more = noise + y * width;
      KS_APART
      for (int64_t x = 0; x < width; ++x) to[x] = row[x] + mask[x] * more[x];
    } else {
      std::copy_n(row, width, to);
    }
  }
}

KS_WIDE void mark_in_lanes(Solver& s, const uint8_t* removed) {
  mark<kLanes>(s, removed);
}
KS_WIDE void fill_in_lanes(Solver& s, const float* image, const float* noise, float* out) {
  fill<kLanes>(s, image, noise, out);
}
#ifdef KS_WIDEST
KS_WIDEST void mark_in_most_lanes(Solver& s, const uint8_t* removed) {
  mark<kMostLanes>(s, removed);
}
KS_WIDEST void fill_in_most_lanes(Solver& s, const float* image, const float* noise, float* out) {
  fill<kMostLanes>(s, image, noise, out);
}
#endif

struct Passes {
  void (*mark)(Solver&, const uint8_t*);
  void (*fill)(Solver&, const float*, const float*, float*);
};

Passes passes() {
#ifdef KS_WIDEST
  if (has_most_lanes()) return {mark_in_most_lanes, fill_in_most_lanes};
#endif
  return {mark_in_lanes, fill_in_lanes};
}

}  // namespace imputation

Imputer::Imputer(int64_t height, int64_t width) : solver_(std::make_unique<imputation::Solver>(height, width)) {}
Imputer::~Imputer() = default;
Imputer::Imputer(Imputer&&) noexcept = default;

void Imputer::remove(const std::vector<uint8_t>& removed) {
  imputation::passes().mark(*solver_, removed.data());
}

void Imputer::fill(const float* image, const float* noise, float* out) {
  imputation::passes().fill(*solver_, image, noise, out);
}

}  // namespace ks

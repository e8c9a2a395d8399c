#include "metric/imputation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "metric/imputation_grid.h"

// The system is a graph Laplacian over the removed pixels with the kept ones as its border: symmetric and positive
// definite. Multigrid cycles solve it, from the image itself. The finest matrix is never stored: the weights of a
// pixel's neighbours, 2 and 1 twelfths, are those of [1 2 1] along both directions without the 4 in the middle. On the
// finest grid all that a cycle does is one pass over the image, whose steps follow one another a row apart.
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
    for (int64_t x = 0; x < width; ++x) {
      const size_t horizontal = static_cast<size_t>(x > 0) + static_cast<size_t>(x + 1 < width);
      const float weights = static_cast<float>(2 * horizontal + 2 * vertical + horizontal * vertical);
      sum.data()[x] = weights;
      own.data()[x] = weights + 4;
      inverse.data()[x] = weights > 0 ? 1 / weights : 0;
      for (size_t k = 0; k < steps.size(); ++k) steps[k].data()[x] = kFinestSteps[k] * inverse.data()[x];
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

/// Rows of an image between two steps: the last three.
struct Ring {
  std::vector<Line> rows;
  Line zero;
  explicit Ring(int64_t width) : rows(3, Line(width)), zero(width) {}
  float* at(int64_t y) { return rows[static_cast<size_t>(y) % 3].data(); }
  /// The same, and a row of 0 outside the image.
  const float* at_or_zero(int64_t y, int64_t height) { return y < 0 || y >= height ? zero.data() : at(y); }
};

struct Solver {
  Finest finest;
  std::vector<Grid> grids;
  std::vector<Ring> rings;  // what each of Jacobi's steps reads
  GridScratch scratch;

  Solver(int64_t height, int64_t width) : finest(height, width), rings(kSteps, Ring(width)), scratch(width) {
    do {
      grids.emplace_back(height / 2 + 1, width / 2 + 1);
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

/// Goes along a row, vector by vector from the left: the weighted sums of the neighbours' values less those of the
/// pixels themselves.
template <int64_t n>
class Excess {
 public:
  KS_INLINE Excess(const float* above, const float* row, const float* below, const float* own)
      : above_(above), row_(row), below_(below), own_(own) {
    column(0, here_);
  }
  KS_INLINE void at(int64_t x, LanesOf<n>& out) {
    LanesOf<n> after, left, right;
    column(x + n, after);
    one_before<n>(before_, here_, left);
    one_after<n>(here_, after, right);
    out = left + right + 2 * here_ - lanes<n>(own_ + x) * lanes<n>(row_ + x);
    before_ = here_;
    here_ = after;
  }

 private:
  KS_INLINE void column(int64_t x, LanesOf<n>& out) {
    out = lanes<n>(above_ + x) + lanes<n>(below_ + x) + 2 * lanes<n>(row_ + x);
  }

  const float *above_, *row_, *below_, *own_;
  LanesOf<n> before_ = {}, here_;
};

template <int64_t n>
KS_INLINE float largest_of(const LanesOf<n>& v) {
  float out = v[0];
  for (int64_t k = 1; k < n; ++k) out = std::max(out, v[k]);
  return out;
}

/// Adds the first coarse grid's correction, makes the steps, and leaves the residual to that grid. Returns how far at
/// most a removed pixel is from the mean of its neighbours, or what the correction counts for if that is more.
template <int64_t n>
KS_INLINE float sweep(Solver& s) {
  Finest& f = s.finest;
  Restriction<n> down(s.grids[0], s.scratch);
  LanesOf<n> most = {}, least = {}, most_added = {}, least_added = {};
  for (int64_t front = 0; front <= f.height + kSteps; ++front) {
    if (front < f.height) {
      float *more = s.scratch.line.data(), *out = s.rings[0].at(front);
      prolong<n>(s.grids[0], front, more);
      const float *v = f.image.at(front), *m = f.mask.at(front);
      for (int64_t x = 0; x < f.width; x += n) {
        const LanesOf<n> added = lanes<n>(m + x) * lanes<n>(more + x);
        lanes<n>(out + x) = lanes<n>(v + x) + added;
        most_added = added > most_added ? added : most_added;
        least_added = added < least_added ? added : least_added;
      }
    }
    for (int64_t k = 0; k < kSteps; ++k) {
      const int64_t y = front - 1 - k;
      if (y < 0 || y >= f.height) continue;
      Ring& from = s.rings[static_cast<size_t>(k)];
      const RowWeights& weights = f.weights_of(y);
      const float *v = from.at(y), *m = f.mask.at(y), *step = weights.steps[static_cast<size_t>(k)].data();
      float* out = k + 1 < kSteps ? s.rings[static_cast<size_t>(k + 1)].at(y) : f.image.at(y);
      Excess<n> excess(from.at_or_zero(y - 1, f.height), v, from.at_or_zero(y + 1, f.height), weights.own.data());
      LanesOf<n> e;
      for (int64_t x = 0; x < f.width; x += n) {
        excess.at(x, e);
        lanes<n>(out + x) = lanes<n>(v + x) + lanes<n>(m + x) * lanes<n>(step + x) * e;
      }
    }
    const int64_t y = front - 1 - kSteps;
    if (y < 0) continue;
    const float *m = f.mask.at(y), *inverse = f.weights_of(y).inverse.data();
    Excess<n> excess(f.image.at(y - 1), f.image.at(y), f.image.at(y + 1), f.weights_of(y).own.data());
    LanesOf<n> e, off;
    down.begin_row(y);
    for (int64_t x = 0; x < f.width; x += n) {
      excess.at(x, e);
      e *= lanes<n>(m + x);
      down.add(x, e);
      off = e * lanes<n>(inverse + x);
      most = off > most ? off : most;
      least = off < least ? off : least;
    }
    down.end_row(y);
  }
  down.end(f.height);
  const float off = std::max(largest_of<n>(most), largest_of<n>(-least)),
              added = std::max(largest_of<n>(most_added), largest_of<n>(-least_added));
  return std::max(off, added * (kTolerance / kCorrectionTolerance));
}

/// Moves what stands in the removed pixels into the range of the kept ones, where the solution is. Returns the largest
/// magnitude of that range.
template <int64_t n>
KS_INLINE float clamp_removed(Finest& f) {
  using V = LanesOf<n>;
  V low = V{} + std::numeric_limits<float>::infinity(), high = -low;
  for (int64_t y = 0; y < f.height; ++y) {
    const float *row = f.image.at(y), *mask = f.mask.at(y), *weights = f.weights_of(y).sum.data();
    for (int64_t x = 0; x < f.width; x += n) {
      const V v = lanes<n>(row + x), w = lanes<n>(weights + x), m = lanes<n>(mask + x) * w;
      const V under = m < w ? v : low, over = m < w ? v : high;  // beyond the row's end all are 0
      low = under < low ? under : low;
      high = over > high ? over : high;
    }
  }
  const float most = largest_of<n>(high), least = -largest_of<n>(-low);
  for (int64_t y = 0; y < f.height; ++y) {
    float* row = f.image.at(y);
    for (int64_t x = 0; x < f.width; x += n) {
      const V v = lanes<n>(row + x), above = v < least ? V{} + least : v;
      lanes<n>(row + x) = lanes<n>(f.mask.at(y) + x) > 0 ? (above > most ? V{} + most : above) : v;
    }
  }
  return std::max(std::fabs(least), std::fabs(most));
}

/// The matrices for the mask.
template <int64_t n>
KS_INLINE void coarsen_all(Solver& s) {
  const FinestRows<n> finest{s.finest, s.scratch, s.finest.height};
  coarsen<n>(finest, s.grids[0], s.scratch);
  for (size_t level = 1; level < s.grids.size(); ++level) coarsen<n>(s.grids[level - 1], s.grids[level], s.scratch);
}

/// Solves for the channel and the matrices in it.
template <int64_t n>
KS_INLINE void solve_channel(Solver& s) {
  const float enough = kTolerance * clamp_removed<n>(s.finest);
  s.grids[0].correction.clear();
  for (int round = 0; round < kMostRounds; ++round) {
    const float off = sweep<n>(s);
    if (!(off > (round > 0 ? enough : 0))) break;  // before the first correction the coarse grids have said nothing
    cycle<n>(s.grids, s.scratch);
  }
}

KS_WIDE void coarsen_in_lanes(Solver& s) {
  coarsen_all<kLanes>(s);
}
KS_WIDE void solve_in_lanes(Solver& s) {
  solve_channel<kLanes>(s);
}
#ifdef KS_WIDEST
KS_WIDEST void coarsen_in_most_lanes(Solver& s) {
  coarsen_all<kMostLanes>(s);
}
KS_WIDEST void solve_in_most_lanes(Solver& s) {
  solve_channel<kMostLanes>(s);
}
#endif

struct Passes {
  void (*coarsen)(Solver&);
  void (*solve)(Solver&);
};

Passes passes() {
#ifdef KS_WIDEST
  if (has_most_lanes()) return {coarsen_in_most_lanes, solve_in_most_lanes};
#endif
  return {coarsen_in_lanes, solve_in_lanes};
}

}  // namespace imputation

Imputer::Imputer(int64_t height, int64_t width) : solver_(std::make_unique<imputation::Solver>(height, width)) {}
Imputer::~Imputer() = default;
Imputer::Imputer(Imputer&&) noexcept = default;

void Imputer::impute(const float* image, int64_t channels, const std::vector<uint8_t>& removed, const float* noise,
                     float* out) {
  imputation::Finest& f = solver_->finest;
  const imputation::Passes pass = imputation::passes();
  for (int64_t y = 0; y < f.height; ++y) {
    const uint8_t* marks = removed.data() + y * f.width;
    float* mask = f.mask.at(y);
    for (int64_t x = 0; x < f.width; ++x) mask[x] = static_cast<float>(marks[x]);
  }
  pass.coarsen(*solver_);
  for (int64_t channel = 0; channel < channels; ++channel) {
    const int64_t begin = channel * f.height * f.width;
    for (int64_t y = 0; y < f.height; ++y) std::copy_n(image + begin + y * f.width, f.width, f.image.at(y));
    pass.solve(*solver_);
    for (int64_t y = 0; y < f.height; ++y) {
      const int64_t at = begin + y * f.width;
      std::copy_n(f.image.at(y), f.width, out + at);
      if (!noise) continue;
      const float* mask = f.mask.at(y);
      for (int64_t x = 0; x < f.width; ++x) out[at + x] += mask[x] * noise[at + x];
    }
  }
}

}  // namespace ks

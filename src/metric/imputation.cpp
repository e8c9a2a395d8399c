#include "metric/imputation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "tensor/wide.h"

// The system is a graph Laplacian over the removed pixels with the kept ones as its border: symmetric and positive
// definite. Conjugate gradients solve it, from the image itself, preconditioned by a multigrid cycle with bilinear
// transfer and Galerkin operators (U. Trottenberg, C. Oosterlee, A. Schüller: Multigrid, 2001, section 7.8), so that
// the rounds do not grow with the holes. The finest matrix is never stored: the weights of a pixel's neighbours, 2 and
// 1 twelfths, are those of [1 2 1] along both directions without the 4 in the middle.
namespace ks {

namespace imputation {

constexpr float kTolerance = 1e-6f;  // of the image's largest value: how far a removed pixel may be from the mean
constexpr int kMostRounds = 500;     // far more than ever needed: a guard
// On coarse grids Jacobi's steps are divided by this share of the sum of a row's magnitudes: above a half of it they
// converge for any symmetric positive definite matrix (Gershgorin), which the cycle must to be definite itself. On the
// finest they do undivided, as [1 2 1] along both directions is positive itself.
constexpr float kRowShare = 0.55f;

int64_t padded(int64_t width) {
  return (width + kLanes - 1) / kLanes * kLanes;
}

/// One value a cell, with at least a cell of 0 around; rows are padded with 0 to whole lanes, and so are those below.
class Field {
 public:
  Field(int64_t height, int64_t width) : row_(padded(width) + kLanes), values_((height + 2) * row_ + kLanes) {}
  float* at(int64_t y) { return values_.data() + (y + 1) * row_ + kLanes; }
  const float* at(int64_t y) const { return values_.data() + (y + 1) * row_ + kLanes; }
  void clear() { std::fill_n(values_.data(), values_.size(), 0.0f); }

 private:
  int64_t row_;
  AlignedFloats values_;
};

/// A row with 0 on both sides.
class Line {
 public:
  explicit Line(int64_t width) : values_(padded(width) + 3 * kLanes) {}
  float* data() { return values_.data() + kLanes; }
  void clear() { std::fill_n(values_.data(), values_.size(), 0.0f); }

 private:
  AlignedFloats values_;
};

/// Entries of the matrix for a row of cells: with themselves and with those right, below left, below and below right.
enum Entry { own, east, south_west, south, south_east, entries };
using Rows = std::array<const float*, entries>;

/// The matrix on a coarse grid. A row of it is 0 where there is nothing unknown.
struct Grid {
  int64_t height, width;
  std::vector<Field> matrix;
  Field step;                            // Jacobi's, 0 where the row is
  Field residual, correction, smoothed;  // of the cycle

  Grid(int64_t height_, int64_t width_)
      : height(height_),
        width(width_),
        matrix(entries, Field(height_, width_)),
        step(height_, width_),
        residual(step),
        correction(step),
        smoothed(step) {}
};

/// The finest grid: which pixels are unknown, and the sums of the weights of their neighbours inside the image.
struct Finest {
  int64_t height, width;
  Field mask;
  std::vector<Line> weights, steps;  // for rows with 0, 1 and 2 rows beside them; steps: of Jacobi

  Finest(int64_t height_, int64_t width_)
      : height(height_), width(width_), mask(height_, width_), weights(3, Line(width_)), steps(weights) {
    for (size_t vertical = 0; vertical < 3; ++vertical)
      for (int64_t x = 0; x < width; ++x) {
        const size_t horizontal = static_cast<size_t>(x > 0) + static_cast<size_t>(x + 1 < width);
        const float sum = static_cast<float>(2 * horizontal + 2 * vertical + horizontal * vertical);
        weights[vertical].data()[x] = sum;
        steps[vertical].data()[x] = sum > 0 ? 1 / sum : 0;
      }
  }
  size_t beside(int64_t y) const { return static_cast<size_t>(y > 0) + static_cast<size_t>(y + 1 < height); }
  const float* weight(int64_t y) { return weights[beside(y)].data(); }
  const float* step(int64_t y) { return steps[beside(y)].data(); }
};

/// A row of entries after every second column has gone.
struct HalfRow {
  std::vector<Line> of;
  explicit HalfRow(int64_t width) : of(entries, Line(width)) {}
  void clear() {
    for (Line& line : of) line.clear();
  }
};

/// Room for what is made row by row.
struct Scratch {
  std::vector<Line> shown, entry, even, odd;
  Line column, line, left, sum, next_sum;
  std::vector<HalfRow> half;
  explicit Scratch(int64_t width)
      : shown(3, Line(width)),
        entry(entries, Line(width)),
        even(entry),
        odd(entry),
        column(width),
        line(width),
        left(width),
        sum(width),
        next_sum(width),
        half(3, HalfRow(width)) {}
  float* ring(int64_t y) { return shown[static_cast<size_t>((y + 3) % 3)].data(); }
};

KS_INLINE double total(const Lanes& sums) {
  double out = 0;
  for (int64_t k = 0; k < kLanes; ++k) out += static_cast<double>(sums[k]);
  return out;
}

/// [1 2 1] along the columns of three rows.
KS_INLINE void add_column(const float* above, const float* middle, const float* below, int64_t width, float* out) {
  for (int64_t x = 0; x < width; x += kLanes)
    lanes(out + x) = lanes(above + x) + 2 * lanes(middle + x) + lanes(below + x);
}

/// Weighted sums of the neighbours of the cells from x on, in a row with the values `middle`; `column`: of add_column.
KS_INLINE void add_neighbours(const float* column, const float* middle, int64_t x, Lanes& sums) {
  sums = lanes(column + x - 1) + 2 * lanes(column + x) + lanes(column + x + 1) - 4 * lanes(middle + x);
}

KS_INLINE void split(const float* v, int64_t pairs, float* even, float* odd) {
  KS_APART
  for (int64_t k = 0; k < pairs; ++k) even[k] = v[2 * k], odd[k] = v[2 * k + 1];
}

/// P' v for rows v of a grid that are given one after the other, where P is bilinear: coarse cell (Y, X) lies on the
/// fine one (2 Y, 2 X).
class Restriction {
 public:
  Restriction(Grid& coarse, Scratch& s)
      : to_(coarse.residual),
        width_(coarse.width),
        sum_(s.sum.data()),
        next_(s.next_sum.data()),
        even_(s.even[0].data()),
        odd_(s.odd[0].data()) {
    s.sum.clear();
    s.next_sum.clear();
  }
  /// `v` is 0 beyond the row's width, up to whole lanes.
  KS_INLINE void add(int64_t y, const float* v, int64_t width) {
    if (y % 2 == 0) {
      for (int64_t x = 0; x < width; x += kLanes) lanes(sum_ + x) += lanes(v + x);
      return;
    }
    for (int64_t x = 0; x < width; x += kLanes) {
      const Lanes half = 0.5f * lanes(v + x);
      lanes(sum_ + x) += half;
      lanes(next_ + x) = half;
    }
    write(y / 2);
    std::swap(sum_, next_);
  }
  /// After the last of so many rows.
  KS_INLINE void end(int64_t height) { write(height / 2); }

 private:
  KS_INLINE void write(int64_t y) {
    split(sum_, width_, even_, odd_);
    float* out = to_.at(y);
    KS_APART
    for (int64_t x = 0; x < width_; ++x) out[x] = even_[x] + 0.5f * (odd_[x - 1] + odd_[x]);
  }

  Field& to_;
  int64_t width_;
  float *sum_, *next_, *even_, *odd_;
};

/// Row y of P times the coarse grid's correction, for a fine grid of so many columns.
KS_INLINE void prolong(const Grid& coarse, int64_t y, int64_t width, float* line, float* out) {
  const float *v = coarse.correction.at(y / 2), *w = coarse.correction.at((y + 1) / 2);
  for (int64_t x = 0; x < coarse.width; x += kLanes) lanes(line + x) = 0.5f * (lanes(v + x) + lanes(w + x));
  KS_APART
  for (int64_t k = 0; k < (width + 1) / 2; ++k) {
    out[2 * k] = line[k];
    out[2 * k + 1] = 0.5f * (line[k] + line[k + 1]);
  }
}

/// Row y of the matrix on the finest grid.
KS_INLINE Rows rows_of(Finest& f, int64_t y, Scratch& s) {
  const float *m = f.mask.at(y), *below = f.mask.at(y + 1), *sum = f.weight(y);
  float *o = s.entry[own].data(), *e = s.entry[east].data(), *sw = s.entry[south_west].data(),
        *so = s.entry[south].data(), *se = s.entry[south_east].data();
  for (int64_t x = 0; x < f.width; x += kLanes) {
    const Lanes hole = lanes(m + x);
    lanes(o + x) = hole * lanes(sum + x);
    lanes(e + x) = -2 * hole * lanes(m + x + 1);
    lanes(sw + x) = -hole * lanes(below + x - 1);
    lanes(so + x) = -2 * hole * lanes(below + x);
    lanes(se + x) = -hole * lanes(below + x + 1);
  }
  return {o, e, sw, so, se};
}

KS_INLINE Rows rows_of(const Grid& g, int64_t y) {
  return {g.matrix[own].at(y), g.matrix[east].at(y), g.matrix[south_west].at(y), g.matrix[south].at(y),
          g.matrix[south_east].at(y)};
}

KS_INLINE Rows rows_of(const Grid& g, int64_t y, Scratch&) {
  return rows_of(g, y);
}

/// Along a row: cells 2 X - 1, 2 X and 2 X + 1 with the weights 1/2, 1, 1/2.
KS_INLINE void halve_columns(const Rows& rows, int64_t width, Scratch& s, HalfRow& half) {
  for (size_t k = 0; k < entries; ++k) split(rows[k], width, s.even[k].data(), s.odd[k].data());
  const float *d0 = s.even[own].data(), *d1 = s.odd[own].data(), *e0 = s.even[east].data(), *e1 = s.odd[east].data(),
              *l0 = s.even[south_west].data(), *l1 = s.odd[south_west].data(), *m0 = s.even[south].data(),
              *m1 = s.odd[south].data(), *r0 = s.even[south_east].data(), *r1 = s.odd[south_east].data();
  float *o = half.of[own].data(), *e = half.of[east].data(), *sw = half.of[south_west].data(),
        *so = half.of[south].data(), *se = half.of[south_east].data();
  KS_APART
  for (int64_t x = 0; x < width; ++x) {
    o[x] = d0[x] + e1[x - 1] + e0[x] + 0.25f * (d1[x - 1] + d1[x]);
    e[x] = 0.5f * (e0[x] + e1[x]) + 0.25f * d1[x];
    sw[x] = 0.5f * (l0[x] + l1[x - 1]) + 0.25f * m1[x - 1];
    so[x] = m0[x] + 0.5f * (l0[x] + r0[x] + r1[x - 1] + l1[x]) + 0.25f * (m1[x - 1] + m1[x]);
    se[x] = 0.5f * (r0[x] + r1[x]) + 0.25f * m1[x];
  }
}

/// The same for rows 2 y - 1, 2 y and 2 y + 1.
KS_INLINE void halve_rows(HalfRow& before, HalfRow& at, HalfRow& after, int64_t y, Grid& coarse) {
  const float *d0 = at.of[own].data(), *e0 = at.of[east].data(), *sw0 = at.of[south_west].data(),
              *so0 = at.of[south].data(), *se0 = at.of[south_east].data();
  const float *d1 = after.of[own].data(), *e1 = after.of[east].data(), *sw1 = after.of[south_west].data(),
              *so1 = after.of[south].data(), *se1 = after.of[south_east].data();
  const float *d2 = before.of[own].data(), *e2 = before.of[east].data(), *sw2 = before.of[south_west].data(),
              *so2 = before.of[south].data(), *se2 = before.of[south_east].data();
  float *o = coarse.matrix[own].at(y), *e = coarse.matrix[east].at(y), *sw = coarse.matrix[south_west].at(y),
        *so = coarse.matrix[south].at(y), *se = coarse.matrix[south_east].at(y);
  KS_APART
  for (int64_t x = 0; x < coarse.width; ++x) {
    o[x] = d0[x] + so2[x] + so0[x] + 0.25f * (d2[x] + d1[x]);
    // The entries above and below the row lead to the east from this column or to the south-west from the next.
    e[x] = e0[x] + 0.5f * (se0[x] + sw2[x + 1] + se2[x] + sw0[x + 1]) + 0.25f * (e2[x] + e1[x]);
    sw[x] = 0.5f * (sw0[x] + sw1[x]) + 0.25f * e1[x - 1];
    so[x] = 0.5f * (so0[x] + so1[x]) + 0.25f * d1[x];
    se[x] = 0.5f * (se0[x] + se1[x]) + 0.25f * e1[x];
  }
}

KS_INLINE void set_steps(Grid& g) {
  for (int64_t y = 0; y < g.height; ++y) {
    const auto [d, e, sw, so, se] = rows_of(g, y);
    const auto [d2, e2, from_sw, from_so, from_se] = rows_of(g, y - 1);
    float* step = g.step.at(y);
    KS_APART
    for (int64_t x = 0; x < g.width; ++x) {
      const float others = std::fabs(e[x]) + std::fabs(sw[x]) + std::fabs(so[x]) + std::fabs(se[x]) +
                           std::fabs(e[x - 1]) + std::fabs(from_sw[x + 1]) + std::fabs(from_so[x]) +
                           std::fabs(from_se[x - 1]);
      const float shared = kRowShare * (d[x] + others), divisor = d[x] > shared ? d[x] : shared;
      step[x] = d[x] > 0 ? 1 / divisor : 0.0f;
    }
  }
}

/// P' A P of the finer grid's matrix, one direction after the other.
template <class Finer>
KS_INLINE void coarsen_rows(Finer& fine, Grid& coarse, Scratch& s) {
  for (HalfRow& half : s.half) half.clear();
  const auto half = [&](int64_t y) -> HalfRow& { return s.half[static_cast<size_t>((y + 3) % 3)]; };
  for (int64_t y = 0; y < coarse.height; ++y)
    for (const int64_t row : {2 * y, 2 * y + 1}) {
      if (row < fine.height)
        halve_columns(rows_of(fine, row, s), coarse.width, s, half(row));
      else
        half(row).clear();
      if (row % 2) halve_rows(half(row - 2), half(row - 1), half(row), y, coarse);
    }
  set_steps(coarse);
}

KS_WIDE void coarsen(Finest& fine, Grid& coarse, Scratch& s) {
  coarsen_rows(fine, coarse, s);
}
KS_WIDE void coarsen(Grid& fine, Grid& coarse, Scratch& s) {
  coarsen_rows(fine, coarse, s);
}

/// Row y of A v on a coarse grid.
KS_INLINE void multiply(const Grid& g, int64_t y, const Field& v, float* out) {
  const auto [d, e, sw, so, se] = rows_of(g, y);
  const auto [d2, e2, from_sw, from_so, from_se] = rows_of(g, y - 1);
  const float *c = v.at(y), *above = v.at(y - 1), *below = v.at(y + 1);
  for (int64_t x = 0; x < g.width; x += kLanes)
    lanes(out + x) = lanes(d + x) * lanes(c + x) + lanes(e + x) * lanes(c + x + 1) +
                     lanes(e + x - 1) * lanes(c + x - 1) + lanes(sw + x) * lanes(below + x - 1) +
                     lanes(so + x) * lanes(below + x) + lanes(se + x) * lanes(below + x + 1) +
                     lanes(from_se + x - 1) * lanes(above + x - 1) + lanes(from_so + x) * lanes(above + x) +
                     lanes(from_sw + x + 1) * lanes(above + x + 1);
}

/// correction = a step of Jacobi from 0; what it leaves of the residual is for the next grid, where there is one.
KS_WIDE void pass_down(Grid& g, Grid* coarse, Scratch& s) {
  for (int64_t y = 0; y < g.height; ++y) {
    const float *r = g.residual.at(y), *step = g.step.at(y);
    float* c = g.correction.at(y);
    for (int64_t x = 0; x < g.width; x += kLanes) lanes(c + x) = lanes(step + x) * lanes(r + x);
  }
  if (!coarse) return;
  Restriction down(*coarse, s);
  float* left = s.left.data();
  for (int64_t y = 0; y < g.height; ++y) {
    multiply(g, y, g.correction, left);
    const float* r = g.residual.at(y);
    for (int64_t x = 0; x < g.width; x += kLanes) lanes(left + x) = lanes(r + x) - lanes(left + x);
    down.add(y, left, g.width);
  }
  down.end(g.height);
}

/// The next grid's correction added, and another step of Jacobi.
KS_WIDE void pass_up(Grid& g, const Grid& coarse, Scratch& s) {
  float *line = s.line.data(), *more = s.left.data();
  for (int64_t y = 0; y < g.height; ++y) {
    prolong(coarse, y, g.width, line, more);
    const float* step = g.step.at(y);
    float* c = g.correction.at(y);
    for (int64_t x = 0; x < g.width; x += kLanes) lanes(c + x) += lanes(step + x) > 0 ? lanes(more + x) : Lanes{};
  }
  for (int64_t y = 0; y < g.height; ++y) {
    multiply(g, y, g.correction, line);
    const float *r = g.residual.at(y), *step = g.step.at(y), *c = g.correction.at(y);
    float* out = g.smoothed.at(y);
    for (int64_t x = 0; x < g.width; x += kLanes)
      lanes(out + x) = lanes(c + x) + lanes(step + x) * (lanes(r + x) - lanes(line + x));
  }
  std::swap(g.correction, g.smoothed);
}

/// grid.correction = about A^-1 grid.residual, by a symmetric positive definite operator.
void cycle(std::vector<Grid>& grids, size_t level, Scratch& s) {
  const bool last = level + 1 == grids.size();
  pass_down(grids[level], last ? nullptr : &grids[level + 1], s);
  if (last) return;
  cycle(grids, level + 1, s);
  pass_up(grids[level], grids[level + 1], s);
}

/// residual = b - A x where x is the image and b comes from what is known of it. Returns the image's largest magnitude.
KS_WIDE float begin(Finest& f, const Field& image, Field& residual, Scratch& s) {
  float* column = s.column.data();
  Lanes most = {};
  for (int64_t y = 0; y < f.height; ++y) {
    const float *v = image.at(y), *m = f.mask.at(y), *weight = f.weight(y);
    add_column(image.at(y - 1), v, image.at(y + 1), f.width, column);
    float* r = residual.at(y);
    for (int64_t x = 0; x < f.width; x += kLanes) {
      const Lanes value = lanes(v + x), magnitude = value > 0 ? value : -value;
      most = magnitude > most ? magnitude : most;
      Lanes sums;
      add_neighbours(column, v, x, sums);
      lanes(r + x) = lanes(m + x) * (sums - lanes(weight + x) * value);
    }
  }
  float largest = 0;
  for (int64_t k = 0; k < kLanes; ++k) largest = std::max(largest, most[k]);
  return largest;
}

/// What a step of Jacobi from 0 leaves of the residual, for the next grid.
KS_WIDE void pass_down(Finest& f, const Field& residual, Grid& coarse, Scratch& s) {
  Restriction down(coarse, s);
  float *column = s.column.data(), *left = s.left.data();
  std::fill_n(s.ring(-1), f.width, 0.0f);
  for (int64_t y = 0; y <= f.height; ++y) {
    float* shown = s.ring(y);
    if (y < f.height) {
      const float *r = residual.at(y), *step = f.step(y);
      for (int64_t x = 0; x < f.width; x += kLanes) lanes(shown + x) = lanes(step + x) * lanes(r + x);
    } else {
      std::fill_n(shown, f.width, 0.0f);
    }
    if (y == 0) continue;
    const float *v = s.ring(y - 1), *m = f.mask.at(y - 1);
    add_column(s.ring(y - 2), v, shown, f.width, column);
    for (int64_t x = 0; x < f.width; x += kLanes) {
      Lanes sums;
      add_neighbours(column, v, x, sums);
      lanes(left + x) = lanes(m + x) * sums;
    }
    down.add(y - 1, left, f.width);
  }
  down.end(f.height);
}

/// The same step of Jacobi, the next grid's correction, and another step. Returns residual . correction.
KS_WIDE double pass_up(Finest& f, const Field& residual, const Grid& coarse, Field& correction, Scratch& s) {
  float *column = s.column.data(), *line = s.line.data(), *more = s.left.data();
  std::fill_n(s.ring(-1), f.width, 0.0f);
  double energy = 0;
  for (int64_t y = 0; y <= f.height; ++y) {
    float* shown = s.ring(y);
    if (y < f.height) {
      prolong(coarse, y, f.width, line, more);
      const float *r = residual.at(y), *step = f.step(y), *m = f.mask.at(y);
      for (int64_t x = 0; x < f.width; x += kLanes)
        lanes(shown + x) = lanes(step + x) * lanes(r + x) + lanes(m + x) * lanes(more + x);
    } else {
      std::fill_n(shown, f.width, 0.0f);
    }
    if (y == 0) continue;
    const float *v = s.ring(y - 1), *m = f.mask.at(y - 1), *r = residual.at(y - 1), *step = f.step(y - 1);
    add_column(s.ring(y - 2), v, shown, f.width, column);
    float* c = correction.at(y - 1);
    Lanes products = {};
    for (int64_t x = 0; x < f.width; x += kLanes) {
      Lanes sums;
      add_neighbours(column, v, x, sums);
      const Lanes before = lanes(r + x), made = lanes(step + x) * (before + lanes(m + x) * sums);
      lanes(c + x) = made;
      products += before * made;
    }
    energy += total(products);
  }
  return energy;
}

/// direction = correction + share * direction, product = A direction. Returns direction . product.
KS_WIDE double turn(Finest& f, const Field& correction, float share, Field& direction, Field& product, Scratch& s) {
  float* column = s.column.data();
  double across = 0;
  for (int64_t y = 0; y <= f.height; ++y) {
    if (y < f.height) {
      const float* c = correction.at(y);
      float* d = direction.at(y);
      for (int64_t x = 0; x < f.width; x += kLanes) lanes(d + x) = lanes(c + x) + share * lanes(d + x);
    }
    if (y == 0) continue;
    const float *d = direction.at(y - 1), *m = f.mask.at(y - 1), *weight = f.weight(y - 1);
    add_column(direction.at(y - 2), d, direction.at(y), f.width, column);
    float* p = product.at(y - 1);
    Lanes products = {};
    for (int64_t x = 0; x < f.width; x += kLanes) {
      Lanes sums;
      add_neighbours(column, d, x, sums);
      const Lanes made = lanes(weight + x) * lanes(d + x) - lanes(m + x) * sums;
      lanes(p + x) = made;
      products += lanes(d + x) * made;
    }
    across += total(products);
  }
  return across;
}

/// A step along the direction. Returns how far at most a removed pixel is from the mean of its neighbours.
KS_WIDE float advance(Finest& f, float length, const Field& direction, const Field& product, Field& image,
                      Field& residual) {
  Lanes most = {};
  for (int64_t y = 0; y < f.height; ++y) {
    const float *d = direction.at(y), *p = product.at(y), *step = f.step(y);
    float *v = image.at(y), *r = residual.at(y);
    for (int64_t x = 0; x < f.width; x += kLanes) {
      lanes(v + x) += length * lanes(d + x);
      const Lanes left = lanes(r + x) - length * lanes(p + x), off = lanes(step + x) * left,
                  magnitude = off > 0 ? off : -off;
      lanes(r + x) = left;
      most = magnitude > most ? magnitude : most;
    }
  }
  float largest = 0;
  for (int64_t k = 0; k < kLanes; ++k) largest = std::max(largest, most[k]);
  return largest;
}

struct Solver {
  Finest finest;
  Scratch scratch;
  std::vector<Grid> grids;
  Field image, residual, correction, direction, product;

  Solver(int64_t height, int64_t width)
      : finest(height, width),
        scratch(width),
        image(height, width),
        residual(image),
        correction(image),
        direction(image),
        product(image) {
    do {
      grids.emplace_back(height / 2 + 1, width / 2 + 1);
      height = grids.back().height, width = grids.back().width;
    } while (height > 2 || width > 2);
  }

  void solve() {
    const float enough = kTolerance * begin(finest, image, residual, scratch);
    direction.clear();
    double before = 0;
    for (int round = 0; round < kMostRounds; ++round) {
      pass_down(finest, residual, grids[0], scratch);
      cycle(grids, 0, scratch);
      const double energy = pass_up(finest, residual, grids[0], correction, scratch);
      if (!(energy > 0)) break;
      const float share = round > 0 ? static_cast<float>(energy / before) : 0.0f;
      before = energy;
      const double across = turn(finest, correction, share, direction, product, scratch);
      if (!(across > 0)) break;
      if (!(advance(finest, static_cast<float>(energy / across), direction, product, image, residual) > enough)) break;
    }
  }
};

}  // namespace imputation

Imputer::Imputer(int64_t height, int64_t width) : solver_(std::make_unique<imputation::Solver>(height, width)) {}
Imputer::~Imputer() = default;
Imputer::Imputer(Imputer&&) noexcept = default;

void Imputer::impute(float* image, int64_t channels, const std::vector<uint8_t>& removed) {
  imputation::Solver& i = *solver_;
  const int64_t height = i.finest.height, width = i.finest.width;
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      i.finest.mask.at(y)[x] = removed[static_cast<size_t>(y * width + x)] ? 1.0f : 0.0f;
  imputation::coarsen(i.finest, i.grids[0], i.scratch);
  for (size_t level = 1; level < i.grids.size(); ++level)
    imputation::coarsen(i.grids[level - 1], i.grids[level], i.scratch);
  for (int64_t c = 0; c < channels; ++c) {
    float* plane = image + c * height * width;
    for (int64_t y = 0; y < height; ++y) std::copy_n(plane + y * width, width, i.image.at(y));
    i.solve();
    for (int64_t y = 0; y < height; ++y) std::copy_n(i.image.at(y), width, plane + y * width);
  }
}

}  // namespace ks

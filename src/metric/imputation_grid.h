#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tensor/wide.h"

/// Grids of multigrid with bilinear transfer and Galerkin operators (U. Trottenberg, C. Oosterlee, A. Schüller:
/// Multigrid, 2001, section 7.8) for symmetric matrices that join a pixel to its eight neighbours. All channels of an
/// image have the same matrix. `n`: so many floats go through at once.
namespace ks::imputation {

// On coarse grids Jacobi's steps are divided by this share of the sum of a row's magnitudes, so that no eigenvalue is
// above its inverse (Gershgorin): two steps of the lengths of kCoarseSteps then make every error smaller.
constexpr float kRowShare = 0.55f;

inline int64_t padded(int64_t width) {
  return (width + kMostLanes - 1) / kMostLanes * kMostLanes;
}

/// A row with at least kMostLanes of 0 on both sides.
class Line {
 public:
  explicit Line(int64_t width) : values_(padded(width) + 3 * kMostLanes) {}
  float* data() { return values_.data() + kMostLanes; }
  const float* data() const { return values_.data() + kMostLanes; }
  void clear() { std::fill_n(values_.data(), values_.size(), 0.0f); }

 private:
  AlignedFloats values_;
};

/// One value a cell, with two rows of 0 above and below, and at least kMostLanes of 0 on both sides.
class Field {
 public:
  Field(int64_t height, int64_t width)
      : row_(padded(width) + 2 * kMostLanes), values_((height + 4) * row_ + kMostLanes) {}
  float* at(int64_t y) { return values_.data() + (y + 2) * row_ + kMostLanes; }
  const float* at(int64_t y) const { return values_.data() + (y + 2) * row_ + kMostLanes; }
  /// From a cell to the one below.
  int64_t row() const { return row_; }

 private:
  int64_t row_;
  AlignedFloats values_;
};

/// Rows between two steps of Jacobi that follow one another down a grid: the last four, and 0 outside.
class Ring {
 public:
  Ring(int64_t height, int64_t width) : height_(height), row_(padded(width) + 3 * kMostLanes), values_(6 * row_) {}
  float* to(int64_t y) { return values_.data() + place(y, 5) + kMostLanes; }
  const float* at(int64_t y) const { return values_.data() + place(y, 4) + kMostLanes; }

 private:
  int64_t place(int64_t y, int64_t outside) const { return (y >= 0 && y < height_ ? y & 3 : outside) * row_; }
  int64_t height_, row_;
  AlignedFloats values_;
};

/// Entries of the matrix for a row of cells: with themselves and with those right, below left, below and below right.
enum Entry { own, east, south_west, south, south_east, entries };
using Rows = std::array<const float*, entries>;

/// The matrix on a coarse grid. A row of it is 0 where there is nothing unknown.
struct Grid {
  int64_t height, width;
  std::vector<Field> matrix;
  Field step;  // Jacobi's, 0 where the row is
  Field residual, correction;
  std::vector<Ring> rings;  // what each of the steps reads

  Grid(int64_t height_, int64_t width_, size_t steps)
      : height(height_),
        width(width_),
        matrix(entries, Field(height_, width_)),
        step(height_, width_),
        residual(step),
        correction(step),
        rings(steps, Ring(height_, width_)) {}
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
struct GridScratch {
  std::vector<Line> entry;
  Line sum, half_row;
  std::vector<HalfRow> half;
  explicit GridScratch(int64_t width)
      : entry(entries, Line(width)), sum(width), half_row(width), half(3, HalfRow(width)) {}
};

/// The values one cell before or after those of a vector, from two that follow one another.
template <int64_t n>
KS_INLINE void one_before(const LanesOf<n>& before, const LanesOf<n>& here, LanesOf<n>& out) {
  if constexpr (n == kLanes)
    out = __builtin_shufflevector(before, here, 7, 8, 9, 10, 11, 12, 13, 14);
  else
    out = __builtin_shufflevector(before, here, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
}
template <int64_t n>
KS_INLINE void one_after(const LanesOf<n>& here, const LanesOf<n>& after, LanesOf<n>& out) {
  if constexpr (n == kLanes)
    out = __builtin_shufflevector(here, after, 1, 2, 3, 4, 5, 6, 7, 8);
  else
    out = __builtin_shufflevector(here, after, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
}

/// Every second value of two vectors that follow one another, and the others.
template <int64_t n>
KS_INLINE void split(const float* v, LanesOf<n>& even, LanesOf<n>& odd) {
  const LanesOf<n>&a = lanes<n>(v), &b = lanes<n>(v + n);
  if constexpr (n == kLanes) {
    even = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
    odd = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
  } else {
    even = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    odd = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  }
}

/// The opposite.
template <int64_t n>
KS_INLINE void join(const LanesOf<n>& even, const LanesOf<n>& odd, LanesOf<n>& first, LanesOf<n>& second) {
  if constexpr (n == kLanes) {
    first = __builtin_shufflevector(even, odd, 0, 8, 1, 9, 2, 10, 3, 11);
    second = __builtin_shufflevector(even, odd, 4, 12, 5, 13, 6, 14, 7, 15);
  } else {
    first = __builtin_shufflevector(even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    second = __builtin_shufflevector(even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  }
}

KS_INLINE Rows rows_of(const Grid& g, int64_t y) {
  return {g.matrix[own].at(y), g.matrix[east].at(y), g.matrix[south_west].at(y), g.matrix[south].at(y),
          g.matrix[south_east].at(y)};
}

/// Along a row: cells 2 X - 1, 2 X and 2 X + 1 with the weights 1/2, 1, 1/2.
template <int64_t n>
KS_INLINE void halve_columns(const Rows& rows, int64_t width, HalfRow& half) {
  using V = LanesOf<n>;
  float *o = half.of[own].data(), *e = half.of[east].data(), *sw = half.of[south_west].data(),
        *so = half.of[south].data(), *se = half.of[south_east].data();
  V d_before = {}, e_before = {}, l_before = {}, m_before = {}, r_before = {};
  for (int64_t x = 0; x < width; x += n) {
    V d0, d1, e0, e1, l0, l1, m0, m1, r0, r1, d, ee, l, m, r;  // even and odd cells, and the odd ones before
    split<n>(rows[own] + 2 * x, d0, d1);
    split<n>(rows[east] + 2 * x, e0, e1);
    split<n>(rows[south_west] + 2 * x, l0, l1);
    split<n>(rows[south] + 2 * x, m0, m1);
    split<n>(rows[south_east] + 2 * x, r0, r1);
    one_before<n>(d_before, d1, d);
    one_before<n>(e_before, e1, ee);
    one_before<n>(l_before, l1, l);
    one_before<n>(m_before, m1, m);
    one_before<n>(r_before, r1, r);
    lanes<n>(o + x) = d0 + ee + e0 + 0.25f * (d + d1);
    lanes<n>(e + x) = 0.5f * (e0 + e1) + 0.25f * d1;
    lanes<n>(sw + x) = 0.5f * (l0 + l) + 0.25f * m;
    lanes<n>(so + x) = m0 + 0.5f * (l0 + r0 + r + l1) + 0.25f * (m + m1);
    lanes<n>(se + x) = 0.5f * (r0 + r1) + 0.25f * m1;
    d_before = d1, e_before = e1, l_before = l1, m_before = m1, r_before = r1;
  }
}

/// The same for rows 2 y - 1, 2 y and 2 y + 1.
template <int64_t n>
KS_INLINE void halve_rows(HalfRow& before, HalfRow& at, HalfRow& after, int64_t y, Grid& coarse) {
  const auto row = [](HalfRow& h, Entry entry) { return h.of[entry].data(); };
  const float *d0 = row(at, own), *e0 = row(at, east), *sw0 = row(at, south_west), *so0 = row(at, south),
              *se0 = row(at, south_east), *d1 = row(after, own), *e1 = row(after, east), *sw1 = row(after, south_west),
              *so1 = row(after, south), *se1 = row(after, south_east), *d2 = row(before, own), *e2 = row(before, east),
              *sw2 = row(before, south_west), *so2 = row(before, south), *se2 = row(before, south_east);
  float *o = coarse.matrix[own].at(y), *e = coarse.matrix[east].at(y), *sw = coarse.matrix[south_west].at(y),
        *so = coarse.matrix[south].at(y), *se = coarse.matrix[south_east].at(y);
  for (int64_t x = 0; x < coarse.width; x += n) {
    lanes<n>(o + x) =
        lanes<n>(d0 + x) + lanes<n>(so2 + x) + lanes<n>(so0 + x) + 0.25f * (lanes<n>(d2 + x) + lanes<n>(d1 + x));
    // The entries above and below the row lead to the east from this column or to the south-west from the next.
    lanes<n>(e + x) = lanes<n>(e0 + x) +
                      0.5f * (lanes<n>(se0 + x) + lanes<n>(sw2 + x + 1) + lanes<n>(se2 + x) + lanes<n>(sw0 + x + 1)) +
                      0.25f * (lanes<n>(e2 + x) + lanes<n>(e1 + x));
    lanes<n>(sw + x) = 0.5f * (lanes<n>(sw0 + x) + lanes<n>(sw1 + x)) + 0.25f * lanes<n>(e1 + x - 1);
    lanes<n>(so + x) = 0.5f * (lanes<n>(so0 + x) + lanes<n>(so1 + x)) + 0.25f * lanes<n>(d1 + x);
    lanes<n>(se + x) = 0.5f * (lanes<n>(se0 + x) + lanes<n>(se1 + x)) + 0.25f * lanes<n>(e1 + x);
  }
}

template <int64_t n>
KS_INLINE void magnitude(const LanesOf<n>& v, LanesOf<n>& out) {
  out = v > 0 ? v : -v;
}

template <int64_t n>
KS_INLINE void set_steps(Grid& g) {
  for (int64_t y = 0; y < g.height; ++y) {
    const Rows here = rows_of(g, y), above = rows_of(g, y - 1);
    float* step = g.step.at(y);
    for (int64_t x = 0; x < g.width; x += n) {
      const LanesOf<n>& d = lanes<n>(here[own] + x);
      LanesOf<n> sum = d, size;
      for (const float* entry :
           {here[east] + x, here[south_west] + x, here[south] + x, here[south_east] + x, here[east] + x - 1,
            above[south_west] + x + 1, above[south] + x, above[south_east] + x - 1}) {
        magnitude<n>(lanes<n>(entry), size);
        sum += size;
      }
      const LanesOf<n> shared = kRowShare * sum, divisor = d > shared ? d : shared;
      lanes<n>(step + x) = d > 0 ? 1 / divisor : LanesOf<n>{};
    }
  }
}

/// P' A P of the finer grid's matrix, one direction after the other. `fine`: what rows_of takes.
template <int64_t n, class Finer>
KS_INLINE void coarsen(Finer& fine, Grid& coarse, GridScratch& s) {
  for (HalfRow& half : s.half) half.clear();
  const auto half = [&](int64_t y) -> HalfRow& { return s.half[static_cast<size_t>((y + 3) % 3)]; };
  for (int64_t y = 0; y < coarse.height; ++y)
    for (const int64_t row : {2 * y, 2 * y + 1}) {
      if (row < fine.height)
        halve_columns<n>(rows_of(fine, row), coarse.width, half(row));
      else
        half(row).clear();
      if (row % 2) halve_rows<n>(half(row - 2), half(row - 1), half(row), y, coarse);
    }
  set_steps<n>(coarse);
}

}  // namespace ks::imputation

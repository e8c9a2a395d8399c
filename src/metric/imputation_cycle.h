#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "metric/imputation_grid.h"

/// What a multigrid cycle does on coarse grids and between grids. Rows go two by two: they share much of what is read.
namespace ks::imputation {

constexpr std::array<float, 2> kCoarseSteps = {1.5f, 0.8f};  // Jacobi's, in turns

/// P' v for the values of a finer grid's rows that are given two by two, where P is bilinear: coarse cell (Y, X) lies
/// on the fine one (2 Y, 2 X).
template <int64_t n>
class Restriction {
 public:
  KS_INLINE Restriction(Grid& coarse, GridScratch& s) : coarse_(coarse), sum_(s.sum.data()), half_(s.half_row.data()) {
    s.half_row.clear();
  }
  /// The values of rows 2 Y and 2 Y + 1.
  KS_INLINE void add(int64_t x, const LanesOf<n>& even, const LanesOf<n>& odd) {
    const LanesOf<n> part = 0.5f * odd;
    lanes<n>(sum_ + x) = lanes<n>(half_ + x) + even + part;
    lanes<n>(half_ + x) = part;
  }
  /// After both rows.
  KS_INLINE void end_rows(int64_t coarse_y) { write(sum_, coarse_y); }
  /// After the last of so many rows.
  KS_INLINE void end(int64_t height) {
    if (height % 2 == 0) write(half_, height / 2);
  }

 private:
  KS_INLINE void write(const float* row, int64_t y) {
    float* out = coarse_.residual.at(y);
    LanesOf<n> before = {}, even, odd, left;
    for (int64_t x = 0, width = coarse_.width; x < width; x += n) {
      split<n>(row + 2 * x, even, odd);
      one_before<n>(before, odd, left);
      lanes<n>(out + x) = even + 0.5f * (left + odd);
      before = odd;
    }
  }

  Grid& coarse_;
  float *sum_, *half_;
};

/// Goes along rows 2 Y and 2 Y + 1 of P times the coarse grid's correction.
template <int64_t n>
class Prolongation {
 public:
  KS_INLINE Prolongation(const Grid& coarse, int64_t y)
      : even_(coarse.correction.at(y)), below_(coarse.correction.at(y + 1)) {
    column(0, even_here_, odd_here_);
  }
  /// The values above 2 x ... 2 x + 2 n - 1, in two vectors a row, for one x after the other.
  KS_INLINE void at(int64_t x, LanesOf<n>& even, LanesOf<n>& next_even, LanesOf<n>& odd, LanesOf<n>& next_odd) {
    LanesOf<n> even_after, odd_after, right;
    column(x + n, even_after, odd_after);
    one_after<n>(even_here_, even_after, right);
    join<n>(even_here_, 0.5f * (even_here_ + right), even, next_even);
    one_after<n>(odd_here_, odd_after, right);
    join<n>(odd_here_, 0.5f * (odd_here_ + right), odd, next_odd);
    even_here_ = even_after;
    odd_here_ = odd_after;
  }

 private:
  KS_INLINE void column(int64_t x, LanesOf<n>& even, LanesOf<n>& odd) {
    even = lanes<n>(even_ + x);
    odd = 0.5f * (even + lanes<n>(below_ + x));
  }

  const float *even_, *below_;
  LanesOf<n> even_here_, odd_here_;
};

/// A vector of a row and what lies a cell before and after each of its values, from one vector to the next.
template <int64_t n>
struct Window {
  LanesOf<n> left, here, right;
  KS_INLINE explicit Window(const LanesOf<n>& first) : before_{}, next_(first) {}
  /// On to the next vector; `after`: the one that follows it.
  KS_INLINE void go(const LanesOf<n>& after) {
    here = next_;
    one_before<n>(before_, here, left);
    one_after<n>(here, after, right);
    before_ = here;
    next_ = after;
  }

 private:
  LanesOf<n> before_, next_;
};

/// Where the first rows of a grid's fields begin.
struct Origin {
  Rows matrix;
  const float *residual, *step;
  int64_t row, width;
  KS_INLINE explicit Origin(const Grid& g)
      : matrix(rows_of(g, 0)), residual(g.residual.at(0)), step(g.step.at(0)), row(g.step.row()), width(g.width) {}
};

/// One step of Jacobi for rows y and y + 1.
template <int64_t n>
KS_INLINE void smooth(const Origin& o, int64_t y, float length, const Ring& from, float* out, float* next_out) {
  using V = LanesOf<n>;
  const float *row_above = from.at(y - 1), *row_here = from.at(y), *row_next = from.at(y + 1),
              *row_below = from.at(y + 2);
  Window<n> above(lanes<n>(row_above)), v(lanes<n>(row_here)), next(lanes<n>(row_next)), below(lanes<n>(row_below));
  const auto [d, e, sw, so, se] = o.matrix;
  const float *r = o.residual, *step = o.step;
  const int64_t row = o.row, begin = y * row;
  for (int64_t x = 0, width = o.width; x < width; x += n) {
    const int64_t i = begin + x, i_above = i - row, i_next = i + row;
    above.go(lanes<n>(row_above + x + n));
    v.go(lanes<n>(row_here + x + n));
    next.go(lanes<n>(row_next + x + n));
    below.go(lanes<n>(row_below + x + n));
    const V between = lanes<n>(so + i);
    const V sum = lanes<n>(d + i) * v.here + lanes<n>(e + i) * v.right + lanes<n>(e + i - 1) * v.left +
                  lanes<n>(sw + i) * next.left + between * next.here + lanes<n>(se + i) * next.right +
                  lanes<n>(se + i_above - 1) * above.left + lanes<n>(so + i_above) * above.here +
                  lanes<n>(sw + i_above + 1) * above.right;
    const V next_sum = lanes<n>(d + i_next) * next.here + lanes<n>(e + i_next) * next.right +
                       lanes<n>(e + i_next - 1) * next.left + lanes<n>(sw + i_next) * below.left +
                       lanes<n>(so + i_next) * below.here + lanes<n>(se + i_next) * below.right +
                       lanes<n>(se + i - 1) * v.left + between * v.here + lanes<n>(sw + i + 1) * v.right;
    lanes<n>(out + x) = v.here + length * lanes<n>(step + i) * (lanes<n>(r + i) - sum);
    lanes<n>(next_out + x) = next.here + length * lanes<n>(step + i_next) * (lanes<n>(r + i_next) - next_sum);
  }
}

/// grids[0].correction = about A^-1 grids[0].residual: down to the coarsest grid at once, and up with two steps of
/// Jacobi on the first grid and two more on each coarser one, which cost little and are what large holes need.
template <int64_t n>
KS_INLINE void cycle(std::vector<Grid>& grids, GridScratch& s) {
  using V = LanesOf<n>;
  for (size_t level = 0; level + 1 < grids.size(); ++level) {
    const Grid& g = grids[level];
    Restriction<n> down(grids[level + 1], s);
    for (int64_t y = 0; y < g.height; y += 2) {
      const float *r = g.residual.at(y), *below = g.residual.at(y + 1);
      for (int64_t x = 0, width = g.width; x < width; x += n) down.add(x, lanes<n>(r + x), lanes<n>(below + x));
      down.end_rows(y / 2);
    }
    down.end(g.height);
  }
  for (size_t level = grids.size(); level-- > 0;) {
    Grid& g = grids[level];
    const auto steps = static_cast<int64_t>(g.rings.size());
    const Origin origin(g);
    for (int64_t front = 0; front < g.height + steps; front += 2) {
      if (front < g.height) {
        float *c = g.rings[0].to(front), *next_c = g.rings[0].to(front + 1);
        if (level + 1 == grids.size()) {
          std::fill_n(c, g.width, 0.0f);
          std::fill_n(next_c, g.width, 0.0f);
        } else {
          Prolongation<n> up(grids[level + 1], front / 2);
          const float *step = g.step.at(front), *step_next = g.step.at(front + 1);
          const auto write = [](const float* unknown, const V& more, float* out)
                                 KS_ALWAYS_INLINE { lanes<n>(out) = lanes<n>(unknown) > 0 ? more : V{}; };
          V even, next_even, odd, next_odd;
          for (int64_t x = 0, width = g.width; x < width; x += 2 * n) {
            up.at(x / 2, even, next_even, odd, next_odd);
            write(step + x, even, c + x);
            write(step + x + n, next_even, c + x + n);
            write(step_next + x, odd, next_c + x);
            write(step_next + x + n, next_odd, next_c + x + n);
          }
        }
      }
      for (int64_t k = 0; k < steps; ++k) {
        const int64_t y = front - 1 - k;
        if (y < -1 || y >= g.height) continue;
        const auto step = static_cast<size_t>(k);
        const bool last = k + 1 == steps;
        smooth<n>(origin, y, kCoarseSteps[step % 2], g.rings[step], last ? g.correction.at(y) : g.rings[step + 1].to(y),
                  last ? g.correction.at(y + 1) : g.rings[step + 1].to(y + 1));
      }
    }
  }
}

}  // namespace ks::imputation

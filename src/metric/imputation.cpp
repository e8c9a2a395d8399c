#include "metric/imputation.h"

#include <algorithm>
#include <array>
#include <cmath>

// The system is a graph Laplacian over the removed pixels with the kept ones as its border: symmetric and positive
// definite. Conjugate gradients solve it, preconditioned by a multigrid cycle with bilinear transfer and Galerkin
// operators (U. Trottenberg, C. Oosterlee, A. Schüller: Multigrid, 2001, section 7.8), so that the rounds do not grow
// with the holes: 5 to 9 of them for a picture of 224x224.
namespace ks {

namespace {

constexpr float kDirect = 2, kDiagonal = 1;  // twelfths: whole numbers, so that no row's sum is rounded
constexpr double kTolerance = 1e-6;  // of the error in the system's own norm, as the preconditioner estimates it
constexpr int kMostRounds = 500;     // far more than ever needed: a guard
// Jacobi's steps are divided by this share of the sum of a row's magnitudes: above a half of it they converge for any
// symmetric positive definite matrix (Gershgorin), which the cycle must to be definite itself.
constexpr float kRowShare = 0.55f;

/// The matrix on one grid, with a border of one cell. A row of the matrix is 0 where the pixel is known, or no unknown
/// one is near. `ahead`: entries of a cell with the one right, below left, below and below right of it.
struct Grid {
  int64_t height, width, row, cells;  // row: cells from one to the next; cells: with the border
  std::vector<float> diagonal, step;  // step: Jacobi's, 0 where the row is
  std::array<std::vector<float>, 4> ahead;
  std::vector<float> residual, correction, scratch;  // of the cycle

  Grid(int64_t height_, int64_t width_)
      : height(height_), width(width_), row(width_ + 2), cells((height_ + 2) * (width_ + 2)) {
    for (auto* v : {&diagonal, &step, &ahead[0], &ahead[1], &ahead[2], &ahead[3], &residual, &correction, &scratch})
      v->assign(static_cast<size_t>(cells), 0);
  }
  int64_t at(int64_t y, int64_t x) const { return (y + 1) * row + x + 1; }

  void set_steps() {
    const float *e = ahead[0].data(), *sw = ahead[1].data(), *s = ahead[2].data(), *se = ahead[3].data();
    for (int64_t i = at(0, 0); i <= at(height - 1, width - 1); ++i) {
      const float own = diagonal[static_cast<size_t>(i)];
      const float others = std::fabs(e[i]) + std::fabs(sw[i]) + std::fabs(s[i]) + std::fabs(se[i]) +
                           std::fabs(e[i - 1]) + std::fabs(sw[i - row + 1]) + std::fabs(s[i - row]) +
                           std::fabs(se[i - row - 1]);
      if (own > 0) step[static_cast<size_t>(i)] = 1 / std::max(own, kRowShare * (own + others));
    }
  }

  /// use(first, A v) row after row: `first` is the row's first cell, A v has `width` values.
  template <class Use>
  void multiply(const std::vector<float>& v, const Use& use) const {
    std::vector<float> line(static_cast<size_t>(width));
    for (int64_t y = 0; y < height; ++y) {
      const int64_t first = at(y, 0);
      multiply_row(v.data(), first, line.data());
      use(first, static_cast<const float*>(line.data()));
    }
  }

 private:
  void multiply_row(const float* v, int64_t first, float* __restrict out) const {
    const float *d = diagonal.data() + first, *e = ahead[0].data() + first, *sw = ahead[1].data() + first,
                *s = ahead[2].data() + first, *se = ahead[3].data() + first;
    const float *from_sw = sw - row + 1, *from_s = s - row, *from_se = se - row - 1;
    const float *c = v + first, *above = c - row, *below = c + row;
    for (int64_t x = 0; x < width; ++x)
      out[x] = d[x] * c[x] + e[x] * c[x + 1] + e[x - 1] * c[x - 1] + sw[x] * below[x - 1] + s[x] * below[x] +
               se[x] * below[x + 1] + from_se[x] * above[x - 1] + from_s[x] * above[x] + from_sw[x] * above[x + 1];
  }
};

Grid finest_grid(int64_t height, int64_t width, const std::vector<uint8_t>& removed) {
  Grid grid(height, width);
  std::vector<float> hole(static_cast<size_t>(grid.cells)), inside(static_cast<size_t>(grid.cells));
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      hole[static_cast<size_t>(grid.at(y, x))] = removed[static_cast<size_t>(y * width + x)] ? 1.0f : 0.0f;
      inside[static_cast<size_t>(grid.at(y, x))] = 1;
    }
  const int64_t row = grid.row;
  for (int64_t y = 0; y < height; ++y) {
    const float *h = hole.data() + grid.at(y, 0), *in = inside.data() + grid.at(y, 0);
    float* own = grid.diagonal.data() + grid.at(y, 0);
    std::array<float*, 4> ahead;
    for (size_t k = 0; k < 4; ++k) ahead[k] = grid.ahead[k].data() + grid.at(y, 0);
    for (int64_t x = 0; x < width; ++x) {
      own[x] = h[x] * (kDirect * (in[x - 1] + in[x + 1] + in[x - row] + in[x + row]) +
                       kDiagonal * (in[x - row - 1] + in[x - row + 1] + in[x + row - 1] + in[x + row + 1]));
      ahead[0][x] = -kDirect * h[x] * h[x + 1];
      ahead[1][x] = -kDiagonal * h[x] * h[x + row - 1];
      ahead[2][x] = -kDirect * h[x] * h[x + row];
      ahead[3][x] = -kDiagonal * h[x] * h[x + row + 1];
    }
  }
  grid.set_steps();
  return grid;
}

/// P' A P, where P is bilinear: coarse cell (Y, X) lies on the fine one (2 Y, 2 X). One direction after the other.
Grid coarser(const Grid& fine) {
  // Along a row: cells 2 X - 1, 2 X and 2 X + 1 with the weights 1/2, 1, 1/2.
  Grid half(fine.height, fine.width / 2 + 1);
  for (int64_t y = 0; y < fine.height; ++y)
    for (int64_t x = 0; x < half.width; ++x) {
      const int64_t out = half.at(y, x), i = fine.at(y, 2 * x);
      const float *d = fine.diagonal.data() + i, *e = fine.ahead[0].data() + i;
      const bool last = 2 * x >= fine.width;  // the cell lies on the border
      const float d0 = last ? 0 : d[0], e0 = last ? 0 : e[0], d1 = last ? 0 : d[1], e1 = last ? 0 : e[1];
      half.diagonal[static_cast<size_t>(out)] = d0 + e[-1] + e0 + 0.25f * (d[-1] + d1);
      half.ahead[0][static_cast<size_t>(out)] = 0.5f * (e0 + e1) + 0.25f * d1;
      const auto at = [&](size_t k, int64_t j) {
        return j >= 0 && last ? 0.0f : fine.ahead[k][static_cast<size_t>(i + j)];
      };
      const auto l = [&](int64_t j) { return at(1, j); };
      const auto m = [&](int64_t j) { return at(2, j); };
      const auto r = [&](int64_t j) { return at(3, j); };
      half.ahead[1][static_cast<size_t>(out)] = 0.5f * (l(0) + l(-1)) + 0.25f * m(-1);
      half.ahead[2][static_cast<size_t>(out)] = m(0) + 0.5f * (l(0) + r(0) + r(-1) + l(1)) + 0.25f * (m(-1) + m(1));
      half.ahead[3][static_cast<size_t>(out)] = 0.5f * (r(0) + r(1)) + 0.25f * m(1);
    }
  Grid out(fine.height / 2 + 1, half.width);
  const int64_t row = half.row;
  for (int64_t y = 0; y < out.height; ++y)
    for (int64_t x = 0; x < out.width; ++x) {
      const int64_t to = out.at(y, x), i = half.at(2 * y, x);
      const bool last = 2 * y >= half.height;
      // Row j of the three: -1, 0, 1. Below the last there is nothing.
      const auto value = [&](const std::vector<float>& v, int64_t j, int64_t side = 0) {
        return j >= 0 && last ? 0.0f : v[static_cast<size_t>(i + j * row + side)];
      };
      const auto& [e, sw, s, se] = half.ahead;
      const auto& d = half.diagonal;
      out.diagonal[static_cast<size_t>(to)] =
          value(d, 0) + value(s, -1) + value(s, 0) + 0.25f * (value(d, -1) + value(d, 1));
      // With the one to the right: the entries above and below it lead from se of this column or sw of the next.
      out.ahead[0][static_cast<size_t>(to)] =
          value(e, 0) + 0.5f * (value(se, 0) + value(sw, -1, 1) + value(se, -1) + value(sw, 0, 1)) +
          0.25f * (value(e, -1) + value(e, 1));
      out.ahead[1][static_cast<size_t>(to)] = 0.5f * (value(sw, 0) + value(sw, 1)) + 0.25f * value(e, 1, -1);
      out.ahead[2][static_cast<size_t>(to)] = 0.5f * (value(s, 0) + value(s, 1)) + 0.25f * value(d, 1);
      out.ahead[3][static_cast<size_t>(to)] = 0.5f * (value(se, 0) + value(se, 1)) + 0.25f * value(e, 1);
    }
  out.set_steps();
  return out;
}

/// coarse.residual = P' fine.scratch, P as above.
void restrict_residual(const Grid& fine, Grid& coarse) {
  std::vector<float> line(static_cast<size_t>(2 * coarse.width + 2));
  for (int64_t y = 0; y < coarse.height; ++y) {
    const float* v = fine.scratch.data() + fine.at(2 * y, 0);
    const int64_t row = fine.row;
    float* l = line.data() + 1;
    std::fill(line.begin(), line.end(), 0.0f);
    if (2 * y + 1 < fine.height)
      for (int64_t x = 0; x < fine.width; ++x) l[x] = v[x] + 0.5f * (v[x - row] + v[x + row]);
    else if (2 * y < fine.height)
      for (int64_t x = 0; x < fine.width; ++x) l[x] = v[x] + 0.5f * v[x - row];
    else
      for (int64_t x = 0; x < fine.width; ++x) l[x] = 0.5f * v[x - row];
    float* out = coarse.residual.data() + coarse.at(y, 0);
    for (int64_t x = 0; x < coarse.width; ++x) out[x] = l[2 * x] + 0.5f * (l[2 * x - 1] + l[2 * x + 1]);
  }
}

/// fine.correction += P coarse.correction where there is something unknown.
void prolong(const Grid& coarse, Grid& fine) {
  std::vector<float> line(static_cast<size_t>(coarse.width + 1));
  for (int64_t y = 0; y < fine.height; ++y) {
    const float* v = coarse.correction.data() + coarse.at(y / 2, 0);
    const float *w = y % 2 ? v + coarse.row : v, *step = fine.step.data() + fine.at(y, 0);
    for (int64_t x = 0; x < coarse.width; ++x) line[static_cast<size_t>(x)] = 0.5f * (v[x] + w[x]);
    float* out = fine.correction.data() + fine.at(y, 0);
    const float* l = line.data();
    for (int64_t k = 0; k < fine.width / 2; ++k) {
      out[2 * k] += step[2 * k] > 0 ? l[k] : 0.0f;
      out[2 * k + 1] += step[2 * k + 1] > 0 ? 0.5f * (l[k] + l[k + 1]) : 0.0f;
    }
    if (fine.width % 2) out[fine.width - 1] += step[fine.width - 1] > 0 ? l[fine.width / 2] : 0.0f;
  }
}

/// Sets grids[level].correction to about A^-1 grids[level].residual, by a symmetric positive definite operator.
void cycle(std::vector<Grid>& grids, size_t level) {
  Grid& g = grids[level];
  {
    const float *r = g.residual.data(), *step = g.step.data();
    float* c = g.correction.data();
    for (int64_t i = 0; i < g.cells; ++i) c[i] = step[i] * r[i];
  }
  if (level + 1 == grids.size()) return;
  g.multiply(g.correction, [&](int64_t first, const float* product) {
    const float* r = g.residual.data() + first;
    float* out = g.scratch.data() + first;
    for (int64_t x = 0; x < g.width; ++x) out[x] = r[x] - product[x];
  });
  restrict_residual(g, grids[level + 1]);
  cycle(grids, level + 1);
  prolong(grids[level + 1], g);
  g.multiply(g.correction, [&](int64_t first, const float* product) {
    const float *r = g.residual.data() + first, *step = g.step.data() + first, *c = g.correction.data() + first;
    float* out = g.scratch.data() + first;
    for (int64_t x = 0; x < g.width; ++x) out[x] = c[x] + step[x] * (r[x] - product[x]);
  });
  std::swap(g.correction, g.scratch);
}

double dot(const float* a, const float* b, int64_t count) {
  constexpr int64_t kLanes = 8;  // independent sums, each of a stretch that single precision can bear
  double sum = 0;
  for (int64_t i = 0; i < count;) {
    const int64_t end = std::min(count, i + 256 * kLanes);
    float lanes[kLanes] = {};
    for (; i + kLanes <= end; i += kLanes)
      for (int64_t k = 0; k < kLanes; ++k) lanes[k] += a[i + k] * b[i + k];
    for (; i < end; ++i) lanes[0] += a[i] * b[i];
    for (const float lane : lanes) sum += static_cast<double>(lane);
  }
  return sum;
}

/// Solves A x = b on the finest grid; b is its residual, and lost.
std::vector<float> solve(std::vector<Grid>& grids) {
  Grid& g = grids[0];
  const int64_t cells = g.cells;
  std::vector<float> solution(static_cast<size_t>(cells)), direction(solution), product(solution);
  double before = 0, enough = 0;
  for (int round = 0; round < kMostRounds; ++round) {
    cycle(grids, 0);
    const double energy = dot(g.residual.data(), g.correction.data(), cells);
    if (round == 0) enough = kTolerance * kTolerance * energy;
    if (!(energy > enough)) break;
    const float share = round > 0 ? static_cast<float>(energy / before) : 0.0f;
    before = energy;
    float *d = direction.data(), *x = solution.data(), *r = g.residual.data();
    const float *c = g.correction.data(), *p = product.data();
    for (int64_t i = 0; i < cells; ++i) d[i] = c[i] + share * d[i];
    g.multiply(direction,
               [&](int64_t first, const float* line) { std::copy_n(line, g.width, product.data() + first); });
    const double across = dot(d, p, cells);
    if (!(across > 0)) break;
    const float step = static_cast<float>(energy / across);
    for (int64_t i = 0; i < cells; ++i) {
      x[i] += step * d[i];
      r[i] -= step * p[i];
    }
  }
  return solution;
}

}  // namespace

std::vector<float> impute(const float* image, int64_t channels, int64_t height, int64_t width,
                          const std::vector<uint8_t>& removed) {
  std::vector<float> out(image, image + channels * height * width);
  std::vector<Grid> grids = {finest_grid(height, width, removed)};
  while (grids.back().height > 2 || grids.back().width > 2) grids.push_back(coarser(grids.back()));
  Grid& g = grids[0];
  std::vector<float> known(static_cast<size_t>(g.cells));
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        const int64_t i = y * width + x;
        known[static_cast<size_t>(g.at(y, x))] = removed[static_cast<size_t>(i)] ? 0 : image[c * height * width + i];
      }
    for (int64_t y = 0; y < height; ++y) {
      const float *v = known.data() + g.at(y, 0), *above = v - g.row, *below = v + g.row,
                  *step = g.step.data() + g.at(y, 0);
      float* b = g.residual.data() + g.at(y, 0);
      for (int64_t x = 0; x < width; ++x) {
        const float sum = kDirect * (v[x - 1] + v[x + 1] + above[x] + below[x]) +
                          kDiagonal * (above[x - 1] + above[x + 1] + below[x - 1] + below[x + 1]);
        b[x] = step[x] > 0 ? sum : 0.0f;
      }
    }
    const std::vector<float> solved = solve(grids);
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x) {
        const int64_t i = y * width + x;
        if (removed[static_cast<size_t>(i)])
          out[static_cast<size_t>(c * height * width + i)] = solved[static_cast<size_t>(g.at(y, x))];
      }
  }
  return out;
}

}  // namespace ks

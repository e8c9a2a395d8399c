#include "metric/imputation.h"

#include <algorithm>
#include <array>
#include <cmath>

// The system is a graph Laplacian over the removed pixels with the kept ones as its border: symmetric and positive
// definite. Conjugate gradients solve it, preconditioned by a cycle over ever coarser grids (cells of 2 x 2, piecewise
// constant transfer: D. Braess: Towards algebraic multigrid for elliptic problems of second order, Computing 1995), so
// that the rounds do not grow with the holes.
namespace ks {

namespace {

constexpr double kDirect = 1.0 / 6, kDiagonal = 1.0 / 12;
constexpr double kTolerance = 1e-7;      // of the error in the system's own norm, as the preconditioner estimates it
constexpr int kMostRounds = 2000;        // far more than ever needed: a guard
constexpr double kDamping = 0.9;         // of the Jacobi smoother: below 1 it cannot spoil definiteness
constexpr double kOverCorrection = 1.8;  // what Braess found best for piecewise constant transfer in two dimensions

/// The system on one grid, with a border of one cell that is always known. Unknown cells have a diagonal; an edge
/// between two unknown ones is kept at the cell from which the other lies right, below, below right or below left.
struct Grid {
  int64_t height, width, row;  // row: cells from one to the next
  std::array<int64_t, 4> ahead;
  std::vector<double> diagonal, inverse;  // 0 where known
  std::array<std::vector<double>, 4> edges;
  std::vector<double> residual, correction, scratch;  // of the cycle

  Grid(int64_t height_, int64_t width_)
      : height(height_), width(width_), row(width_ + 2), ahead{1, row, row + 1, row - 1} {
    const size_t cells = static_cast<size_t>((height + 2) * row);
    for (auto* v : {&diagonal, &inverse, &residual, &correction, &scratch, &edges[0], &edges[1], &edges[2], &edges[3]})
      v->assign(cells, 0);
  }
  int64_t at(int64_t y, int64_t x) const { return (y + 1) * row + x + 1; }
  int64_t first() const { return at(0, 0); }
  int64_t last() const { return at(height - 1, width - 1) + 1; }
  void invert() {
    for (size_t i = 0; i < diagonal.size(); ++i) inverse[i] = diagonal[i] > 0 ? 1 / diagonal[i] : 0;
  }

  /// out = A v.
  void apply(const std::vector<double>& v, std::vector<double>& out) const {
    const double *e = edges[0].data(), *s = edges[1].data(), *se = edges[2].data(), *sw = edges[3].data();
    const int64_t below = row, right = row + 1, left = row - 1;
    for (int64_t i = first(); i < last(); ++i) {
      const double* c = v.data() + i;
      out[static_cast<size_t>(i)] = diagonal[static_cast<size_t>(i)] * c[0] - e[i] * c[1] - e[i - 1] * c[-1] -
                                    s[i] * c[below] - s[i - below] * c[-below] - se[i] * c[right] -
                                    se[i - right] * c[-right] - sw[i] * c[left] - sw[i - left] * c[-left];
    }
  }
};

Grid finest_grid(int64_t height, int64_t width, const std::vector<uint8_t>& removed) {
  Grid grid(height, width);
  const std::array<std::array<int64_t, 2>, 4> steps = {{{0, 1}, {1, 0}, {1, 1}, {1, -1}}};
  const auto is_removed = [&](int64_t y, int64_t x) { return removed[static_cast<size_t>(y * width + x)] != 0; };
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (size_t k = 0; k < steps.size(); ++k) {
        const int64_t yy = y + steps[k][0], xx = x + steps[k][1];
        if (yy >= height || xx < 0 || xx >= width) continue;
        const double weight = k < 2 ? kDirect : kDiagonal;
        const bool here = is_removed(y, x), there = is_removed(yy, xx);
        if (here) grid.diagonal[static_cast<size_t>(grid.at(y, x))] += weight;
        if (there) grid.diagonal[static_cast<size_t>(grid.at(yy, xx))] += weight;
        if (here && there) grid.edges[k][static_cast<size_t>(grid.at(y, x))] = weight;
      }
  grid.invert();
  return grid;
}

/// P' A P for P that gives each cell of 2 x 2 one value.
Grid coarser(const Grid& fine) {
  Grid out((fine.height + 1) / 2, (fine.width + 1) / 2);
  const std::array<std::array<int64_t, 2>, 4> steps = {{{0, 1}, {1, 0}, {1, 1}, {1, -1}}};
  for (int64_t y = 0; y < fine.height; ++y)
    for (int64_t x = 0; x < fine.width; ++x) {
      const size_t i = static_cast<size_t>(fine.at(y, x));
      const int64_t cell = out.at(y / 2, x / 2);
      out.diagonal[static_cast<size_t>(cell)] += fine.diagonal[i];
      for (size_t k = 0; k < steps.size(); ++k) {
        const double weight = fine.edges[k][i];
        if (weight == 0) continue;
        const int64_t other = out.at((y + steps[k][0]) / 2, (x + steps[k][1]) / 2), from = std::min(cell, other);
        if (other == cell) {
          out.diagonal[static_cast<size_t>(cell)] -= 2 * weight;
          continue;
        }
        const auto direction = std::find(out.ahead.begin(), out.ahead.end(), std::max(cell, other) - from);
        out.edges[static_cast<size_t>(direction - out.ahead.begin())][static_cast<size_t>(from)] += weight;
      }
    }
  out.invert();
  return out;
}

/// Sets grids[level].correction to about A^-1 grids[level].residual, by a symmetric operator.
void cycle(std::vector<Grid>& grids, size_t level) {
  Grid& g = grids[level];
  const size_t cells = g.diagonal.size();
  if (level + 1 == grids.size()) {  // one cell
    for (size_t i = 0; i < cells; ++i) g.correction[i] = g.inverse[i] * g.residual[i];
    return;
  }
  for (size_t i = 0; i < cells; ++i) g.correction[i] = kDamping * g.inverse[i] * g.residual[i];
  g.apply(g.correction, g.scratch);
  Grid& coarse = grids[level + 1];
  std::fill(coarse.residual.begin(), coarse.residual.end(), 0.0);
  for (int64_t y = 0; y < g.height; ++y)
    for (int64_t x = 0; x < g.width; ++x) {
      const size_t i = static_cast<size_t>(g.at(y, x));
      if (g.inverse[i] > 0)
        coarse.residual[static_cast<size_t>(coarse.at(y / 2, x / 2))] += g.residual[i] - g.scratch[i];
    }
  cycle(grids, level + 1);
  for (int64_t y = 0; y < g.height; ++y)
    for (int64_t x = 0; x < g.width; ++x) {
      const size_t i = static_cast<size_t>(g.at(y, x));
      if (g.inverse[i] > 0)
        g.correction[i] += kOverCorrection * coarse.correction[static_cast<size_t>(coarse.at(y / 2, x / 2))];
    }
  g.apply(g.correction, g.scratch);
  for (size_t i = 0; i < cells; ++i) g.correction[i] += kDamping * g.inverse[i] * (g.residual[i] - g.scratch[i]);
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Solves A x = b on the finest grid; both are 0 at known cells.
void solve(std::vector<Grid>& grids, const std::vector<double>& b, std::vector<double>& x) {
  Grid& g = grids[0];
  const size_t cells = b.size();
  std::vector<double> direction(cells), product(cells);
  std::fill(x.begin(), x.end(), 0.0);
  g.residual = b;
  double before = 0, enough = 0;
  for (int round = 0; round < kMostRounds; ++round) {
    cycle(grids, 0);
    const double energy = dot(g.residual, g.correction), share = round > 0 ? energy / before : 0;
    if (round == 0) enough = kTolerance * kTolerance * energy;
    if (energy <= enough) return;
    before = energy;
    for (size_t i = 0; i < cells; ++i) direction[i] = g.correction[i] + share * direction[i];
    g.apply(direction, product);
    const double step = energy / dot(direction, product);
    for (size_t i = 0; i < cells; ++i) {
      x[i] += step * direction[i];
      g.residual[i] -= step * product[i];
    }
  }
}

}  // namespace

std::vector<float> impute(const float* image, int64_t channels, int64_t height, int64_t width,
                          const std::vector<uint8_t>& removed) {
  std::vector<float> out(image, image + channels * height * width);
  std::vector<Grid> grids = {finest_grid(height, width, removed)};
  while (grids.back().height > 1 || grids.back().width > 1) grids.push_back(coarser(grids.back()));
  const Grid& g = grids[0];
  std::vector<double> known(g.diagonal.size()), b(g.diagonal.size()), x(g.diagonal.size());
  for (int64_t c = 0; c < channels; ++c) {
    float* plane = out.data() + c * height * width;
    const auto is_removed = [&](int64_t yy, int64_t xx) { return removed[static_cast<size_t>(yy * width + xx)] != 0; };
    for (int64_t y = 0; y < height; ++y)
      for (int64_t xx = 0; xx < width; ++xx)
        known[static_cast<size_t>(g.at(y, xx))] = is_removed(y, xx) ? 0 : plane[y * width + xx];
    for (int64_t y = 0; y < height; ++y)
      for (int64_t xx = 0; xx < width; ++xx) {
        const int64_t i = g.at(y, xx), r = g.row;
        const double* v = known.data() + i;
        b[static_cast<size_t>(i)] = !is_removed(y, xx) ? 0
                                                       : kDirect * (v[-1] + v[1] + v[-r] + v[r]) +
                                                             kDiagonal * (v[-r - 1] + v[-r + 1] + v[r - 1] + v[r + 1]);
      }
    solve(grids, b, x);
    for (int64_t y = 0; y < height; ++y)
      for (int64_t xx = 0; xx < width; ++xx)
        if (is_removed(y, xx)) plane[y * width + xx] = static_cast<float>(x[static_cast<size_t>(g.at(y, xx))]);
  }
  return out;
}

}  // namespace ks

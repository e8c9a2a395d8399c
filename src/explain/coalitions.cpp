#include "explain/coalitions.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "explain/linear_fit.h"
#include "tensor/random.h"

namespace ks {

namespace {

constexpr double kMany = 1e15;         // more sets than any budget
constexpr int kDrawsPerPair = 4;       // duplicates among the drawn sets end the drawing there
constexpr double kSmallRidge = 1e-10;  // of the mean diagonal: what the coalitions leave open is shared evenly

/// Pairs of a set of `size` of `n` features and its complement, size <= n / 2.
double pairs_of(int n, int size) {
  double sets = 1;
  for (int i = 1; i <= size && sets < kMany; ++i) sets = sets * (n - size + i) / i;
  return std::min(kMany, 2 * size == n ? sets / 2 : sets);
}

/// Shapley kernel (theorem 2) of all sets of `size` or n - size features together, to a factor.
double kernel_mass(int n, int size) {
  return (2 * size == n ? 1.0 : 2.0) * (n - 1) / (static_cast<double>(size) * (n - size));
}

/// The next set of the same size in lexicographic order; false after the last.
bool next_set(std::vector<int>& members, int n) {
  const int size = static_cast<int>(members.size());
  int i = size - 1;
  while (i >= 0 && members[static_cast<size_t>(i)] == n - size + i) --i;
  if (i < 0) return false;
  ++members[static_cast<size_t>(i)];
  for (int k = i + 1; k < size; ++k) members[static_cast<size_t>(k)] = members[static_cast<size_t>(k) - 1] + 1;
  return true;
}

/// A set and its complement.
void add_pair(Coalitions& c, const std::vector<uint8_t>& set, double weight) {
  c.on.insert(c.on.end(), set.begin(), set.end());
  for (const uint8_t v : set) c.on.push_back(!v);
  c.weights.insert(c.weights.end(), 2, weight);
}

void add_all(Coalitions& c, int size, double weight) {
  std::vector<int> members(static_cast<size_t>(size));
  std::iota(members.begin(), members.end(), 0);
  do {
    if (2 * size == c.features && members[0] != 0) break;  // from here on they are complements of earlier ones
    std::vector<uint8_t> set(static_cast<size_t>(c.features));
    for (const int m : members) set[static_cast<size_t>(m)] = 1;
    add_pair(c, set, weight);
  } while (next_set(members, c.features));
}

/// `pairs` different pairs of the sizes from `smallest` on; together they weigh `mass`.
void add_drawn(Coalitions& c, int smallest, int pairs, double mass, uint64_t seed) {
  const int n = c.features;
  Random random(seed);
  std::map<std::vector<uint8_t>, size_t> known;  // the set of a pair that holds feature 0
  std::vector<std::vector<uint8_t>> sets;
  std::vector<int> times, order(static_cast<size_t>(n));
  int draws = 0;
  while (static_cast<int>(sets.size()) < pairs && draws < kDrawsPerPair * pairs) {
    ++draws;
    double left = random.uniform() * mass;
    int size = smallest;
    while (size < n / 2 && (left -= kernel_mass(n, size)) >= 0) ++size;
    std::iota(order.begin(), order.end(), 0);
    random.shuffle(order);
    std::vector<uint8_t> set(static_cast<size_t>(n));
    for (int k = 0; k < size; ++k) set[static_cast<size_t>(order[static_cast<size_t>(k)])] = 1;
    if (!set[0])
      for (uint8_t& v : set) v = !v;
    const auto [at, is_new] = known.emplace(set, sets.size());
    if (is_new) {
      sets.push_back(std::move(set));
      times.push_back(0);
    }
    ++times[at->second];
  }
  for (size_t i = 0; i < sets.size(); ++i) add_pair(c, sets[i], mass * times[i] / (2.0 * draws));
}

}  // namespace

Coalitions draw_coalitions(int features, int budget, uint64_t seed) {
  Coalitions c;
  c.features = features;
  int left = std::max(1, budget / 2);
  double mass = 0;
  for (int size = 1; size <= features / 2; ++size) mass += kernel_mass(features, size);
  const double total = mass;
  int size = 1;
  for (; size <= features / 2; ++size) {
    const double own = kernel_mass(features, size), all = pairs_of(features, size);
    if (left * own / mass < all * (1 - 1e-8)) break;
    add_all(c, size, own / (2 * all));
    left -= static_cast<int>(all);
    mass -= own;
  }
  if (size <= features / 2 && left > 0) add_drawn(c, size, left, mass, seed);
  for (double& w : c.weights) w /= total;
  return c;
}

std::vector<double> fit_shapley(const Coalitions& c, const std::vector<double>& outputs, double empty, double whole) {
  const size_t n = static_cast<size_t>(c.features);
  std::vector<double> a(n * n), b(n), ones(n, 1.0);
  std::vector<size_t> present;
  for (size_t s = 0; s < c.weights.size(); ++s) {
    present.clear();
    for (size_t k = 0; k < n; ++k)
      if (c.on[s * n + k]) present.push_back(k);
    for (const size_t i : present) {
      b[i] += c.weights[s] * (outputs[s] - empty);
      for (const size_t k : present) a[i * n + k] += c.weights[s];
    }
  }
  double trace = 0;
  for (size_t i = 0; i < n; ++i) trace += a[i * n + i];
  for (size_t i = 0; i < n; ++i) a[i * n + i] += trace > 0 ? kSmallRidge * trace / static_cast<double>(n) : 1;
  // Minimise under the constraint: the free solution, moved along A^-1 1 until the sum is right.
  std::vector<double> copy = a;
  std::vector<double> values = solve_cholesky(copy, b);
  const std::vector<double> direction = solve_cholesky(a, ones);
  const double missing = whole - empty - std::accumulate(values.begin(), values.end(), 0.0);
  const double length = std::accumulate(direction.begin(), direction.end(), 0.0);
  for (size_t i = 0; i < n; ++i) values[i] += missing * direction[i] / length;
  return values;
}

std::vector<double> exact_shapley(const std::vector<double>& outputs, int features) {
  // |S|! (n - |S| - 1)! / n! = 1 / (n C(n - 1, |S|))
  std::vector<double> weight(static_cast<size_t>(features));
  double sets = 1;
  for (int size = 0; size < features; ++size) {
    weight[static_cast<size_t>(size)] = 1 / (features * sets);
    sets = sets * (features - 1 - size) / (size + 1);
  }
  std::vector<double> out(static_cast<size_t>(features));
  for (size_t set = 0; set < outputs.size(); ++set) {
    int size = 0;
    for (int k = 0; k < features; ++k) size += (set >> k) & 1;
    for (int k = 0; k < features; ++k)
      if (!((set >> k) & 1))
        out[static_cast<size_t>(k)] +=
            weight[static_cast<size_t>(size)] * (outputs[set | (size_t{1} << k)] - outputs[set]);
  }
  return out;
}

}  // namespace ks

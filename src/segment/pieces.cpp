#include "segment/pieces.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace ks {

namespace {

/// Lengths of the borders between touching labels, both ways round.
std::vector<std::map<int32_t, int>> border_lengths(const Segments& segments, size_t count) {
  std::vector<std::map<int32_t, int>> out(count);
  const auto touch = [&](int32_t a, int32_t b) {
    if (a == b) return;
    ++out[static_cast<size_t>(a)][b];
    ++out[static_cast<size_t>(b)][a];
  };
  for (int y = 0; y < segments.height; ++y)
    for (int x = 0; x < segments.width; ++x) {
      if (x + 1 < segments.width) touch(segments.at(x, y), segments.at(x + 1, y));
      if (y + 1 < segments.height) touch(segments.at(x, y), segments.at(x, y + 1));
    }
  return out;
}

}  // namespace

std::vector<int64_t> split_into_pieces(Segments& segments) {
  std::vector<int32_t> piece(segments.labels.size(), -1);
  std::vector<int64_t> sizes;
  std::vector<size_t> stack;
  const size_t width = static_cast<size_t>(segments.width);
  for (size_t start = 0; start < piece.size(); ++start) {
    if (piece[start] >= 0) continue;
    const int32_t id = static_cast<int32_t>(sizes.size()), label = segments.labels[start];
    sizes.push_back(0);
    piece[start] = id;
    stack.push_back(start);
    const auto visit = [&](size_t i) {
      if (piece[i] >= 0 || segments.labels[i] != label) return;
      piece[i] = id;
      stack.push_back(i);
    };
    while (!stack.empty()) {
      const size_t i = stack.back(), x = i % width;
      stack.pop_back();
      ++sizes.back();
      if (x > 0) visit(i - 1);
      if (x + 1 < width) visit(i + 1);
      if (i >= width) visit(i - width);
      if (i + width < piece.size()) visit(i + width);
    }
  }
  segments.labels = std::move(piece);
  segments.count = static_cast<int>(sizes.size());
  return sizes;
}

void merge_small_pieces(Segments& segments, double smallest) {
  std::vector<int64_t> sizes = split_into_pieces(segments);
  for (;;) {
    std::vector<int32_t> small;
    for (size_t k = 0; k < sizes.size(); ++k)
      if (sizes[k] > 0 && static_cast<double>(sizes[k]) < smallest) small.push_back(static_cast<int32_t>(k));
    std::stable_sort(small.begin(), small.end(), [&](int32_t a, int32_t b) {
      return sizes[static_cast<size_t>(a)] < sizes[static_cast<size_t>(b)];
    });
    const auto borders = border_lengths(segments, sizes.size());
    std::vector<int32_t> into(sizes.size());
    std::iota(into.begin(), into.end(), 0);
    std::vector<bool> touched(sizes.size(), false);
    bool merged = false;
    for (const int32_t piece : small) {
      const auto& neighbours = borders[static_cast<size_t>(piece)];
      if (neighbours.empty() || touched[static_cast<size_t>(piece)]) continue;
      const int32_t best = std::max_element(neighbours.begin(), neighbours.end(), [](const auto& a, const auto& b) {
                             return a.second < b.second;
                           })->first;
      if (into[static_cast<size_t>(best)] != best) continue;  // is itself on the move: in the next round
      into[static_cast<size_t>(piece)] = best;
      touched[static_cast<size_t>(best)] = true;
      sizes[static_cast<size_t>(best)] += sizes[static_cast<size_t>(piece)];
      sizes[static_cast<size_t>(piece)] = 0;
      merged = true;
    }
    if (!merged) break;
    for (int32_t& label : segments.labels) label = into[static_cast<size_t>(label)];
  }
}

}  // namespace ks

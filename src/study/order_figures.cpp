#include "study/order_figures.h"

#include <algorithm>
#include <cmath>

#include "study/markup.h"

namespace ks {

namespace {

constexpr const char* ink = "#1c2430";
constexpr const char* soft = "#5b6675";
constexpr const char* line = "#dfe4ea";
constexpr const char* accent = "#1f5fa8";
constexpr const char* grey = "#9aa3ae";

/// Collects shapes of one picture.
class Svg {
 public:
  Svg(double width, double height, const std::string& title)
      : out_("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" role=\"img\" viewBox=\"0 0 " + fixed(width, 0) +
             " " + fixed(height, 0) + "\" width=\"" + fixed(width, 0) + "\" height=\"" + fixed(height, 0) +
             "\" font-family=\"Inter, Helvetica, Arial, sans-serif\" font-size=\"12\"><title>" + escape_markup(title) +
             "</title><rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n") {}

  void stroke(double x1, double y1, double x2, double y2, const char* colour, double width = 1) {
    out_ += "<path d=\"M" + fixed(x1, 1) + " " + fixed(y1, 1) + "L" + fixed(x2, 1) + " " + fixed(y2, 1) +
            "\" stroke=\"" + colour + "\" stroke-width=\"" + fixed(width, 1) + "\" fill=\"none\"/>\n";
  }
  void bar(double x, double y, double width, double height, const char* colour) {
    out_ += "<rect x=\"" + fixed(x, 1) + "\" y=\"" + fixed(y, 1) + "\" width=\"" + fixed(width, 1) + "\" height=\"" +
            fixed(height, 1) + "\" fill=\"" + colour + "\"/>\n";
  }
  void dot(double x, double y, double radius, const char* colour) {
    out_ += "<circle cx=\"" + fixed(x, 1) + "\" cy=\"" + fixed(y, 1) + "\" r=\"" + fixed(radius, 1) + "\" fill=\"" +
            colour + "\"/>\n";
  }
  void text(double x, double y, const char* anchor, const std::string& words, const char* colour = ink, int size = 12) {
    out_ += "<text x=\"" + fixed(x, 1) + "\" y=\"" + fixed(y, 1) + "\" text-anchor=\"" + anchor + "\" fill=\"" +
            colour + "\" font-size=\"" + std::to_string(size) + "\">" + escape_markup(words) + "</text>\n";
  }
  std::string finish() { return std::move(out_) + "</svg>\n"; }

 private:
  std::string out_;
};

/// Cut to about what fits.
std::string shortened(const std::string& text, size_t most) {
  if (text.size() <= most) return text;
  size_t end = most - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not inside a UTF-8 character
  return text.substr(0, end) + "…";
}

/// Whole numbers between 1 and n to label an axis with: about ten of them.
std::vector<int> ticks(size_t n) {
  const int last = static_cast<int>(n), step = last <= 12 ? 1 : last <= 24 ? 2 : last <= 60 ? 5 : 20;
  std::vector<int> out = {1};
  for (int t = step == 1 ? 2 : step; t <= last; t += step)
    if (t > 1) out.push_back(t);
  return out;
}

}  // namespace

std::string monte_carlo_svg(const MonteCarloOrder& order, const std::vector<MethodMark>& methods) {
  constexpr double left = 236, axis = 440, row = 20, top = 44, first_at = 716, three_at = 848, bar_width = 70;
  const double n = static_cast<double>(std::max<size_t>(methods.size(), 2));
  const double bottom = top + row * static_cast<double>(order.order.size());
  const auto x = [&](double rank) { return left + 8 + (axis - 16) * (rank - 1) / (n - 1); };
  Svg svg(980, bottom + 12, "Mean rank of every method with its 95 % interval");
  svg.text(left + axis / 2, 14, "middle", "rank when images and metrics are drawn anew: mean and 95 % of draws", soft,
           11);
  svg.text(first_at, 14, "start", "first", soft, 11);
  svg.text(three_at, 14, "start", "among the best three", soft, 11);
  for (const int t : ticks(methods.size())) {
    svg.text(x(t), top - 10, "middle", std::to_string(t), soft, 11);
    svg.stroke(x(t), top - 4, x(t), bottom, line);
  }
  for (size_t i = 0; i < order.order.size(); ++i) {
    const size_t m = order.order[i];
    const double y = top + row * (static_cast<double>(i) + 0.5);
    const char* colour = methods[m].control ? grey : accent;
    svg.text(left - 10, y + 4, "end", shortened(methods[m].label, 36), methods[m].control ? soft : ink);
    svg.stroke(x(order.low[m]), y, x(order.high[m]), y, colour, 2);
    for (const double end : {order.low[m], order.high[m]}) svg.stroke(x(end), y - 4, x(end), y + 4, colour, 1.5);
    svg.dot(x(order.mean_rank[m]), y, 4.5, colour);
    const auto chance = [&](double at, double p) {
      svg.bar(at, y - 5, bar_width, 10, "#eef1f5");
      if (p > 0) svg.bar(at, y - 5, bar_width * p, 10, colour);
      svg.text(at + bar_width + 6, y + 4, "start", p > 0 && p < 0.005 ? "< 1 %" : fixed(100 * p, 0) + " %",
               p < 0.005 ? soft : ink, 11);
    };
    chance(first_at, order.first[m]);
    chance(three_at, order.best_three[m]);
  }
  return svg.finish();
}

std::string critical_difference_svg(const FriedmanTest& test, const std::vector<MethodMark>& methods) {
  constexpr double width = 980, left = 300, right = 680, axis_y = 66, level_step = 7, row = 17;
  const size_t count = test.order.size();
  const double n = static_cast<double>(std::max<size_t>(count, 2));
  const auto x = [&](double rank) { return left + (right - left) * (rank - 1) / (n - 1); };
  // Bars that do not touch share a level.
  std::vector<double> level_end;
  std::vector<size_t> level_of;
  for (const auto& group : test.groups) {
    const double begin = test.mean_ranks[group.front()], end = test.mean_ranks[group.back()];
    size_t level = 0;
    while (level < level_end.size() && level_end[level] > begin - 0.02 * n) ++level;
    if (level == level_end.size()) level_end.push_back(0);
    level_end[level] = end;
    level_of.push_back(level);
  }
  const double names_y = axis_y + 16 + level_step * static_cast<double>(level_end.size()) + 12;
  const size_t half = (count + 1) / 2;
  Svg svg(width, names_y + row * static_cast<double>(half) + 6, "Critical difference diagram");
  const double cd = std::min(test.critical_difference, n - 1);
  if (test.critical_difference > n - 1) {
    svg.text(left, 24, "start", "critical difference " + fixed(test.critical_difference, 2) + ": wider than the axis",
             soft, 11);
  } else {
    svg.stroke(x(1), 30, x(1 + cd), 30, ink, 1.5);
    for (const double at : {1.0, 1 + cd}) svg.stroke(x(at), 26, x(at), 34, ink, 1.5);
    svg.text(x(1), 20, "start", "critical difference " + fixed(test.critical_difference, 2), soft, 11);
  }
  svg.stroke(x(1), axis_y, x(n), axis_y, ink);
  for (const int t : ticks(count)) {
    svg.stroke(x(t), axis_y - 5, x(t), axis_y, ink);
    svg.text(x(t), axis_y - 9, "middle", std::to_string(t), soft, 11);
  }
  for (size_t i = 0; i < count; ++i) {
    const size_t m = test.order[i];
    const bool on_left = i < half;
    // The outermost stand on top, so that no line crosses another.
    const double y = names_y + row * static_cast<double>(on_left ? i : count - 1 - i);
    const double at = x(test.mean_ranks[m]), side = on_left ? left - 20 : right + 20;
    const char* colour = methods[m].control ? grey : soft;
    svg.stroke(at, axis_y, at, y, colour, 0.8);
    svg.stroke(at, y, side, y, colour, 0.8);
    const std::string rank = fixed(test.mean_ranks[m], 2), label = shortened(methods[m].label, 34);
    svg.text(on_left ? side - 5 : side + 5, y + 4, on_left ? "end" : "start",
             on_left ? label + "  " + rank : rank + "  " + label, methods[m].control ? soft : ink, 12);
  }
  for (size_t g = 0; g < test.groups.size(); ++g) {
    const double y = axis_y + 10 + level_step * static_cast<double>(level_of[g]);
    svg.stroke(x(test.mean_ranks[test.groups[g].front()]) - 3, y, x(test.mean_ranks[test.groups[g].back()]) + 3, y,
               accent, 3.5);
  }
  return svg.finish();
}

}  // namespace ks

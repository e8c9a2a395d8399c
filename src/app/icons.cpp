#include <cmath>

#include "app/widgets.h"

namespace ks::ui {

/// Line icons on a grid of 16 units, so that no icon font has to be shipped.
void draw_icon(ImDrawList* list, Icon icon, ImVec2 c, float size, ImU32 color) {
  const float u = size / 16;
  const float thick = std::fmax(1.3f, 1.6f * u);
  const auto at = [&](float x, float y) { return ImVec2(c.x + (x - 8) * u, c.y + (y - 8) * u); };
  const auto line = [&](std::initializer_list<ImVec2> points, bool closed = false) {
    for (const ImVec2& p : points) list->PathLineTo(p);
    list->PathStroke(color, closed ? ImDrawFlags_Closed : 0, thick);
  };
  switch (icon) {
    case Icon::plus:
      line({at(8, 2), at(8, 14)});
      line({at(2, 8), at(14, 8)});
      break;
    case Icon::close:
      line({at(3, 3), at(13, 13)});
      line({at(13, 3), at(3, 13)});
      break;
    case Icon::up:
      line({at(2, 11), at(8, 5), at(14, 11)});
      break;
    case Icon::down:
      line({at(2, 5), at(8, 11), at(14, 5)});
      break;
    case Icon::left:
      line({at(11, 2), at(5, 8), at(11, 14)});
      break;
    case Icon::right:
      line({at(5, 2), at(11, 8), at(5, 14)});
      break;
    case Icon::reset:
    case Icon::undo:
    case Icon::redo: {
      const bool mirrored = icon == Icon::redo;
      const auto m = [&](float x, float y) { return at(mirrored ? 16 - x : x, y); };
      if (icon == Icon::reset) {
        list->PathArcTo(c, 5.6f * u, -2.4f, 3.0f, 20);
        list->PathStroke(color, 0, thick);
        line({m(1.5f, 1.5f), m(3, 6), m(7.5f, 5)});
      } else {
        line({m(6, 2), m(2, 6), m(6, 10)});
        list->PathLineTo(m(2, 6));
        list->PathLineTo(m(9, 6));
        list->PathBezierCubicCurveTo(m(12.5f, 6), m(14, 8), m(14, 10));
        list->PathBezierCubicCurveTo(m(14, 12), m(12.5f, 14), m(9, 14));
        list->PathLineTo(m(6, 14));
        list->PathStroke(color, 0, thick);
      }
      break;
    }
    case Icon::open:
      line({at(8, 11), at(8, 2)});
      line({at(4, 6), at(8, 2), at(12, 6)});
      line({at(2, 10), at(2, 14), at(14, 14), at(14, 10)});
      break;
    case Icon::share:
      line({at(4.5f, 8), at(11.5f, 3.5f)});
      line({at(4.5f, 8), at(11.5f, 12.5f)});
      list->AddCircleFilled(at(4, 8), 2.4f * u, color);
      list->AddCircleFilled(at(12, 3.2f), 2.4f * u, color);
      list->AddCircleFilled(at(12, 12.8f), 2.4f * u, color);
      break;
    case Icon::help:
      list->AddCircle(c, 7 * u, color, 0, thick);
      list->PathArcTo(at(8, 6.2f), 2.2f * u, -3.0f, 1.2f, 12);
      list->PathLineTo(at(8, 9.4f));
      list->PathStroke(color, 0, thick);
      list->AddCircleFilled(at(8, 11.8f), 1.0f * u, color);
      break;
    case Icon::expand:
      line({at(9, 2), at(14, 2), at(14, 7)});
      line({at(7, 14), at(2, 14), at(2, 9)});
      line({at(14, 2), at(9.5f, 6.5f)});
      line({at(2, 14), at(6.5f, 9.5f)});
      break;
    case Icon::collapse:
      line({at(9, 3), at(9, 7), at(13, 7)});
      line({at(7, 13), at(7, 9), at(3, 9)});
      line({at(9, 7), at(14, 2)});
      line({at(7, 9), at(2, 14)});
      break;
    case Icon::eye:
      list->PathLineTo(at(1, 8));
      list->PathBezierCubicCurveTo(at(4, 2.5f), at(12, 2.5f), at(15, 8));
      list->PathBezierCubicCurveTo(at(12, 13.5f), at(4, 13.5f), at(1, 8));
      list->PathStroke(color, ImDrawFlags_Closed, thick);
      list->AddCircleFilled(c, 2.3f * u, color);
      break;
    case Icon::warning:
      line({at(8, 2), at(15, 14), at(1, 14)}, true);
      line({at(8, 6.5f), at(8, 10)});
      list->AddCircleFilled(at(8, 12.1f), 0.9f * u, color);
      break;
    case Icon::trash:
      line({at(2, 4), at(14, 4)});
      line({at(6, 4), at(6, 2), at(10, 2), at(10, 4)});
      line({at(3.5f, 4), at(4.5f, 14), at(11.5f, 14), at(12.5f, 4)});
      break;
    case Icon::dots:
      for (float x : {3.0f, 8.0f, 13.0f}) list->AddCircleFilled(at(x, 8), 1.4f * u, color);
      break;
  }
}

}  // namespace ks::ui

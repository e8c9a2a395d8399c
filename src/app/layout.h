#pragma once
#include "app/panels.h"

namespace ks::app {

/// One frame: where each panel stands, and the keys that belong to none of them.
void draw_layout(Context& context);

}  // namespace ks::app

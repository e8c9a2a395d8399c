#pragma once
#include <functional>
#include <string>
#include <vector>

#include "app/widgets.h"
#include "registry/registry.h"

namespace ks::app {

/// Controls for the parameters of a registry entry, made from what the entry says of them: a slider where there is a
/// range, a list of choices, a switch, a field for JSON. `given` holds what the study says, the rest are defaults.
/// `changed` is called once a change is complete (a slider let go), with the new object in which no default value
/// stands. `pictures`: the IDs offered where a parameter may name another picture.
void draw_parameters(const char* id, const Entry& entry, const json& given, const std::function<void(json)>& changed,
                     const std::vector<std::string>& pictures = {});

}  // namespace ks::app

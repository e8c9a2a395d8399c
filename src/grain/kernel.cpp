#include "grain/kernel.h"

#include "registry/registry.h"

namespace ks {

namespace {

template <class T>
T parse(const std::string& kind, const std::string& name, const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<T>(i);
  throw_unknown_name(kind, name, names);
}

}  // namespace

std::vector<std::string> species_names() {
  return {"wheat", "barley"};
}
std::vector<std::string> defect_names() {
  return {"none", "pink-fusarium", "skinned"};
}
std::string to_string(Species species) {
  return species_names()[static_cast<size_t>(species)];
}
std::string to_string(Defect defect) {
  return defect_names()[static_cast<size_t>(defect)];
}
Species parse_species(const std::string& name) {
  return parse<Species>("species", name, species_names());
}
Defect parse_defect(const std::string& name) {
  return parse<Defect>("defect", name, defect_names());
}

void KernelFrame::resize(int w, int h) {
  width = w;
  height = h;
  const size_t n = static_cast<size_t>(w) * h;
  along.assign(n, 0.0f);
  across.assign(n, 0.0f);
  side.assign(n, 0.0f);
  inside.assign(n, 0);
}

}  // namespace ks

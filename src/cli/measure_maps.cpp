#include "cli/measure_maps.h"

#include "metric/prepare.h"
#include "metric/similarity.h"
#include "tensor/error.h"
#include "tensor/npy.h"

namespace ks::cli {

namespace {

const Registry<Entry>& map_functions() {
  static const Registry<Entry> registry("function of maps", [] {
    const PreparationDefaults as_it_is{"none", "none", false};
    std::vector<Parameter> similarity = similarity_parameters("spearman");
    similarity.push_back({"reference", ParameterType::text, "", "The maps to compare with (.npy)"});
    Entry alike, prepared;
    alike.name = "similarity";
    alike.parameters = with_preparation(as_it_is, std::move(similarity));
    prepared.name = "normalisation";
    prepared.parameters = with_preparation(as_it_is);
    return std::vector<Entry>{alike, prepared};
  }());
  return registry;
}

}  // namespace

Tensor load_maps(const std::string& path) {
  Tensor t = load_npy(path);
  if (t.shape.size() < 2 || t.shape.size() > 4)
    throw Error("has shape " + to_string(t.shape), path, "it must be [N,C,H,W]");
  while (t.shape.size() < 4) t.shape.insert(t.shape.begin(), 1);
  return t;
}

bool is_map_function(const std::string& name) {
  return map_functions().find(name) != nullptr;
}

json measure_maps(const std::string& function, const json& parameters, const Tensor& given) {
  const Params p = check_parameters(map_functions().at(function), parameters);
  const Maps maps = prepare(given, p);
  json scores = json::array();
  if (function == "normalisation") {
    for (int64_t n = 0; n < maps.count; ++n)
      scores.push_back(std::vector<double>(maps.sample(n), maps.sample(n) + maps.stride()));
    return {{"metric", function}, {"scores", std::move(scores)}, {"direction", "none"}};
  }
  const std::string path = p.text("reference");
  if (path.empty()) throw Error("needs maps to compare with", function, "give --param reference=FILE.npy");
  const Tensor other = load_maps(path);
  if (other.shape != given.shape)
    throw Error("has shape " + to_string(other.shape), path,
                "it must be " + to_string(given.shape) + " like the attribution");
  const Maps reference = prepare(other, p);
  const Similarity similarity = read_similarity(p);
  for (int64_t n = 0; n < maps.count; ++n) scores.push_back(similarity(maps, n, reference, n));
  return {{"metric", function}, {"scores", std::move(scores)}, {"direction", "higher"}};
}

}  // namespace ks::cli

#pragma once
#include <string>

#include "registry/registry.h"
#include "tensor/tensor.h"

namespace ks::cli {

/// An array with the leading axes it lacks: [H,W] or [C,H,W] of one image, or [N,C,H,W]. Throws Error.
Tensor load_maps(const std::string& path);

/// Whether `measure` takes the name for a function of maps alone, which is no metric: similarity or normalisation.
bool is_map_function(const std::string& name);

/// similarity: how alike each map is to that of `reference` (.npy), one score per sample. normalisation: the prepared
/// maps, flattened, one row per sample. Returns what `measure` prints. Throws Error.
json measure_maps(const std::string& function, const json& parameters, const Tensor& maps);

}  // namespace ks::cli

#pragma once
#include <string>
#include <vector>

#include "registry/registry.h"
#include "tensor/tensor.h"

namespace ks {

/// How raw values become display values in [-1,1] (the paper's Fig 6): a pooled map is divided by a limit and clipped.
/// A normalisation is only the choice of that limit, so zero stays zero, the sign is kept, a GPU needs one number, and
/// a colour bar is labelled -limit ... 0 ... +limit.
struct Normalisation : Entry {
  /// The limit comes from all maps of the same method in the study, so their colours can be compared; false: from the
  /// map itself.
  bool whole_study = false;
  /// The limit for the given maps (one, or all of the study). Not negative; 0 where all values are 0.
  double (*limit)(const std::vector<const Tensor*>& maps, const Params& params) = nullptr;
};

/// max-abs, max-abs-study, percentile, percentile-study: the four of Fig 6.
const Registry<Normalisation>& normalisations();

/// value / limit, clipped to [-1,1]; 0 for a limit of 0 and for NaN. What the shader does with the same limit.
float display_value(float value, double limit);

/// The limit of one map: a shorthand where no other map of the method takes part. Checks the parameters; throws Error.
double display_limit(const std::string& normalisation, const json& parameters, const std::vector<const Tensor*>& maps);

}  // namespace ks

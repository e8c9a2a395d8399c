#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "explain/method.h"

namespace ks {

/// What stands for the absence of a feature: one meaning of `baseline` for all methods. A reference is
///   a number     every value, after the model's normalisation (0 is the mean colour of its training)
///   "mean"       the image's own mean colour
///   "blur"       the image, Gaussian-blurred by `baseline_sigma` pixels
///   "noise"      uniform noise over the range of pixel values, drawn from the seed
///   "image:ID"   another picture, which the request's `pictures` gives

/// The parameters `baseline` (one reference) and `baseline_sigma`.
std::vector<Parameter> reference_parameters(json usual = 0.0);
/// The parameters `baselines` (a list of references) and `baseline_sigma`, of methods that average over several.
std::vector<Parameter> reference_set_parameters(json usual);

/// The reference of one of the request's samples, [1,C,H,W]. Draws 0, 1, ... go through `baselines` in turn; "noise" is
/// another in every draw. Throws Error for a reference that is none, an empty list, a picture that cannot be had.
Tensor reference_input(const ExplainRequest& request, int64_t sample, const Params& params, uint64_t draw = 0);

/// The IDs of the pictures that `baseline` or `baselines` name, also those of an aggregate's members: what an
/// explanation depends on besides its image.
std::vector<std::string> reference_pictures(const Params& params);

}  // namespace ks

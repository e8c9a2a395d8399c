#pragma once
#include <functional>
#include <string>
#include <vector>

#include "explain/classifier.h"
#include "registry/registry.h"
#include "tensor/random.h"

namespace ks {

class SegmentsMemo;  // explain/cut.h

/// Gives another picture by its ID, [1,C,H,W], normalised for the model: an image of the study, a file. Throws Error
/// where there is none.
using PictureSource = std::function<Tensor(const std::string& id)>;

/// What a method works on: images as the network wants them, one target class each.
struct ExplainRequest {
  Classifier& classifier;
  const Tensor& inputs;              // [N,C,H,W]
  const std::vector<int>& targets;   // N classes; the explained value is the target's logit
  uint64_t seed = 0;                 // all randomness of the method comes from it and the sample's index
  Progress progress = nullptr;       // may be null
  PictureSource pictures = nullptr;  // may be null: then a reference cannot be another picture
  uint64_t first_sample = 0;         // index of the first of `inputs`
  /// Finds a map of all of `inputs` that another method, with these checked parameters, would give for this request, so
  /// that it is not computed again; null where it is not there. May be null.
  std::function<const Tensor*(const std::string& method, const json& parameters)> known = nullptr;
  SegmentsMemo* segments = nullptr;  // of images cut before; may be null

  /// Where sample n's random numbers come from. Image i of a batch is reproduced alone with first_sample = i.
  uint64_t sample_seed(int64_t n) const { return mix_seed(seed, first_sample + static_cast<uint64_t>(n)); }
};

/// Returns raw signed attributions: [N,C,H,W], or [N,1,H,W] where the method has no channels.
using MethodFunction = Tensor (*)(const ExplainRequest&, const Params&);

/// Builds the derived network of a method that is one graph: inputs the image and backward::seed_input, outputs the
/// logits and backward::attribution_output.
using NetworkFunction = graph::Model (*)(const Classifier&, const Params&);

struct Method : Entry {
  MethodFunction explain = nullptr;   // null for a method that is one graph: it runs `network`
  NetworkFunction network = nullptr;  // null for a method that is no single graph
  NetworkFunction layers = nullptr;   // as `network`, with outputs for every layer (explain/layers.h); null: has none
  bool needs_gradient = true;         // false: a black box suffices (any network that runs)
  /// Checks what a table of parameters cannot say and fills in what they leave open; null: nothing. Throws Error.
  void (*complete)(const Method&, json& values) = nullptr;
};

/// Checks a method's parameters and fills in the defaults. Throws Error.
Params check_parameters(const Method& method, const json& given);

const Registry<Method>& methods();

/// The entries of each family, gathered by methods().
std::vector<Method> gradient_methods();      // gradient.cpp
std::vector<Method> fullgrad_methods();      // fullgrad.cpp
std::vector<Method> cam_methods();           // cam.cpp
Method score_cam_method();                   // score_cam.cpp, the one of them that is no single graph
std::vector<Method> reference_methods();     // deeplift.cpp
std::vector<Method> relevance_methods();     // relevance.cpp
std::vector<Method> perturbation_methods();  // perturbation.cpp, see perturbation.h
std::vector<Method> aggregation_methods();   // aggregation.cpp, aggregates of the methods above
std::vector<Method> baseline_methods();      // baseline.cpp (random, sobel, centre)

/// Throws Error for inputs that do not fit the classifier, a wrong number of targets, a target out of range.
void check_request(const ExplainRequest& request);

/// Checks parameters and runs the method. Throws Error for an unknown method, a bad parameter, a target out of range.
Tensor explain(const std::string& method, const json& parameters, const ExplainRequest& request);

}  // namespace ks

#pragma once
#include "explain/method.h"

namespace ks {

/// The perturbation family's entries, one file each; perturbation_methods() gathers them.
Method occlusion_method();
Method feature_ablation_method();
Method lime_method();
Method kernel_shap_method();
Method shapley_sampling_method();
Method rise_method();
Method meaningful_perturbation_method();

}  // namespace ks

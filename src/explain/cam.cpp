#include "backward/cam.h"

#include "explain/feature_map.h"
#include "explain/method.h"

// Class activation maps: where the network's late features say the class is.
namespace ks {

namespace {

using backward::CamKind;

template <CamKind kind, bool guided = false>
graph::Model network(const Classifier& c, const Params& p) {
  const bool relu = kind == CamKind::eigen_cam ? true : p.flag("relu");
  return backward::cam_model(c.model(), c.input_shape(), {kind, feature_map(c, p), relu, guided}, c.backend(),
                             c.where());
}

Method entry(const char* name, const char* title, const char* citation, const char* formula, const char* description,
             const char* misleads, NetworkFunction network, bool relu = true) {
  Method m;
  m.name = name;
  m.title = title;
  m.family = "cam";
  m.citation = citation;
  m.formula = formula;
  m.description = description;
  m.misleads = misleads;
  m.parameters = feature_map_parameters();
  if (relu) m.parameters.push_back({"relu", ParameterType::boolean, true, "Cut what speaks against the class"});
  m.network = network;
  return m;
}

}  // namespace

std::vector<Method> cam_methods() {
  std::vector<Method> all = {
      entry("grad-cam", "Grad-CAM",
            "R. Selvaraju et al.: Grad-CAM: Visual explanations from deep networks via gradient-based "
            "localization, ICCV 2017",
            "max(0, Σₖ wₖ Aₖ),  wₖ = mean of ∂f/∂Aₖ over positions",
            "Weights each channel of a feature map by its mean gradient and adds them up: a coarse map of where "
            "evidence for "
            "the class lies, enlarged to the image.",
            "The map has the resolution of the layer, often 7x7 for the whole kernel: the outline of a lesion in it is "
            "an "
            "artefact of enlarging. With the mean gradient, two damages of the same class can cancel.",
            network<CamKind::grad_cam>),
      entry("grad-cam-plus-plus", "Grad-CAM++",
            "A. Chattopadhay et al.: Grad-CAM++: Generalized gradient-based visual "
            "explanations for deep convolutional networks, WACV 2018",
            "max(0, Σₖ wₖ Aₖ),  wₖ = Σ max(0, g) / (2 + g Σ Aₖ),  g = ∂f/∂Aₖ",
            "As Grad-CAM, with weights from positive gradients only, in which each of several spots of damage counts "
            "about "
            "alike. The factor exp(f) of the paper, common to the whole map, is left out.",
            "It never shows what speaks against the class, and its weights hardly depend on the class: look at another "
            "class "
            "before you trust the map.",
            network<CamKind::grad_cam_plus_plus>),
      entry("layer-cam", "LayerCAM",
            "P.-T. Jiang et al.: LayerCAM: Exploring hierarchical class activation maps for "
            "localization, IEEE Transactions on Image Processing 2021",
            "max(0, Σₖ max(0, ∂f/∂Aₖ) Aₖ), position by position",
            "Weights each position of each channel by its own positive gradient. Useful at early layers, whose maps "
            "are finer.",
            "At early layers it is as noisy as the gradient, at the last layer of a network with global average "
            "pooling it is "
            "Grad-CAM without the channels that speak against the class.",
            network<CamKind::layer_cam>),
      entry("eigen-cam", "Eigen-CAM",
            "M. Muhammad, M. Yeasin: Eigen-CAM: Class activation map using principal components, IJCNN 2020",
            "A v,  v = first right singular vector of A (positions × channels); of ±v the one with Σ A v ≥ 0",
            "Projects the feature map on its first principal direction (not centred): what dominates the features. Of "
            "the two "
            "signs the one with a positive sum is shown, and negative values are cut.",
            "It does not know the class or even the decision: all classes have the same map. It shows the kernel "
            "wherever the "
            "kernel dominates the picture, damaged or not.",
            network<CamKind::eigen_cam>, false),
      entry("guided-grad-cam", "Guided Grad-CAM",
            "R. Selvaraju et al.: Grad-CAM: Visual explanations from deep networks via "
            "gradient-based localization, ICCV 2017",
            "guided backpropagation × enlarged Grad-CAM",
            "Guided backpropagation, masked by the Grad-CAM map: fine lines within the coarse region.",
            "The fine lines come from guided backpropagation, which draws the edges of the image whatever the network "
            "has "
            "learnt; only the region is about the class.",
            network<CamKind::grad_cam, true>)};
  all.push_back(score_cam_method());
  return all;
}

}  // namespace ks

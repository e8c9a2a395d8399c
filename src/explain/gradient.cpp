#include "backward/explainer.h"
#include "explain/gradients.h"

// Gradient family: what a small change of each pixel does to the target's logit, and modifications of that.
namespace ks {

namespace {

using backward::ReluRule;

template <ReluRule rule, bool times_input, backward::Layers layers>
graph::Model network(const Classifier& c, const Params&) {
  return backward::gradient_model(c.model(), c.input_shape(), rule, times_input, c.backend(), c.where(), layers);
}

/// A method's graph, and the one with outputs for every layer.
struct Networks {
  NetworkFunction input = nullptr, layers = nullptr;
};

template <ReluRule rule, bool times_input = false>
constexpr Networks networks = {network<rule, times_input, backward::Layers::input_only>,
                               network<rule, times_input, backward::Layers::all>};

Method method(const char* name, const char* title, const char* citation, const char* description, const char* misleads,
              const char* formula, Networks graphs) {
  Method m;
  m.name = name;
  m.title = title;
  m.family = "gradient";
  m.citation = citation;
  m.description = description;
  m.misleads = misleads;
  m.formula = formula;
  m.network = graphs.input;
  m.layers = graphs.layers;
  return m;
}

}  // namespace

std::vector<Method> gradient_methods() {
  std::vector<Method> all = {
      method(
          "gradient", "Gradient",
          "K. Simonyan, A. Vedaldi, A. Zisserman: Deep inside convolutional networks, ICLR workshop 2014",
          "How the target's logit answers a small change of each pixel.",
          "It is noisy, and blind to what is saturated: a damage so plain that a little more of it changes nothing can "
          "have gradient zero. A strong value says that the pixel could change the answer, not that it made it.",
          "Rᵢ = ∂f_c(x) / ∂xᵢ", networks<ReluRule::gradient>),
      method(
          "input-x-gradient", "Input x gradient",
          "A. Shrikumar, P. Greenside, A. Shcherbina, A. Kundaje: Not just a black box, arXiv 1605.01713, 2016",
          "Each pixel's value times the gradient there: its share of the logit, were the network linear.",
          "Pixels of the mean colour, which is zero after the model's normalisation, get nothing, whatever they mean; "
          "very bright and very dark pixels are favoured.",
          "Rᵢ = xᵢ · ∂f_c(x) / ∂xᵢ", networks<ReluRule::gradient, true>),
      method("guided-backprop", "Guided backpropagation",
             "J. Springenberg, A. Dosovitskiy, T. Brox, M. Riedmiller: Striving for simplicity, ICLR workshop 2015",
             "The gradient, with negative values cut off at every ReLU on the way back.",
             "Sharp pictures, but much of them are edges of the image: a network with random weights gives nearly the "
             "same "
             "(Adebayo et al., 2018), and so do other target classes. Compare with sobel before believing it.",
             "Rᵢ = ∂f_c / ∂xᵢ, where each ReLU y = max(z, 0) passes back  G_z = [z > 0] · max(G_y, 0)",
             networks<ReluRule::guided>),
      method("deconvolution", "Deconvolution",
             "M. Zeiler, R. Fergus: Visualizing and understanding convolutional networks, ECCV 2014",
             "The way back through the network, cutting off negative values at every ReLU whether or not the unit was "
             "active.",
             "Depends on the image only through its max-pooling: in a network without max-pooling every image of a "
             "class gets "
             "the same map. Often shows a checkerboard of the strides.",
             "Rᵢ = ∂f_c / ∂xᵢ, where each ReLU y = max(z, 0) passes back  G_z = max(G_y, 0)",
             networks<ReluRule::deconvolution>),
  };
  for (auto members : {integrated_methods, blur_integrated_methods, smoothgrad_methods, gradient_shap_methods})
    for (Method& m : members()) all.push_back(std::move(m));
  return all;
}

}  // namespace ks

#include "backward/explainer.h"
#include "explain/gradients.h"

// Gradient family: what a small change of each pixel does to the target's logit, and modifications of that.
namespace ks {

namespace {

using backward::ReluRule;

template <ReluRule rule, bool times_input = false>
graph::Model network(const Classifier& c, const Params&) {
  return backward::gradient_model(c.model(), c.input_shape(), rule, times_input, c.backend(), c.where());
}

Method method(const char* name, const char* title, const char* citation, const char* description, const char* misleads,
              const char* formula, NetworkFunction network) {
  Method m;
  m.name = name;
  m.title = title;
  m.family = "gradient";
  m.citation = citation;
  m.description = description;
  m.misleads = misleads;
  m.formula = formula;
  m.network = network;
  return m;
}

}  // namespace

std::vector<Method> gradient_methods() {
  std::vector<Method> all = {
      method(
          "gradient", "Gradient",
          "K. Simonyan, A. Vedaldi, A. Zisserman: Deep inside convolutional networks, ICLR workshop 2014",
          "How the target's logit answers a small change of each pixel.",
          "Noisy, and blind to features that are saturated: a damage so clear that a little more or less of it changes "
          "nothing can have gradient zero. It shows where the network is sensitive, not what it saw.",
          "R = ∂f/∂x", network<ReluRule::gradient>),
      method("input-x-gradient", "Input x gradient",
             "A. Shrikumar, P. Greenside, A. Shcherbina, A. Kundaje: Not just a black box, arXiv 1605.01713, 2016",
             "Each pixel's value times the gradient: what a linear network's pixels add to the logit.",
             "Pixels at the input's zero (the mean colour after normalisation) get nothing, whatever they mean. As "
             "noisy and as "
             "blind to saturation as the gradient.",
             "R = x · ∂f/∂x", network<ReluRule::gradient, true>),
      method("guided-backprop", "Guided backpropagation",
             "J. Springenberg, A. Dosovitskiy, T. Brox, M. Riedmiller: Striving for simplicity, ICLR workshop 2015",
             "The gradient with negative values cut off at every ReLU: sharp pictures of what excites the network.",
             "They show edges of the kernel even for a network with random weights, and hardly change with the class "
             "(Adebayo et "
             "al., 2018): a sharp outline is no evidence that the network uses it.",
             "at every ReLU y = max(0, a): ∂f/∂a = [a > 0] · max(0, ∂f/∂y)", network<ReluRule::guided>),
      method("deconvolution", "Deconvolution",
             "M. Zeiler, R. Fergus: Visualizing and understanding convolutional networks, ECCV 2014",
             "Like guided backpropagation, but blind to which units were active: the class's pattern projected back.",
             "Depends on the image only through max-pooling: for a network without it, every image gets the same map. "
             "Often shows "
             "a checkerboard of the strides.",
             "at every ReLU y = max(0, a): ∂f/∂a = max(0, ∂f/∂y)", network<ReluRule::deconvolution>),
  };
  for (auto members : {integrated_methods, blur_integrated_methods, smoothgrad_methods, gradient_shap_methods})
    for (Method& m : members()) all.push_back(std::move(m));
  return all;
}

}  // namespace ks

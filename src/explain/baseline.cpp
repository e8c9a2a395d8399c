#include "explain/method.h"
#include "tensor/random.h"

// Explanations that explain nothing: what every method must beat.
namespace ks {

namespace {

Tensor random_map(const ExplainRequest& r, const Params&) {
  Tensor out(r.inputs.shape);
  for (int64_t n = 0; n < out.dim(0); ++n) {
    Random random(r.sample_seed(n));
    float* values = out.sample(n);
    for (int64_t i = 0; i < out.stride(); ++i) values[i] = static_cast<float>(random.normal());
  }
  return out;
}

}  // namespace

std::vector<Method> baseline_methods() {
  Method m;
  m.name = "random";
  m.title = "Random";
  m.family = "baseline";
  m.description =
      "Gaussian noise, drawn from the seed: knows neither the image nor the network. A metric on which a method is no "
      "better "
      "than this one does not speak for the method, or the metric cannot tell.";
  m.explain = random_map;
  m.needs_gradient = false;
  return {m};
}

}  // namespace ks

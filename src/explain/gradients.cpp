#include "explain/gradients.h"

#include <algorithm>

#include "backward/explainer.h"
#include "explain/network.h"

namespace ks {

void gradients_at(const ExplainRequest& r, int64_t copies,
                  const std::function<void(const GradientPoint&, float* point)>& place,
                  const std::function<void(const GradientPoint&, const float* gradient)>& take) {
  Classifier& classifier = r.classifier;
  Session& session = network_session(classifier, methods().at("gradient"), Params());
  const int64_t total = r.inputs.dim(0) * copies, batch = std::min<int64_t>(total, classifier.batch_size());
  Tensor points({batch, classifier.channels(), classifier.height(), classifier.width()});
  std::vector<int> targets;
  const int64_t size = points.stride();
  for (int64_t begin = 0; begin < total; begin += batch) {
    const int64_t count = std::min(batch, total - begin);
    points.shape[0] = count;
    points.data.resize(static_cast<size_t>(count * size));
    targets.clear();
    const auto point = [&](int64_t slot) {
      return GradientPoint{(begin + slot) / copies, (begin + slot) % copies, slot};
    };
    for (int64_t slot = 0; slot < count; ++slot) {
      const GradientPoint at = point(slot);
      place(at, points.sample(slot));
      targets.push_back(r.targets[static_cast<size_t>(at.sample)]);
    }
    const Tensor seed = seeds(classifier, targets, 0, count);
    const Tensor gradients =
        session.run({{classifier.input_name(), &points}, {backward::seed_input, &seed}}, {backward::attribution_output})
            .at(0);
    for (int64_t slot = 0; slot < count; ++slot) take(point(slot), gradients.sample(slot));
    if (r.progress) r.progress(static_cast<double>(begin + count) / static_cast<double>(total));
  }
}

}  // namespace ks

#include "metric/faithfulness.h"

// Faithfulness: whether the features that an explanation calls important matter to the network when they are taken
// away. A perturbed image is one the network was never trained on: its answer mixes the loss of the feature with the
// strangeness of what replaced it.
//
// Defaults are chosen so that metrics meet, and pay for an image once (MetricRequest::forwards): pixel flipping,
// deletion and monotonicity visit the same images, selectivity and region perturbation the same, the faithfulness
// estimate and the monotonicity correlation the same, and faithfulness correlation, sensitivity-n and infidelity remove
// the same random subsets, which do not depend on the map.
namespace ks {

std::vector<Metric> faithfulness_metrics() {
  std::vector<Metric> all = curve_metrics();
  for (Metric& m : region_metrics()) all.push_back(std::move(m));
  all.push_back(road_metric());
  for (Metric& m : correlation_metrics()) all.push_back(std::move(m));
  all.push_back(infidelity_metric());
  all.push_back(sufficiency_metric());
  return all;
}

}  // namespace ks

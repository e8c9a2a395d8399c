#include "metric/range.h"

#include <stdexcept>

namespace ks {

namespace {

struct MetricRange {
  const char *metric, *values;
};

constexpr const char* correlation_range =
    "−1 to 1; 1 where the map predicts the changes, 0 where it says nothing of them";
constexpr const char* change_range = "0 and more, without a limit; 0 for a map that stays the same";

constexpr MetricRange metric_ranges[] = {
    {"pixel-flipping", "0 to the number of steps less one, for probabilities"},
    {"deletion", "0 to 1"},
    {"insertion", "0 to 1"},
    {"monotonicity", "0 or 1; as a fraction 0 to 1"},
    {"region-perturbation", "−1 to 1, for probabilities; 0 where nothing falls"},
    {"selectivity", "0 to the number of regions less one, for probabilities"},
    {"irof", "at most 1; 0 to 1 where the output only falls"},
    {"road", "0 to 1; −1 to 1 for the difference of both orders"},
    {"faithfulness-estimate", correlation_range},
    {"faithfulness-correlation", correlation_range},
    {"monotonicity-correlation", correlation_range},
    {"sensitivity-n", correlation_range},
    {"infidelity", "0 and more, in squared units of the output; 0 for a map that predicts every change"},
    {"sufficiency", "0 to 1"},
    {"max-sensitivity", change_range},
    {"avg-sensitivity", change_range},
    {"local-lipschitz-estimate", change_range},
    {"continuity", change_range},
    {"consistency", "0 to 1"},
    {"relative-input-stability", change_range},
    {"relative-output-stability", change_range},
    {"relative-representation-stability", change_range},
    {"augmentation-robustness", "−1 to 1; 1 for a map that moves with the picture and is otherwise unmoved"},
    {"sparseness", "0 to 1; 0 where all pixels are equal, near 1 where one pixel has all"},
    {"complexity", "0 to ln n, n the number of features: 10.8 for 224 × 224 pixels"},
    {"effective-complexity", "0 to the number of features"},
    {"relevance-mass-accuracy", "0 to 1; the annotation's share of the image for a map spread evenly"},
    {"relevance-rank-accuracy", "0 to 1; the annotation's share of the image for a map of noise"},
    {"pointing-game", "0 or 1"},
    {"top-k-intersection", "0 to 1; the annotation's share of the image for a map of noise"},
    {"attribution-localisation", "0 to 1; the annotation's share of the image for a map of noise"},
    {"auc", "0 to 1; 0.5 for a map of noise"},
    {"iou", "the annotation's share of the image to 1; with Otsu's threshold 0 to 1"},
    {"boundary-distance", "0 to 1, as a share of the diagonal; 0 where both borders are the same"},
    {"focus", "0 to 1; 0.5 for a map that cannot tell the images"},
    {"mprt", "−1 to 1; 1 for a map that does not depend on what was learned"},
    {"smooth-mprt", "−1 to 1; 1 for a map that does not depend on what was learned"},
    {"efficient-mprt", "−1 and more; 0 for a map that is as complex with random weights"},
    {"random-logit", "−1 to 1; 1 for a map that is the same for another class"},
    {"completeness", "any number, in units of the output; 0 where the map adds up to the change of the output"},
    {"non-sensitivity", "0 to the number of features"},
    {"input-invariance", "0 or 1"},
};

}  // namespace

std::string metric_range(const std::string& metric) {
  for (const MetricRange& range : metric_ranges)
    if (metric == range.metric) return range.values;
  throw std::logic_error("no range is known for the metric " + metric);
}

}  // namespace ks

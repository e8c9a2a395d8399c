#pragma once
#include <string>
#include <utility>
#include <vector>

#include "explain/method.h"
#include "segment/segments.h"
#include "tensor/memo.h"

namespace ks {

/// Segments of images by their content and how they were cut: the same image is cut again for every network that is
/// explained with it, and by every method that cuts it alike.
class SegmentsMemo : public Memo<std::pair<Fingerprint, std::string>, Segments> {
 public:
  explicit SegmentsMemo(size_t most_bytes = size_t{64} << 20) : Memo(most_bytes) {}
};

/// Parameters that say how a method cuts its image: `segmentation` (a registered one, `usual` when nothing is said),
/// `segments` (about how many, for those that let one choose), and `segmentation_params`, an object of the
/// segmentation's own parameters, which win over `segments`.
std::vector<Parameter> cut_parameters(const std::string& usual, int segments);

/// Shorthands that stand in for a segmentation: `grid`, squares of so many pixels from the upper left corner, and
/// `grid_cells`, [rows,columns].
Parameter grid_parameter();
Parameter grid_cells_parameter();

/// The segments of one of the request's samples, cut as it looks (normalisation undone). Throws Error, naming the
/// parameter, for segmentation parameters that are none or out of range.
Segments cut(const ExplainRequest& request, int64_t sample, const Params& params);

/// Gives each pixel its segment's value, in all channels of sample n of `out` [N,C,H,W].
void spread(const std::vector<double>& values, const Segments& segments, Tensor& out, int64_t n);

}  // namespace ks

#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "registry/registry.h"
#include "tensor/tensor.h"

namespace ks {

/// Attributions as a metric wants them: pooled, normalised, perhaps absolute; in double, C order.
struct Maps {
  int64_t count = 0, channels = 0, height = 0, width = 0;
  std::vector<double> values;

  int64_t pixels() const { return height * width; }
  int64_t stride() const { return channels * height * width; }
  double* sample(int64_t n) { return values.data() + n * stride(); }
  const double* sample(int64_t n) const { return values.data() + n * stride(); }
};

/// What a metric's own paper does to a map before it measures it.
struct PreparationDefaults {
  const char* pooling = "sum";
  const char* normalise = "max";
  bool absolute = true;
};

/// The parameters `pooling`, `normalise`, `normalise_scope`, `abs`, followed by the metric's own: every metric has the
/// former.
std::vector<Parameter> with_preparation(const PreparationDefaults& defaults, std::vector<Parameter> own = {});

/// Lists of parameters, one after the other.
std::vector<Parameter> joined(std::vector<std::vector<Parameter>> lists);

/// Pools the channels (or keeps them: `none`), then divides by what `normalise` says, then takes magnitudes where `abs`
/// says so. The same is done to every explanation that a metric computes itself.
Maps prepare(const Tensor& attributions, const Params& params);

void take_magnitudes(Maps& maps);

/// max: a / max|a|; second-moment: a / sqrt(mean(a^2)); negative: positive values by the maximum, negative ones by the
/// magnitude of the minimum; none. With `batch` one number serves all maps, else each map has its own. Maps of zeros
/// stay.
void normalise(Maps& maps, const std::string& kind, bool batch);

/// Features in descending order of value; ties by lowest index. NaN last. In linear time for values that are spread
/// out.
std::vector<int64_t> descending_order(const double* values, int64_t size);
/// The first k of that order, themselves in no order. 0 <= k <= size.
std::vector<int64_t> top_features(const double* values, int64_t size, int64_t k);

/// What is wrong with a map, if anything; undefined: it holds NaN or infinity.
enum class MapDefect { none, undefined, zero, constant };
MapDefect map_defect(const double* values, int64_t size);
/// The warning of a map that is MapDefect::undefined.
inline constexpr char undefined_map[] = "the map holds NaN or infinity";

/// Prepared maps with what several metrics ask of them, each computed when it is first asked for.
class PreparedMaps {
 public:
  explicit PreparedMaps(Maps maps);

  const Maps* operator->() const { return &maps_; }
  const Maps& maps() const { return maps_; }
  MapDefect defect(int64_t n) const;
  const std::vector<int64_t>& order(int64_t n) const;      // descending_order() of one map
  const std::vector<double>& descending(int64_t n) const;  // its values in that order
  std::vector<int64_t> top(int64_t n, int64_t k) const;    // top_features() of one map

 private:
  Maps maps_;
  mutable std::vector<int> defects_;  // of MapDefect; -1: not known yet
  mutable std::vector<std::vector<int64_t>> orders_;
  mutable std::vector<std::vector<double>> sorted_;
};

/// Which pixels lie in each image's annotation, from masks [N,1,H,W].
struct Annotations {
  explicit Annotations(const Tensor& masks);
  std::vector<std::vector<uint8_t>> inside;  // one a pixel
  std::vector<int64_t> area;                 // number of pixels inside
};

/// What the metrics of one tensor of attributions and one of masks share: prepared maps by how they were prepared, and
/// the annotations.
class PreparationMemo {
 public:
  std::shared_ptr<const PreparedMaps> get(const Tensor& attributions, const Params& params);
  std::shared_ptr<const Annotations> annotations(const Tensor& masks);
  void clear() { made_.clear(), annotations_.reset(); }

 private:
  std::map<std::string, std::shared_ptr<const PreparedMaps>> made_;
  std::shared_ptr<const Annotations> annotations_;
  Tensor annotated_;  // the masks of annotations_
};

struct MetricRequest;  // metric/metric.h

/// prepare() of the request's attributions, from its memo where it has one.
std::shared_ptr<const PreparedMaps> prepared(const MetricRequest& request, const Params& params);
/// The request's masks, from its memo where it has one.
std::shared_ptr<const Annotations> annotations(const MetricRequest& request);
/// A warning's text: `what` after "image 3: " where there is more than one image.
std::string image_warning(int64_t n, int64_t count, const std::string& what);
/// Those of a batch's warnings that are about image n, without its number.
std::vector<std::string> warnings_about(int64_t n, int64_t count, const std::vector<std::string>& warnings);

}  // namespace ks

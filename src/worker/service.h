#pragma once
#include <map>
#include <memory>
#include <string>

#include "study/engine.h"

namespace ks {

/// A request to the core and its answer: JSON and at most one buffer. The parts of a buffer are named by offsets in the
/// JSON.
struct Message {
  json head;
  std::string bytes;
};

/// What the browser's Worker does for the page, over the same Engine as `kernelscope run`. Requests:
///
///   init                       runtime, registries
///   study {study}              the checked study, the model, images (picture RGBA and mask in the buffer), predictions
///   explain {image, method, together?}   shape and milliseconds; the buffer is the raw attribution, float32.
///   `together`:
///                              methods that will be asked for next, so that those that are one network share a pass
///   measure {image, method, metric}   score (null where undefined), curve, warnings
///   time {image, method, repeats}     forward, method and first in milliseconds, as time_method() measures them
///   add-image {name} + bytes   an image entry for the study, embedded and shrunk so that a link can carry it
///   add-model {name} + bytes   a model entry for the study; the bytes stay here
///
/// Every answer repeats the id and says ok; a failed one has "error", one sentence, and what was there before stays.
class Service {
 public:
  /// `loader` fetches built-in files and addresses. Files the user dropped are the service's own.
  Service(Loader loader, SessionOptions options = {});

  /// Never throws. `progress` may throw Cancelled: the answer then says cancelled.
  Message handle(const json& request, const std::string& bytes, const Progress& progress);

 private:
  Message dispatch(const json& request, const std::string& bytes, const Progress& progress);
  Message init() const;
  Message open_study(const json& request, const Progress& progress);
  Message explain(const json& request, const Progress& progress);
  Message measure(const json& request, const Progress& progress);
  Message time(const json& request);
  Message add_image(const json& request, const std::string& bytes) const;
  Message add_model(const json& request, const std::string& bytes);
  size_t image_index(const std::string& id) const;

  std::map<std::string, std::string> files_;  // dropped models by name
  SessionOptions options_;
  Engine engine_;
};

}  // namespace ks

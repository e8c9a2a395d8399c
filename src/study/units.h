#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "study/engine.h"

namespace ks {

/// One explanation and every metric of it that needs no other image: the piece of work that a run hands out when
/// several compute a study. Whoever computes it, its cells are the same bit for bit; the run that gathers finds them in
/// its store. With the number of images as `image`: the metrics of one method that explain pictures made of all images
/// (Engine::makes_pictures).
struct Unit {
  size_t image = 0, method = 0;
  bool operator==(const Unit&) const = default;
};

/// Hands a study's units to several workers, each unit once. A worker stays with its image, whose metrics share forward
/// passes; then it takes an image that nobody has begun; then it helps with the one that has most left, so that uneven
/// work ends together. Units of all images are like those of one more image.
class UnitQueue {
 public:
  UnitQueue(size_t images, size_t methods, bool of_all_images);
  std::optional<Unit> next(size_t worker);
  size_t handed_out() const { return handed_out_; }
  size_t total() const { return left_.size() * methods_; }

 private:
  size_t methods_, handed_out_ = 0;
  std::vector<size_t> left_;     // units per image
  std::vector<size_t> current_;  // image per worker
};

/// Which of several batch jobs this is: "2/5", counted from 1.
struct Shard {
  size_t index = 0, count = 1;  // index from 0
};
/// Throws Error.
Shard parse_shard(const std::string& text);
/// The units of one shard: whole images where there are enough of them, else single units, in turn. Units of all images
/// are dealt out one by one.
std::vector<Unit> units_of(const Shard& shard, size_t images, size_t methods, bool of_all_images);

/// Whether the study has units of all images.
bool has_units_of_all_images(const Study& study);

/// Computes units, as long as `next` gives any, into the engine's store. What cannot be computed is left out: the run
/// that gathers meets the same Error and tells it. Throws Cancelled.
void compute_units(Engine& engine, const std::function<std::optional<Unit>()>& next,
                   const Progress& progress = nullptr);

}  // namespace ks

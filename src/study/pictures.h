#pragma once
#include <string>

#include "picture/image.h"
#include "study/engine.h"

namespace ks {

/// A picture of the study as it was made or decoded, before it is fitted to the network.
struct StudyPicture {
  Image image;
  Mask mask;             // same size as the image; empty without annotation
  std::string identity;  // SHA-256 of what it was made from: the same on every machine
};

/// What "generate" takes: the grain renderer's parameters.
const Entry& recipe_entry();

/// Gets one picture and its annotation. Throws Error naming the image's id.
StudyPicture load_picture(const StudyImage& image, const Loader& loader);

/// The bytes of a built-in thing, a file or an address; the SHA-256 of an address is checked. `what`: "model", "image".
std::string load_source(const std::string& what, const Source& source, const Loader& loader);

}  // namespace ks

#include "study/pictures.h"

#include "grain/render.h"
#include "tensor/base64.h"
#include "tensor/error.h"
#include "tensor/hash.h"

namespace ks {

namespace {

std::string decode_text(const std::string& text, const std::string& where) {
  if (std::optional<std::string> bytes = decode_base64(text)) return *bytes;
  throw Error("is no base64", where, "embed the whole file, without line breaks");
}

StudyPicture generate(const StudyImage& image) {
  const Params params = check_parameters(recipe_entry(), image.source.recipe);
  const KernelRecipe recipe{.species = parse_species(params.text("species")),
                            .defect = parse_defect(params.text("defect")),
                            .seed = static_cast<uint64_t>(params.integer("seed")),
                            .size = params.integer("size")};
  RenderedKernel kernel = render_kernel(recipe);
  StudyPicture out{.image = std::move(kernel.image), .mask = std::move(kernel.damage)};
  out.identity = sha256(params.all().dump());
  return out;
}

Mask load_mask(const StudyImage& image, const Loader& loader, const std::string& where) {
  const std::string mask_where = where + ": its annotation";
  if (image.source.kind != Source::Kind::file) return decode_mask(decode_text(image.mask, mask_where), mask_where);
  return decode_mask(loader("mask", {.kind = Source::Kind::file, .text = image.mask}), mask_where);
}

std::string load_bytes(const Source& source, const Loader& loader, const std::string& where) {
  if (source.kind == Source::Kind::data) return decode_text(source.text, where);
  try {
    return load_source("image", source, loader);
  } catch (const Error& e) {
    throw Error(e.problem(), where + (e.where().empty() ? "" : ": " + e.where()), e.hint());
  }
}

}  // namespace

const Entry& recipe_entry() {
  static const Entry entry = {
      .name = "generate",
      .title = "Generated kernel",
      .family = "picture",
      .description = "A photo-like picture of one kernel from the grain renderer, with the exact mask of its damage.",
      .parameters = {
          {"species", ParameterType::choice, "wheat", "which grain", {}, {}, "", species_names()},
          {"defect", ParameterType::choice, "none", "what is wrong with it", {}, {}, "", defect_names()},
          {"seed", ParameterType::integer, 1, "all natural variation comes from it", 0, 2e9},
          {"size", ParameterType::integer, 224, "side of the square picture", 32, 1024, "px"},
      }};
  return entry;
}

std::string load_source(const std::string& what, const Source& source, const Loader& loader) {
  std::string bytes = loader(what, source);
  if (source.kind == Source::Kind::url && sha256(bytes) != source.sha256)
    throw Error("is not what the study means: its SHA-256 is " + sha256(bytes), source.text,
                "the file at this address has changed, or the study has a wrong sha256");
  return bytes;
}

StudyPicture load_picture(const StudyImage& image, const Loader& loader) {
  if (image.source.kind == Source::Kind::generate) return generate(image);
  const std::string where = "image '" + image.id + "'";
  StudyPicture out;
  const std::string bytes = load_bytes(image.source, loader, where);
  out.identity = sha256(bytes);
  out.image = decode_image(bytes, where);
  check_image_size(out.image, smallest_picture_side, where);
  if (!image.mask.empty()) {
    out.mask = load_mask(image, loader, where);
    if (out.mask.width != out.image.width || out.mask.height != out.image.height)
      throw Error("its annotation has " + std::to_string(out.mask.width) + "x" + std::to_string(out.mask.height) +
                      " pixels, the image " + std::to_string(out.image.width) + "x" + std::to_string(out.image.height),
                  where, "both must have the same size");
  }
  return out;
}

}  // namespace ks

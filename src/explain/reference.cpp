#include "explain/reference.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "picture/blur.h"
#include "tensor/error.h"
#include "tensor/random.h"

namespace ks {

namespace {

constexpr uint64_t noise_stream = 0x6162'7365'6e63'6500;  // apart from the streams that methods use themselves
constexpr char picture_prefix[] = "image:";

Parameter sigma_parameter() {
  return {"baseline_sigma",
          ParameterType::number,
          10.0,
          "Of the reference blur: standard deviation of the Gaussian",
          0.1,
          1000,
          "px"};
}

std::vector<std::string> kinds() {
  return {"mean", "blur", "noise", picture_prefix};
}

/// The parameter that holds the references, and those as a list.
std::pair<std::string, std::vector<json>> references(const Params& p) {
  if (p.has("baselines")) {
    const json& list = p.value("baselines");
    if (list.empty()) throw Error("'baselines' is an empty list", "", "give at least one reference");
    return {"baselines", {list.begin(), list.end()}};
  }
  return {"baseline", {p.value("baseline")}};
}

std::string picture_id(const json& reference) {
  const std::string text = reference.is_string() ? reference.get<std::string>() : "";
  return text.rfind(picture_prefix, 0) == 0 ? text.substr(sizeof picture_prefix - 1) : "";
}

Tensor picture(const ExplainRequest& r, const std::string& id, const std::string& parameter) {
  const std::string place = "'" + parameter + "' \"" + picture_prefix + id + "\"";
  if (!r.pictures) throw Error("no other pictures are known here", place, "give a number, mean, blur or noise");
  Tensor out;
  try {
    out = r.pictures(id);
  } catch (const Error& e) {
    throw Error(e.where().empty() ? e.problem() : e.where() + " " + e.problem(), place, e.hint());
  }
  Shape wanted = r.inputs.shape;
  wanted[0] = 1;
  if (out.shape != wanted)
    throw Error("has shape " + to_string(out.shape), place, "the model takes " + to_string(wanted));
  return out;
}

Tensor mean_colour(const Tensor& image) {
  Tensor out(image.shape);
  const int64_t plane = image.dim(2) * image.dim(3);
  for (int64_t c = 0; c < image.dim(1); ++c) {
    const float* x = image.data.data() + c * plane;
    std::fill_n(out.data.data() + c * plane, plane,
                static_cast<float>(std::accumulate(x, x + plane, 0.0) / static_cast<double>(plane)));
  }
  return out;
}

Tensor blurred(Tensor image, double sigma) {
  const int height = static_cast<int>(image.dim(2)), width = static_cast<int>(image.dim(3));
  for (int64_t c = 0; c < image.dim(1); ++c)
    gaussian_blur(image.data.data() + c * height * width, width, height, sigma);
  return image;
}

Tensor noise(const Shape& shape, const Preprocessing& preprocessing, Random random) {
  Tensor out(shape);
  const int64_t plane = shape[2] * shape[3];
  for (size_t c = 0; c < static_cast<size_t>(shape[1]); ++c)
    random.fill_uniform(out.data.data() + c * static_cast<size_t>(plane), static_cast<size_t>(plane),
                        -preprocessing.mean[c] / preprocessing.deviation[c],
                        (1 - preprocessing.mean[c]) / preprocessing.deviation[c]);
  return out;
}

}  // namespace

std::vector<Parameter> reference_parameters(json usual) {
  return {{"baseline", ParameterType::value, std::move(usual),
           "What stands for absence: a number after the model's normalisation (0: the mean colour), the image's mean "
           "colour, the image blurred, noise, or another picture, image:ID",
           -10, 10, "", kinds()},
          sigma_parameter()};
}

std::vector<Parameter> reference_set_parameters(json usual) {
  return {
      {"baselines", ParameterType::list, std::move(usual),
       "What stands for absence, several in turn: numbers after the model's normalisation, mean, blur, noise, other "
       "pictures as image:ID",
       -10, 10, "", kinds()},
      sigma_parameter()};
}

Tensor reference_input(const ExplainRequest& r, int64_t sample, const Params& p, uint64_t draw) {
  const auto [parameter, all] = references(p);
  const json& reference = all[draw % all.size()];
  Shape shape = r.inputs.shape;
  shape[0] = 1;
  if (reference.is_number() && std::isfinite(reference.get<double>())) return Tensor(shape, reference.get<float>());
  if (reference == "mean") return mean_colour(r.inputs.slice(sample, sample + 1));
  if (reference == "blur") return blurred(r.inputs.slice(sample, sample + 1), p.number("baseline_sigma"));
  if (reference == "noise")
    return noise(shape, r.classifier.preprocessing(), Random(r.sample_seed(sample), noise_stream + draw));
  if (const std::string id = picture_id(reference); !id.empty()) return picture(r, id, parameter);
  throw Error("'" + parameter + "' holds " + reference.dump(), "",
              "a reference is a number, mean, blur, noise or image:ID");
}

std::vector<std::string> reference_pictures(const Params& p) {
  std::vector<std::string> ids;
  if (p.has("members"))
    for (const json& member : p.value("members"))
      for (std::string& id : reference_pictures(Params(member.at("params")))) ids.push_back(std::move(id));
  if (!p.has("baseline") && !p.has("baselines")) return ids;
  for (const json& reference : references(p).second)
    if (const std::string id = picture_id(reference); !id.empty()) ids.push_back(id);
  return ids;
}

}  // namespace ks

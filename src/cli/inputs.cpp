#include "cli/inputs.h"

#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/npy.h"

namespace ks::cli {

namespace {

Tensor open_array(const std::string& file, const Classifier& c) {
  Tensor t = load_npy(file);
  if (t.shape.size() == 3) t.shape.insert(t.shape.begin(), 1);
  if (t.shape.size() != 4 || t.dim(0) < 1 || t.dim(1) != c.channels() || t.dim(2) != c.height() ||
      t.dim(3) != c.width())
    throw Error("has shape " + to_string(t.shape), file,
                "the model takes [N," + std::to_string(c.channels()) + "," + std::to_string(c.height()) + "," +
                    std::to_string(c.width()) + "]");
  return t;
}

Tensor open_image(const std::string& file, const Classifier& c) {
  const Image image = load_image(file);
  check_image_size(image, smallest_picture_side, file);
  return image_to_tensor(image, c.preprocessing());
}

}  // namespace

SessionOptions session_options(const std::string& device, int threads) {
  SessionOptions options;
  options.threads = threads;
  options.device = device == "cpu" ? Device::cpu : device == "cuda" ? Device::cuda : Device::automatic;
  return options;
}

void InputOptions::define(CLI::App& app, bool with_target) {
  app.add_option("--model", model, "ONNX image classifier")->required();
  auto* image = app.add_option("--image", images, "Image file; may be given several times");
  app.add_option("--input", array, "float32 array [N,C,H,W] (.npy), taken as it is")->excludes(image);
  if (with_target)
    app.add_option("--target", target, "predicted, a class (number or name), or one class per image: 0,2,1");
  app.add_option("--threads", threads, "Threads of ONNX Runtime; 0: all cores")->check(CLI::Range(0, 1024));
  app.add_option("--device", device, "auto, cpu or cuda")->check(CLI::IsMember({"auto", "cpu", "cuda"}));
}

std::unique_ptr<Classifier> InputOptions::open_model() const {
  return std::make_unique<Classifier>(read_file(model), model, session_options(device, threads));
}

Tensor InputOptions::open_inputs(const Classifier& c) const {
  if (images.empty() && array.empty()) throw Error("no input is given", "", "give --image FILE or --input ARRAY.npy");
  if (!array.empty()) return open_array(array, c);
  std::vector<Tensor> parts;
  for (const std::string& file : images) parts.push_back(open_image(file, c));
  return concatenate(parts);
}

std::string array_or_picture(const std::string& path) {
  for (const char* ending : {".npy", ".png"})
    if (path.size() > 4 && path.compare(path.size() - 4, 4, ending) == 0) return ending;
  throw Error("the output's name must end in .npy or .png", path);
}

PictureSource picture_files(const Classifier& classifier) {
  return [&classifier](const std::string& file) {
    const bool is_array = file.size() > 4 && file.compare(file.size() - 4, 4, ".npy") == 0;
    return is_array ? open_array(file, classifier) : open_image(file, classifier);
  };
}

}  // namespace ks::cli

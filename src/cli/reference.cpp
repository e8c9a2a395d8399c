#include "study/reference.h"

#include <filesystem>
#include <memory>

#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/places.h"
#include "tensor/file.h"

namespace ks::cli {

namespace {

constexpr const char* model_name = "pink-fusarium";
constexpr uint64_t kernel_seed = 2000022;  // wheat-3 of the built-in study

}  // namespace

Action reference(CLI::App& app) {
  struct Options {
    std::string output;
    int threads = 0;
  };
  auto o = std::make_shared<Options>();
  app.add_option("--output", o->output, "Folder of the site; its index.html is where to begin")->required();
  app.add_option("--threads", o->threads, "Threads of ONNX Runtime; 0: all cores")->check(CLI::Range(0, 1024));
  return [o](Context& context) {
    const std::string bytes = local_loader(".")("model", {.text = model_name});
    Classifier classifier(bytes, model_name, session_options("cpu", o->threads));
    std::vector<RenderedKernel> others;
    for (uint64_t k = 1; k <= 5; ++k)
      others.push_back(render_kernel({.defect = k % 2 ? Defect::none : Defect::pink_fusarium,
                                      .seed = kernel_seed + k,
                                      .size = classifier.width()}));
    const ReferenceSubject subject{
        .classifier = classifier,
        .kernel = render_kernel({.defect = Defect::pink_fusarium, .seed = kernel_seed, .size = classifier.width()}),
        .others = std::move(others),
        .what = "a generated wheat kernel with pink Fusarium mould",
        .model = std::string("models/") + model_name + ".onnx"};
    const std::vector<SiteFile> files =
        reference_site(subject, "kernelscope " KERNELSCOPE_VERSION, context.progress("explaining the kernel"));
    const std::filesystem::path folder = o->output;
    for (const SiteFile& file : files) write_file(folder / file.path, file.bytes);
    if (context.json) context.print({{"output", folder.string()}, {"files", files.size()}});
    context.say("the reference is " + (folder / "index.html").string());
  };
}

}  // namespace ks::cli

#include <memory>

#include "cli/command.h"
#include "cli/inputs.h"
#include "segment/segments.h"
#include "tensor/file.h"
#include "tensor/npy.h"

namespace ks::cli {

Action segment(CLI::App& app) {
  struct Options {
    std::string image, segmentation, output;
    std::vector<std::string> parameters;
  };
  auto o = std::make_shared<Options>();
  app.add_option("--image", o->image, "Image file")->required();
  app.add_option("--segmentation", o->segmentation, "See `kernelscope list segmentations`")->required();
  app.add_option("--param", o->parameters, "NAME=VALUE of the segmentation; may be given several times");
  app.add_option("--output", o->output, ".png: the borders over the picture; .npy: labels [H,W]")->required();
  return [o](Context& context) {
    const std::string ending = array_or_picture(o->output);
    segmentations().at(o->segmentation);  // before the picture is read
    Image picture = load_image(o->image);
    const Segments segments = ks::segment(o->segmentation, parse_pairs(o->parameters), picture);
    if (ending == ".npy") {
      save_npy(o->output, Tensor({segments.height, segments.width},
                                 std::vector<float>(segments.labels.begin(), segments.labels.end())));
    } else {
      draw_borders(picture, segments);
      write_file(o->output, encode_png(picture));
    }
    context.say(std::to_string(segments.count) + " segments");
    if (context.json)
      context.print({{"segmentation", o->segmentation},
                     {"segments", segments.count},
                     {"width", segments.width},
                     {"height", segments.height},
                     {"output", o->output}});
  };
}

}  // namespace ks::cli

#include <cstdio>
#include <iostream>
#include <memory>

#include "cli/command.h"
#include "tensor/error.h"

namespace ks::cli {

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"annotate", "Draw rough annotations as people do, from exact masks", annotate},
      {"bench", "Measure the cost of methods in forward passes", bench},
      {"explain", "Explain a model's decision on images", explain},
      {"export-explainer", "Write an explanation method as an ONNX model that runs anywhere", export_explainer},
      {"generate", "Render kernels, healthy or damaged, with exact masks", generate},
      {"inspect", "Say what a model is and which methods can explain it", inspect},
      {"layers", "Relevance or gradient at every layer of a model, with what each layer loses", layers},
      {"list", "List the methods, metrics and other registries", list},
      {"measure", "Measure the quality of attributions with one metric", measure},
      {"merge", "Make the report of a study that was run in shards", merge},
      {"plant", "Paint damage onto photographs of real kernels, with exact masks", plant},
      {"predict", "Classify images, or score a model on a data set", predict},
      {"rank", "Order methods by the scores of a study", rank},
      {"reference", "Write the reference of methods and metrics as a small site", reference},
      {"run", "Run a study: explain, measure, rank, report", run},
      {"segment", "Cut a picture into segments and draw their borders", segment},
      {"study", "Make and read links of studies, check them, print their schema", study},
      {"train", "Train a classifier on a data set", train},
  };
  return table;
}

ks::Progress Context::progress(const std::string& label) const {
  auto bar = std::make_shared<ProgressBar>(label, quiet);
  return [bar](double fraction) { bar->update(fraction); };
}

void Context::say(const std::string& remark) const {
  if (!quiet && !json) std::fprintf(stderr, "%s\n", remark.c_str());
}

void Context::print(const ks::json& value) const {
  std::cout << value.dump(2, ' ', false, ks::json::error_handler_t::replace) << "\n";
}

ks::json parse_pairs(const std::vector<std::string>& pairs) {
  ks::json out = ks::json::object();
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw Error("'" + pair + "' is no NAME=VALUE", "--param", "write for example --param samples=256");
    out[pair.substr(0, equals)] = parse_parameter(pair.substr(equals + 1));
  }
  return out;
}

}  // namespace ks::cli

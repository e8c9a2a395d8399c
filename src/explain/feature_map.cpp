#include "explain/feature_map.h"

#include <algorithm>

#include "backward/attribution.h"
#include "backward/cam.h"
#include "graph/shapes.h"
#include "tensor/error.h"

namespace ks {

std::string near_tensors(const std::string& asked, const std::vector<std::string>& known) {
  constexpr size_t most = 5;
  std::vector<std::string> near;
  for (const std::string& name : known)
    if (!asked.empty() && near.size() < most && name.find(asked) != std::string::npos) near.push_back(name);
  const std::string nearest = nearest_name(asked, known);
  if (near.empty() && !nearest.empty()) near.push_back(nearest);
  for (size_t i = known.size(); i-- > 0 && near.size() < most;)
    if (std::find(near.begin(), near.end(), known[i]) == near.end()) near.push_back(known[i]);
  std::string out;
  for (const std::string& name : near) out += (out.empty() ? "'" : ", '") + name + "'";
  return out;
}

std::vector<Parameter> feature_map_parameters() {
  return {{"layer", ParameterType::text, "last-conv",
           "Feature map: the ONNX name of a tensor, or last-conv: the last one before global pooling or flatten"},
          {"tensor", ParameterType::text, "", "The tensor's ONNX name, where it is to go before `layer`"}};
}

std::string feature_map(const Classifier& c, const Params& params) {
  const graph::Shapes shapes = graph::infer_shapes(c.model(), c.input_shape(), c.where());
  std::string name = params.text("tensor");
  if (name.empty()) name = params.text("layer");
  if (name == "last-conv") {
    name = backward::last_feature_map(c.model(), shapes);
    if (name.empty())
      throw Error("the network has no feature map: nothing with positions comes before its logits", c.where(),
                  "name one with the parameter 'layer'");
    return name;
  }
  const std::set<std::string> last = backward::channels_last(c.model());
  std::vector<std::string> known;
  for (const graph::Node& node : c.model().nodes)
    for (const std::string& output : node.outputs) {
      const auto it = shapes.find(output);
      if (it != shapes.end() && it->second.size() == 4 && it->second[0] == -1 && !last.count(output))
        known.push_back(output);
    }
  if (std::find(known.begin(), known.end(), name) != known.end()) return name;
  const bool exists = shapes.count(name) > 0;
  throw Error((exists ? "tensor '" + name + "' " + to_string(shapes.at(name)) + " is no feature map"
                      : "the network has no tensor '" + name + "'"),
              c.where(), "feature maps are for example " + near_tensors(name, known));
}

}  // namespace ks

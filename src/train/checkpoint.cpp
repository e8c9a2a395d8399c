#include "tensor/error.h"
#include "train/trainer.h"

namespace ks::train {

namespace {

constexpr int format_version = 1;
constexpr const char* header = "kernelscope.checkpoint";

json describe(const EpochRecord& r) {
  return {{"epoch", r.epoch},
          {"loss", r.loss},
          {"accuracy", r.accuracy},
          {"validation_loss", r.validation_loss},
          {"validation_accuracy", r.validation_accuracy},
          {"rate", r.rate}};
}

EpochRecord read_record(const json& j) {
  return {j.at("epoch"), j.at("loss"), j.at("accuracy"), j.at("validation_loss"), j.at("validation_accuracy"),
          j.at("rate")};
}

/// Path of the first value that differs: "optimizer/momentum".
std::string first_difference(const json& a, const json& b, const std::string& path = "") {
  if (a == b) return "";
  if (!a.is_object() || !b.is_object()) return path;
  for (const auto& [key, value] : a.items()) {
    const std::string inner = path.empty() ? key : path + "/" + key;
    if (!b.contains(key)) return inner;
    const std::string found = first_difference(value, b.at(key), inner);
    if (!found.empty()) return found;
  }
  return path;
}

}  // namespace

// The container is an ONNX file: tensors with names, and a JSON header as metadata. Its graph only hands out the
// parameters, because a file without nodes counts as damaged.

std::string write_checkpoint(const TrainingState& state, const json& identity) {
  graph::Model file;
  file.name = "grainnet checkpoint";
  const auto put = [&](const char* name, const Tensor& tensor) { file.initializers[name] = graph::Array::of(tensor); };
  put("parameters", state.weights.parameters);
  put("statistics", state.weights.statistics);
  put("optimizer", state.optimizer);
  if (state.best_epoch > 0) {
    put("best/parameters", state.best.parameters);
    put("best/statistics", state.best.statistics);
  }
  file.outputs = {{"out", graph::Type::f32, {{state.weights.parameters.size(), ""}}}};
  file.nodes = {{"Identity", {"parameters"}, {"out"}, {}, "out", ""}};
  json history = json::array();
  for (const EpochRecord& r : state.history) history.push_back(describe(r));
  file.metadata[header] =
      json(
          {{"version", format_version}, {"identity", identity}, {"history", history}, {"best_epoch", state.best_epoch}})
          .dump();
  return graph::write(file);
}

TrainingState read_checkpoint(const std::string& bytes, const json& identity, const std::string& where) {
  const graph::Model file = graph::read(bytes, where);
  const auto it = file.metadata.find(header);
  const json j = it == file.metadata.end() ? json() : json::parse(it->second, nullptr, false);
  if (!j.is_object() || j.value("version", 0) != format_version)
    throw Error("is no checkpoint of this version of kernelscope", where, "train without --resume");
  const std::string difference = first_difference(identity, j.at("identity"));
  if (identity != j.at("identity"))
    throw Error(
        "belongs to a training that differs in " + (difference.empty() ? "its settings" : "'" + difference + "'"),
        where, "resume with the same options and data, or train into another folder");
  TrainingState state;
  const auto get = [&](const char* name, Tensor& tensor) {
    const graph::Array* array = file.constant(name);
    if (!array) throw Error(std::string("the checkpoint lacks ") + name, where, "train without --resume");
    tensor = array->to_tensor();
  };
  get("parameters", state.weights.parameters);
  get("statistics", state.weights.statistics);
  get("optimizer", state.optimizer);
  for (const json& r : j.at("history")) state.history.push_back(read_record(r));
  state.best_epoch = j.at("best_epoch");
  if (state.best_epoch > 0) {
    get("best/parameters", state.best.parameters);
    get("best/statistics", state.best.statistics);
  }
  return state;
}

}  // namespace ks::train

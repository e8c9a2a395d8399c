#include "explain/cut.h"

#include <array>

#include "tensor/error.h"

namespace ks {

namespace {

/// The segmentation's parameters: `segments` and `compactness` where it has them, then what `segmentation_params` says.
json own_parameters(const Params& p, const Segmentation& segmentation, int width, int height) {
  const json& given = p.value("segmentation_params");
  if (!given.is_object())
    throw Error("'segmentation_params' is " + given.dump(), "",
                "give an object of the parameters of " + segmentation.name + ", for example {\"" +
                    segmentation.parameters.at(0).name + "\":" + segmentation.parameters.at(0).default_value.dump() +
                    "}");
  json out = json::object();
  const int wanted = p.integer("segments");
  if (segmentation.name == "grid") {
    const auto [rows, columns] = even_grid(width, height, wanted);
    out = {{"rows", rows}, {"columns", columns}};
  }
  for (const Parameter& q : segmentation.parameters)
    if (q.name == "segments" || q.name == "markers") out[q.name] = wanted;
  if (segmentation.name == "slic" && p.has("compactness")) out["compactness"] = p.number("compactness");
  out.update(given);
  return out;
}

std::array<int, 2> rows_and_columns(const json& cells, int height, int width) {
  const std::string hint =
      "give [rows,columns], at most [" + std::to_string(height) + "," + std::to_string(width) + "]";
  if (cells.size() != 2 || !cells[0].is_number_integer() || !cells[1].is_number_integer())
    throw Error("'grid_cells' is " + cells.dump(), "", hint);
  const int64_t rows = cells[0].get<int64_t>(), columns = cells[1].get<int64_t>();
  if (rows < 1 || columns < 1 || rows > height || columns > width)
    throw Error("'grid_cells' is " + cells.dump(), "", hint);
  return {static_cast<int>(rows), static_cast<int>(columns)};
}

}  // namespace

std::vector<Parameter> cut_parameters(const std::string& usual, int segments) {
  using enum ParameterType;
  return {
      {"segmentation", choice, usual, "How the image is cut", {}, {}, "", segmentations().names()},
      {"segments", integer, segments, "Segments wanted; felzenszwalb and quickshift find their number themselves", 2,
       1024, "segments"},
      {"segmentation_params", value, json::object(),
       "The segmentation's own parameters, as {\"name\":value}; see `kernelscope list segmentations`"},
  };
}

Parameter grid_parameter() {
  return {
      "grid", ParameterType::integer, 0, "Instead of a segmentation: squares of this side; 0: by segmentation", 0, 4096,
      "px"};
}

Parameter grid_cells_parameter() {
  return {"grid_cells", ParameterType::list, json::array(),
          "Instead of a segmentation: [rows,columns] of equal cells; []: by segmentation"};
}

Segments cut(const ExplainRequest& r, int64_t sample, const Params& p) {
  const int width = r.classifier.width(), height = r.classifier.height();
  if (p.has("grid") && p.integer("grid") > 0) return square_segments(width, height, p.integer("grid"));
  if (p.has("grid_cells") && !p.value("grid_cells").empty()) {
    const auto [rows, columns] = rows_and_columns(p.value("grid_cells"), height, width);
    return grid_segments(width, height, rows, columns);
  }
  const Segmentation& segmentation = segmentations().at(p.text("segmentation"));
  const Params own = check_parameters(segmentation, own_parameters(p, segmentation, width, height));
  std::pair<Fingerprint, std::string> key;
  if (r.segments) {
    key = {fingerprint(r.inputs.sample(sample), r.inputs.stride()), segmentation.name + own.all().dump()};
    if (const Segments* known = r.segments->find(key)) return *known;
  }
  Segments made = segmentation.segment(tensor_to_image(r.inputs, sample, r.classifier.preprocessing()), own);
  if (r.segments) r.segments->keep(key, made, made.labels.size() * sizeof(int32_t));
  return made;
}

void spread(const std::vector<double>& values, const Segments& segments, Tensor& out, int64_t n) {
  const size_t plane = segments.labels.size();
  for (size_t begin = 0; begin < static_cast<size_t>(out.stride()); begin += plane)
    for (size_t i = 0; i < plane; ++i)
      out.sample(n)[begin + i] = static_cast<float>(values[static_cast<size_t>(segments.labels[i])]);
}

}  // namespace ks

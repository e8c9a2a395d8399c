#include "op_layers.h"

#include <doctest/doctest.h>

#include <exception>
#include <limits>

namespace ks::test {

namespace {

using Ints = std::vector<int64_t>;
using Attributes = graph::Builder::Attributes;

std::string list(Network& n, const Ints& values) {
  return n.builder.ints(values);
}
std::string floats(Network& n, const Shape& shape, const std::vector<float>& values) {
  return n.builder.constant(graph::Array::floats(shape, values));
}
std::string scalar_int(Network& n, int64_t v) {
  return n.builder.constant(graph::Array::ints({}, {v}));
}

void add_one_input(std::vector<OpLayer>& out) {
  const auto plain = [&](const char* op, float gap = 0.02f, Attributes a = {}) {
    out.push_back({op, [op, a](Network& n) { n.add(op, {}, a); }, gap});
  };
  for (const char* op : {"Relu", "LeakyRelu", "Elu", "Selu", "Celu", "Erf", "Sigmoid", "Tanh", "Softplus", "Exp", "Neg",
                         "Abs", "Identity", "GlobalAveragePool", "GlobalMaxPool", "Dropout", "LogSoftmax", "Softmax"})
    plain(op);
  plain("HardSigmoid", 0.17f);
  plain("HardSwish", 0.17f);
  plain("LeakyRelu", 0.02f, {{"alpha", 0.3f}});
  plain("Elu", 0.02f, {{"alpha", 0.7f}});
  plain("Celu", 0.02f, {{"alpha", 0.4f}});
  plain("Selu", 0.02f, {{"alpha", 1.3f}, {"gamma", 1.1f}});
  plain("HardSigmoid", 0.17f, {{"alpha", 1.0f / 6}, {"beta", 0.5f}});
  for (int64_t axis : {1, 2, 3, -1}) {
    plain("Softmax", 0.02f, {{"axis", axis}});
    plain("LogSoftmax", 0.02f, {{"axis", axis}});
  }
  const auto positive = [&](const char* op) {
    out.push_back({op, [op](Network& n) {
                     n.add("Add", {n.builder.scalar(2.5f)});
                     n.add(op);
                   }});
  };
  for (const char* op : {"Log", "Sqrt", "Reciprocal"}) positive(op);
  plain("LRN", 0.05f, {{"size", int64_t{3}}, {"alpha", 0.9f}, {"beta", 0.6f}, {"bias", 1.5f}});
  out.push_back({"LRN over many channels", [](Network& n) {
                   n.convolution(8, 1, 1, true);
                   n.add("LRN", {}, {{"size", int64_t{5}}, {"alpha", 0.5f}});
                 }});
}

void add_operands(std::vector<OpLayer>& out) {
  out.push_back({"PRelu", [](Network& n) { n.add("PRelu", {n.constant({3, 1, 1})}); }});
  out.push_back(
      {"PRelu of a computed slope", [](Network& n) { n.add("PRelu", {n.builder.add("GlobalAveragePool", {n.top})}); }});
  out.push_back({"Clip", [](Network& n) { n.add("Clip", {n.builder.scalar(-0.11f), n.builder.scalar(0.31f)}); }});
  out.push_back({"Clip without a minimum", [](Network& n) { n.add("Clip", {"", n.builder.scalar(0.31f)}); }});
  out.push_back({"Clip without a maximum", [](Network& n) { n.add("Clip", {n.builder.scalar(-0.11f)}); }});
  out.push_back({"Pow 2", [](Network& n) { n.add("Pow", {n.builder.scalar(2)}); }});
  out.push_back({"Pow 3", [](Network& n) { n.add("Pow", {n.builder.scalar(3)}); }});
  out.push_back({"Pow of several exponents", [](Network& n) {
                   n.add("Add", {n.builder.scalar(2)});
                   n.add("Pow", {floats(n, {3, 1, 1}, {0.5f, 1.5f, -1})});
                 }});
  for (const char* op : {"Add", "Sub", "Mul", "Div"}) {
    out.push_back({std::string(op) + " a row", [op](Network& n) {
                     n.add(op, {floats(n, {3, 1, 5}, {1, 2, -1, 0.5f, 3, 2, 1, -2, -3, 1, 1.5f, 2, 0.7f, 1, 1})});
                   }});
    out.push_back({std::string("row ") + op + " maps", [op](Network& n) {
                     n.add("Add", {n.builder.scalar(3)});
                     n.top = n.builder.add(op, {n.constant({1, 3, 1, 5}), n.top});
                   }});
    out.push_back({std::string(op) + " two computed", [op](Network& n) {
                     const std::string mean = n.builder.add("GlobalAveragePool", {n.builder.add("Exp", {n.top})});
                     n.add(op, {mean});
                   }});
    out.push_back({std::string(op) + " wider operand", [op](Network& n) {
                     n.add("GlobalAveragePool");
                     n.top = n.builder.add(op, {n.builder.add("Add", {n.top, n.builder.scalar(2)}),
                                                floats(n, {1, 3, 1, 2}, {1, 2, 3, -1, -2, 0.5f})});
                   }});
  }
  out.push_back({"Mul by itself", [](Network& n) { n.add("Mul", {n.top}); }});
  out.push_back({"Sum of three", [](Network& n) {
                   n.add("Sum", {n.builder.add("Tanh", {n.top}), n.constant({3, 1, 1})});
                 }});
  out.push_back({"Mean of two", [](Network& n) { n.add("Mean", {n.builder.add("Tanh", {n.top})}); }});
  out.push_back({"Max with a constant", [](Network& n) { n.add("Max", {n.builder.scalar(0.11f)}); }});
  out.push_back({"Min of three", [](Network& n) {
                   n.add("Min", {n.builder.add("Neg", {n.top}), n.builder.scalar(0.11f)});
                 }});
  out.push_back({"Where", [](Network& n) {
                   const std::string above = n.builder.add("Greater", {n.top, n.builder.scalar(0.11f)});
                   n.top = n.builder.add(
                       "Where", {above, n.builder.add("Exp", {n.top}), n.builder.add("GlobalAveragePool", {n.top})});
                 }});
  out.push_back({"SiLU as exported", [](Network& n) { n.add("Mul", {n.builder.add("Sigmoid", {n.top})}); }, 0.1f});
  out.push_back({"GELU as exported",
                 [](Network& n) {
                   const std::string scaled = n.builder.add("Div", {n.top, n.builder.scalar(1.4142135f)});
                   n.add("Mul", {n.builder.add("Add", {n.builder.add("Erf", {scaled}), n.builder.scalar(1)})});
                   n.add("Mul", {n.builder.scalar(0.5f)});
                 },
                 0.1f});
}

void add_linear(std::vector<OpLayer>& out) {
  const auto transposed = [&](const char* name, const Shape& weights, Attributes a) {
    out.push_back({std::string("ConvTranspose ") + name, [weights, a](Network& n) {
                     const auto group = a.find("group");
                     const int64_t groups = group == a.end() ? 1 : std::get<int64_t>(group->second);
                     n.add("ConvTranspose", {n.constant(weights), n.constant({weights[1] * groups})}, a);
                   }});
  };
  transposed("plain", {3, 4, 3, 2}, {});
  transposed("strided", {3, 2, 3, 3}, {{"strides", Ints{2, 3}}, {"pads", Ints{1, 0, 0, 1}}});
  transposed("output padding", {3, 2, 3, 3},
             {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}, {"output_padding", Ints{1, 1}}});
  transposed("dilated", {3, 2, 2, 3}, {{"strides", Ints{2, 1}}, {"dilations", Ints{2, 2}}});
  transposed("grouped", {3, 2, 3, 3}, {{"group", int64_t{3}}, {"strides", Ints{2, 2}}});
  transposed("same upper", {3, 2, 3, 3}, {{"auto_pad", std::string("SAME_UPPER")}, {"strides", Ints{2, 2}}});
  transposed("same lower", {3, 2, 3, 3}, {{"auto_pad", std::string("SAME_LOWER")}, {"strides", Ints{2, 2}}});
  transposed("output shape", {3, 2, 3, 3}, {{"output_shape", Ints{12, 10}}, {"strides", Ints{2, 2}}});
  for (const char* mode : {"SAME_UPPER", "SAME_LOWER", "VALID"})
    out.push_back(
        {std::string("Conv ") + mode, [mode](Network& n) {
           n.add("Conv", {n.constant({4, 3, 3, 2})}, {{"auto_pad", std::string(mode)}, {"strides", Ints{2, 1}}});
         }});
  out.push_back({"depthwise Conv", [](Network& n) {
                   n.add("Conv", {n.constant({6, 1, 3, 3})}, {{"group", int64_t{3}}, {"pads", Ints{1, 1, 1, 1}}});
                 }});
  const auto norm = [](Network& n, int64_t channels) {
    std::vector<float> variance;
    for (int64_t c = 0; c < channels; ++c) variance.push_back(0.5f + 0.3f * static_cast<float>(c));
    n.add("BatchNormalization",
          {n.constant({channels}), n.constant({channels}), n.constant({channels}), floats(n, {channels}, variance)});
  };
  out.push_back({"batch norm between transposed convolutions", [norm](Network& n) {
                   n.add("ConvTranspose", {n.constant({3, 4, 3, 3}), n.constant({4})}, {{"strides", Ints{2, 2}}});
                   norm(n, 4);
                   n.add("ConvTranspose", {n.constant({4, 1, 2, 2})}, {{"group", int64_t{2}}});
                 }});
  out.push_back({"batch norm before a convolution", [norm](Network& n) {
                   norm(n, 3);
                   n.add("Conv", {n.constant({4, 3, 3, 3}), n.constant({4})});
                 }});
  out.push_back({"batch norm before a padded convolution", [norm](Network& n) {
                   norm(n, 3);
                   n.convolution(4, 3, 1, true);
                 }});
  out.push_back({"batch norm between dense layers", [norm](Network& n) {
                   n.add("Flatten");
                   n.add("Gemm", {n.constant({90, 4}), n.constant({4})});
                   norm(n, 4);
                   n.add("Relu");
                   n.add("MatMul", {n.constant({4, 6})});
                   norm(n, 6);
                   norm(n, 6);
                 }});
  out.push_back({"bias as an addition", [](Network& n) {
                   n.add("Conv", {n.constant({4, 3, 3, 3})});
                   n.add("Add", {n.constant({1, 4, 1, 1})});
                 }});
  out.push_back({"MatMul and Add of rows", [](Network& n) {
                   n.add("MatMul", {n.constant({5, 4})});
                   n.add("Add", {n.constant({4})});
                 }});
  out.push_back({"MatMul, constant on the left", [](Network& n) {
                   n.top = n.builder.add("MatMul", {n.constant({4, 6}), n.top});
                 }});
  out.push_back({"MatMul of a batch of constants", [](Network& n) { n.add("MatMul", {n.constant({3, 5, 2})}); }});
  out.push_back({"MatMul of two computed", [](Network& n) {
                   const std::string other =
                       n.builder.add("Transpose", {n.builder.add("Tanh", {n.top})}, {{"perm", Ints{0, 1, 3, 2}}});
                   n.add("MatMul", {other});
                 }});
  out.push_back({"MatMul with a broadcast operand", [](Network& n) {
                   const std::string one = n.builder.add("ReduceMean", {n.top}, {{"axes", Ints{1}}});
                   n.add("MatMul", {n.builder.add("Transpose", {one}, {{"perm", Ints{0, 1, 3, 2}}})});
                 }});
  out.push_back({"Gemm with factors", [](Network& n) {
                   n.add("Flatten");
                   n.add("Gemm", {n.constant({90, 4}), n.constant({1, 4})}, {{"alpha", 0.5f}, {"beta", 2.0f}});
                 }});
  for (int64_t transposed : {0, 1})
    out.push_back(
        {"Gemm with a computed addend, transB " + std::to_string(transposed), [transposed](Network& n) {
           n.add("ReduceMean", {}, {{"axes", Ints{2, 3}}, {"keepdims", int64_t{0}}});
           const std::string addend = n.builder.add("Tanh", {n.builder.add("MatMul", {n.top, n.constant({3, 1})})});
           n.add("Gemm", {n.constant(transposed ? Shape{2, 3} : Shape{3, 2}), addend},
                 {{"alpha", 0.7f}, {"beta", 1.3f}, {"transB", transposed}});
         }});
}

void add_pooling(std::vector<OpLayer>& out) {
  for (int64_t ceil : {0, 1})
    for (int64_t include : {0, 1})
      out.push_back({"AveragePool ceil " + std::to_string(ceil) + " include " + std::to_string(include),
                     [ceil, include](Network& n) {
                       n.add("AveragePool", {},
                             {{"kernel_shape", Ints{3, 2}},
                              {"strides", Ints{2, 2}},
                              {"pads", Ints{1, 0, 1, 1}},
                              {"ceil_mode", ceil},
                              {"count_include_pad", include}});
                     }});
  out.push_back({"AveragePool ceil with an overhang", [](Network& n) {
                   n.add("AveragePool", {},
                         {{"kernel_shape", Ints{3, 3}},
                          {"strides", Ints{2, 2}},
                          {"ceil_mode", int64_t{1}},
                          {"count_include_pad", int64_t{1}}});
                 }});
  for (const char* op : {"MaxPool", "AveragePool"})
    for (const char* mode : {"SAME_UPPER", "SAME_LOWER", "VALID"})
      out.push_back(
          {std::string(op) + " " + mode, [op, mode](Network& n) {
             n.add(op, {}, {{"kernel_shape", Ints{3, 2}}, {"strides", Ints{2, 1}}, {"auto_pad", std::string(mode)}});
           }});
  out.push_back(
      {"MaxPool dilated", [](Network& n) {
         n.add("MaxPool", {}, {{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{2, 3}}, {"pads", Ints{1, 0, 0, 1}}});
       }});
  out.push_back({"MaxPool by columns", [](Network& n) {
                   n.add("MaxPool", {}, {{"kernel_shape", Ints{2, 2}}, {"storage_order", int64_t{1}}});
                 }});
  for (const char* op : {"ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceL1", "ReduceSumSquare"})
    for (int64_t keep : {0, 1})
      out.push_back({std::string(op) + " keep " + std::to_string(keep), [op, keep](Network& n) {
                       n.add(op, {}, {{"axes", Ints{1, -1}}, {"keepdims", keep}});
                     }});
  out.push_back({"ReduceSum", [](Network& n) { n.add("ReduceSum", {list(n, {2})}, {{"keepdims", int64_t{0}}}); }});
}

void add_layout(std::vector<OpLayer>& out) {
  out.push_back({"Flatten", [](Network& n) { n.add("Flatten"); }});
  out.push_back({"Reshape", [](Network& n) { n.add("Reshape", {list(n, {0, 2, -1, 3})}); }});
  out.push_back({"Reshape by -1", [](Network& n) { n.add("Reshape", {list(n, {-1, 90})}); }});
  out.push_back({"Transpose", [](Network& n) { n.add("Transpose", {}, {{"perm", Ints{0, 2, 3, 1}}}); }});
  out.push_back({"Squeeze and Unsqueeze", [](Network& n) {
                   n.add("GlobalAveragePool");
                   n.add("Squeeze", {list(n, {2, -1})});
                   n.add("Unsqueeze", {list(n, {1, 3})});
                 }});
  out.push_back({"Expand", [](Network& n) {
                   n.add("GlobalAveragePool");
                   n.add("Expand", {list(n, {1, 3, 4, 1})});
                 }});
  out.push_back({"Tile", [](Network& n) { n.add("Tile", {list(n, {1, 2, 1, 3})}); }});
  out.push_back({"Concat", [](Network& n) {
                   n.add("Concat", {n.builder.add("Tanh", {n.top}), n.top}, {{"axis", int64_t{-2}}});
                 }});
  const auto split = [&](const char* name, const Ints& sizes,
                         std::function<void(Network&, const std::vector<std::string>&)> use) {
    out.push_back({std::string("Split ") + name, [sizes, use](Network& n) {
                     use(n, n.builder.add_many("Split", {n.top, list(n, sizes)}, sizes.size(), {{"axis", int64_t{2}}}));
                   }});
  };
  split("all parts used", {1, 2, 3}, [](Network& n, const std::vector<std::string>& p) {
    n.top = n.builder.add("Concat", {n.builder.add("Tanh", {p[2]}), p[0], n.builder.add("Exp", {p[1]})},
                          {{"axis", int64_t{2}}});
  });
  split("first part unused", {1, 2, 3}, [](Network& n, const std::vector<std::string>& p) {
    n.top = n.builder.add("Concat", {n.builder.add("Tanh", {p[2]}), p[2]}, {{"axis", int64_t{2}}});
  });
  split("halves gate each other", {3, 3}, [](Network& n, const std::vector<std::string>& p) {
    n.top = n.builder.add("Mul", {p[0], n.builder.add("Sigmoid", {p[1]})});
  });
  out.push_back({"Split without sizes", [](Network& n) {
                   const auto p = n.builder.add_many("Split", {n.top}, 3, {{"axis", int64_t{1}}});
                   n.top = n.builder.add("Sub", {p[0], p[2]});
                 }});
  const auto slice = [&](const char* name, const Ints& starts, const Ints& ends, const Ints& axes, const Ints& steps) {
    out.push_back({std::string("Slice ") + name, [=](Network& n) {
                     n.add("Slice", {list(n, starts), list(n, ends), list(n, axes), list(n, steps)});
                   }});
  };
  slice("of two axes", {1, -3}, {1000, -1}, {2, 3}, {1, 1});
  slice("in steps", {0, 1}, {6, 5}, {-2, 3}, {2, 3});
  slice("backwards", {-1, 4}, {std::numeric_limits<int64_t>::min(), 0}, {2, 3}, {-1, -2});
  out.push_back({"Gather one", [](Network& n) { n.add("Gather", {scalar_int(n, -2)}, {{"axis", int64_t{2}}}); }});
  out.push_back({"Gather a run", [](Network& n) { n.add("Gather", {list(n, {1, 2, 3})}, {{"axis", int64_t{3}}}); }});
  out.push_back({"Gather with repeats", [](Network& n) {
                   n.add("Gather", {list(n, {2, 0, 2, 1})}, {{"axis", int64_t{1}}});
                 }});
  out.push_back(
      {"Gather a table", [](Network& n) {
         n.add("Gather", {n.builder.constant(graph::Array::ints({2, 2}, {4, 0, 1, 4}))}, {{"axis", int64_t{3}}});
       }});
  for (const char* mode : {"constant", "reflect", "edge"})
    out.push_back(
        {std::string("Pad ") + mode, [mode](Network& n) {
           n.add("Pad", {list(n, {0, 0, 2, 1, 0, 0, 1, 3}), n.builder.scalar(0.4f)}, {{"mode", std::string(mode)}});
         }});
  out.push_back({"Pad that cuts", [](Network& n) { n.add("Pad", {list(n, {0, 1, -1, 0, 0, 0, 2, -2})}); }});
  const auto resize = [&](const std::string& mode, const char* coordinates, const char* nearest,
                          std::vector<float> scales) {
    out.push_back(
        {"Resize " + mode + " " + coordinates + " " + nearest + " by " + std::to_string(scales[2]), [=](Network& n) {
           Attributes a = {{"mode", mode}, {"coordinate_transformation_mode", std::string(coordinates)}};
           if (mode == "nearest") a["nearest_mode"] = std::string(nearest);
           n.add("Resize", {"", floats(n, {4}, scales)}, a);
         }});
  };
  resize("nearest", "asymmetric", "floor", {1, 1, 2, 2});
  resize("nearest", "asymmetric", "ceil", {1, 1, 1.5f, 0.7f});
  resize("nearest", "half_pixel", "round_prefer_floor", {1, 1, 2, 3});
  resize("nearest", "half_pixel", "round_prefer_ceil", {1, 1, 0.5f, 1});
  resize("linear", "half_pixel", "", {1, 1, 2, 2});
  resize("linear", "pytorch_half_pixel", "", {1, 1, 1.7f, 0.6f});
  resize("linear", "align_corners", "", {1, 1, 2.5f, 2});
  resize("linear", "asymmetric", "", {1, 1, 0.5f, 3});
  resize("cubic", "half_pixel", "", {1, 1, 2, 1.6f});
  out.push_back({"Resize to sizes as exported", [](Network& n) {
                   const std::string shape = n.builder.add("Shape", {n.top}, {{"end", int64_t{2}}});
                   const std::string sizes = n.builder.add("Concat", {shape, list(n, {13, 8})}, {{"axis", int64_t{0}}});
                   n.add("Resize", {"", "", sizes}, {{"mode", std::string("linear")}});
                 }});
}

void add_normalisation(std::vector<OpLayer>& out) {
  out.push_back({"BatchNormalization", [](Network& n) {
                   n.add("BatchNormalization",
                         {n.constant({3}), n.constant({3}), n.constant({3}), floats(n, {3}, {0.5f, 1.5f, 2})},
                         {{"epsilon", 0.01f}});
                 }});
  out.push_back({"InstanceNormalization",
                 [](Network& n) {
                   n.add("InstanceNormalization", {n.constant({3}), n.constant({3})});
                 },
                 0.05f});
  out.push_back({"GroupNormalization as exported",
                 [](Network& n) {
                   n.convolution(4, 1, 1, true);
                   const std::string shape = n.builder.add("Shape", {n.top});
                   n.add("Reshape", {list(n, {0, 2, -1})});
                   n.add("InstanceNormalization", {floats(n, {2}, {1, 1}), floats(n, {2}, {0, 0})});
                   n.add("Reshape", {shape});
                   n.add("Mul", {n.constant({4, 1, 1})});
                   n.add("Add", {n.constant({4, 1, 1})});
                 },
                 0.05f});
  out.push_back({"LayerNormalization",
                 [](Network& n) {
                   n.add("LayerNormalization", {n.constant({5}), n.constant({5})});
                 },
                 0.05f});
  out.push_back({"LayerNormalization over three axes",
                 [](Network& n) {
                   n.add("LayerNormalization", {n.constant({3, 6, 5})}, {{"axis", int64_t{1}}});
                 },
                 0.05f});
  out.push_back({"layer norm as exported before opset 17",
                 [](Network& n) {
                   n.add("Transpose", {}, {{"perm", Ints{0, 2, 3, 1}}});
                   const Attributes last = {{"axes", Ints{-1}}};
                   n.add("Sub", {n.builder.add("ReduceMean", {n.top}, last)});
                   const std::string variance =
                       n.builder.add("ReduceMean", {n.builder.add("Pow", {n.top, n.builder.scalar(2)})}, last);
                   n.add("Div", {n.builder.add("Sqrt", {n.builder.add("Add", {variance, n.builder.scalar(0.01f)})})});
                   n.add("Mul", {n.constant({3})});
                 },
                 0.05f});
}

/// What opsets after 17 added or say in another way.
void add_new_forms(std::vector<OpLayer>& out) {
  const auto at = [&](const char* name, int64_t opset, std::function<void(Network&)> build, float gap = 0.02f) {
    out.push_back({std::string(name) + " of opset " + std::to_string(opset), std::move(build), gap, opset});
  };
  for (const char* op : {"ReduceMean", "ReduceMax", "ReduceL2"})
    at(op, 18, [op](Network& n) { n.add(op, {list(n, {1, -1})}, {{"keepdims", int64_t{0}}}); });
  at("Split", 18, [](Network& n) {
    const auto p = n.builder.add_many("Split", {n.top}, 2, {{"axis", int64_t{3}}, {"num_outputs", int64_t{2}}});
    n.top = n.builder.add("Concat", {p[1], n.builder.add("Tanh", {p[0]})}, {{"axis", int64_t{3}}});
  });
  at("Pad", 18, [](Network& n) {
    n.add("Pad", {list(n, {1, 2, 0, 1}), "", list(n, {-1, 2})}, {{"mode", std::string("edge")}});
  });
  at("Resize", 18, [](Network& n) {
    n.add("Resize", {"", floats(n, {2}, {2, 1.5f})},
          {{"mode", std::string("linear")},
           {"axes", Ints{2, 3}},
           {"antialias", int64_t{0}},
           {"keep_aspect_ratio_policy", std::string("stretch")}});
  });
  at("Resize to sizes", 19, [](Network& n) {
    n.add("Resize", {"", "", list(n, {9, 7})}, {{"axes", Ints{2, 3}}, {"mode", std::string("nearest")}});
  });
  at("AveragePool", 19, [](Network& n) {
    n.add("AveragePool", {}, {{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{1, 1}}});
  });
  at("AveragePool dilated", 19, [](Network& n) {
    n.add("AveragePool", {}, {{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{2, 2}}});
    n.add("ReduceMean", {list(n, {1})});
  });
  at(
      "Mish", 18, [](Network& n) { n.add("Mish"); }, 0.1f);
  for (const char* kind : {"none", "tanh"})
    at((std::string("Gelu ") + kind).c_str(), 20,
       [kind](Network& n) {
         n.add("Gelu", {}, {{"approximate", std::string(kind)}});
       },
       0.1f);
  at(
      "GroupNormalization", 21,
      [](Network& n) {
        n.convolution(4, 1, 1, true);
        n.add("GroupNormalization", {n.constant({4}), n.constant({4})}, {{"num_groups", int64_t{2}}});
      },
      0.05f);
  at(
      "HardSwish", 22, [](Network& n) { n.add("HardSwish"); }, 0.17f);
  at("Selu", 22, [](Network& n) { n.add("Selu"); });
  at(
      "LayerNormalization", 22,
      [](Network& n) {
        n.add("LayerNormalization", {n.constant({5}), n.constant({5})});
      },
      0.05f);
}

}  // namespace

std::vector<OpLayer> op_layers() {
  std::vector<OpLayer> out;
  add_one_input(out);
  add_operands(out);
  add_linear(out);
  add_pooling(out);
  add_layout(out);
  add_normalisation(out);
  add_new_forms(out);
  return out;
}

void for_each_op_layer(const std::function<void(const OpLayer&, Network&)>& check) {
  uint64_t seed = 500;
  for (const OpLayer& layer : op_layers()) {
    CAPTURE(layer.name);
    try {
      Network net = op_network(++seed);
      net.model.opset = layer.opset;
      layer.build(net);
      check(layer, net);
    } catch (const std::exception& e) {
      FAIL_CHECK(std::string(e.what()));
    }
  }
}

}  // namespace ks::test

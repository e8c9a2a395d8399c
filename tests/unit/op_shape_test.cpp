#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "explain/classifier.h"
#include "op_layers.h"
#include "runtime/session.h"
#include "tensor/error.h"

namespace ks::op_shape_test {
using Ints = std::vector<int64_t>;

TEST_SUITE_BEGIN("graph");

namespace {

/// Every float tensor of the model as an output, so that ONNX Runtime says its shape.
std::vector<std::string> expose(graph::Model& model, const std::string& last) {
  std::vector<std::string> names{last};
  model.outputs = {{last, graph::Type::f32, {}}};
  for (const graph::Node& node : model.nodes) {
    static const std::set<std::string> not_float = {"Shape", "Greater", "Concat"};
    for (const std::string& output : node.outputs)
      if (output != last && !not_float.count(node.op)) names.push_back(output);
  }
  for (size_t i = 1; i < names.size(); ++i) model.outputs.push_back({names[i], graph::Type::f32, {}});
  return names;
}

Tensor input_for(uint64_t seed, Shape shape, int64_t batch) {
  Random random(seed);
  shape[0] = batch;
  return test::random_tensor(random, shape);
}

double difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape == b.shape);
  double worst = 0;
  for (size_t i = 0; i < a.data.size(); ++i)
    worst = std::max(worst, std::fabs(static_cast<double>(a.data[i]) - b.data[i]) / (1 + std::fabs(a.data[i])));
  return worst;
}

int64_t count(const graph::Model& model, const std::string& op) {
  return std::count_if(model.nodes.begin(), model.nodes.end(), [&](const graph::Node& n) { return n.op == op; });
}

}  // namespace

TEST_CASE("inferred shapes are those ONNX Runtime computes, for every op in every form") {
  test::for_each_op_layer([](const test::OpLayer& layer, test::Network& net) {
    const std::vector<std::string> names = expose(net.model, net.top);
    const graph::Shapes inferred = graph::infer_shapes(net.model, net.input_shape, layer.name);
    Session session(graph::write(net.model), {}, layer.name);
    const Tensor x = input_for(4, net.input_shape, 2);
    const std::vector<Tensor> actual = session.run({{"input", &x}}, names);
    for (size_t i = 0; i < names.size(); ++i) {
      CAPTURE(names[i]);
      Shape shape = actual[i].shape;
      if (inferred.at(names[i]).at(0) == -1) shape.at(0) = -1;
      CHECK(inferred.at(names[i]) == shape);
    }
  });
}

TEST_CASE("simplified networks compute what the originals do, in opset 17") {
  test::for_each_op_layer([](const test::OpLayer& layer, test::Network& net) {
    const graph::Model original = net.finish(true), simple = graph::simplify(original);
    graph::check(simple, layer.name);
    CHECK(simple.opset == (layer.name == "AveragePool dilated of opset 19" ? 19 : 17));
    Session before(graph::write(original), {}, "original"), after(graph::write(simple), {}, "simplified");
    const Tensor x = input_for(4, net.input_shape, 3);
    CHECK(difference(before.run({{"input", &x}}, {"logits"})[0], after.run({{"input", &x}}, {"logits"})[0]) < 1e-4);
  });
}

TEST_CASE("shapes that an export computes become constants, and the batch stays free") {
  // x.view(n, g, c / g, h, w), as PyTorch exports a channel shuffle with a free batch.
  test::Network net(3, 4, 6, 5);
  graph::Builder& b = net.builder;
  const std::string shape = b.add("Shape", {"input"});
  const auto size = [&](int64_t axis) {
    return b.add("Gather", {shape, b.constant(graph::Array::ints({}, {axis}))}, {{"axis", int64_t{0}}});
  };
  const auto list = [&](const std::string& scalar) { return b.add("Unsqueeze", {scalar, b.ints({0})}); };
  const std::string half = b.add("Div", {size(1), b.constant(graph::Array::ints({}, {2}))});
  const std::string target =
      b.add("Concat", {list(size(0)), b.ints({2}), list(half), list(size(2)), list(size(3))}, {{"axis", int64_t{0}}});
  net.add("Reshape", {target});
  net.add("Transpose", {}, {{"perm", Ints{0, 2, 1, 3, 4}}});
  net.add("Reshape",
          {b.add("Concat", {list(size(0)), b.ints({-1}), list(size(2)), list(size(3))}, {{"axis", int64_t{0}}})});
  net.convolution(3, 3, 1, true);
  net.add("Relu");
  net.add("Reshape", {b.add("Concat", {list(size(0)), b.ints({-1})}, {{"axis", int64_t{0}}})});
  const graph::Model original = net.finish(true), simple = graph::simplify(original);
  for (const char* op : {"Shape", "Gather", "Unsqueeze", "Concat", "Div"}) CHECK(count(simple, op) == 0);
  CHECK(simple.nodes.size() == 7);
  Session before(graph::write(original), {}, "original"), after(graph::write(simple), {}, "simplified");
  for (int64_t batch : {1, 3}) {
    const Tensor x = input_for(8, net.input_shape, batch);
    CHECK(difference(before.run({{"input", &x}}, {"logits"})[0], after.run({{"input", &x}}, {"logits"})[0]) < 1e-6);
  }
}

TEST_CASE("pads that an export computes become constants") {
  // torch.nn.functional.pad in opset 11 and later: pairs from the last axis on, filled up with zeros, reversed and
  // transposed.
  test::Network net(5, 3, 6, 5);
  graph::Builder& b = net.builder;
  const std::string given = b.ints({1, 2, 0, 1});
  const std::string rest = b.add("Sub", {b.constant(graph::Array::ints({1}, {8})), b.add("Shape", {given})});
  const std::string zeros = b.add("ConstantOfShape", {rest}, {{"value", graph::Array::ints({1}, {0})}});
  const std::string pairs =
      b.add("Reshape", {b.add("Concat", {given, zeros}, {{"axis", int64_t{0}}}), b.ints({-1, 2})});
  const std::string reversed = b.add("Slice", {pairs, b.ints({-1}), b.ints({-1000}), b.ints({0}), b.ints({-1})});
  const std::string columns = b.add("Transpose", {reversed}, {{"perm", Ints{1, 0}}});
  const std::string pads = b.add("Cast", {b.add("Reshape", {columns, b.ints({-1})})}, {{"to", int64_t{7}}});
  net.add("Pad", {pads}, {{"mode", std::string("reflect")}});
  const graph::Model original = net.finish_as_is(), simple = graph::simplify(original);
  CHECK(simple.nodes.size() == 1);
  CHECK(simple.constant(simple.nodes[0].inputs[1])->to_ints() == Ints{0, 0, 0, 1, 0, 0, 1, 2});
}

TEST_CASE("old opsets are read: attributes that became inputs, Upsample, the flattening Softmax") {
  test::Network net(7, 3, 6, 5);
  net.model.opset = 9;
  net.model.ir_version = 4;
  net.add("Upsample", {net.builder.constant(graph::Array::floats({4}, {1, 1, 2, 2}))},
          {{"mode", std::string("nearest")}});
  net.add("Pad", {}, {{"pads", Ints{0, 0, 1, 0, 0, 0, 0, 2}}, {"value", 0.5f}});
  net.add("Slice", {}, {{"starts", Ints{1}}, {"ends", Ints{9}}, {"axes", Ints{2}}});
  net.add("Clip", {}, {{"min", -0.5f}, {"max", 1.5f}});
  net.add("Softmax", {}, {{"axis", int64_t{1}}});
  const auto parts = net.builder.add_many("Split", {net.top}, 2, {{"axis", int64_t{1}}, {"split", Ints{1, 2}}});
  net.top = parts[1];
  net.add("ReduceSum", {}, {{"axes", Ints{2}}, {"keepdims", int64_t{0}}});
  net.add("Unsqueeze", {}, {{"axes", Ints{1}}});
  net.add("Squeeze", {}, {{"axes", Ints{1}}});
  graph::Model original = net.model;
  original.outputs.push_back({net.top, graph::Type::f32, {}});
  const graph::Model simple = graph::simplify(original);
  CHECK(simple.opset == 17);
  Session before(graph::write(original), {}, "original"), after(graph::write(simple), {}, "simplified");
  const Tensor x = input_for(8, net.input_shape, 2);
  CHECK(difference(before.run({{"input", &x}}, {net.top})[0], after.run({{"input", &x}}, {net.top})[0]) < 1e-6);
}

TEST_CASE("Constant nodes of every kind are constants") {
  test::Network net(9, 3, 6, 5);
  net.add("Mul", {net.builder.add("Constant", {}, {{"value_float", 2.0f}})});
  net.add("Mul", {net.builder.add("Constant", {}, {{"value_floats", std::vector<float>{1, 2, 3, 4, 5}}})});
  net.add("Reshape", {net.builder.add("Constant", {}, {{"value_ints", Ints{0, -1}}})});
  net.add("Gather", {net.builder.add("Constant", {}, {{"value_int", int64_t{4}}})}, {{"axis", int64_t{1}}});
  net.add("Add", {net.builder.add("Constant", {}, {{"value", graph::Array::floats({1}, {0.5f})}})});
  const graph::Model simple = graph::simplify(net.finish_as_is());
  CHECK(count(simple, "Constant") == 0);
  const Tensor x = input_for(8, net.input_shape, 2);
  const Tensor y = Session(graph::write(simple), {}, "s").run({{"input", &x}}, {net.top})[0];
  for (int64_t n = 0; n < 2; ++n)
    CHECK(y.data[static_cast<size_t>(n)] == doctest::Approx(x.sample(n)[4] * 2 * 5 + 0.5f));
}

TEST_CASE("batch norms and biases are merged where that is exact, and nowhere else") {
  const std::map<std::string, int64_t> left = {{"batch norm between transposed convolutions", 0},
                                               {"batch norm before a convolution", 0},
                                               {"batch norm before a padded convolution", 1},
                                               {"batch norm between dense layers", 0}};
  size_t seen = 0;
  test::for_each_op_layer([&](const test::OpLayer& layer, test::Network& net) {
    if (left.count(layer.name)) {
      ++seen;
      CHECK(count(graph::simplify(net.finish(true)), "BatchNormalization") == left.at(layer.name));
    }
    if (layer.name == "bias as an addition") {
      ++seen;
      CHECK(count(graph::simplify(net.finish(true)), "Add") == 0);
    }
  });
  CHECK(seen == left.size() + 1);
}

TEST_CASE("a batch that leaves the first axis is named") {
  test::Network net(2, 3, 6, 5);
  net.add("Transpose", {}, {{"perm", Ints{1, 0, 2, 3}}});
  net.model.nodes.back().name = "turn";
  CHECK_THROWS_WITH_AS(graph::infer_shapes(net.model, net.input_shape, "m.onnx"),
                       doctest::Contains("'turn' (Transpose) does not keep the batch"), Error);
}

TEST_SUITE_END();

}  // namespace ks::op_shape_test

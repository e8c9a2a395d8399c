#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "explain/classifier.h"
#include "graph/builder.h"
#include "graph/webgpu.h"
#include "networks.h"
#include "support.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace ks::graph_test {

TEST_SUITE_BEGIN("graph");

namespace {

const char* const fixture_models[] = {"plain", "grainnet", "vggbn"};

std::string fixture(const std::string& name) {
  return read_file(test::path("tests/golden/methods/" + name + "/model.onnx"));
}

std::string message_of(const std::string& bytes) {
  try {
    Classifier c(bytes, "m.onnx");
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a model read and written is the same model") {
  for (const char* name : fixture_models) {
    const graph::Model m = graph::read(fixture(name), name);
    const std::string bytes = graph::write(m);
    const graph::Model back = graph::read(bytes, name);
    CHECK(graph::write(back) == bytes);
    CHECK(back.nodes.size() == m.nodes.size());
    CHECK(back.initializers.size() == m.initializers.size());
    for (size_t i = 0; i < m.nodes.size(); ++i) {
      CHECK(back.nodes[i].op == m.nodes[i].op);
      CHECK(back.nodes[i].inputs == m.nodes[i].inputs);
      CHECK(back.nodes[i].attributes.size() == m.nodes[i].attributes.size());
    }
  }
}

TEST_CASE("a model cut off anywhere is a sentence, never a crash") {
  const std::string bytes = fixture("plain");
  for (size_t length = 0; length < bytes.size(); length += 1 + bytes.size() / 300)
    CHECK_THROWS_AS(graph::read(bytes.substr(0, length), "cut.onnx"), Error);
}

TEST_CASE("a damaged byte is a sentence or a model, never a crash") {
  const std::string bytes = fixture("plain");
  Random random(5);
  for (int i = 0; i < 300; ++i) {
    std::string damaged = bytes;
    damaged[i < 150 ? static_cast<size_t>(i) : random.below(static_cast<uint32_t>(bytes.size()))] ^=
        static_cast<char>(1 + random.below(255));
    try {
      const graph::Model m = graph::read(damaged, "damaged.onnx");
      graph::check(m, "damaged.onnx");
    } catch (const Error&) {
    }
  }
}

TEST_CASE("an unknown op, a missing image input and a missing tensor are named") {
  graph::Model m = graph::read(fixture("plain"), "plain");
  graph::Model unknown = m;
  unknown.nodes[1].op = "Frobnicate";
  CHECK(message_of(graph::write(unknown)).find("Frobnicate") != std::string::npos);
  graph::Model flat = m;
  flat.inputs[0].dimensions = {{-1, "N"}, {10, ""}};
  CHECK(message_of(graph::write(flat)).find("no image input") != std::string::npos);
  graph::Model loose = m;
  loose.nodes[1].inputs[0] = "nowhere";
  CHECK(message_of(graph::write(loose)).find("'nowhere'") != std::string::npos);
  CHECK(message_of(fixture("plain").substr(0, 2000)).find("cut off") != std::string::npos);
}

TEST_CASE("simplify changes no logit and leaves no batch norm behind a convolution") {
  for (const char* name : fixture_models) {
    const graph::Model m = graph::read(fixture(name), name);
    const graph::Model s = graph::simplify(m);
    graph::check(s, name);
    for (const graph::Node& node : s.nodes) CHECK(node.op != "BatchNormalization");
    Session before(graph::write(m), {}, name), after(graph::write(s), {}, name);
    Random random(3);
    Shape shape = m.inputs[0].shape();
    shape[0] = 2;
    const Tensor x = test::random_tensor(random, shape);
    const Tensor a = before.run({{"input", &x}}, {"logits"})[0], b = after.run({{"input", &x}}, {"logits"})[0];
    for (int64_t i = 0; i < a.size(); ++i) CHECK(std::fabs(a.data[i] - b.data[i]) < 1e-4 * (1 + std::fabs(a.data[i])));
  }
}

TEST_CASE("convolutions that WebGPU gets wrong are widened without changing a number") {
  // Kinds as [transposed, groups, input channels, output channels, kernel side, faulty].
  const int64_t kinds[][6] = {{0, 1, 6, 8, 3, 1}, {0, 1, 9, 4, 3, 1}, {0, 1, 3, 8, 3, 0},  {0, 1, 12, 8, 3, 0},
                              {0, 1, 6, 6, 3, 0}, {0, 1, 6, 8, 1, 0}, {0, 2, 12, 8, 3, 0}, {1, 4, 16, 4, 2, 1},
                              {1, 2, 4, 2, 3, 1}, {1, 8, 8, 8, 2, 0}, {1, 4, 12, 4, 2, 0}, {1, 2, 8, 4, 3, 0},
                              {1, 1, 6, 8, 3, 0}};
  for (const auto& kind : kinds) {
    const int64_t transposed = kind[0], group = kind[1], in = kind[2], out = kind[3], side = kind[4], faulty = kind[5];
    CAPTURE(in);
    CAPTURE(out);
    Random random(static_cast<uint64_t>(in * 100 + out));
    graph::Model model;
    model.inputs.push_back({"x", graph::Type::f32, {{-1, "N"}, {in, ""}, {7, ""}, {6, ""}}});
    graph::Builder builder(model);
    builder.fresh("x");
    const Shape shape = transposed ? Shape{in, out / group, side, side} : Shape{out, in / group, side, side};
    const std::string weights = builder.constant(graph::Array::of(test::random_tensor(random, shape)));
    const std::string bias = builder.constant(graph::Array::of(test::random_tensor(random, {out})));
    builder.add_named(transposed ? "ConvTranspose" : "Conv", {"x", weights, bias}, "y",
                      {{"group", group}, {"strides", std::vector<int64_t>{2, 2}}});
    model.outputs.push_back({"y", graph::Type::f32, {{-1, "N"}, {out, ""}, {-1, "h"}, {-1, "w"}}});
    graph::Model mended = model;
    CHECK(graph::avoid_webgpu_faults(mended) == faulty);
    graph::check(mended, "mended");
    CHECK(graph::avoid_webgpu_faults(mended) == 0);
    const Tensor x = test::random_tensor(random, {2, in, 7, 6});
    Session before(graph::write(model), {}, "before"), after(graph::write(mended), {}, "after");
    const Tensor a = before.run({{"x", &x}}, {"y"})[0], b = after.run({{"x", &x}}, {"y"})[0];
    REQUIRE(a.shape == b.shape);
    for (size_t i = 0; i < a.data.size(); ++i)
      REQUIRE(std::fabs(a.data[i] - b.data[i]) < 1e-5 * (1 + std::fabs(a.data[i])));
  }
}

TEST_CASE("a softmax at the end is cut off and a fixed batch is freed") {
  test::Network net(1, 3, 12, 12);
  net.convolution(4, 3, 1, true);
  net.add("Relu");
  net.add("Reshape", {net.builder.ints({1, 4 * 144})});
  graph::Model m = net.finish(true);
  graph::Model with_softmax = m;
  with_softmax.nodes.push_back({"Softmax", {"logits"}, {"probabilities"}, {{"axis", int64_t{1}}}, "softmax", ""});
  with_softmax.outputs[0].name = "probabilities";
  with_softmax.inputs[0].dimensions[0] = {1, ""};
  with_softmax.outputs[0].dimensions[0] = {1, ""};
  m.initializers[net.builder.ints({1, 4 * 144})] = graph::Array::ints({2}, {0, 4 * 144});
  Classifier plain(graph::write(m), "plain"), cut(graph::write(with_softmax), "cut");
  Random random(9);
  const Tensor x = test::random_tensor(random, {3, 3, 12, 12});
  CHECK(plain.logits(x).data == cut.logits(x).data);
  CHECK(cut.classes() == 3);
}

TEST_CASE("inferred window shapes are those ONNX Runtime computes") {
  Random random(11);
  const char* const automatic[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"};
  int tried = 0;
  for (int i = 0; i < 200 && tried < 80; ++i) {
    const std::string op = i % 3 == 0 ? "Conv" : i % 3 == 1 ? "MaxPool" : "AveragePool";
    test::Network net(i, 2, 7 + random.below(9), 7 + random.below(9));
    const int64_t k0 = 1 + random.below(4), k1 = 1 + random.below(4);
    graph::Builder::Attributes a = {{"kernel_shape", std::vector<int64_t>{k0, k1}},
                                    {"strides", std::vector<int64_t>{1 + random.below(3), 1 + random.below(3)}}};
    const std::string mode = automatic[random.below(4)];
    if (mode == "NOTSET") {
      std::vector<int64_t> pads;
      for (int p = 0; p < 4; ++p) pads.push_back(random.below(static_cast<uint32_t>(p % 2 ? k1 : k0)));
      a["pads"] = pads;
      if (op != "Conv") a["ceil_mode"] = int64_t{random.below(2)};
    } else {
      // ONNX Runtime refuses strides beyond the kernel here: its padding would be negative.
      a["strides"] = std::vector<int64_t>{1 + random.below(static_cast<uint32_t>(k0)),
                                          1 + random.below(static_cast<uint32_t>(k1))};
      a["auto_pad"] = mode;
    }
    if (op == "Conv")
      net.add(op, {net.constant({4, 2, k0, k1})}, a);
    else
      net.add(op, {}, a);
    net.model.outputs.push_back({net.top, graph::Type::f32, {}});
    const Shape inferred = net.shape();
    Session session(graph::write(net.model), {}, op);
    Shape shape = net.input_shape;
    shape[0] = 2;
    const Tensor x = test::random_tensor(random, shape);
    Shape actual = session.run({{"input", &x}}, {net.top})[0].shape;
    actual[0] = -1;
    CAPTURE(op);
    CAPTURE(mode);
    CHECK(inferred == actual);
    ++tried;
  }
  CHECK(tried == 80);
}

TEST_SUITE_END();

}  // namespace ks::graph_test

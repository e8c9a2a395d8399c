#include <doctest/doctest.h>

#include <filesystem>
#include <set>

#include "explain/classifier.h"
#include "explain/method.h"
#include "gradient_check.h"
#include "op_layers.h"
#include "support.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace ks::op_gradient_test {
using backward::Backend;

TEST_SUITE_BEGIN("backward");

TEST_CASE("gradient of every op in every form") {
  // ONNX's own checker looks at what is written here (tests/onnx_checker.py).
  const std::string folder = test::path("build/onnx/");
  std::filesystem::create_directories(folder);
  int written = 0;
  test::for_each_op_layer([&](const test::OpLayer& layer, test::Network& net) {
    const graph::Model checked = test::check_gradient(net, 2e-2, layer.gap);
    // What needs a newer opset than the common one, Debian 12's checker does not know yet.
    if (checked.opset == 17)
      write_file(folder + "gradient-" + std::to_string(++written) + ".onnx", graph::write(checked));
  });
  CHECK(written > 150);
}

TEST_CASE("every op with a gradient is among the tested ones") {
  std::set<std::string> tested;
  for (const test::OpLayer& layer : test::op_layers()) {
    test::Network net = test::op_network(1);
    layer.build(net);
    for (const graph::Node& node : net.model.nodes) tested.insert(node.op);
  }
  for (const std::string& op : backward::differentiable_ops()) {
    CAPTURE(op);
    CHECK(tested.count(op) + (op == "Cast") > 0);  // Cast: of comparisons only, which have no slope
  }
}

TEST_CASE("gradients where operands and windows tie") {
  // The first of two equal maxima gets all, of a whole map as of a window.
  for (Backend backend : {Backend::cpu, Backend::webgpu}) {
    test::Network net(4, 1, 4, 4);
    net.add("GlobalMaxPool");
    const graph::Model model = net.finish(false);
    const Tensor x({1, 1, 4, 4}, 0.5f), seed({1, 3}, 1.0f);
    const Tensor g = test::run_explainer(test::gradient_of(model, net.input_shape, backend), x, seed).attribution;
    for (size_t i = 0; i < 16; ++i) CHECK((g.data[i] != 0) == (i == 0));
  }
}

TEST_CASE("a network with an op outside the list works, but for its gradient") {
  test::Network net(6, 3, 12, 12);
  net.convolution(4, 3, 1, true);
  net.add("Tanh");
  const size_t wave = net.model.nodes.size() - 1;
  net.add("Relu");
  net.add("GlobalAveragePool");
  graph::Model model = net.finish(true);
  model.nodes[wave].op = "Sin";
  model.nodes[wave].name = "wave";
  Classifier classifier(graph::write(model), "wavy.onnx");
  Random random(5);
  const Tensor x = test::random_tensor(random, {2, 3, 12, 12});
  CHECK(classifier.logits(x).shape == Shape{2, 3});
  const json window = {{"window", 4}, {"stride", 4}};
  CHECK(explain("occlusion", window, {classifier, x, {0, 1}}).shape == x.shape);
  for (const char* method : {"gradient", "lrp-epsilon"}) {
    std::string said;
    try {
      explain(method, {}, {classifier, x, {0, 1}});
    } catch (const Error& e) {
      said = e.what();
    }
    CHECK(said.find("'wave' (Sin)") != std::string::npos);
    CHECK(said.find("wavy.onnx") != std::string::npos);
  }
}

TEST_SUITE_END();

}  // namespace ks::op_gradient_test

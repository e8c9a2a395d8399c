#include "explain/together.h"
#include "difference.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "explain/network.h"
#include "graph/combine.h"
#include "graph/simplify.h"
#include "networks.h"
#include "study/engine.h"
#include "support.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "tensor/npy.h"
#include "worker/service.h"

namespace ks::together_test {

namespace {

std::vector<ChosenMethod> all_networks() {
  std::vector<ChosenMethod> out;
  for (const Method& m : methods())
    if (ChosenMethod chosen(m.name, {}); chosen.is_network()) out.push_back(chosen);
  return out;
}

size_t count(const graph::Model& model, const std::string& op) {
  return static_cast<size_t>(
      std::count_if(model.nodes.begin(), model.nodes.end(), [&](const graph::Node& n) { return n.op == op; }));
}

graph::Model network_of(const Classifier& c, const std::string& method) {
  const ChosenMethod m(method, {});
  return m.method->network(c, m.params);
}

Classifier fixture(const std::string& model) {
  return Classifier(read_file(test::path("tests/golden/methods/" + model + "/model.onnx")), model);
}

Tensor fixture_input(const std::string& model) {
  return load_npy(test::path("tests/golden/methods/" + model + "/input.npy"));
}

/// input [N,2] -> y = input + 1 -> logits = y * 3, and networks made from it.
graph::Model small_forward() {
  graph::Model model;
  model.inputs.push_back({"input", graph::Type::f32, {{-1, "N"}, {2, ""}}});
  graph::Builder b(model);
  b.add_named("Add", {"input", b.constant(graph::Array::floats({}, {1}), "one")}, "y");
  b.add_named("Mul", {"y", b.constant(graph::Array::floats({}, {3}), "three")}, "logits");
  model.outputs.push_back({"logits", graph::Type::f32, {{-1, "N"}, {2, ""}}});
  return model;
}

void add_output(graph::Model& model, const std::string& name) {
  model.outputs.push_back({name, graph::Type::f32, {{-1, "N"}, {2, ""}}});
}

}  // namespace

TEST_SUITE("together") {
  TEST_CASE("methods together give what each gives alone") {
    for (const std::string model : {"grainnet", "vggbn"}) {
      Classifier alone = fixture(model), joint = fixture(model);
      const Tensor x = fixture_input(model);
      const std::vector<int> targets(static_cast<size_t>(x.dim(0)), 1);
      std::vector<ChosenMethod> chosen = all_networks();
      chosen.insert(chosen.begin() + 1, ChosenMethod("random", {}));
      double last = 0;
      bool rising = true;
      const auto progress = [&](double fraction) {
        rising = rising && fraction >= last && fraction <= 1;
        last = fraction;
      };
      const std::vector<Tensor> together = explain_together(chosen, {joint, x, targets, 7, progress});
      CHECK(rising);
      CHECK(last == 1);
      REQUIRE(together.size() == chosen.size());
      for (size_t k = 0; k < chosen.size(); ++k) {
        CAPTURE(model);
        CAPTURE(chosen[k].method->name);
        CHECK(test::share_of_peak(explain(chosen[k].method->name, {}, {alone, x, targets, 7}), together[k]) <= 1e-4);
      }
    }
  }

  TEST_CASE("equal graphs are one output, and one session whatever they are called") {
    Classifier c = fixture("grainnet");
    JointNetwork& joint = joint_network(c, {{"gradient", {}}, {"input-x-gradient", {}}, {"gradient", {}}});
    CHECK(joint.outputs[0] == joint.outputs[2]);
    CHECK(joint.outputs[0] != joint.outputs[1]);
    CHECK(joint.session->outputs().size() == 3);
    CHECK(std::accumulate(joint.shares.begin(), joint.shares.end(), 0.0) == doctest::Approx(1));

    const auto build = [&](const char* method) { return [&c, method] { return network_of(c, method); }; };
    Session& one = c.derived("one name", build("gradient"));
    CHECK(&one == &c.derived("another name", build("gradient")));
    CHECK(&one != &c.derived("a third name", build("guided-backprop")));
    CHECK(&one == &c.derived("one name", build("guided-backprop")));  // a key is not built again
  }

  TEST_CASE("the forward pass and common parts are there once") {
    for (const std::string model : {"grainnet", "vggbn"}) {
      const Classifier c = fixture(model);
      const graph::Model &forward = c.model(), gradient = network_of(c, "gradient"),
                         guided = network_of(c, "guided-backprop"), plus = network_of(c, "lrp-epsilon-plus"),
                         flat = network_of(c, "lrp-epsilon-plus-flat");
      const auto merged = [&](const std::vector<graph::Model>& networks) {
        graph::Model out = graph::combine(forward, networks).model;
        CHECK_NOTHROW(graph::check(out, "merged"));
        return out;
      };
      CHECK(merged({gradient}).nodes.size() == gradient.nodes.size());
      CHECK(merged({gradient, gradient}).nodes.size() == gradient.nodes.size());
      CHECK(count(merged({gradient, guided}), "Conv") ==
            count(gradient, "Conv") + count(guided, "Conv") - count(forward, "Conv"));
      CHECK(count(merged({gradient, guided}), "MaxPool") == count(forward, "MaxPool"));
      // The two composites differ in the first layer: all convolutions of positive contributions but its are common.
      const size_t own = count(plus, "Conv") - count(forward, "Conv");
      CHECK(count(merged({plus, flat}), "Conv") < count(plus, "Conv") + own);
      CHECK(merged({plus, flat}).initializers.size() < plus.initializers.size() + flat.initializers.size());
    }
  }

  TEST_CASE("where one network makes a forward tensor by other nodes, all take it from there") {
    const graph::Model forward = small_forward();
    graph::Model one = forward, other = forward;
    {
      graph::Builder b(one);
      one.nodes[0].op = "Sub";
      one.nodes[0].inputs[1] = b.constant(graph::Array::floats({}, {-1}), "minus-one");
      b.add_named("Neg", {"y"}, "mine");
      add_output(one, "mine");
    }
    {
      graph::Builder b(other);
      b.add_named("Neg", {"y"}, "yours");
      b.add_named("Mul", {"yours", b.constant(graph::Array::floats({}, {3}), "drei")}, "three-times");
      add_output(other, "yours");
      add_output(other, "three-times");
    }
    const graph::Combined merged = graph::combine(forward, {other, one});
    CHECK_NOTHROW(graph::check(merged.model, "merged"));
    CHECK(merged.outputs[0][1] == merged.outputs[1][1]);
    CHECK(merged.model.outputs.size() == 3);
    CHECK(count(merged.model, "Add") == 0);
    CHECK(count(merged.model, "Sub") == 1);
    CHECK(count(merged.model, "Neg") == 1);
    CHECK(merged.model.initializers.size() == 2);  // -1, and 3 under one of its names
    Session session(graph::write(merged.model), {}, "merged");
    const Tensor x({1, 2}, std::vector<float>{4, -2});
    const auto out = session.run({{"input", &x}}, {"logits", merged.outputs[0][1], merged.outputs[0][2]});
    CHECK(out[0].data == std::vector<float>{15, -3});
    CHECK(out[1].data == std::vector<float>{-5, 1});
    CHECK(out[2].data == std::vector<float>{-15, 3});

    graph::Model newer = other;
    newer.opset = 18;
    CHECK_THROWS_AS(graph::combine(forward, {one, newer}), std::logic_error);
  }

  TEST_CASE("a method pays for its share of the work") {
    Classifier c = fixture("vggbn");
    const JointNetwork& joint = joint_network(c, {{"gradient", {}}, {"lrp-epsilon-alpha2-beta1", {}}});
    CHECK(joint.shares[0] + joint.shares[1] == doctest::Approx(1));
    CHECK(joint.shares[1] > 1.3 * joint.shares[0]);
  }

  TEST_CASE("the engine computes an image's networks in one pass and keeps them as cells") {
    const auto loader = [](const std::string&, const Source&) {
      return read_file(test::path("tests/golden/methods/grainnet/model.onnx"));
    };
    std::map<std::string, std::string> stored;
    const CellStore store = {.load = [&](const std::string& key) -> std::optional<std::string> {
                               const auto it = stored.find(key);
                               return it == stored.end() ? std::nullopt : std::optional(it->second);
                             },
                             .save = [&](const std::string& key, const std::string& bytes) { stored[key] = bytes; }};
    Study study;
    study.model = {.text = "grainnet"};
    for (const char* id : {"a", "b"})
      study.images.push_back({.id = id,
                              .source = {.kind = Source::Kind::generate,
                                         .recipe = {{"defect", "pink-fusarium"}, {"seed", id[0]}, {"size", 48}}}});
    study.methods = {{"gradient"}, {"random"}, {"lrp-epsilon-plus-flat"}, {"gradient"}, {"guided-backprop"}};
    Engine together(loader, {}, store), alone(loader);
    together.open(study);
    alone.open(study);
    double reported = 0;
    together.explain_together(0, study.methods, [&](double fraction) { reported = fraction; });
    CHECK(reported == 1);
    CHECK(together.counts().explanations == 3);
    CHECK(stored.size() == 3);
    CHECK(together.is_cached(0, study.methods[0]));
    CHECK_FALSE(together.is_cached(0, study.methods[1]));
    CHECK_FALSE(together.is_cached(1, study.methods[0]));
    for (const StudyMethod& m : study.methods) {
      CHECK(test::share_of_peak(alone.explain(0, m).map, together.explain(0, m).map) <= 1e-4);
      CHECK(together.explain(0, m).milliseconds > 0);
    }
    CHECK(together.counts().explanations == 4);  // and the random one
    together.explain_together(0, study.methods);
    CHECK(together.counts().explanations == 4);

    // What is there stays; a cancelled pass keeps what it computed.
    const Tensor before = together.explain(1, study.methods[0]).map;
    CHECK_THROWS_AS(together.explain_together(1, study.methods, [](double) { throw Cancelled(); }), Cancelled);
    CHECK(together.is_cached(1, study.methods[2]));
    CHECK(together.explain(1, study.methods[0]).map.data == before.data);

    Engine later(loader, {}, store);
    later.open(study);
    later.explain_together(0, study.methods);
    CHECK(later.counts().explanations == 0);
    CHECK(later.explain(0, study.methods[2]).from_store);
  }

  TEST_CASE("the page's worker computes what is asked for next along with a map") {
    const auto loader = [](const std::string&, const Source&) {
      return read_file(test::path("tests/golden/methods/grainnet/model.onnx"));
    };
    const json study = {{"kernelscope", 1},
                        {"model", {{"builtin", "grainnet"}}},
                        {"images", {{{"id", "a"}, {"generate", {{"seed", 5}, {"size", 48}}}}}},
                        {"methods", {"gradient", "lrp-epsilon-plus", "random"}}};
    const auto explained = [&](Service& service, const char* method, const json& together) {
      json request = {{"id", 2}, {"op", "explain"}, {"image", "a"}, {"method", {{"name", method}}}};
      if (!together.is_null()) request["together"] = together;
      Message answer = service.handle(request, "", nullptr);
      REQUIRE(answer.head.at("ok") == true);
      Tensor map(answer.head.at("shape").get<Shape>());
      REQUIRE(answer.bytes.size() == map.data.size() * sizeof(float));
      std::memcpy(map.data.data(), answer.bytes.data(), answer.bytes.size());
      return std::pair(map, answer.head.at("milliseconds").get<double>());
    };
    Service joint(loader), alone(loader);
    for (Service* service : {&joint, &alone})
      REQUIRE(service->handle({{"id", 1}, {"op", "study"}, {"study", study}}, "", nullptr).head.at("ok") == true);
    const json all = {{{"name", "gradient"}}, {{"name", "lrp-epsilon-plus"}}, {{"name", "random"}}};
    for (const char* method : {"gradient", "lrp-epsilon-plus", "random"}) {
      const auto [map, milliseconds] = explained(joint, method, all);
      CHECK(test::share_of_peak(explained(alone, method, nullptr).first, map) <= 1e-4);
      CHECK(milliseconds > 0);
    }
    const json unknown = {{"id", 3},
                          {"op", "explain"},
                          {"image", "a"},
                          {"method", {{"name", "gradient"}}},
                          {"together", {{{"name", "gradeint"}}, {{"name", "gradient"}}}}};
    CHECK(joint.handle(unknown, "", nullptr).head.at("ok") == false);
  }

  TEST_CASE("methods whose network cannot be built do not stop the others' sentences") {
    test::Network network(3, 3, 16, 16);
    network.convolution(4, 3, 1, true);
    network.add("Sin");
    network.add("GlobalAveragePool");
    network.top = network.builder.add("Flatten", {network.top});
    const std::string weights = network.constant({3, 4});
    network.builder.add_named("Gemm", {network.top, weights}, "logits", {{"transB", int64_t{1}}});
    network.model.outputs.push_back({"logits", graph::Type::f32, {{-1, "N"}, {3, ""}}});
    Classifier c(graph::write(network.model), "sine");
    const JointNetwork& joint = joint_network(c, {{"gradient", {}}, {"guided-backprop", {}}});
    CHECK(!joint.session);
    const Tensor x({1, 3, 16, 16}, 0.5f);
    try {
      explain_together({{"gradient", {}}, {"guided-backprop", {}}}, {c, x, {0}});
      FAIL("the network has an op without a gradient");
    } catch (const Error& e) {
      CHECK(std::string(e.what()).find("Sin") != std::string::npos);
    }
  }
}

}  // namespace ks::together_test

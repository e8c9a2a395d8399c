// The training loop: data, augmentation, checkpoints, the exported model.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "explain/classifier.h"
#include "support.h"
#include "tensor/error.h"
#include "tensor/file.h"
#include "train/trainer.h"

namespace ks::train::train_test {

namespace {

/// Pictures of noise; those of class 1 have a red square somewhere.
Samples squares(int count, uint64_t seed, int size = 32) {
  Samples set{{"plain", "square"}, {}, "squares"};
  Random random(seed);
  for (int i = 0; i < count; ++i) {
    Image image(size, size);
    for (uint8_t& v : image.rgb) v = static_cast<uint8_t>(90 + random.below(60));
    const int label = i % 2, x = static_cast<int>(random.below(size - 12)),
              y = static_cast<int>(random.below(size - 12));
    for (int k = 0; label && k < 100; ++k) {
      image.at(x + k % 10, y + k / 10)[0] = 230;
      image.at(x + k % 10, y + k / 10)[1] = 30;
    }
    set.samples.push_back({std::move(image), label, "square " + std::to_string(i)});
  }
  return set;
}

TrainingOptions small_options() {
  TrainingOptions o;
  o.net.width = 16;
  o.net.blocks = 2;
  o.preprocessing.width = o.preprocessing.height = 32;
  o.epochs = 3;
  o.batch = 8;
  o.rate = 0.05;
  o.warmup_epochs = 0.5;
  o.threads = 2;
  return o;
}

}  // namespace

TEST_SUITE("train") {
  TEST_CASE("an interrupted and resumed training gives the same model to the bit") {
    const Samples training = squares(40, 1), validation = squares(10, 2);
    const TrainingOptions options = small_options();
    Trainer whole(options, training, validation);
    while (!whole.finished()) whole.run_epoch();

    std::string checkpoint;
    {
      Trainer first(options, training, validation);
      first.run_epoch();
      checkpoint = write_checkpoint(first.state(), first.identity());
      int calls = 0;
      CHECK_THROWS_AS(first.run_epoch([&](double) {
        if (++calls == 3) throw Cancelled();
      }),
                      Cancelled);
      CHECK(write_checkpoint(first.state(), first.identity()) == checkpoint);  // of the broken epoch nothing is kept
    }
    Trainer second(options, training, validation);
    second.restore(read_checkpoint(checkpoint, second.identity(), "checkpoint"));
    CHECK(second.state().history.size() == 1);
    while (!second.finished()) second.run_epoch();
    CHECK(second.state().weights.parameters.data == whole.state().weights.parameters.data);
    CHECK(second.state().weights.statistics.data == whole.state().weights.statistics.data);
    CHECK(second.state().optimizer.data == whole.state().optimizer.data);
    CHECK(graph::write(second.best_model()) == graph::write(whole.best_model()));
    CHECK(write_checkpoint(second.state(), second.identity()) == write_checkpoint(whole.state(), whole.identity()));
  }

  TEST_CASE("a checkpoint of another training, or none, is refused in a sentence") {
    const Samples training = squares(16, 1), validation = squares(4, 2);
    Trainer trainer(small_options(), training, validation);
    const std::string bytes = write_checkpoint(trainer.state(), trainer.identity());
    TrainingOptions other = small_options();
    other.optimizer.momentum = 0.5f;
    Trainer different(other, training, validation);
    CHECK_THROWS_WITH_AS(read_checkpoint(bytes, different.identity(), "x"), doctest::Contains("optimizer/momentum"),
                         Error);
    const Samples more = squares(20, 1);
    Trainer with_more(small_options(), more, validation);
    CHECK_THROWS_WITH_AS(read_checkpoint(bytes, with_more.identity(), "x"), doctest::Contains("data/training"), Error);
    CHECK_THROWS_AS(read_checkpoint("nonsense", trainer.identity(), "x"), Error);
    CHECK_THROWS_AS(read_checkpoint(bytes.substr(0, bytes.size() / 2), trainer.identity(), "x"), Error);
    CHECK_THROWS_AS(read_checkpoint(graph::write(inference_model(trainer.network(), trainer.state().weights)),
                                    trainer.identity(), "x"),
                    Error);
  }

  TEST_CASE("training learns, and the exported model knows what it needs") {
    const Samples training = squares(96, 3), validation = squares(32, 4), test = squares(60, 5);
    TrainingOptions options = small_options();
    options.epochs = 6;
    options.augmentation.rotation = 20;
    Trainer trainer(options, training, validation);
    while (!trainer.finished()) trainer.run_epoch();
    const graph::Model model = trainer.best_model();
    const std::string bytes = graph::write(model);
    Session session(bytes, {}, "model");
    const auto predict = [&](const Tensor& x) { return session.run({{"image", &x}}, {"probability"}).at(0); };
    const Evaluation e = evaluate(predict, test, options.preprocessing, 2);
    CHECK(e.accuracy > 0.9);
    CHECK(trainer.state().history.back().loss < 0.5 * trainer.state().history.front().loss);
    CHECK(e.confusion[0][0] + e.confusion[0][1] == 30);
    CHECK(e.confusion[0][0] + e.confusion[1][1] == doctest::Approx(60 * e.accuracy));

    // As everything else opens it: logits are what the softmax had, names and preprocessing come along.
    Classifier classifier(bytes, "model");
    CHECK(classifier.class_names() == std::vector<std::string>{"plain", "square"});
    CHECK(classifier.preprocessing().width == 32);
    for (int i = 0; i < 6; ++i) {
      const Tensor x = image_to_tensor(test.samples[i].image, options.preprocessing);
      const Tensor p = classifier.probabilities(x);
      CHECK(p.data[e.predictions[i]] == doctest::Approx(e.confidences[i]).epsilon(1e-4));
    }
    const json record = json::parse(graph::read(bytes, "model").metadata.at("kernelscope.training"));
    CHECK(record["seed"] == 1);
    CHECK(record["data"]["training"]["samples"]["square"] == 48);
    CHECK(record["validation_accuracy"].get<double>() > 0.9);

    // For ONNX's own checker, which the project's tests run over what lies there.
    const std::string folder = ks::test::path("build/onnx/");
    write_file(folder + "grainnet.onnx", bytes);
    write_file(folder + "grainnet-step-sgd.onnx", graph::write(training_step(trainer.network(), {}, 4, 0)));
    Optimizer adamw;
    adamw.rule = Rule::adamw;
    write_file(folder + "grainnet-step-adamw.onnx", graph::write(training_step(trainer.network(), adamw, 4, 0)));
  }

  TEST_CASE("the learning rate warms up and falls to zero") {
    TrainingOptions o;
    o.epochs = 10;
    o.rate = 0.4;
    o.warmup_epochs = 2;
    CHECK(learning_rate(o, 0, 5) == doctest::Approx(0.04));
    CHECK(learning_rate(o, 9, 5) == doctest::Approx(0.4));
    CHECK(learning_rate(o, 10, 5) == doctest::Approx(0.4));
    CHECK(learning_rate(o, 30, 5) == doctest::Approx(0.2));
    CHECK(learning_rate(o, 49, 5) < 0.001);
    for (int step = 11; step < 50; ++step) CHECK(learning_rate(o, step, 5) < learning_rate(o, step - 1, 5));
    o.warmup_epochs = 0;
    CHECK(learning_rate(o, 0, 5) == doctest::Approx(0.4));
  }

  TEST_CASE("augmentation: nothing changes nothing, a seed fixes everything, geometry is what it says") {
    const Image image = squares(2, 9, 40).samples[1].image;
    Preprocessing p;
    p.width = p.height = 40;
    const Tensor plain = image_to_tensor(image, p);
    Tensor out({1, 3, 40, 40}), again = out;
    Random random(1);
    augment(image, Augmentation::none(), p, random, out.data.data());
    for (size_t i = 0; i < out.data.size(); ++i) CHECK(out.data[i] == doctest::Approx(plain.data[i]).epsilon(1e-4));

    Random a(5, 3), b(5, 3), c(5, 4);
    augment(image, {}, p, a, out.data.data());
    augment(image, {}, p, b, again.data.data());
    CHECK(out.data == again.data);
    augment(image, {}, p, c, again.data.data());
    CHECK(out.data != again.data);

    // With flips alone the picture is one of four.
    Augmentation flips = Augmentation::none();
    flips.flip = true;
    int found[4] = {};
    for (int seed = 0; seed < 40; ++seed) {
      Random r(seed);
      augment(image, flips, p, r, out.data.data());
      for (int k = 0; k < 4; ++k) {
        double difference = 0;
        for (int y = 0; y < 40; ++y)
          for (int x = 0; x < 40; ++x)
            difference += std::abs(out.data[y * 40 + x] - plain.data[(k & 2 ? 39 - y : y) * 40 + (k & 1 ? 39 - x : x)]);
        found[k] += difference < 1;
      }
    }
    for (int k = 0; k < 4; ++k) CHECK(found[k] > 2);
    CHECK(found[0] + found[1] + found[2] + found[3] == 40);

    // Everything at once stays a picture: finite, within what pixels can be, and not far from the original in the mean.
    for (int seed = 0; seed < 20; ++seed) {
      Random r(seed, 7);
      augment(image, {}, p, r, out.data.data());
      double mean = 0;
      for (int64_t i = 0; i < 1600; ++i) {
        CHECK(out.data[i] >= (0 - p.mean[0]) / p.deviation[0] - 1e-4);
        CHECK(out.data[i] <= (1 - p.mean[0]) / p.deviation[0] + 1e-4);
        mean += out.data[i] - plain.data[i];
      }
      CHECK(std::abs(mean / 1600) < 1.0);
    }
  }

  TEST_CASE("folders become data sets, and fractions are taken from every class") {
    namespace fs = std::filesystem;
    const fs::path folder = fs::temp_directory_path() / "kernelscope-train-test";
    fs::remove_all(folder);
    const Samples made = squares(12, 8, 20);
    for (size_t i = 0; i < made.samples.size(); ++i)
      write_file((folder / made.classes[made.samples[i].label] / (std::to_string(i) + ".png")).string(),
                 encode_png(made.samples[i].image));
    write_file((folder / "notes" / "read.txt").string(), "no pictures here");
    Samples set = load_folder(folder.string(), 20, 20);
    CHECK(set.classes == made.classes);
    CHECK(set.samples.size() == 12);
    CHECK(set.samples[0].image.rgb == made.samples[0].image.rgb);
    const Samples taken = take_fraction(set, 0.3, 1);
    CHECK(taken.samples.size() == 4);
    CHECK(set.samples.size() == 8);
    for (const Sample& t : taken.samples)
      for (const Sample& s : set.samples) CHECK(t.name != s.name);
    fs::remove_all(folder / "square");
    CHECK_THROWS_WITH_AS(load_folder(folder.string(), 20, 20), doctest::Contains("one folder of pictures per class"),
                         Error);
    CHECK_THROWS_AS(load_folder((folder / "nowhere").string(), 20, 20), Error);
    write_file((folder / "square" / "x.png").string(), "no picture");
    CHECK_THROWS_AS(load_folder(folder.string(), 20, 20), Error);
    fs::remove_all(folder);
  }

  TEST_CASE("options out of range and data that do not fit are refused") {
    const Samples training = squares(16, 1), validation = squares(4, 2);
    TrainingOptions o = small_options();
    o.rate = -1;
    CHECK_THROWS_AS(Trainer(o, training, validation), Error);
    o = small_options();
    o.warmup_epochs = 50;
    CHECK_THROWS_AS(Trainer(o, training, validation), Error);
    Samples other = validation;
    other.classes = {"a", "b"};
    CHECK_THROWS_AS(Trainer(small_options(), training, other), Error);
    CHECK_THROWS_AS(Trainer(small_options(), training, Samples{training.classes, {}, ""}), Error);
    o = small_options();
    // Decay alone then multiplies the dense weights by -99 a step, whatever the gradient and its rounding.
    o.rate = 100;
    o.optimizer.weight_decay = 1;
    o.epochs = 20;
    o.warmup_epochs = 0;
    CHECK_THROWS_WITH_AS(
        [&] {
          Trainer t(o, training, validation);
          while (!t.finished()) t.run_epoch();
        }(),
        doctest::Contains("learning rate"), Error);
  }
}

}  // namespace ks::train::train_test

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "grain/dataset.h"
#include "tensor/error.h"
#include "tensor/file.h"

namespace ks::dataset_test {

namespace {

/// `count` photographs in each of two varieties, healthy and twice damaged.
Dataset photographs(int count) {
  Dataset dataset;
  dataset.classes = {"healthy", "pink-fusarium", "skinned"};
  for (const char* variety : {"aca", "buck"})
    for (int k = 0; k < count; ++k)
      for (int label = 0; label < 3; ++label) {
        DatasetItem item;
        item.source = std::string(variety) + "/" + std::to_string(k) + ".jpg";
        item.group = variety;
        item.label = label;
        item.image = "images/" + std::string(variety) + std::to_string(k) + dataset.classes[label] + ".png";
        if (label) item.mask = "masks/" + std::to_string(k) + ".png";
        item.seed = 1234567890123ull + k;
        dataset.items.push_back(item);
      }
  return dataset;
}

struct Folder {
  std::string path = (std::filesystem::temp_directory_path() / "kernelscope-dataset-test").string();
  Folder() { std::filesystem::remove_all(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_SUITE_BEGIN("grain");

TEST_CASE("pictures of one photograph never stand in two splits, and every variety and class has its share") {
  Dataset dataset = photographs(50);
  split_by_source(dataset, 0.3, 0.1, 7);
  std::map<std::string, std::set<Split>> splits;
  std::map<std::pair<std::string, int>, int> tested;
  for (const DatasetItem& item : dataset.items) {
    splits[item.source].insert(item.split);
    tested[{item.group, item.label}] += item.split == Split::test;
  }
  CHECK(splits.size() == 100);
  for (const auto& [source, used] : splits) CHECK(used.size() == 1);
  for (const auto& [stratum, count] : tested) CHECK(count == 15);
  CHECK(dataset.of(Split::validation).size() == 24);  // 10 % of 35, rounded, in two varieties and three classes
  CHECK(dataset.of(Split::train).size() == 300 - 90 - 24);

  Dataset again = photographs(50), other = photographs(50);
  split_by_source(again, 0.3, 0.1, 7);
  split_by_source(other, 0.3, 0.1, 8);
  int differing = 0;
  for (size_t i = 0; i < dataset.items.size(); ++i) {
    CHECK(again.items[i].split == dataset.items[i].split);
    differing += other.items[i].split != dataset.items[i].split;
  }
  CHECK(differing > 30);
}

TEST_CASE("kernels that show one class each are split evenly by class, too") {
  Dataset dataset;
  dataset.classes = {"healthy", "skinned"};
  for (int k = 0; k < 200; ++k) {
    DatasetItem item;
    item.source = std::to_string(k);
    item.group = "wheat";
    item.label = k % 2;
    dataset.items.push_back(item);
  }
  split_by_source(dataset, 0.3, 0, 3);
  int tested[2] = {};
  for (const DatasetItem* item : dataset.of(Split::test)) ++tested[item->label];
  CHECK(tested[0] == 30);
  CHECK(tested[1] == 30);
}

TEST_CASE("a data set survives saving and loading, and its classes can be chosen") {
  const Folder folder;
  Dataset dataset = photographs(4);
  split_by_source(dataset, 0.5, 0, 1);
  dataset.folder = folder.path;
  dataset.made_by = {{"command", "kernelscope plant"}};
  save_dataset(dataset);
  const Dataset back = load_dataset(folder.path);
  REQUIRE(back.items.size() == dataset.items.size());
  CHECK(back.classes == dataset.classes);
  CHECK(back.made_by == dataset.made_by);
  for (size_t i = 0; i < back.items.size(); ++i) {
    const DatasetItem &a = back.items[i], &b = dataset.items[i];
    CHECK(a.image == b.image);
    CHECK(a.mask == b.mask);
    CHECK(a.label == b.label);
    CHECK(a.source == b.source);
    CHECK(a.group == b.group);
    CHECK(a.split == b.split);
    CHECK(a.seed == b.seed);
  }
  const Dataset two = with_classes(back, {"healthy", "skinned"});
  CHECK(two.items.size() == 16);
  for (const DatasetItem& item : two.items) CHECK((item.label == 0) == item.mask.empty());
  CHECK_THROWS_WITH_AS(with_classes(back, {"healthy", "skined"}), "there is no class 'skined'; did you mean 'skinned'?",
                       Error);
}

TEST_CASE("pictures and masks are found from the data set, and a mask of another size is refused") {
  const Folder folder;
  Dataset dataset = photographs(1);
  dataset.folder = folder.path;
  Image image(6, 4);
  image.at(3, 2)[1] = 77;
  Mask mask(6, 4), wrong(5, 4);
  mask.at(1, 1) = 1;
  write_file(folder.path + "/" + dataset.items[1].image, encode_png(image));
  write_file(folder.path + "/" + dataset.items[1].mask, encode_png(mask));
  const Image loaded = load_item(dataset, dataset.items[1]);
  CHECK(loaded.at(3, 2)[1] == 77);
  CHECK(load_item_mask(dataset, dataset.items[1], loaded).inside == mask.inside);
  CHECK(load_item_mask(dataset, dataset.items[0], loaded).area() == 0);
  write_file(folder.path + "/" + dataset.items[1].mask, encode_png(wrong));
  CHECK_THROWS_AS(load_item_mask(dataset, dataset.items[1], loaded), Error);
}

TEST_CASE("a bad data set gets a sentence") {
  const Folder folder;
  const auto refused = [&](const std::string& text, const char* part) {
    write_file(folder.path + "/dataset.json", text);
    CHECK_THROWS_WITH_AS(load_dataset(folder.path), doctest::Contains(part), Error);
  };
  CHECK_THROWS_AS(load_dataset(folder.path + "/nowhere"), Error);
  refused("{\"format\": ", "no data set");
  refused("[]", "no data set");
  refused(R"({"format":"kernelscope-dataset","version":9})", "newer version");
  refused(R"({"format":"kernelscope-dataset","version":1,"classes":["a"],"items":[]})", "empty");
  refused(R"({"format":"kernelscope-dataset","version":1,"classes":["a"],"items":[{"image":"x.png"}]})", "item 0");
  refused(R"({"format":"kernelscope-dataset","version":1,"classes":["a"],"items":[{"image":"../x.png","class":"a"}]})",
          "no file of the data set");
  refused(R"({"format":"kernelscope-dataset","version":1,"classes":["a"],"items":[{"image":"x.png","class":"b"}]})",
          "no class 'b'");
  refused(
      R"({"format":"kernelscope-dataset","version":1,"classes":["a"],"items":[{"image":"x.png","class":"a","split":"fun"}]})",
      "no split 'fun'");
}

TEST_SUITE_END();

}  // namespace ks::dataset_test

#pragma once
#include <string>
#include <vector>

#include "picture/image.h"

namespace ks::train {

/// A picture with its class, at the network's input size: what training, validation and testing work on.
struct Sample {
  Image image;
  int label = 0;
  std::string name;  // the file, or the recipe, it came from
};

struct DataSet {
  std::vector<std::string> classes;
  std::vector<Sample> samples;
  std::string description;  // where it came from: the folder, or the recipe
};

/// Reads a folder with one folder of pictures per class, classes and pictures in the order of their names; every
/// picture is resized to width x height as a classifier does with what it is given. Throws Error where there are fewer
/// than two classes, a class has no picture, or a picture cannot be read.
DataSet load_folder(const std::string& folder, int width, int height, const Progress& progress = {});

/// Takes a fraction of every class out of `all`, chosen by the seed; what is taken is returned. At least one sample of
/// every class stays and, for a fraction above 0, one is taken. Throws Error for a class with a single sample.
DataSet take_fraction(DataSet& all, double fraction, uint64_t seed);

}  // namespace ks::train
